"""D: rollouts, Services and disruption, each rule broken in its exact words, and what is right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from modelyard import Accelerator, Claim, Cluster, ConfigFiles, CpuScale, Gpu
from modelyard.render.objects import gather
from modelyard.rules import Scope, breaches
from tests.rules.judge import judged
from tests.rules.manifests import (
    autoscaler,
    budget,
    config_map,
    deployment,
    job,
    network_policy,
    pods,
    service,
)
from tests.support import environment, found, found_by, raw, training
from tests.support import service as own_service

CASES: list[Any] = []
WEB = "test: Deployment web "
WORKER = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
HTTP = {"name": "http", "port": 80, "targetPort": "http"}
LABELS = {"app": "web"}
SIDECAR = {"name": "proxy", "image": "a:1", "restartPolicy": "Always"}
PORT = {"ports": [{"name": "http", "containerPort": 8080}]}


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, manifests, [] if text is None else [text], id=f"{rule}-{name}"))


def rolling(surge: object, unavailable: object, **spec: Any) -> Mapping[str, Any]:
    """Return the stock Deployment with these numbers."""
    numbers = {"maxSurge": surge, "maxUnavailable": unavailable}
    given = {key: value for key, value in numbers.items() if value is not ...}
    return deployment(strategy={"type": "RollingUpdate", "rollingUpdate": given}, **spec)


def daemon_set(surge: object, unavailable: object) -> Mapping[str, Any]:
    """Return a DaemonSet with these numbers."""
    numbers = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {**deployment(updateStrategy={"rollingUpdate": numbers}), "kind": "DaemonSet"}


def referring(**volume: Any) -> Mapping[str, Any]:
    """Return the stock Deployment with one volume."""
    return deployment(template=pods({}, volumes=[{"name": "settings", **volume}]))


def reading(**container: Any) -> Mapping[str, Any]:
    """Return the stock Deployment with these fields of its container."""
    return deployment(template=pods(container))


case("D01", "one of the two", rolling(0, 1))
case("D01", "the other", rolling("10%", "0%"))
case("D01", "the default of the other", rolling(0, ...))
case("D01", "a percentage of nothing is rounded up to one", rolling(0, "1%", replicas=1))
case("D01", "another strategy", deployment(strategy={"type": "Recreate"}))
case("D01", "one of a DaemonSet's", daemon_set("50%", 0))
case(
    "D01", "neither", rolling(0, 0),
    text=WEB + "spec.strategy.rollingUpdate.maxUnavailable=0 but maxSurge is 0, so that a rollout could neither"
    " add a pod nor end one; set maxSurge or maxUnavailable to 1",
)  # fmt: skip
case(
    "D01", "neither in percent", rolling("0%", 0),
    text=WEB + "spec.strategy.rollingUpdate.maxUnavailable=0 but maxSurge is 0%, so that a rollout could"
    " neither add a pod nor end one; set maxSurge or maxUnavailable to 1",
)  # fmt: skip
case(
    "D01", "both of a DaemonSet's", daemon_set(1, 1),
    text="test: DaemonSet web spec.updateStrategy.rollingUpdate.maxSurge=1 but maxUnavailable is 1, and of the"
    " two a DaemonSet has one; set one of the two to 0",
)  # fmt: skip

case("D02", "more than all may be added", rolling("200%", "100%"))
case("D02", "Recreate alone", deployment(strategy={"type": "Recreate"}))
case(
    "D02", "more than all cannot end", rolling(1, "101%"),
    text=WEB + "spec.strategy.rollingUpdate.maxUnavailable='101%' but of all pods there are at most 100%;"
    " correct the number",
)  # fmt: skip
case(
    "D02", "no percentage", rolling("1", 1),
    text=WEB + "spec.strategy.rollingUpdate.maxSurge='1' but it is a whole number, or a percentage such as"
    ' "25%"; correct the number',
)  # fmt: skip
case(
    "D02", "negative", rolling(-1, 1),
    text=WEB + "spec.strategy.rollingUpdate.maxSurge=-1 but it is a number of at least 0; correct the number",
)  # fmt: skip
case(
    "D02", "Recreate with numbers", deployment(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
    text=WEB + "spec.strategy.rollingUpdate but the type is Recreate, which ends all pods first; remove"
    " rollingUpdate, or write type: RollingUpdate",
)  # fmt: skip

case("D03", "no accelerator", rolling(1, 0))
case("D03", "a pod ends first", rolling(0, 1, template=pods(WORKER)))
case("D03", "a pod may end first", rolling(1, 1, template=pods(WORKER)))
case("D03", "a quarter of four may end first", deployment(template=pods(WORKER), replicas=4))
case("D03", "all end first", deployment(template=pods(WORKER), strategy={"type": "Recreate"}))
case("D03", "switched off", rolling(1, 0, template=pods(WORKER), replicas=0))
case(
    "D03", "no spare one", rolling(1, 0, template=pods(WORKER)),
    text=WEB + "spec.strategy.rollingUpdate.maxSurge=1 but a pod takes 1 l4, eks-test keeps 0 free, and"
    " maxUnavailable=0 lets no old pod of 1 end first; set maxSurge: 0 and maxUnavailable: 1, or declare"
    " Accelerator('l4', spare=1) where so many are kept free",
)  # fmt: skip
case(
    "D03", "the default strategy", deployment(template=pods(WORKER, WORKER | {"name": "second"}), replicas=3),
    text=WEB + "spec.strategy.rollingUpdate.maxSurge='25%' but a pod takes 2 l4, eks-test keeps 0 free, and"
    " maxUnavailable=25% lets no old pod of 3 end first; set maxSurge: 0 and maxUnavailable: 1, or declare"
    " Accelerator('l4', spare=2) where so many are kept free",
)  # fmt: skip

case("D04", "one each", deployment(), deployment("other"), budget(), budget("other"))
case(
    "D04", "two for one", deployment(), budget(), budget("second", selector={"matchLabels": LABELS}),
    text="test: PodDisruptionBudget second spec.selector but the pods of Deployment web belong to"
    " PodDisruptionBudget web too, and then none can be evicted; keep one of the two, or give them selectors"
    " that share no pod",
)  # fmt: skip
case(
    "D04", "by expressions",
    deployment(), budget(),
    budget("second", selector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "x"]}]}),
    text="test: PodDisruptionBudget second spec.selector but the pods of Deployment web belong to"
    " PodDisruptionBudget web too, and then none can be evicted; keep one of the two, or give them selectors"
    " that share no pod",
)  # fmt: skip
case(
    "D04",
    "apart by expressions",
    deployment(),
    budget(),
    budget("second", selector={"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}),
)

case("D05", "at least", budget(minAvailable="50%"))
case("D05", "at most", budget(maxUnavailable=1, unhealthyPodEvictionPolicy="AlwaysAllow"))
case(
    "D05", "both", budget(minAvailable=1, maxUnavailable=1),
    text="test: PodDisruptionBudget web spec.minAvailable=1 but maxUnavailable=1 is given too, and a budget has"
    " one of the two; remove minAvailable",
)  # fmt: skip
case(
    "D05", "neither", budget(maxUnavailable=...),
    text="test: PodDisruptionBudget web spec but it has neither minAvailable nor maxUnavailable, and allows no"
    " eviction then; write maxUnavailable: 1",
)  # fmt: skip
case(
    "D05", "more than all", budget(maxUnavailable="120%"),
    text="test: PodDisruptionBudget web spec.maxUnavailable='120%' but of all pods there are at most 100%;"
    " correct the number",
)  # fmt: skip

case("D06", "one may go", deployment(replicas=1), budget())
case("D06", "one of two stays", deployment(replicas=2), budget(minAvailable=1))
case("D06", "one of the fewest stays", deployment(), autoscaler(), budget(minAvailable=1))
case("D06", "half of three is two", deployment(replicas=3), budget(minAvailable="50%"))
case("D06", "what it counts is not here", budget(minAvailable=3))
case(
    "D06", "none may go", deployment(replicas=2), budget(maxUnavailable="0%"),
    text="test: PodDisruptionBudget web spec.maxUnavailable='0%' but then no pod may be evicted; write"
    " maxUnavailable: 1, or accept D06 where nodes are drained by hand",
)  # fmt: skip
case(
    "D06", "as many as there are", deployment(replicas=2), budget(minAvailable=2),
    text="test: PodDisruptionBudget web spec.minAvailable=2 but Deployment web has 2 at the fewest, and then no"
    " pod may be evicted; write maxUnavailable: 1, or accept D06 where nodes are drained by hand",
)  # fmt: skip
case(
    "D06", "half of one is one", deployment(), budget(minAvailable="50%"),
    text="test: PodDisruptionBudget web spec.minAvailable='50%' but Deployment web has 1 at the fewest, and then"
    " no pod may be evicted; write maxUnavailable: 1, or accept D06 where nodes are drained by hand",
)  # fmt: skip

case("D07", "its own pods", deployment(), job(app="train"), budget())
case("D07", "Jobs can be counted in whole pods", job(app="web"), budget(minAvailable=1))
case(
    "D07", "all pods", deployment(), budget(selector={}),
    text="test: PodDisruptionBudget web spec.selector but it is empty and selects every pod of the namespace;"
    " select the labels of one Deployment or StatefulSet",
)  # fmt: skip
case(
    "D07", "pods of a Job", deployment(), job(app="web"), budget(),
    text="test: PodDisruptionBudget web spec.selector but it selects the pods of Job train, and a Job has no"
    " number of replicas to reckon with; select the labels of one Deployment or StatefulSet",
)  # fmt: skip

case("D08", "a named port", deployment(), service())
case("D08", "two named ports", deployment(), service("web", HTTP, {**HTTP, "name": "alt", "port": 81}))
case("D08", "one number twice, by protocol", service("web", HTTP, {"name": "udp", "port": 80, "protocol": "UDP"}))
case("D08", "no ports are needed to name pods", service(clusterIP="None", ports=[]))
case("D08", "a port of a sidecar", deployment(template=pods({}, initContainers=[SIDECAR | PORT])), service())
case("D08", "pods that are not here", service())
case("D08", "a protocol of an application", deployment(), service("web", {**HTTP, "appProtocol": "kubernetes.io/h2c"}))
case(
    "D08", "no such protocol", deployment(), service("web", {**HTTP, "appProtocol": "HTTP 2"}),
    text="test: Service web spec.ports[0].appProtocol='HTTP 2' but a key holds letters, digits, \"-\", \"_\", \".\" and starts and"
    " ends with a letter or digit; write a protocol such as http or kubernetes.io/h2c",
)  # fmt: skip
case(
    "D08", "no ports", service(ports=[]),
    text="test: Service web spec.ports but only a headless Service can be without ports; add a port",
)  # fmt: skip
case(
    "D08", "a nameless one of two", service("web", HTTP, {"port": 81}),
    text="test: Service web spec.ports[1].name but of several ports each has a name; name it, for example http"
    " or grpc",
)  # fmt: skip
case(
    "D08", "one name twice", service("web", HTTP, {**HTTP, "port": 81}),
    text="test: Service web spec.ports[1].name='http' but spec.ports[0] has it already; give each port its own",
)  # fmt: skip
case(
    "D08", "a wrong name", service("web", {**HTTP, "name": "HTTP"}),
    text='test: Service web spec.ports[0].name=\'HTTP\' but a name holds a-z, 0-9 and "-" only, and starts and'
    " ends with a letter or digit; rename the port",
)  # fmt: skip
case(
    "D08", "no port number", service("web", {"port": 0, "targetPort": "http"}),
    text="test: Service web spec.ports[0].port=0 but a port is a number from 1 to 65535; correct the port",
)  # fmt: skip
case(
    "D08", "a number in quotes", service("web", {"port": 80, "targetPort": "8080"}),
    text='test: Service web spec.ports[0].targetPort=\'8080\' but a port name holds a-z, 0-9 and single "-"'
    " only, with at least one letter; write a number without quotes, or the name of a container's port",
)  # fmt: skip
case(
    "D08", "a port of nodes", service("web", {**HTTP, "nodePort": 30080}),
    text="test: Service web spec.ports[0].nodePort=30080 but the type of the Service is ClusterIP; remove"
    " nodePort, or write type: NodePort",
)  # fmt: skip
case(
    "D08", "a misspelt port of the pods", deployment(), service("web", {"port": 80, "targetPort": "htpp"}),
    text="test: Service web spec.ports[0].targetPort='htpp' but the pods of Deployment web have no TCP port of"
    " this name; did you mean http?",
)  # fmt: skip
case(
    "D08", "another protocol", deployment(), service("web", {**HTTP, "protocol": "UDP"}),
    text="test: Service web spec.ports[0].targetPort='http' but the pods of Deployment web have no UDP port of"
    " this name; did you mean http?",
)  # fmt: skip
case(
    "D08", "no named port", deployment(template=pods({})), service(),
    text="test: Service web spec.ports[0].targetPort='http' but the pods of Deployment web have no TCP port of"
    " this name; name the port in the container's ports",
)  # fmt: skip

case("D09", "one workload", deployment(), deployment("other"), service())
case("D09", "a headless Service names pods", deployment(), job(app="web"), service(clusterIP="None"))
case(
    "D09", "a training too", job(app="web"), deployment(), service(),
    text="test: Service web spec.selector='app=web' but it spreads requests over the pods of Deployment web and"
    " Job train; select a label that only one of them has, or accept D09 where requests may reach all of them",
)  # fmt: skip
case(
    "D09", "many",
    *(deployment(name, template=pods(PORT), selector={"matchLabels": LABELS}) for name in "abcd"), service(),
    text="test: Service web spec.selector='app=web' but it spreads requests over the pods of Deployment a,"
    " Deployment b and 2 more; select a label that only one of them has, or accept D09 where requests may reach"
    " all of them",
)  # fmt: skip

case("D10", "one is added first", deployment(), service())
case("D10", "one of two stays", rolling(0, 1, replicas=2), service())
case("D10", "nothing leads there", rolling(0, 1))
case("D10", "switched off", rolling(0, 1, replicas=0), service())
case(
    "D10", "the one pod may end", rolling(0, 1), service(),
    text=WEB + "spec.strategy.rollingUpdate.maxUnavailable=1 but a rollout may end the one pod before a new one"
    " is ready, and Service web leads nowhere meanwhile; run 2 replicas or more and roll them one by one, or accept"
    " D10 where a pause is fine",
)  # fmt: skip
case(
    "D10", "percentages that round to nothing", rolling(0, "25%"), service(),
    text=WEB + "spec.strategy.rollingUpdate.maxUnavailable='25%' but a rollout may end the one pod before a new"
    " one is ready, and Service web leads nowhere meanwhile; run 2 replicas or more and roll them one by one, or"
    " accept D10 where a pause is fine",
)  # fmt: skip
case(
    "D10", "all may end", rolling(1, "100%", replicas=3), service(),
    text=WEB + "spec.strategy.rollingUpdate.maxUnavailable='100%' but a rollout may end all 3 pods before a new"
    " one is ready, and Service web leads nowhere meanwhile; lower maxUnavailable, or accept D10 where a pause is"
    " fine",
)  # fmt: skip
case(
    "D10", "all end", deployment(strategy={"type": "Recreate"}, replicas=3), service(),
    text=WEB + "spec.strategy.type='Recreate' but a rollout ends all 3 pods before a new one starts, and Service"
    " web leads nowhere meanwhile; write type: RollingUpdate, or accept D10 where a pause is fine",
)  # fmt: skip

WAITING = [{"name": "wait-for-model", "image": "ghcr.io/acme/web:1"}]
case(
    "D10", "a model is loaded meanwhile",
    deployment(strategy={"type": "Recreate"}, replicas=1, template=pods({}, initContainers=WAITING)), service(),
    text=WEB + "spec.strategy.type='Recreate' but a rollout ends its pod before a new one starts, and Service web leads"
    " nowhere meanwhile, with a new model until it is loaded, unless Loader(also=[...]) has loaded it before; run 2"
    " replicas or more and roll them one by one, or accept D10 where a pause is fine",
)  # fmt: skip

case("D11", "it is here", referring(configMap={"name": "settings"}), config_map(a="1"))
case("D11", "it may be missing", referring(configMap={"name": "settings", "optional": True}))
case("D11", "every namespace has it", referring(projected={"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}))
case(
    "D11",
    "its key is here",
    reading(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]),
    config_map(a="1"),
)
case("D11", "all its keys", reading(envFrom=[{"configMapRef": {"name": "settings"}}]), config_map(a="1"))
case(
    "D11", "a volume", referring(configMap={"name": "settings"}),
    text=WEB + "spec.template.spec.volumes[0].configMap.name='settings' but no ConfigMap of this name is"
    " rendered here; render the ConfigMap, or accept D11 where something else makes it",
)  # fmt: skip
case(
    "D11", "a part of a volume", referring(projected={"sources": [{"configMap": {"name": "settings"}}]}),
    text=WEB + "spec.template.spec.volumes[0].projected.sources[0].configMap.name='settings' but no ConfigMap of"
    " this name is rendered here; render the ConfigMap, or accept D11 where something else makes it",
)  # fmt: skip
case(
    "D11", "all keys", reading(envFrom=[{"configMapRef": {"name": "settings"}}]),
    text=WEB + "spec.template.spec.containers[0].envFrom[0].configMapRef.name='settings' but no ConfigMap of this"
    " name is rendered here; render the ConfigMap, or accept D11 where something else makes it",
)  # fmt: skip
case(
    "D11", "a key",
    reading(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "b"}}}]), config_map(a="1"),
    text=WEB + "spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.key='b' but ConfigMap settings"
    " has no such key; its keys are a",
)  # fmt: skip
case(
    "D11", "a file", referring(configMap={"name": "settings", "items": [{"key": "b", "path": "b"}]}), config_map(),
    text=WEB + "spec.template.spec.volumes[0].configMap.items[0].key='b' but ConfigMap settings has no such key;"
    " its keys are none",
)  # fmt: skip

case("D12", "a Service finds its pods", deployment(), service())
case("D12", "a Service without selector", service(selector=...))
case("D12", "a name elsewhere", service(type="ExternalName", externalName="models.acme.dev", ports=...))
case(
    "D12",
    "the pods of a Job, by its name",
    job("train", app="x"),
    service(selector={"job-name": "train"}, clusterIP="None"),
)
ONE_POD = service("db", selector={"app": "db", "statefulset.kubernetes.io/pod-name": "db-0"})
case("D12", "one pod of a StatefulSet", {**deployment("db"), "kind": "StatefulSet"}, ONE_POD)
case(
    "D12", "one pod of what is not there", ONE_POD,
    text="test: Service db spec.selector='app=db,statefulset.kubernetes.io/pod-name=db-0' but it matches no pod that is"
    " rendered here; select the labels of the pods, or accept D12 where something else makes them",
)  # fmt: skip
case("D12", "another namespace", {**service(), "metadata": {"name": "web", "namespace": "other"}})
case("D12", "a budget finds its pods", deployment(), budget())
case(
    "D12", "a Service finds nothing", deployment(), service(selector={"app": "wep"}),
    text="test: Service web spec.selector='app=wep' but it matches no pod that is rendered here; did you mean"
    " app=web?",
)  # fmt: skip
case(
    "D12", "no pod has both labels", deployment(), service(selector={"app": "web", "track": "stable"}),
    text="test: Service web spec.selector='app=web,track=stable' but it matches no pod that is rendered here;"
    " select the labels of the pods, or accept D12 where something else makes them",
)  # fmt: skip
case(
    "D12", "a budget finds nothing", budget(),
    text="test: PodDisruptionBudget web spec.selector='app=web' but it matches no pod that is rendered here;"
    " select the labels of the pods, or accept D12 where something else makes them",
)  # fmt: skip
case(
    "D12", "a budget without selector", budget(selector=...),
    text="test: PodDisruptionBudget web spec.selector but it is missing, and then no pod is selected; select the"
    " labels of the pods",
)  # fmt: skip

case("D13", "it finds its pods", deployment(), network_policy(app="web"))
case("D13", "all pods, if there are any", network_policy())
case(
    "D13", "it finds nothing", deployment(), network_policy(app="wep"),
    text="test: NetworkPolicy web spec.podSelector='app=wep' but it matches no pod that is rendered here; did you"
    " mean app=web?",
)  # fmt: skip

case("D14", "its own labels", deployment())
case(
    "D14",
    "by expressions",
    deployment(
        selector={"matchExpressions": [{"key": "app", "operator": "Exists"}, {"key": "x", "operator": "DoesNotExist"}]}
    ),
)
case(
    "D14", "other labels", deployment(selector={"matchLabels": {"app": "other"}}),
    text=WEB + "spec.selector='app=other' but the pods are labelled app=web; give the pods the labels of the"
    " selector",
)  # fmt: skip
case(
    "D14", "none", deployment(selector={}),
    text=WEB + "spec.selector but it is empty; select one label that the pods have and that never changes",
)  # fmt: skip
case(
    "D14", "other expressions", deployment(selector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
    text=WEB + "spec.selector='1 expressions' but the pods are labelled app=web; give the pods the labels of the"
    " selector",
)  # fmt: skip

case("D15", "a declared number", deployment(), service("web", {"port": 80, "targetPort": 8080}))
case("D15", "the same number", deployment(), service("web", {"port": 8080}))
case("D15", "pods that declare nothing", deployment(template=pods({})), service("web", {"port": 80}))
case(
    "D15", "the beginner's port", deployment(), service("web", {"port": 80}),
    text="test: Service web spec.ports[0].port=80 but the pods of Deployment web declare 8080, and without"
    " targetPort a Service leads to its own number; write targetPort: 8080, or declare 80 in the container's"
    " ports",
)  # fmt: skip
case(
    "D15", "another number", deployment(), service("web", {"port": 80, "targetPort": 5000}),
    text="test: Service web spec.ports[0].targetPort=5000 but the pods of Deployment web declare 8080; write"
    " targetPort: 8080, or declare 5000 in the container's ports",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "manifests", "expected"), CASES)
def test_a_foreign_object_is_judged(
    tmp_path: Path, rule: str, manifests: tuple[Mapping[str, Any], ...], expected: list[str]
) -> None:
    """An object that a user brings in gets exactly the finding of the table."""
    scope = environment(tmp_path)
    for manifest in manifests:
        raw(scope, manifest)
    assert found_by(scope, rule) == expected


def test_spare_accelerators_let_a_rollout_begin(tmp_path: Path) -> None:
    """As many as one pod takes are enough."""
    for spare, count in ((1, 1), (2, 0)):
        classes = [Accelerator("l4", per_node=4, spare=spare)]
        scope = environment(tmp_path, cluster=Cluster("eks-test", kubernetes="1.34", accelerators=classes))
        own_service(scope, gpu=Gpu("l4", 2), rollout="surge")
        assert len(found_by(scope, "D03")) == count


def test_the_class_of_an_accelerator_is_told_by_its_nodes(tmp_path: Path) -> None:
    """Of an unknown class nothing is said."""
    classes = [
        Accelerator("l4", node_selector={"gpu": "l4"}, spare=1),
        Accelerator("h100", node_selector={"gpu": "h100"}),
    ]
    names = ["l4", "h100", "t4"]
    scope = environment(tmp_path, cluster=Cluster("eks-test", kubernetes="1.34", accelerators=classes))
    for name in names:
        template = pods(WORKER, app=name, nodeSelector={"gpu": name})
        raw(scope, deployment(name, template=template))
    assert [text.split()[2] for text in found_by(scope, "D03")] == ["h100"]


def test_a_hashed_config_map_is_told_by_its_name(tmp_path: Path) -> None:
    """The name that modelyard gave it is in the advice."""
    scope = environment(tmp_path)
    workload = own_service(scope, config=ConfigFiles("/etc/api", {"a.yaml": "a: 1"}))
    assert found_by(scope, "D11") == []
    raw(scope, referring(configMap={"name": "api-config"}))
    (text,) = found_by(scope, "D11")
    assert text.startswith(
        WEB + "spec.template.spec.volumes[0].configMap.name='api-config' but no ConfigMap of this name is"
        " rendered here; its name ends with a hash of its content: write api-config-"
    )
    path = "/spec/template/spec/volumes/1/configMap/name"
    workload.add_json_patch("Deployment", {"op": "replace", "path": path, "value": "elsewhere"})
    assert found_by(scope, "D11")[0] == (
        "test/api: Deployment api spec.template.spec.volumes[1].configMap.name='elsewhere' but no ConfigMap of"
        " this name is rendered here; render the ConfigMap, or accept D11 where something else makes it"
    )


def test_pods_that_a_custom_resource_makes_count(tmp_path: Path) -> None:
    """A CloneSet has a template like a Deployment."""
    scope = environment(tmp_path)
    raw(scope, deployment())
    raw(scope, service("rollout"))
    objects = gather(scope).objects
    for index, one in enumerate(objects):
        if one.kind == "Deployment":
            data = {**one.data, "kind": "CloneSet", "spec": {"template": pods({}, app="rollout")}}
            objects[index] = attrs.evolve(one, data=data)
    assert [breach.rule for _, breach in breaches(Scope(scope.site, objects))] == []


def _custom(kind: str, name: str, spec: Mapping[str, Any], version: str = "example.com/v1") -> Mapping[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


SET = {"template": {"spec": {"template": pods({})}}}
PARTS = [{"name": "driver", **SET}, {"name": "workers", "replicas": 2, **SET}]
STEP = {"experiment": {"templates": [{"name": "new", "specRef": "canary", "metadata": {"labels": {"app": "new"}}}]}}
CANARY = {"canaryMetadata": {"labels": {"role": "canary"}}, "steps": [{"setWeight": 20}, STEP]}
TASKS = [{"name": "ps", "template": pods({})}, {"name": "worker", "template": pods({})}]
RAY = {
    "headGroupSpec": {"template": pods({})},
    "workerGroupSpecs": [{"groupName": "small", "template": pods({})}, {"groupName": "large", "template": pods({})}],
}
LED = {**pods({}), "metadata": {"labels": {"role": "leader"}}}
MADE = (
    _custom("LeaderWorkerSet", "vllm", {"leaderWorkerTemplate": {"leaderTemplate": LED, "workerTemplate": pods({})}}),
    _custom("JobSet", "train", {"replicatedJobs": PARTS}),
    _custom("TrainJob", "tune", {"runtimeRef": {"name": "torch"}}),
    _custom("Job", "solve", {"tasks": TASKS}, "batch.volcano.sh/v1alpha1"),
    _custom("RayCluster", "ray", RAY),
    _custom("RayService", "ask", {"rayClusterConfig": RAY}),
    _custom("Prometheus", "watch", {"podMetadata": {"labels": {"team": "ml"}}}),
    _custom("Alertmanager", "call", {}),
    _custom("Rollout", "roll", {"template": pods({}), "strategy": {"canary": CANARY}}),
)
LWS, JOB_SET, VOLCANO = "leaderworkerset.sigs.k8s.io/", "jobset.sigs.k8s.io/", "volcano.sh/"
NAME_AND_PART = (f"{JOB_SET}jobset-name", f"{JOB_SET}replicatedjob-name")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({f"{LWS}name": "vllm", "role": "leader"}, {f"{LWS}name": "vlm", "role": "leader"}),
        ({f"{LWS}name": "vllm", f"{LWS}worker-index": "0"}, {f"{LWS}name": "train", f"{LWS}worker-index": "0"}),
        (dict(zip(NAME_AND_PART, ("train", "workers"), strict=True)), dict.fromkeys(NAME_AND_PART, "train")),
        ({"batch.kubernetes.io/job-name": "train-workers-1"}, {"batch.kubernetes.io/job-name": "train-workers-2"}),
        ({"job-name": "train-driver-0", f"{JOB_SET}job-index": "0"}, {"job-name": "train-driver-1"}),
        (dict(zip(NAME_AND_PART, ("tune", "node"), strict=True)), {NAME_AND_PART[0]: "torch"}),
        (
            {f"{VOLCANO}job-name": "solve", f"{VOLCANO}task-spec": "worker"},
            {f"{VOLCANO}job-name": "solve", f"{VOLCANO}task-spec": "web"},
        ),
        ({f"{VOLCANO}job-name": "solve"}, {"job-name": "solve"}),
        ({"ray.io/cluster": "ray", "ray.io/node-type": "head"}, {"ray.io/cluster": "ask"}),
        ({"ray.io/cluster": "ray", "ray.io/group": "large"}, {"ray.io/group": "huge"}),
        ({"ray.io/node-type": "worker", "ray.io/serve": "true"}, {"ray.io/cluster": "ray", "ray.io/serve": "true"}),
        ({"prometheus": "watch", "team": "ml"}, {"prometheus": "call"}),
        ({"alertmanager": "call", "app.kubernetes.io/name": "alertmanager"}, {"alertmanager": "watch"}),
        ({"app": "web", "role": "canary"}, {"app": "new", "role": "canary"}),
        ({"app": "new"}, {"app": "old"}),
    ],
)
def test_labels_that_controllers_add_are_there(right: Mapping[str, str], wrong: Mapping[str, str]) -> None:
    """Those of the workload that is rendered count, and no others."""
    assert _missed(*MADE, service(selector=right)) == []
    assert _missed(*MADE, service(selector=wrong)) == ["D12"]
    assert _missed(service(selector=right)) == ["D12"]


def _missed(*manifests: Mapping[str, Any]) -> list[str]:
    return [rule for rule, _ in judged("D", *manifests, cluster=Cluster("test", kubernetes="1.34")) if rule == "D12"]


def test_nothing_is_missed_where_objects_are_missing(tmp_path: Path) -> None:
    """What failed its schema is no second finding."""
    scope = environment(tmp_path)
    for manifest in (service(), budget(), network_policy(app="web"), job(app="train")):
        raw(scope, manifest)
    objects = gather(scope).objects
    for complete, expected in ((True, ["D12", "D12", "D13"]), (False, [])):
        seen = Scope(scope.site, objects, complete=complete)
        rules = [breach.rule for _, breach in breaches(seen) if breach.rule.startswith("D")]
        assert rules == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"scale": None}, []),
        ({"gpu": Gpu("l4")}, []),
        ({"gpu": Gpu("l4"), "scale": None}, ["D10"]),
        ({"gpu": Gpu("l4"), "scale": CpuScale(min=1, max=2)}, ["D10"]),
        ({"config": ConfigFiles("/etc/api", {"a.yaml": "a: 1"})}, []),
        ({"volumes": [Claim("cache", "/cache", size="1Gi")], "scale": None}, ["D10"]),
        ({"rollout": "in-place"}, []),
        ({"rollout": "recreate"}, ["D10"]),
        ({"gpu": Gpu("l4"), "rollout": "surge"}, ["D03"]),
    ],
)
def test_what_modelyard_renders_breaks_no_rule_unless_it_must(
    tmp_path: Path, options: Mapping[str, Any], expected: list[str]
) -> None:
    """A pause is told where the options leave no other way."""
    scope = environment(tmp_path)
    own_service(scope, **options)
    training(scope)
    assert [finding.rule for finding in found(scope) if finding.rule.startswith("D")] == expected


RECREATE = {"op": "replace", "path": "/spec/strategy/type", "value": "Recreate"}
OTHER_LABEL = {"op": "replace", "path": "/spec/template/metadata/labels/app", "value": "web"}
NARROWER = {"op": "add", "path": "/spec/selector/track", "value": "stable"}
BOTH = {"op": "add", "path": "/spec/minAvailable", "value": 1}


def test_a_patch_is_judged_by_what_it_makes(tmp_path: Path) -> None:
    """The workload and the path are named."""
    for kind, operation, text in (
        ("Deployment", RECREATE, "spec.strategy.rollingUpdate but the type is Recreate"),
        ("Deployment", OTHER_LABEL, "spec.selector='app=api' but the pods are labelled app=web,"),
        ("Service", NARROWER, "spec.selector='app=api,track=stable' but it matches no pod"),
        ("PodDisruptionBudget", BOTH, "spec.minAvailable=1 but maxUnavailable=1 is given too"),
    ):
        scope = environment(tmp_path)
        own_service(scope).add_json_patch(kind, operation)
        start = f"test/api: {kind} api {text}"
        assert [one.text[: len(start)] for one in found(scope) if one.text.startswith(start)] == [start]
