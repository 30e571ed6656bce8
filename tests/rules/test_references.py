"""D16, D17 and what N01, N16, N19, A09 and A13 say about names and numbers that the API server reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelyard import Cluster
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, autoscaler, deployment, metric, network_policy, pods, service

CASES: list[Any] = []
WEB = "test: Deployment web spec.template.spec."
MAIN = f"{WEB}containers[0]."
HPA = "test: HorizontalPodAutoscaler web spec."
POLICY = "test: NetworkPolicy web spec."
SERVICE = "test: Service web spec."
LABEL = 'a name holds a-z, 0-9 and "-" only, and starts and ends with a letter or digit'
SUBDOMAIN = 'a name holds a-z, 0-9, "-" and "." only, and starts and ends with a letter or digit'
PATH = 'a name is part of a path, so it is neither "." nor ".." and has no "/" and no "%"'
KEY = 'a key holds letters, digits, "-", "_", "." and starts and ends with a letter or digit'
QUANTITY = "a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none"
DO = "correct the name"


def case(name: str, manifest: Manifest, *texts: str) -> None:
    """Keep one case: what is found in *manifest*, by the rule that *name* begins with."""
    CASES.append(pytest.param(name[:3], manifest, list(texts), id=name))


def web(container: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return the Deployment web with other pods."""
    return deployment(template=pods(container or {}, **spec))


def policy(**spec: Any) -> Manifest:
    """Return the NetworkPolicy web with *spec*."""
    manifest = network_policy()
    return {**manifest, "spec": {**manifest["spec"], **spec}}


def near_nodes(*expressions: Mapping[str, Any]) -> dict[str, Any]:
    """Return an affinity to nodes that fit *expressions*."""
    terms = [{"matchExpressions": [dict(one) for one in expressions]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


TERMS = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions"
case(
    "D16 peers",
    policy(
        ingress=[{"from": [{}, {"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        egress=[
            {"to": [{"ipBlock": {"cidr": "10.0.0.1"}}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/9"]}}]}
        ],
    ),
    f"{POLICY}ingress[0].from[0] but it names nobody; write a podSelector, a namespaceSelector or an ipBlock; {{}}"
    " selects all",
    f"{POLICY}ingress[0].from[1].ipBlock='10.0.0.0/8' but podSelector is given too, and a peer is one of them; make two"
    " peers of it",
    f"{POLICY}egress[0].to[0].ipBlock.cidr='10.0.0.1' but it is no network of addresses; write a network such as"
    " 10.0.0.0/8",
    f"{POLICY}egress[0].to[1].ipBlock.except[0]='11.0.0.0/9' but it is no part of 10.0.0.0/8; write a smaller network"
    " inside it",
)
case(
    "D16 right peers",
    policy(
        ingress=[{"from": [{"podSelector": {}, "namespaceSelector": {}}, {"namespaceSelector": {}}]}],
        egress=[
            {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, {"ipBlock": {"cidr": "fd00::/8"}}]}
        ],
    ),
)
case(
    "D16 ports",
    policy(
        ingress=[
            {
                "ports": [
                    {"port": 0},
                    {"port": "http_metrics"},
                    {"port": "http", "endPort": 90},
                    {"endPort": 90},
                    {"port": 90, "endPort": 80},
                ]
            }
        ]
    ),
    f"{POLICY}ingress[0].ports[0].port=0 but a port is a number from 1 to 65535; correct the number",
    f"{POLICY}ingress[0].ports[1].port='http_metrics' but a port name holds a-z, 0-9 and single \"-\" only, with at least"
    " one letter; write a number without quotes, or the name of a container's port",
    f"{POLICY}ingress[0].ports[2].endPort=90 but port is the name http, and a range begins with a number; write port as a"
    " number, or remove endPort",
    f"{POLICY}ingress[0].ports[3].endPort=90 but port is missing, which a range begins with; add port",
    f"{POLICY}ingress[0].ports[4].endPort=80 but port is 90, and a range goes upwards; correct the number",
)
case(
    "D16 right ports", policy(ingress=[{"ports": [{"port": "http"}, {"port": 80, "endPort": 80}, {"protocol": "UDP"}]}])
)
case(
    "D17 a name in DNS that is missing",
    service(type="ExternalName", clusterIP="10.0.0.1"),
    f"{SERVICE}externalName but the type is ExternalName, which stands for a name in DNS; write the name",
    f"{SERVICE}clusterIP='10.0.0.1' but the type is ExternalName, which has no address; remove it",
)
case(
    "D17 a name in DNS that is none",
    service(type="ExternalName", externalName="Models"),
    f"{SERVICE}externalName='Models' but {SUBDOMAIN}; write a name in DNS",
)
case("D17 a name in DNS", service(type="ExternalName", externalName="models.example.com."))
case(
    "D17 no address",
    service(clusterIP="none"),
    f"{SERVICE}clusterIP='none' but it is an IP address, or None for a headless Service; remove it",
)
case(
    "D17 no address for what is reached by one",
    service(type="NodePort", clusterIP="None"),
    f"{SERVICE}clusterIP='None' but the type is NodePort, which is reached by an address; remove it, or write type:"
    " ClusterIP",
)
case("D17 an address", service(clusterIP="fd00::1"))
case("D17 headless", service(clusterIP="None"))
case(
    "N01 a name that is no part of a path",
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a/b"}},
    f"test: Role a/b metadata.name='a/b' but {PATH}; rename it",
)
case(
    "N01 a name with a colon",
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a:b"}},
)
case(
    "N16 nodes",
    web(
        affinity=near_nodes(
            {"key": "", "operator": "Exists", "values": ["a"]},
            {"key": "b", "operator": "In"},
            {"key": "c", "operator": "Gt", "values": ["1", "2"]},
            {"key": "d", "operator": "NotIn", "values": ["d d"]},
        )
    ),
    f"{WEB}{TERMS}[0].key='' but a key's name has 1 to 63 characters and this one has 0; write the key of a label of nodes",
    f"{WEB}{TERMS}[0].values=['a'] but operator Exists looks at the key only; leave values away, or write In",
    f"{WEB}{TERMS}[1].values but operator In compares with values; list at least one",
    f"{WEB}{TERMS}[2].values=['1', '2'] but operator Gt compares with one number; list one whole number",
    f'{WEB}{TERMS}[3].values[0]=\'d d\' but a label value holds letters, digits, "-", "_", "." and starts and ends with a'
    " letter or digit; write the value of a label",
)
case(
    "N16 right nodes",
    web(
        affinity=near_nodes(
            {"key": "a", "operator": "DoesNotExist"},
            {"key": "b", "operator": "In", "values": ["b", "c"]},
            {"key": "c", "operator": "Lt", "values": ["4"]},
        )
    ),
)
case(
    "N16 preferred nodes",
    web(
        affinity={
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "preference": {"matchExpressions": [{"key": "a b", "operator": "Exists"}]}}
                ]
            }
        }
    ),
    f"{WEB}affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].key="
    f"'a b' but {KEY}; write the key of a label of nodes",
)
case(
    "N16 topologies",
    web(
        affinity={
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a b"}]},
            "podAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "podAffinityTerm": {"topologyKey": "c d"}}
                ]
            },
        },
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "web"}},
                "matchLabelKeys": ["e f"],
            }
        ],
    ),
    f"{WEB}affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey='a b' but {KEY}; write"
    " the key of a label of nodes",
    f"{WEB}affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey='c d' but"
    f" {KEY}; write the key of a label of nodes",
    f"{WEB}topologySpreadConstraints[0].matchLabelKeys[0]='e f' but {KEY}; write the key of a label of pods",
)
case(
    "N19 what a pod names",
    web(hostname="a.b", subdomain="C", nodeName="D", runtimeClassName="E"),
    f"{WEB}hostname='a.b' but {LABEL}; {DO}",
    f"{WEB}nodeName='D' but {SUBDOMAIN}; {DO}",
    f"{WEB}runtimeClassName='E' but {SUBDOMAIN}; {DO}",
    f"{WEB}subdomain='C' but {LABEL}; {DO}",
)
case(
    "N19 where variables come from",
    web(
        {
            "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "A", "key": "a b"}}},
                {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}},
            ],
            "envFrom": [{"configMapRef": {"name": "B"}}],
        }
    ),
    f"{MAIN}env[0].valueFrom.secretKeyRef.name='A' but {SUBDOMAIN}; {DO}",
    f'{MAIN}env[0].valueFrom.secretKeyRef.key=\'a b\' but a key holds letters, digits, "-", "_" and "." only and has at'
    " most 253 characters; correct the key",
    f"{MAIN}env[1].valueFrom.fieldRef.fieldPath='status.phase' but the fields of a pod that a variable can have are"
    " metadata.name, metadata.namespace, metadata.uid, spec.nodeName, spec.serviceAccountName, status.hostIP,"
    f" status.hostIPs, status.podIP, status.podIPs and metadata.labels['KEY']; {DO}",
    f"{MAIN}envFrom[0].configMapRef.name='B' but {SUBDOMAIN}; {DO}",
)
case("N19 an old name of a field", web({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.host"}}}]}))
case(
    "N19 what an autoscaler asks for",
    autoscaler("web", metric("Pods", type="AverageValue", averageValue="1") | {"pods": {
        "metric": {"name": "a/b"}, "target": {"type": "AverageValue", "averageValue": "1"},
    }}, scaleTargetRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "50%"}),
    f"{HPA}scaleTargetRef.name='50%' but {PATH}; {DO}",
    f"{HPA}metrics[0].pods.metric.name='a/b' but {PATH}; {DO}",
)  # fmt: skip
case(
    "A09 a target that is no quantity",
    autoscaler("web", metric("Pods", type="AverageValue", averageValue="10 requests")),
    f"{HPA}metrics[0].pods.target.averageValue='10 requests' but {QUANTITY}; write a number with a unit such as \"500m\""
    ' for CPU or "2Gi" for memory',
)
case("A09 a target that is one", autoscaler("web", metric("Pods", type="AverageValue", averageValue="10k")))


@pytest.mark.parametrize(("rule", "manifest", "expected"), CASES)
def test_names_and_numbers_are_judged(rule: str, manifest: Manifest, expected: list[str]) -> None:
    """Every case alone in an environment."""
    assert sorted(text for broken, text in judged(rule[0], manifest) if broken == rule) == sorted(expected)


def test_n19_the_names_in_a_stateful_set() -> None:
    """The Service that names its pods, and the claims that they get."""
    claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    manifest = deployment(serviceName="a.b", volumeClaimTemplates=[{**claim, "metadata": {"name": "c.d"}}, claim])
    found = [text for _, text in judged("N19", {**manifest, "kind": "StatefulSet"})]
    assert found == [
        f"test: StatefulSet web spec.serviceName='a.b' but {LABEL}; {DO}",
        f"test: StatefulSet web spec.volumeClaimTemplates[0].metadata.name='c.d' but {LABEL}; rename it",
        f"test: StatefulSet web spec.volumeClaimTemplates[1].metadata.name but {LABEL}; rename it",
    ]


def test_a13_a_tolerance_is_a_number() -> None:
    """From 1.33 on, where an autoscaler can have one of its own."""
    manifest = autoscaler("web", behavior={"scaleUp": {"tolerance": "some"}, "scaleDown": {"tolerance": "0.1"}})
    assert [text for _, text in judged("A13", manifest, cluster=Cluster("new", kubernetes="1.37"))] == [
        (
            f"{HPA}behavior.scaleUp.tolerance='some' but a tolerance is a number of at least 0; write a part of 1, such as"
            ' "0.1"'
        )
    ]


def test_p22_a_key_twice() -> None:
    """Where the pod's own labels are merged into the selector."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
        "matchLabelKeys": ["pod-template-hash", "pod-template-hash"],
    }
    manifest = web(topologySpreadConstraints=[spread])
    assert [text for _, text in judged("P22", manifest, cluster=Cluster("old", kubernetes="1.33"))] == []
    assert [text for _, text in judged("P22", manifest)] == [
        (
            f"{WEB}topologySpreadConstraints[0].matchLabelKeys=['pod-template-hash', 'pod-template-hash'] but a key stands there"
            " twice; leave one of the two out"
        )
    ]
