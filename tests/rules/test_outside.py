"""Rules on what is outside of a pod: identities, stores of secrets, monitoring, gateways, event-driven autoscalers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelyard import Cluster, Gateway, Monitoring
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, deployment, network_policy, pods, service
from tests.support import CLUSTER

CASES: list[Any] = []
ROLE = "eks.amazonaws.com/role-arn"
CLIENT = {"azure.workload.identity/client-id": "8c9d1f2e-3b4a-4c5d-9e6f-0a1b2c3d4e5f"}
USE = "azure.workload.identity/use"


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None, **more: Any) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    CASES.append(pytest.param(rule, manifests, more.get("cluster", CLUSTER), expected, id=f"{rule}-{name}"))


def custom(api_version: str, kind: str, name: str, spec: Any, **metadata: Any) -> Manifest:
    """Return a custom resource."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def account(**annotations: str) -> Manifest:
    """Return the ServiceAccount web."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "annotations": annotations}}


def secret(name: str, *keys: str, **spec: Any) -> Manifest:
    """Return an ExternalSecret that writes *keys*."""
    data = [{"secretKey": key, "remoteRef": {"key": "x"}} for key in keys]
    return custom("external-secrets.io/v1", "ExternalSecret", name, {"data": data, **spec})


def reading(name: str, key: str) -> Manifest:
    """Return a Deployment that reads *key* of the Secret *name*."""
    source = {"secretKeyRef": {"name": name, "key": key}}
    return deployment(template=pods({"env": [{"name": "A", "valueFrom": source}]}))


case("P40", "a role", account(**{ROLE: "arn:aws-cn:iam::123456789012:role/path/churn"}))
case(
    "P40", "a name without its account", account(**{ROLE: "churn"}),
    text=f"ServiceAccount web metadata.annotations['{ROLE}']='churn' but on EKS it is the ARN of an IAM role, and this"
    ' does not begin with arn:; write one such as "arn:aws:iam::123456789012:role/churn"',
)  # fmt: skip

marked = pods({}, serviceAccountName="web")
case("P41", "another account", account(**CLIENT), deployment(template=pods({}, serviceAccountName="other")))
case("P41", "no identity", account(), deployment(template=marked))
case(
    "P41", "labelled", account(**CLIENT),
    deployment(template={**marked, "metadata": {"labels": {"app": "web", USE: "true"}}}),
)  # fmt: skip
case(
    "P41", "not labelled", account(**CLIENT), deployment(template=marked),
    text=f"Deployment web spec.template.metadata.labels['{USE}'] but ServiceAccount web has"
    ' azure.workload.identity/client-id, and pods without this label get no token; write "true"',
)  # fmt: skip

LEADING = {"service": {"name": "web", "port": {"number": 80}}}
PATH = {"path": "/", "pathType": "Prefix", "backend": LEADING}


def entry(*paths: Mapping[str, Any], host: str = "web.acme.dev", **spec: Any) -> Manifest:
    """Return an Ingress of one host."""
    rules = {"rules": [{"host": host, "http": {"paths": list(paths)}}]}
    return custom("networking.k8s.io/v1", "Ingress", "web", {**rules, **spec})


AT = "spec.rules[0].http.paths[0]"
H12: dict[str, tuple[Manifest, str | None]] = {
    "a path": (entry(PATH), None),
    "all names below one": (entry(PATH, host="*.acme.dev"), None),
    "a default": (custom("networking.k8s.io/v1", "Ingress", "web", {"defaultBackend": LEADING}), None),
    "a path of the implementation": (entry({**PATH, "path": "/a/../b", "pathType": "ImplementationSpecific"}), None),
    "no path of the implementation": (entry({"pathType": "ImplementationSpecific", "backend": LEADING}), None),
    "a resource": (entry({**PATH, "backend": {"resource": {"kind": "Bucket", "name": "files"}}}), None),
    "a resource that cannot be": (
        entry({**PATH, "backend": {"resource": {"kind": "Bucket", "name": "a/b"}}}),
        f"{AT}.backend.resource.name='a/b' but a name is part of a path, so it is neither \".\" nor \"..\" and has no \"/\" and no \"%\"; correct the value",
    ),
    "nothing": (
        custom("networking.k8s.io/v1", "Ingress", "web", {"ingressClassName": "web"}),
        "spec.rules but there are none, and no defaultBackend; write one of the two",
    ),
    "no path": (
        entry(),
        'spec.rules[0].http.paths but a rule for HTTP has paths, and this one has none; write one, of path: "/"',
    ),
    "a name with blanks": (
        entry(PATH, host="Bad Name!"),
        ('spec.rules[0].host=\'Bad Name!\' but a name holds a-z, 0-9, "-" and "." only, and starts and ends with a letter or'
        " digit; correct the value"),
    ),
    "an address": (
        entry(PATH, host="10.0.0.1"),
        "spec.rules[0].host='10.0.0.1' but a host is a name, and this is an address; correct the value",
    ),
    "a certificate of a name with blanks": (
        entry(PATH, tls=[{"hosts": ["Bad"]}]),
        ('spec.tls[0].hosts[0]=\'Bad\' but a name holds a-z, 0-9, "-" and "." only, and starts and ends with a letter or digit;'
        " correct the value"),
    ),
    "a path that begins elsewhere": (
        entry({**PATH, "path": "v1"}), f"{AT}.path='v1' but a path begins with /; correct the value",
    ),
    "no path at all": (
        entry({"pathType": "Exact", "backend": LEADING}), f"{AT}.path but a path begins with /; correct the value",
    ),
    "a path with two slashes": (
        entry({**PATH, "path": "/a//b"}),
        f"{AT}.path='/a//b' but what it is compared with never has // there; remove it",
    ),
    "a path up": (
        entry({**PATH, "path": "/a/.."}),
        f"{AT}.path='/a/..' but what it is compared with never has /.. there; remove it",
    ),
    "no backend": (
        entry({**PATH, "backend": {}}),
        f"{AT}.backend but it is a service or a resource, and this is neither; write one of the two",
    ),
    "two backends": (
        entry({**PATH, "backend": {**LEADING, "resource": {"kind": "Bucket", "name": "files"}}}),
        f"{AT}.backend but it is a service or a resource, and this is both; write one of the two",
    ),
    "a Service with a dot": (
        entry({**PATH, "backend": {"service": {"name": "a.b", "port": {"number": 80}}}}),
        (f"{AT}.backend.service.name='a.b' but a name holds a-z, 0-9 and \"-\" only, starts with a letter and ends with no"
        ' "-"; correct the value'),
    ),
    "no port": (
        entry({**PATH, "backend": {"service": {"name": "web"}}}),
        f"{AT}.backend.service.port but it has a number or a name, and this one neither; write one of the two",
    ),
    "a port of two ways": (
        entry({**PATH, "backend": {"service": {"name": "web", "port": {"number": 80, "name": "http"}}}}),
        f"{AT}.backend.service.port but it has a number or a name, and this one both; write one of the two",
    ),
    "a port with a dot": (
        entry({**PATH, "backend": {"service": {"name": "web", "port": {"name": "a.b"}}}}),
        (f"{AT}.backend.service.port.name='a.b' but a port name holds a-z, 0-9 and single \"-\" only, with at least one letter;"
        " correct the value"),
    ),
    "no such port": (
        entry({**PATH, "backend": {"service": {"name": "web", "port": {"number": 70000}}}}),
        f"{AT}.backend.service.port.number=70000 but a port is 1 to 65535; correct the value",
    ),
}  # fmt: skip
for title, (refused, why) in H12.items():
    case("H12", title, refused, text=None if why is None else f"Ingress web {why}")

case("V30", "a key that is written", secret("login", "dsn"), reading("login", "dsn"))
case("V30", "another Secret", secret("login", "dsn"), reading("other", "x"))
case("V30", "all of an entry", secret("login", dataFrom=[{"extract": {"key": "x"}}]), reading("login", "x"))
case("V30", "a template", secret("login", target={"template": {"data": {"x": "{{ .a }}"}}}), reading("login", "x"))
case(
    "V30", "of a Secret of another name", secret("maker", "dsn", target={"name": "login"}), reading("login", "x"),
    text="Deployment web spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.key='x' but ExternalSecret maker"
    " writes no such key; it writes dsn",
)  # fmt: skip

case("V31", "two Secrets", secret("a", "k"), secret("b", "k"))
case("V31", "merged", secret("a", "k"), secret("b", "k", target={"name": "a", "creationPolicy": "Merge"}))
case(
    "V31", "one Secret", secret("a", "k"), secret("b", "k", target={"name": "a"}),
    text="ExternalSecret b spec.target.name='a' but ExternalSecret a makes this Secret already; put the keys into one"
    " ExternalSecret, or give the two Secrets names of their own",
)  # fmt: skip

WATCHED = Cluster("watched", kubernetes="1.34", monitoring=Monitoring("monitoring", labels={"release": "kps"}))
OPERATOR = "monitoring.coreos.com/v1"


def monitor(port: str = "http", app: str = "web", **metadata: Any) -> Manifest:
    """Return a PodMonitor of the pods that are labelled with *app*."""
    spec = {"selector": {"matchLabels": {"app": app}}, "podMetricsEndpoints": [{"port": port}]}
    return custom(OPERATOR, "PodMonitor", "web", spec, **metadata)


def by_service(port: str = "http", **labels: str) -> Manifest:
    """Return a ServiceMonitor of the Services with *labels*."""
    spec = {"selector": {"matchLabels": labels}, "endpoints": [{"port": port}]}
    return custom(OPERATOR, "ServiceMonitor", "web", spec)


def labelled(**labels: str) -> Manifest:
    """Return the Service web with *labels* of its own."""
    one = service("web", {"name": "http", "port": 80, "targetPort": "http"})
    return {**one, "metadata": {"name": "web", "labels": labels}}


def alerting(expr: str, **rule: Any) -> Manifest:
    """Return a PrometheusRule of one alert."""
    stock = {"alert": "Down", "expr": expr, "labels": {"severity": "page"}}
    return custom(OPERATOR, "PrometheusRule", "web", {"groups": [{"name": "web", "rules": [{**stock, **rule}]}]})


def letting_in(*rules: Mapping[str, Any]) -> Manifest:
    """Return the NetworkPolicy of the pods of web with these rules on what comes in."""
    one = network_policy("web", app="web")
    return {**one, "spec": {**one["spec"], "ingress": list(rules)}}


def space(**labels: str) -> Manifest:
    """Return the pods of the namespaces with *labels*."""
    return {"namespaceSelector": {"matchLabels": labels}}


NAMED = {"kubernetes.io/metadata.name": "monitoring"}
KEPT_OUT = (
    "PodMonitor web spec.podMetricsEndpoints[0].port='http' but NetworkPolicy web lets nobody of the namespace"
    " monitoring in to it; let the monitoring namespace in, with watch= or Network(clients=[Peer(...)])"
)

case("M01", "a named port", monitor(), deployment())
case("M01", "pods of somebody else", monitor("x", app="other"), deployment())
case(
    "M01", "a number in quotes", monitor("8080"), deployment(),
    text="PodMonitor web spec.podMetricsEndpoints[0].port='8080' but the pods of Deployment web have no port of this"
    " name; they have http",
)  # fmt: skip
case(
    "M01", "of a Service", by_service("htp", app="web"), labelled(app="web"),
    text="ServiceMonitor web spec.endpoints[0].port='htp' but Service web has no port of this name; did you mean http?",
)  # fmt: skip

case("M02", "the labels", monitor(labels={"release": "kps"}), cluster=WATCHED)
case("M02", "a cluster that says nothing", monitor())
case(
    "M02", "other labels", monitor(labels={"release": "other"}), cluster=WATCHED,
    text="PodMonitor web metadata.labels['release']='other' but the Prometheus of watched chooses what has release=kps;"
    " write release=kps",
)  # fmt: skip

case("M03", "labels of the Service", by_service(app="web"), labelled(app="web"))
case(
    "M03", "labels of the pods", by_service(app="web"), labelled(), deployment(),
    text="ServiceMonitor web spec.selector.matchLabels='app=web' but no Service here has these labels; select labels of"
    " the Service's own metadata, or accept M03 where the Service is made elsewhere",
)  # fmt: skip

for expression in ("up == 0", 'up{a="}"} > 1', "sum by (a) (rate(b[5m]))", r'up{a="\""}', "up{a=`\\`}"):
    case("M04", expression, alerting(expression))
for expression, said in (
    ("sum(up", ") is missing"),
    ("up)", "nothing is open that ) could close"),
    ("rate(up[5m)", "nothing is open that ) could close"),
    ('up{a="b}', 'a string that begins with " does not end'),
):
    case(
        "M04", expression, alerting(expression),
        text=f"PrometheusRule web spec.groups[0].rules[0].expr='{expression}' but {said}; close what is open",
    )  # fmt: skip
case(
    "M04", "nothing", alerting(" "),
    text="PrometheusRule web spec.groups[0].rules[0].expr=' ' but it is empty; close what is open",
)  # fmt: skip


def analysing(query: str) -> Manifest:
    """Return an AnalysisTemplate of one query."""
    metric = {"name": "query", "provider": {"prometheus": {"address": "http://prometheus:9090", "query": query}}}
    return custom("argoproj.io/v1alpha1", "AnalysisTemplate", "web", {"metrics": [metric]})


case("M04", "an analysis", analysing('sum(up{pod=~"web-{{args.hash}}-.*"})'))
case(
    "M04", "an analysis that is open", analysing("sum(up"),
    text="AnalysisTemplate web spec.metrics[0].provider.prometheus.query='sum(up' but ) is missing; close what is open",
)  # fmt: skip
case("A17", "an analysis", analysing("sum(vllm:num_requests_waiting)"))
case(
    "A17", "an analysis of nothing", analysing("sum(vllm_num_requests_waiting)"),
    text="AnalysisTemplate web spec.metrics[0].provider.prometheus.query='vllm_num_requests_waiting' but no vLLM exports it;"
    " write vllm:num_requests_waiting",
)  # fmt: skip
case("M05", "no policy", monitor(), deployment(), cluster=WATCHED)
LET_IN: dict[str, list[Any]] = {
    "by name": [{"from": [space(**NAMED)], "ports": [{"port": 8080}]}],
    "by another label": [{"from": [space(team="ops")]}],
    "the port by name": [{"from": [space(**NAMED)], "ports": [{"port": "http"}]}],
    "a range": [{"from": [space(**NAMED)], "ports": [{"port": 8000, "endPort": 9000}]}],
    "everybody": [{}],
    "addresses": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
}
for title, rules in LET_IN.items():
    case("M05", title, monitor(), deployment(), letting_in(*rules), cluster=WATCHED)
KEEP_OUT: dict[str, list[Any]] = {
    "nobody": [],
    "another namespace": [{"from": [space(**{"kubernetes.io/metadata.name": "gateways"})]}],
    "its own": [{"from": [{"podSelector": {}}]}],
    "another port": [{"from": [space(**NAMED)], "ports": [{"port": 9000}]}],
}
for title, rules in KEEP_OUT.items():
    case("M05", title, monitor(), deployment(), letting_in(*rules), cluster=WATCHED, text=KEPT_OUT)

case("M06", "severe", alerting("up"))
case("M06", "a recording", alerting("up", alert=None, record="a:b", labels={}))
case(
    "M06", "as it may be", alerting("up", labels={}),
    text="PrometheusRule web spec.groups[0].rules[0].labels but the alert Down has no severity; add labels.severity",
)  # fmt: skip

ALL_PODS = "sum(vllm:num_requests_waiting)"
ELSEWHERE = "sum(kafka_consumergroup_lag)"


def following(query: str, **metadata: str) -> Manifest:
    """Return a trigger on *query*."""
    return {"type": "prometheus", "metricType": "AverageValue", "metadata": {"query": query, **metadata}}


def scaled(*triggers: Mapping[str, Any], name: str = "web", buffer: str | None = None, **spec: Any) -> Manifest:
    """Return a ScaledObject of the Deployment web."""
    stock = {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 1, "triggers": list(triggers)}
    annotations = {} if buffer is None else {"modelyard.dev/buffer": buffer}
    return custom("keda.sh/v1alpha1", "ScaledObject", name, {**stock, **spec}, annotations=annotations)


NOT_TOLD: dict[str, Any] = {"minReplicaCount": None}
case("A03", "never at zero", scaled(following(ALL_PODS)), deployment())
case("A03", "a queue elsewhere", scaled(following(ELSEWHERE), **NOT_TOLD), deployment())
case("A03", "a schedule", scaled({"type": "cron"}, following(ALL_PODS), minReplicaCount=0), deployment())
case(
    "A03", "its own queue", scaled(following(ALL_PODS), minReplicaCount=0), deployment(),
    text="ScaledObject web spec.minReplicaCount=0 but all its triggers go by what the pods of Deployment web tell; write"
    " minReplicaCount: 1, or follow a queue that lives elsewhere",
)  # fmt: skip
case(
    "A03", "its own pods by name", scaled(following('sum(requests{pod=~"web-.*"})'), **NOT_TOLD), deployment(),
    text="ScaledObject web spec.minReplicaCount but KEDA goes down to 0 if not told, and all its triggers go by what the"
    " pods of Deployment web tell; write minReplicaCount: 1, or follow a queue that lives elsewhere",
)  # fmt: skip
case(
    "A03", "idle", scaled({"type": "cpu"}, idleReplicaCount=0), deployment(),
    text="ScaledObject web spec.idleReplicaCount=0 but all its triggers go by what the pods of Deployment web tell; write"
    " minReplicaCount: 1, or follow a queue that lives elsewhere",
)  # fmt: skip

case("A04", "nobody calls it", scaled(following(ELSEWHERE), minReplicaCount=0), deployment())
case("A04", "a queue before it", scaled(following(ELSEWHERE), buffer="kafka", **NOT_TOLD), deployment(), service())
case(
    "A04", "a Service only", scaled(following(ELSEWHERE), minReplicaCount=0), deployment(), service(),
    text="ScaledObject web spec.minReplicaCount=0 but Service web keeps no requests while there is no pod; write"
    " minReplicaCount: 1, or say what keeps requests in the annotation modelyard.dev/buffer",
)  # fmt: skip

case(
    "A14", "fitting", scaled(following(ELSEWHERE), idleReplicaCount=0, fallback={"replicas": 1, "failureThreshold": 3})
)
case(
    "A14", "more than the most", scaled(following(ELSEWHERE), minReplicaCount=3, maxReplicaCount=2),
    text="ScaledObject web spec.minReplicaCount=3 but spec.maxReplicaCount is 2, and the fewest replicas are at most the"
    " most; correct the number",
)  # fmt: skip
case(
    "A14", "not idle", scaled(following(ELSEWHERE), idleReplicaCount=1),
    text="ScaledObject web spec.idleReplicaCount=1 but spec.minReplicaCount is 1, and an idle workload has fewer;"
    " correct the number",
)  # fmt: skip
case(
    "A14",
    "nothing to follow",
    scaled(),
    text="ScaledObject web spec.triggers=[] but nothing would ever scale it; add a trigger",
)
case(
    "A14", "nothing to fall back from", scaled({"type": "cpu"}, fallback={"replicas": 1, "failureThreshold": 3}),
    text="ScaledObject web spec.fallback but KEDA can only fall back from a trigger of metricType AverageValue on"
    " something else than cpu or memory; remove it, or add such a trigger",
)  # fmt: skip

OLD_NAME = "sum(vllm:gpu_cache_usage_perc)"


def server(image: str, *command: str) -> Manifest:
    """Return the Deployment web of one model server."""
    return deployment(template=pods({"image": image, **({"command": list(command)} if command else {})}))


case("A17", "an older version", scaled(following(OLD_NAME)), server("vllm/vllm-openai:v0.10.2"))
case("A17", "an image of its own numbers", scaled(following(OLD_NAME)), server("acme/chat:2.0.1", "vllm", "serve"))
case("A17", "some version had it", scaled(following(OLD_NAME)))
case("A17", "no query", scaled({"type": "cpu"}, {"type": "prometheus", "metadata": {"metric": "a"}}))
case("A17", "alerts of somebody", alerting(f"{ALL_PODS} > 5"))
case(
    "A17", "a newer version", scaled(following(ALL_PODS), following(OLD_NAME)), server("vllm/vllm-openai:v0.18.0-cu128"),
    text="ScaledObject web spec.triggers[1].metadata.query='vllm:gpu_cache_usage_perc' but vLLM 0.18.0, by the tag"
    " of its image, does not export it;"
    " did you mean vllm:kv_cache_usage_perc?",
)  # fmt: skip
case(
    "A17", "another server", scaled(following(ALL_PODS)), server("acme/chat:2", "python3", "-m", "sglang.launch_server"),
    text="ScaledObject web spec.triggers[0].metadata.query='vllm:num_requests_waiting' but vLLM exports it, and this is"
    " SGLang; follow a metric of SGLang",
)  # fmt: skip
case(
    "A17", "an alert", alerting("sum(sglang:num_queue_requests) > 5"),
    text="PrometheusRule web spec.groups[0].rules[0].expr='sglang:num_queue_requests' but no SGLang exports it; did you mean"
    " sglang:num_queue_reqs?",
)  # fmt: skip

for query in (ALL_PODS, "avg(a)", "topk(1, a)", "scalar(a)", "count (up)"):
    case("A15", query, scaled(following(query)))
case(
    "A15", "each pod", scaled(following("vllm:num_requests_waiting")),
    text="ScaledObject web spec.triggers[0].metadata.query='vllm:num_requests_waiting' but it answers with one series for"
    " each pod; sum it: sum(...)",
)  # fmt: skip

case("A19", "a queue", scaled(following(ALL_PODS)))
case(
    "A19", "DCGM", scaled(following("sum(DCGM_FI_DEV_GPU_UTIL)")),
    text="ScaledObject web spec.triggers[0].metadata.query='DCGM_FI_DEV_GPU_UTIL' but a GPU is as busy with one request"
    " as with fifty; follow the requests that wait, with QueueScale, or accept A19 where the use does follow the load",
)  # fmt: skip

case("N11", "54 characters", scaled(following(ELSEWHERE), name="a" * 54))
case(
    "N11", "55 characters", scaled(following(ELSEWHERE), name="a" * 55),
    text=f"ScaledObject {'a' * 55} metadata.name='{'a' * 55}' but KEDA calls its autoscaler keda-hpa-<name>, and this"
    " has 64 characters of 63; choose a name of at most 54 characters",
)  # fmt: skip

case("A18", "patient enough", scaled(following(ELSEWHERE)), deployment())
case(
    "A18", "by KEDA", scaled(following(ELSEWHERE)),
    deployment(template=pods({"startupProbe": {"tcpSocket": {"port": 1}, "failureThreshold": 60}})),
    text="ScaledObject web spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds but"
    " it is 300 seconds if not given, and a start of Deployment web may take 600 seconds, in which the pod is missed;"
    " raise it to 600",
)  # fmt: skip


def routed(**more: Any) -> Cluster:
    """Return a cluster with a Gateway."""
    gateway = Gateway("public", "gateways", **{"implementation": "istio", **more})
    return Cluster("routed", kubernetes="1.34", gateway=gateway)


def route(*backends: Any, name: str = "web", host: str = "a.example", kind: str = "HTTPRoute", **rule: Any) -> Manifest:
    """Return a route by the Gateway to Services, each with a port and perhaps a weight."""
    references = [dict(zip(("name", "port", "weight"), one, strict=False)) for one in backends or [("web", 80)]]
    parents = [{"name": "public", "namespace": "gateways"}]
    spec = {"parentRefs": parents, "hostnames": [host], "rules": [{"backendRefs": references, **rule}]}
    return custom("gateway.networking.k8s.io/v1", kind, name, spec)


def ingress(to: str, /, **port: Any) -> Manifest:
    """Return an Ingress to the Service *to*."""
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": to, "port": port}}}
    return custom(
        "networking.k8s.io/v1", "Ingress", "web", {"rules": [{"host": "a.example", "http": {"paths": [path]}}]}
    )


WEB = (deployment(), service())
FROM_GATEWAY = space(**{"kubernetes.io/metadata.name": "gateways"})
GET_IN = "let the gateway's namespace in, or accept H06 where its proxies run elsewhere"
BACKEND = "HTTPRoute web spec.rules[0].backendRefs[0]"
case("H01", "a Service and its port", route(), *WEB, cluster=routed())
case("H01", "of another namespace", route(("other", 80), backendRefs=[{"name": "x", "namespace": "y"}]), *WEB)
case("H01", "a port by name", ingress("web", name="http"), deployment(), labelled())
case("H01", "an action of AWS's load balancer", ingress("redirect", name="use-annotation"))
case(
    "H01",
    "the head of a cluster of Ray",
    ingress("ray-head-svc", number=8265),
    custom("ray.io/v1", "RayCluster", "ray", {}),
)
case("H01", "a service of Ray", route(("ask-serve-svc", 8000)), custom("ray.io/v1", "RayService", "ask", {}))
case(
    "H01", "nothing serves in a cluster of Ray",
    route(("ray-serve-svc", 8000)), custom("ray.io/v1", "RayCluster", "ray", {}),
    text=f"{BACKEND}.name='ray-serve-svc' but no Service of this name is rendered here; correct name and port, or accept"
    " H01 where the Service is made elsewhere",
)  # fmt: skip
case(
    "H01", "no such Service", route(("wep", 80)), *WEB,
    text=f"{BACKEND}.name='wep' but no Service of this name is rendered here; did you mean web?",
)  # fmt: skip
case(
    "H01", "no such port", route(("web", 8080)), *WEB,
    text=f"{BACKEND}.port=8080 but Service web has no such port; it has 80",
)  # fmt: skip
case(
    "H01", "by gRPC", route(("web", 81), kind="GRPCRoute"), *WEB,
    text="GRPCRoute web spec.rules[0].backendRefs[0].port=81 but Service web has no such port; it has 80",
)  # fmt: skip
case(
    "H01", "by an Ingress", ingress("web", number=8080), *WEB,
    text="Ingress web spec.rules[0].http.paths[0].backend.service.port=8080 but Service web has no such port; it has 80",
)  # fmt: skip


def called_by(gateway: str, **port: Any) -> tuple[Any, ...]:
    """Return a GRPCRoute to a Service with this port, and by which gateway."""
    listed = service("web", {"name": "api", "port": 80, "targetPort": "http", **port})
    return route(kind="GRPCRoute"), deployment(), listed, routed(implementation=gateway)


for title, gateway, told in (("told", "istio", {"appProtocol": "kubernetes.io/h2c"}), ("Envoy Gateway", "envoy", {})):
    *manifests, where = called_by(gateway, **told)
    case("H11", title, *manifests, cluster=where)
*manifests, where = called_by("istio", appProtocol="http")
case(
    "H11", "another protocol", *manifests, cluster=where,
    text="GRPCRoute web spec.rules[0].backendRefs[0].port=80 but the port 80 of Service web does not say that it speaks"
    ' gRPC; name the port of that service so, port=[Port("grpc", ...)], or write appProtocol: kubernetes.io/h2c',
)  # fmt: skip

case("H02", "one of two", route(("web", 80, 0), ("web", 80, 1)), *WEB)
case(
    "H02", "nobody", route(("web", 80, 0)), *WEB,
    text="HTTPRoute web spec.rules[0].backendRefs but every weight is 0, so nobody gets requests; give one of them a"
    " weight above 0",
)  # fmt: skip

policy = custom(
    "networking.gke.io/v1", "GCPBackendPolicy", "web",
    {"default": {"timeoutSec": 600}, "targetRef": {"group": "", "kind": "Service", "name": "web"}},
)  # fmt: skip
case("H04", "a policy", route(), policy, *WEB, cluster=routed(implementation="gke"))
case("H04", "another gateway", route(), *WEB, cluster=routed())
case(
    "H04", "no policy", route(), *WEB, cluster=routed(implementation="gke"),
    text=f"{BACKEND}.name='web' but each request is cut after 30 seconds; add a GCPBackendPolicy with timeoutSec for the"
    " Service, or accept H04 where no request takes so long",
)  # fmt: skip

case("H05", "Istio knows them", route(timeouts={"request": "1m"}), *WEB, cluster=routed())
for implementation in ("gke", "nginx"):
    case(
        "H05", implementation, route(timeouts={"request": "1m"}), *WEB, cluster=routed(implementation=implementation),
        text=f"HTTPRoute web spec.rules[0].timeouts but the gateway public is one of {implementation}, which does not know"
        " them; leave timeouts away, and set them by the gateway's own policy",
    )  # fmt: skip

case("H06", "no policy", route(), *WEB, cluster=routed())
case("H06", "let in", route(), *WEB, letting_in({"from": [FROM_GATEWAY], "ports": [{"port": 8080}]}), cluster=routed())
case("H06", "outside of the cluster", route(), *WEB, letting_in(), cluster=routed(implementation="gke"))
for title, more, whence in (
    ("where it stands", {}, "gateways"),
    ("where Envoy runs", {"implementation": "envoy"}, "envoy-gateway-system"),
    ("where it is said to run", {"proxies": "edge"}, "edge"),
):
    case(
        "H06", title, route(), *WEB, letting_in({"from": [space(**NAMED)]}), cluster=routed(**more),
        text=f"{BACKEND}.name='web' but NetworkPolicy web lets nobody of the namespace {whence} in to the pods of Service"
        f" web; {GET_IN}",
    )  # fmt: skip

case("H07", "no limit", route(timeouts={"request": "0s"}), *WEB, cluster=routed(implementation="envoy"))
case("H07", "not Envoy", route(), *WEB, cluster=routed())
case(
    "H07", "as Envoy has it", route(), *WEB, cluster=routed(implementation="envoy"),
    text="HTTPRoute web spec.rules[0].timeouts but without a request timeout each request is cut after 15 seconds; write"
    ' timeouts.request: "0s" for no limit, or accept H07 where no request takes so long',
)  # fmt: skip

SPOKEN = (
    route(kind="GRPCRoute"),
    deployment(),
    service("web", {"name": "api", "port": 80, "targetPort": "http", "appProtocol": "kubernetes.io/h2c"}),
)
STREAMS = (
    "GRPCRoute web spec.rules but a GRPCRoute has no timeout, and each stream is cut 15 seconds after its request; "
)
TARGET = {"group": "gateway.networking.k8s.io", "kind": "GRPCRoute", "name": "web"}
for implementation, version, kind, says, do in (
    (
        "envoy", "gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy",
        {"timeout": {"http": {"requestTimeout": "0s"}}},
        (
            "let a BackendTrafficPolicy say timeout.http.requestTimeout for it, which is rendered where the cluster has its"
            " definition by Crd.from_file(...)"
        ),
    ),
    (
        "kgateway", "gateway.kgateway.dev/v1alpha1", "TrafficPolicy", {"timeouts": {"request": "0s"}},
        "let a TrafficPolicy say timeouts.request for it, where the version of kgateway lets it",
    ),
):  # fmt: skip
    where = routed(implementation=implementation)
    tells = custom(version, kind, "web", {"targetRefs": [TARGET], **says})
    case("H07", f"{implementation} is told", *SPOKEN, tells, cluster=where)
    accepted = f"{STREAMS}{do}, or accept H07 where no stream takes so long"
    case("H07", f"{implementation} and gRPC", *SPOKEN, cluster=where, text=accepted)
    other = custom(version, kind, "web", {"targetRef": {**TARGET, "name": "other"}, **says})
    case("H07", f"{implementation} is told of another", *SPOKEN, other, cluster=where, text=accepted)
    quiet = custom(version, kind, "web", {"targetRef": TARGET})
    case("H07", f"{implementation} is told something else", *SPOKEN, quiet, cluster=where, text=accepted)
case("H07", "Istio and gRPC", *SPOKEN, cluster=routed())
case("H04", "gRPC with a policy", *SPOKEN, policy, cluster=routed(implementation="gke"))
case(
    "H04", "gRPC", *SPOKEN, cluster=routed(implementation="gke"),
    text="GRPCRoute web spec.rules[0].backendRefs[0].name='web' but each request is cut after 30 seconds; add a"
    " GCPBackendPolicy with timeoutSec for the Service, or accept H04 where no request takes so long",
)  # fmt: skip

HEADER = [{"headers": [{"name": "x-user", "value": "a"}]}]
case("H08", "two hosts", route(), route(name="other", host="b.example"), *WEB)
case("H08", "by a header", route(), route(name="other", matches=HEADER), *WEB)
case("H08", "two paths", route(), route(name="other", matches=[{"path": {"value": "/v2"}}]), *WEB)
case(
    "H08", "one host", route(), route(name="other", matches=[{"path": {"type": "PathPrefix", "value": "/"}}]), *WEB,
    text="HTTPRoute other spec.hostnames[0]='a.example' but HTTPRoute web takes the requests for a.example/ already; put"
    " both into one route, as shares of it, or choose another host or path",
)  # fmt: skip

V2 = [{"path": {"type": "PathPrefix", "value": "/v2"}}]
case(
    "H08", "a slash", route(matches=V2), route(name="other", matches=[{"path": {"value": "/v2/"}}]), *WEB,
    text="HTTPRoute other spec.hostnames[0]='a.example' but HTTPRoute web takes the requests for a.example/v2 already; put"
    " both into one route, as shares of it, or choose another host or path",
)  # fmt: skip


def attached(name: str, *parents: Mapping[str, Any], namespace: str = "ml-test") -> Manifest:
    """Return a route to everything of one host, by the Gateway or what else its parents say."""
    made = route(name=name)
    made["metadata"]["namespace"] = namespace
    made["spec"]["parentRefs"] = [{"name": "public", "namespace": "gateways", **parent} for parent in parents]
    return made


PLAIN, SECURE = {"sectionName": "http"}, {"sectionName": "https"}
case("H08", "two listeners", attached("redirect", PLAIN), attached("web", SECURE), *WEB)
case("H08", "two ports", attached("redirect", {"port": 80}), attached("web", {"port": 443}), *WEB)
case("H08", "the listener of a port is not known", attached("redirect", PLAIN), attached("web", {"port": 443}), *WEB)
case("H08", "two Gateways", attached("web", {}), attached("other", {"namespace": "inside"}), *WEB)
case(
    "H08",
    "a Gateway in each namespace",
    attached("web", {"namespace": "ml-test"}),
    attached("other", {"namespace": "ml-other"}),
    *WEB,
)
TAKEN = (
    "HTTPRoute web spec.hostnames[0]='a.example' but HTTPRoute redirect takes the requests for a.example/ already; put"
    " both into one route, as shares of it, or choose another host or path"
)
for title, first, second in (
    ("one listener", [PLAIN], [PLAIN]),
    ("all listeners and one", [{}], [SECURE]),
    ("one listener and all", [PLAIN], [{}]),
    ("one of two listeners", [PLAIN], [SECURE, PLAIN]),
    ("one listener and its port", [PLAIN], [{**PLAIN, "port": 80}]),
    ("its own namespace", [{"namespace": "ml-test"}], [{"namespace": "ml-test", "kind": "Gateway"}]),
):
    case("H08", title, attached("redirect", *first), attached("web", *second), *WEB, text=TAKEN)


@pytest.mark.parametrize(("rule", "manifests", "cluster", "expected"), CASES)
def test_what_is_outside_of_pods_is_judged(
    rule: str, manifests: tuple[Mapping[str, Any], ...], cluster: Cluster, expected: list[str]
) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged(rule[0], *manifests, cluster=cluster) if broken == rule] == expected
