"""N: names, labels and strings, each rule with what breaks it, in its exact words, and what is nearly wrong."""

from __future__ import annotations

import copy
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard import Cluster, Gpu
from modelyard.values import names
from tests.rules.judge import judged
from tests.rules.manifests import (
    Manifest,
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
MAIN = "spec.template.spec.containers[0]"
LABEL = 'a label value holds letters, digits, "-", "_", "." and starts and ends with a letter or digit'
DNS_LABEL = 'a name holds a-z, 0-9 and "-" only, and starts and ends with a letter or digit'
SUBDOMAIN = 'a name holds a-z, 0-9, "-" and "." only, and starts and ends with a letter or digit'
VARIABLE = "an environment variable's name holds letters, digits and _ and starts with no digit"
STAYS = "select by a label that stays the same, such as app, and keep this one on the pods only"


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    CASES.append(pytest.param(rule, manifests, expected, id=f"{rule}-{name}"))


def called(manifest: Manifest, name: str, **metadata: Any) -> Manifest:
    """Return *manifest* under another name, with further *metadata*."""
    return {**manifest, "metadata": {**manifest["metadata"], "name": name, **metadata}}


def indexed(name: str = "train", **container: Any) -> Manifest:
    """Return an Indexed Job of 100 pods."""
    manifest = copy.deepcopy(job(name))
    manifest["spec"].update(completionMode="Indexed", completions=100, parallelism=1)
    manifest["spec"]["template"]["spec"]["containers"][0].update(container)
    return manifest


def cron(name: str, of: Manifest | None = None, **template: Any) -> Manifest:
    """Return a CronJob that makes Jobs such as *of*."""
    spec = {"schedule": "@daily", "jobTemplate": {"spec": (of or job())["spec"], **template}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}


def stateful(name: str) -> Manifest:
    """Return a StatefulSet."""
    manifest = deployment(name[:9])
    return {**called(manifest, name), "kind": "StatefulSet", "spec": {**manifest["spec"], "serviceName": "db"}}


def web(container: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return the Deployment web with other pods."""
    return deployment(template=pods(container or {}, **spec))


def versioned(key: str, value: str) -> Manifest:
    """Return the Deployment web, whose selector has a second label."""
    labels = {"app": "web", key: value}
    template = web()["spec"]["template"]
    return deployment(selector={"matchLabels": labels}, template={**template, "metadata": {"labels": labels}})


def held(**fields: Any) -> Manifest:
    """Return the ConfigMap settings with *fields*."""
    return {**config_map(), **fields}


long = "a" * 64
shown = f"'{'a' * 55}...'"

case(
    "N01",
    "upper case",
    called(deployment(), "Web"),
    text=f"Deployment Web metadata.name='Web' but {SUBDOMAIN}; rename it",
)
case("N01", "dots", called(deployment(), "web.v2"))
case(
    "N01",
    "a StatefulSet with dots",
    stateful("a.b"),
    text=f"StatefulSet a.b metadata.name='a.b' but {DNS_LABEL}; rename it",
)
case(
    "N01",
    "a StatefulSet of 53",
    stateful("a" * 53),
    text=f"StatefulSet {'a' * 53} metadata.name='{'a' * 53}' but its pods carry it in a label with 11 more"
    " characters, so it"
    " has at most 52 and this one has 53; shorten it",
)
case("N01", "a StatefulSet of 52", stateful("a" * 52))
case(
    "N01",
    "a namespace with dots",
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}},
    text=f"Namespace a.b metadata.name='a.b' but {DNS_LABEL}; rename it",
)
case(
    "N01",
    "a Service with a digit in front",
    service("8ball"),
    text="Service 8ball metadata.name='8ball' but a name holds a-z, 0-9 and \"-\" only, starts with a letter and ends"
    ' with no "-"; rename it',
)
case(
    "N01",
    "a custom resource",
    {"apiVersion": "acme.dev/v1", "kind": "Robot", "metadata": {"name": "R2"}},
    text=f"Robot R2 metadata.name='R2' but {SUBDOMAIN}; rename it",
)
case("N01", "a role", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "system:R2"}})
case("N01", "a budget may be called anything", called(budget(), "Web_1"))
case(
    "N01",
    "generateName",
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}},
    text="ConfigMap  metadata.generateName='x-' but every sync would make another object of it, or fail, since what"
    " stands in git has a name; write metadata.name",
)
case(
    "N01",
    "no name",
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}},
    text="ConfigMap  metadata.name but every object has a name, and this one has none; give it one",
)

case(
    "N02",
    "61 and an index",
    indexed("a" * 61),
    text=f"Job {'a' * 61} metadata.name={shown} but with its index a pod's host name has 64 characters, and at most 63"
    " are possible; shorten it by 1",
)
case("N02", "60 and an index", indexed("a" * 60))
case(
    "N02",
    "a dot",
    indexed("a.b"),
    text=f"Job a.b metadata.name='a.b' but it is part of the host names of its pods: {DNS_LABEL}; write - instead of .",
)
case("N02", "a dot without indexes", job("a.b"))
case("N02", "too long anyway", indexed(long))
unnamed = {**job(), "metadata": {"generateName": "train-"}}
case("N02", "no name", unnamed)
case("N04", "no name", {**cron("night"), "metadata": {}})
case(
    "N03",
    "64",
    job(long),
    text=f"Job {long} metadata.name={shown} but its pods carry it in the label job-name, which has at most 63"
    " characters"
    " and this one has 64; shorten the name of the Job",
)
case("N03", "63", job("a" * 63))
case(
    "N04",
    "53",
    cron("a" * 53),
    text=f"CronJob {'a' * 53} metadata.name='{'a' * 53}' but the name of a CronJob has at most 52 characters and this"
    " one has 53; shorten the name of the CronJob",
)
case("N04", "52", cron("a" * 52))
case(
    "N05",
    "52 and an index",
    cron("a" * 52, indexed()),
    text=f"CronJob {'a' * 52} metadata.name='{'a' * 52}' but with time and index a pod's host name has 64 characters,"
    " and at most 63 are possible; shorten it by 1",
)
case("N05", "51 and an index", cron("a" * 51, indexed()))
case(
    "N05",
    "a dot",
    cron("a.b", indexed()),
    text="CronJob a.b metadata.name='a.b' but it is part of the host names of its pods: "
    f"{DNS_LABEL}; write - instead of .",
)

move = "shorten it, or move it into an annotation"
case(
    "N16",
    "a slash in a value",
    called(deployment(), "web", labels={"model": "org/model"}),
    text=f"Deployment web metadata.labels['model']='org/model' but {LABEL}; {move}",
)
case(
    "N16",
    "64 characters",
    called(deployment(), "web", labels={"team": long}),
    text=f"Deployment web metadata.labels['team']={shown} but a label value has at most 63 characters and this one has"
    f" 64; {move}",
)
case("N16", "63 characters, and none", called(deployment(), "web", labels={"team": "a" * 63, "unit": ""}))
case(
    "N16",
    "two slashes in a key",
    called(deployment(), "web", labels={"x/y/z": "a"}),
    text=f"Deployment web metadata.labels['x/y/z']='a' but the part before the slash is a DNS name: {SUBDOMAIN};"
    f" {move}",
)
case(
    "N16",
    "the key of an annotation",
    called(deployment(), "web", annotations={"-": "no/rules here"}),
    text='Deployment web metadata.annotations[\'-\'] but a key holds letters, digits, "-", "_", "." and starts and ends'
    " with a letter or digit; correct the key",
)
case("N16", "upper case in the key of an annotation", called(deployment(), "web", annotations={"Acme.Dev/X": "a"}))
case(
    "N16",
    "a label of the pods",
    deployment(template={**pods({}), "metadata": {"labels": {"app": "web", "a": "b c"}}}),
    text=f"Deployment web spec.template.metadata.labels['a']='b c' but {LABEL}; {move}",
)
case(
    "N16",
    "a label of the Jobs",
    cron("night", metadata={"labels": {"a": "b c"}}),
    text=f"CronJob night spec.jobTemplate.metadata.labels['a']='b c' but {LABEL}; {move}",
)
case(
    "N16",
    "a label of nodes",
    web(nodeSelector={"gpu": "a b"}),
    text=f"Deployment web spec.template.spec.nodeSelector['gpu']='a b' but {LABEL}; correct it",
)
case(
    "N16",
    "the selector of a Service",
    service(selector={"app": "a b"}),
    text=f"Service web spec.selector['app']='a b' but {LABEL}; correct it",
)
case(
    "N16",
    "the selector of a policy",
    network_policy(app="a b"),
    text=f"NetworkPolicy web spec.podSelector.matchLabels['app']='a b' but {LABEL}; correct it",
)
peer = {"namespaceSelector": {"matchLabels": {"team": "b c"}}}
case(
    "N16",
    "the peer of a policy",
    {**network_policy(), "spec": {"podSelector": {}, "egress": [{"to": [peer]}]}},
    text=f"NetworkPolicy web spec.egress[0].to[0].namespaceSelector.matchLabels['team']='b c' but {LABEL}; correct it",
)
apart = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b c"}}}
how = "requiredDuringSchedulingIgnoredDuringExecution"
case(
    "N16",
    "required apart",
    web(affinity={"podAntiAffinity": {how: [apart]}}),
    text=f"Deployment web spec.template.spec.affinity.podAntiAffinity.{how}[0].labelSelector.matchLabels['a']='b c' but"
    f" {LABEL}; correct it",
)
unlike = {"topologyKey": "zone", "mismatchLabelKeys": ["team"]}
case(
    "N16",
    "apart from nobody",
    web(affinity={"podAntiAffinity": {how: [unlike]}}),
    text=f"Deployment web spec.template.spec.affinity.podAntiAffinity.{how}[0].mismatchLabelKeys=['team'] but it narrows what"
    " labelSelector chooses, and there is none; add a labelSelector",
)
case(
    "N16",
    "apart by no label",
    web(affinity={"podAntiAffinity": {how: [{**unlike, "labelSelector": {}, "mismatchLabelKeys": ["/x"]}]}}),
    text=f"Deployment web spec.template.spec.affinity.podAntiAffinity.{how}[0].mismatchLabelKeys[0]='/x' but the part before"
    ' the slash is a DNS name: a name holds a-z, 0-9, "-" and "." only, and starts and ends with a letter or digit; write the key'
    " of a label of pods",
)
how = "preferredDuringSchedulingIgnoredDuringExecution"
case(
    "N16",
    "preferred together",
    web(affinity={"podAffinity": {how: [{"weight": 1, "podAffinityTerm": apart}]}}),
    text=f"Deployment web spec.template.spec.affinity.podAffinity.{how}[0].podAffinityTerm.labelSelector"
    f".matchLabels['a']='b c' but {LABEL}; correct it",
)
spread = {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **apart}
case(
    "N16",
    "spread",
    web(topologySpreadConstraints=[spread]),
    text="Deployment web spec.template.spec.topologySpreadConstraints[0].labelSelector.matchLabels['a']='b c' but"
    f" {LABEL}; correct it",
)
for operator, values, end in (
    ("in", ["x"], "operator='in' but it is In, NotIn, Exists or DoesNotExist; write one of them"),
    ("In", None, "values but operator In compares with values; list at least one"),
    ("Exists", ["1"], "values=['1'] but operator Exists looks at the key only; leave values away, or write In"),
    ("NotIn", ["a b"], f"values[0]='a b' but {LABEL}; write the value of a label"),
    ("Exists", None, None),
    ("NotIn", ["a", ""], None),
):
    expression = {"key": "app", "operator": operator, **({"values": values} if values else {})}
    case(
        "N16",
        f"operator {operator} {values}",
        budget(selector={"matchExpressions": [expression]}),
        text=end and f"PodDisruptionBudget web spec.selector.matchExpressions[0].{end}",
    )
case(
    "N16",
    "the key of an expression",
    budget(selector={"matchExpressions": [{"key": "a b", "operator": "Exists"}]}),
    text="PodDisruptionBudget web spec.selector.matchExpressions[0].key='a b' but a key holds letters, digits, \"-\","
    ' "_", "." and starts and ends with a letter or digit; write the key of a label',
)

elsewhere = "move what is large to a volume or an object store"
full = f"but a ConfigMap holds at most 1024 KiB, and this one has 1025 KiB; {elsewhere}"
case(
    "N18",
    "annotations",
    called(deployment(), "web", annotations={"a": "b" * 2**18}),
    text=f"Deployment web metadata.annotations but annotations have at most 256 KiB together, and these have 257 KiB;"
    f" {elsewhere}",
)
case("N18", "annotations that fit", called(deployment(), "web", annotations={"a": "b" * (2**18 - 1)}))
case("N18", "annotations of many bytes that fit", called(deployment(), "web", annotations={"a": "b" * 2**17}))
case("N18", "data", config_map(a="x" * 2**20, b="x"), text=f"ConfigMap settings data {full}")
case("N18", "data that fits", config_map(a="x" * 2**20))
case("N18", "data of many bytes", config_map(a="é" * (2**19 + 1)), text=f"ConfigMap settings data {full}")
case("N18", "decoded data that fits", held(binaryData={"a": "QUFB" * (2**20 // 3)}))
case("N18", "decoded data", held(binaryData={"a": "QUFB" * (2**20 // 3 + 1)}), text=f"ConfigMap settings data {full}")
case(
    "N18",
    "a key with a space",
    held(data={"a b": "x"}),
    text='ConfigMap settings data[\'a b\'] but a key holds letters, digits, "-", "_" and "." only and has at most 253'
    " characters; rename the key",
)
case(
    "N18",
    "a key with two dots in front",
    held(data={"..a": "x"}),
    text='ConfigMap settings data[\'..a\'] but a key is not "." and does not start with ".."; rename the key',
)
case("N18", "a hidden file", held(data={".env": "x"}))
case(
    "N18",
    "one key twice",
    held(data={"a": "x"}, binaryData={"a": "eA=="}),
    text="ConfigMap settings data['a'] but binaryData has a key of this name too; rename one of the two",
)

case("N19", "a container", web({"name": "Main"}), text=f"Deployment web {MAIN}.name='Main' but {DNS_LABEL}; rename it")
case(
    "N19",
    "one name twice",
    web(initContainers=[{"name": "main", "image": "x:1"}]),
    text="Deployment web spec.template.spec.initContainers[0].name='main' but another container of the pod has"
    " this name;"
    " rename one of the two",
)
case("N19", "two names", web(initContainers=[{"name": "load", "image": "x:1"}]))
case(
    "N19",
    "a volume",
    web(volumes=[{"name": "a.b", "emptyDir": {}}]),
    text=f"Deployment web spec.template.spec.volumes[0].name='a.b' but {DNS_LABEL}; rename it",
)
case(
    "N19",
    "an account",
    web(serviceAccountName="A"),
    text=f"Deployment web spec.template.spec.serviceAccountName='A' but {SUBDOMAIN}; correct the name",
)
case(
    "N19",
    "a priority",
    web(priorityClassName="b_c"),
    text=f"Deployment web spec.template.spec.priorityClassName='b_c' but {SUBDOMAIN}; correct the name",
)
case(
    "N19",
    "a variable with =",
    web({"env": [{"name": "a=b", "value": "x"}]}),
    text=f"Deployment web {MAIN}.env[0].name='a=b' but {VARIABLE}; rename the variable",
)
case(
    "N19",
    "a variable without a name",
    web({"env": [{"name": "", "value": "x"}]}),
    text=f"Deployment web {MAIN}.env[0].name='' but {VARIABLE}; rename the variable",
)
source = {"configMapRef": {"name": "settings"}}
case(
    "N19",
    "a prefix",
    web({"envFrom": [{"prefix": "ü", **source}]}),
    text=f"Deployment web {MAIN}.envFrom[0].prefix='ü' but {VARIABLE}; correct the prefix",
)
case(
    "N21",
    "a dash",
    web({"env": [{"name": "a-b", "value": "x"}]}),
    text=f"Deployment web {MAIN}.env[0].name='a-b' but {VARIABLE}; rename the variable, or accept N21 for a"
    " program that"
    " is started without a shell",
)
case(
    "N21",
    "a prefix with a dot",
    web({"envFrom": [{"prefix": "a.", **source}]}),
    text=f"Deployment web {MAIN}.envFrom[0].prefix='a.' but {VARIABLE}; correct the prefix",
)
case("N21", "what the API server refuses anyway", web({"env": [{"name": "a=b", "value": "x"}]}))
case("N21", "all there is", web({"env": [{"name": "_Az09", "value": "x"}], "envFrom": [{"prefix": "A_", **source}]}))

number = "a port is a number from 1 to 65535; correct the number"
for given_port, end in (
    (
        {"name": "http-metrics-api", "containerPort": 1},
        (
            "name='http-metrics-api' but a port name has at most 15 characters and this one has 16; choose a short"
            " name such as"
            ' "http" or "metrics"'
        ),
    ),
    (
        {"name": "80", "containerPort": 1},
        (
            "name='80' but a port name holds a-z, 0-9 and single \"-\" only, with at least one letter; choose a"
            " short name such"
            ' as "http" or "metrics"'
        ),
    ),
    ({"containerPort": 0}, f"containerPort=0 but {number}"),
    ({"containerPort": 65536}, f"containerPort=65536 but {number}"),
    ({"containerPort": 1, "hostPort": 70000}, f"hostPort=70000 but {number}"),
    ({"containerPort": 65535, "hostPort": 0, "name": "http-metrics-ap"}, None),
):
    case("N20", f"{given_port}", web({"ports": [given_port]}), text=end and f"Deployment web {MAIN}.ports[0].{end}")
case(
    "N20",
    "one name twice",
    web({"ports": [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}]}),
    text=f"Deployment web {MAIN}.ports[1].name='a' but another port of the container has this name; rename one"
    " of the two",
)

devices = {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}
case(
    "N22",
    "all GPUs",
    web({"env": [devices], "resources": {"limits": {"nvidia.com/gpu": 1}}}),
    text=f"Deployment web {MAIN}.env[0].name='NVIDIA_VISIBLE_DEVICES' but the device plugin sets it to the GPUs"
    " that the"
    " container was given; leave the variable away",
)
case("N22", "no GPUs for a container without", web({"env": [{**devices, "value": "void"}]}))
index = {"name": "JOB_COMPLETION_INDEX", "value": "0"}
path = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
case(
    "N22",
    "one index for all",
    indexed(env=[index]),
    text=f"Job train {MAIN}.env[0].name='JOB_COMPLETION_INDEX' but the Job controller sets it to the index of the pod,"
    " unless it is set here; leave the variable away",
)
case(
    "N22",
    "the same by hand",
    indexed(env=[{"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": path}}}]),
)
case("N22", "no Job", web({"env": [index]}))


def linked(name: str, server: str) -> str:
    """Return the finding on the Deployment *name* beside the Service vllm or mlflow."""
    return (
        f"Deployment {name} spec.template.spec.enableServiceLinks but Service {server.lower()} puts"
        f" {server.upper()}_PORT=tcp://... into the pod, which {server} takes for its port; write enableServiceLinks:"
        " false in the pod, or rename the Service"
    )


flow = {"args": ["mlflow", "server", "--port=5000"]}
case("N26", "its own pods", service("vllm"), deployment("vllm"), text=linked("vllm", "vLLM"))
case("N26", "pods that run it", service("vllm"), web({"image": "vllm/vllm-openai:v1"}), text=linked("web", "vLLM"))
case("N26", "other pods", service("vllm"), web())
case("N26", "other pods that happen to be selected", service("vllm-api"), deployment("vllm-api"))
case("N26", "no links", service("vllm"), deployment("vllm", template=pods({}, app="vllm", enableServiceLinks=False)))
case("N26", "no address", service("vllm", clusterIP="None"), deployment("vllm"))
case("N26", "no port on the command line", service("mlflow"), deployment("mlflow"), text=linked("mlflow", "MLflow"))
case("N26", "a port on the command line", service("mlflow"), deployment("mlflow", template=pods(flow, app="mlflow")))
case(
    "N26",
    "a port as a variable",
    service("vllm"),
    deployment("vllm", template=pods({"env": [{"name": "VLLM_PORT", "value": "8000"}]}, app="vllm")),
)

case(
    "N27",
    "a version",
    versioned("app.kubernetes.io/version", "1.4"),
    text="Deployment web spec.selector.matchLabels['app.kubernetes.io/version']='1.4' but it changes with every"
    " release,"
    f" and a selector can never be changed; {STAYS}",
)
case(
    "N27",
    "a commit",
    versioned("from", "0a1b2c3d4e" * 4),
    text=f"Deployment web spec.selector.matchLabels['from']='{'0a1b2c3d4e' * 4}' but it changes with every"
    " release, and a"
    f" selector can never be changed; {STAYS}",
)
case(
    "N27",
    "the tag of the image",
    versioned("release", "1"),
    text="Deployment web spec.selector.matchLabels['release']='1' but it is the tag of the image, which changes with a"
    f" release, and a selector can never be changed; {STAYS}",
)
case("N27", "another object with each tag", {**versioned("release", "1"), "metadata": {"name": "web-1"}})
case("N27", "a generation beside another", versioned("version", "v1"))
case("N27", "names", versioned("app.kubernetes.io/name", "1"))


@pytest.mark.parametrize(("rule", "manifests", "expected"), CASES)
def test_names_are_judged(rule: str, manifests: tuple[Mapping[str, Any], ...], expected: list[str]) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged("N", *manifests) if broken == rule] == expected


def test_services_may_start_with_a_digit_from_1_36_on() -> None:
    """RelaxedServiceNameValidation is on then, and names are still short."""
    cluster = Cluster("later", kubernetes="1.36")
    assert judged("N01", service("8ball"), cluster=cluster) == []
    assert judged("N01", service("-", selector={"app": "web"}), cluster=cluster) == [
        ("N01", f"test: Service - metadata.name='-' but {DNS_LABEL}; rename it")
    ]


def test_a_patch_is_judged(tmp_path: Path) -> None:
    """What a patch made is checked like everything else."""
    scope = environment(tmp_path)
    patch = {"op": "add", "path": "/metadata/labels/model", "value": "org/model"}
    own_service(scope).add_json_patch("Deployment", patch)
    assert found_by(scope, "N16") == [
        f"test/api: Deployment api metadata.labels['model']='org/model' but {LABEL}; {move}"
    ]


def test_a_foreign_object_is_judged(tmp_path: Path) -> None:
    """Also one that plain cdk8s makes."""
    scope = environment(tmp_path)
    raw(scope, service("8ball"))
    (text,) = found_by(scope, "N01")
    assert text.startswith("test: Service 8ball metadata.name='8ball' but ")


def test_modelyards_own_objects_break_no_rule_of_the_family(tmp_path: Path) -> None:
    """Neither with nor without accelerators, nor what stands beside them."""
    scope = environment(tmp_path)
    own_service(scope, gpu=Gpu("l4"))
    training(scope)
    raw(scope, deployment())
    raw(scope, autoscaler())
    assert [finding.text for finding in found(scope) if finding.rule.startswith("N")] == []


SMALL = string.ascii_lowercase + string.digits
AROUND = st.text(alphabet=SMALL + "-._AZ/ é", max_size=70)


@given(AROUND)
def test_dns_labels_are_those_of_the_api_server(text: str) -> None:
    """As IsDNS1123Label says it, and IsDNS1123Subdomain part by part."""
    label = 0 < len(text) < 64 and set(text) <= {*SMALL, "-"} and "-" not in {text[0], text[-1]}
    parts = [part != "" and set(part) <= {*SMALL, "-"} and "-" not in {part[0], part[-1]} for part in text.split(".")]

    assert (names.dns_label(text) is None) == label
    assert (names.subdomain(text) is None) == all(parts)
    assert (names.dns_label_1035(text) is None) == (label and text[0].isalpha())


@given(AROUND)
def test_labels_are_those_of_the_api_server(text: str) -> None:
    """As IsValidLabelValue and IsQualifiedName say it."""
    allowed = set(string.ascii_letters + string.digits)
    named = 0 < len(text) < 64 and set(text) <= allowed | set("-_.") and {text[0], text[-1]} <= allowed

    assert (names.label_value(text) is None) == (named or not text)
    assert (names.qualified_name(f"acme.dev/{text}") is None) == named


@given(AROUND)
def test_port_names_are_those_of_the_api_server(text: str) -> None:
    """As IsValidPortName says it."""
    lower = bool(text) and set(text) <= {*SMALL, "-"} and any(one.isalpha() for one in text)
    expected = lower and len(text) < 16 and "--" not in text and "-" not in {text[0], text[-1]}

    assert (names.port_name(text) is None) == expected
