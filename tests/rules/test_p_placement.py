"""P: where pods may run, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard import Cluster, CpuScale, Gpu
from tests.rules.patches import POD, Setup, deployment, put, texts

CASES: list[Any] = []
OWN = {"matchLabels": {"app": "api"}}
LABELLED = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
OTHERS = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}
API = "test/api: Deployment api spec.template.spec."
SPREAD = API + "topologySpreadConstraints[0]."


def case(rule: str, name: str, setup: Setup, text: str | None = None) -> None:
    """Keep one case: what *setup* is to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, setup, [] if text is None else [text], id=f"{rule}-{name}"))


def tolerates(**toleration: Any) -> Setup:
    """Return what adds a service with one toleration."""
    return deployment(put(f"{POD}/tolerations", [toleration]))


def near(*terms: Mapping[str, Any], **labels: str) -> Setup:
    """Return what adds a service that selects *labels* of nodes and requires one of *terms*."""
    expressions = [{"matchExpressions": [term]} for term in terms]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": expressions}}
    return deployment(put(f"{POD}/nodeSelector", labels), put(f"{POD}/affinity", {"nodeAffinity": required}))


def zone(operator: str, *values: str) -> dict[str, Any]:
    """Return a requirement of the node label ``zone``."""
    return {"key": "zone", "operator": operator, **({"values": list(values)} if values else {})}


def spreads(**fields: Any) -> Setup:
    """Return what adds a service with one spread constraint; a field that is None is left away."""
    stock = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    given = {**stock, "labelSelector": OWN, "matchLabelKeys": ["pod-template-hash"], **fields}
    constraint = {key: value for key, value in given.items() if value is not None}
    return deployment(put(f"{POD}/topologySpreadConstraints", [constraint]))


def crowded(required: str = "required", **options: Any) -> Setup:
    """Return what adds a service of pods with an accelerator that share no node."""
    term: dict[str, Any] = {"topologyKey": "kubernetes.io/hostname", "labelSelector": OWN}
    term = term if required == "required" else {"weight": 1, "podAffinityTerm": term}
    apart = {"podAntiAffinity": {f"{required}DuringSchedulingIgnoredDuringExecution": [term]}}
    return deployment(put(f"{POD}/affinity", apart), **{"gpu": Gpu("l4"), "scale": None, **options})


case(
    "P20", "value with Exists", tolerates(key="gpu", operator="Exists", value="a"),
    text=API + "tolerations[0].value='a' but with operator Exists any value is tolerated; remove it, or "
    "write operator: Equal",
)  # fmt: skip
case(
    "P20", "no key", tolerates(operator="Equal", value="a"),
    text=API + "tolerations[0].operator='Equal' but without a key a toleration is for every taint, which "
    "only Exists can say; name the key of a taint, or write operator: Exists",
)  # fmt: skip
case(
    "P20", "nothing", tolerates(),
    text=API + "tolerations[0].operator but without a key a toleration is for every taint, which only Exists "
    "can say; name the key of a taint, or write operator: Exists",
)  # fmt: skip
case(
    "P20", "key with a space", tolerates(key="a b", operator="Exists"),
    text=API + "tolerations[0].key='a b' but a key holds letters, digits, \"-\", \"_\", \".\" and starts and ends "
    "with a letter or digit; write the key of a taint",
)  # fmt: skip
case(
    "P20", "value with a slash", tolerates(key="a", value="b/c"),
    text=API + "tolerations[0].value='b/c' but a label value holds letters, digits, \"-\", \"_\", \".\" and starts "
    "and ends with a letter or digit; write the value of a taint",
)  # fmt: skip
case(
    "P20", "seconds without effect", tolerates(key="a", tolerationSeconds=60),
    text=API + "tolerations[0].tolerationSeconds=60 but no effect is named, and only NoExecute makes pods "
    "leave a node later; remove it, or write effect: NoExecute",
)  # fmt: skip
case(
    "P20", "seconds with NoSchedule", tolerates(key="a", effect="NoSchedule", tolerationSeconds=60),
    text=API + "tolerations[0].tolerationSeconds=60 but the effect is NoSchedule, and only NoExecute makes "
    "pods leave a node later; remove it, or write effect: NoExecute",
)  # fmt: skip
case(
    "P21", "contradiction", near(zone("In", "b"), zone="a", disk="ssd"),
    text=API + "nodeSelector['zone']='a' but the required node affinity asks for something else, and a node "
    "has one value of a label; keep one of the two",
)  # fmt: skip
case(
    "P21", "label that must not be there", near(zone("DoesNotExist"), zone="a"),
    text=API + "nodeSelector['zone']='a' but the required node affinity asks for something else, and a node "
    "has one value of a label; keep one of the two",
)  # fmt: skip
case(
    "P22", "no skew", spreads(maxSkew=0),
    text=SPREAD + "maxSkew=0 but a difference of at least 1 is unavoidable; write 1 or more",
)  # fmt: skip
case(
    "P22", "no topology", spreads(topologyKey=""),
    text=SPREAD + "topologyKey='' but it names the node label to spread over; write kubernetes.io/hostname",
)  # fmt: skip
case(
    "P22", "domains that are wished for", spreads(minDomains=2),
    text=SPREAD + "minDomains=2 but it has a meaning only with whenUnsatisfiable: DoNotSchedule; remove it, "
    "or write DoNotSchedule",
)  # fmt: skip
case(
    "P22", "no domains", spreads(minDomains=0, whenUnsatisfiable="DoNotSchedule"),
    text=SPREAD + "minDomains=0 but there is at least 1 domain; write 1 or more, or remove it",
)  # fmt: skip
case(
    "P22", "keys without selector", spreads(labelSelector=None),
    text=SPREAD + "matchLabelKeys=['pod-template-hash'] but there is no labelSelector for it to narrow down; "
    "add a labelSelector",
)  # fmt: skip
case(
    "P22", "key twice", spreads(matchLabelKeys=["app"]),
    text=SPREAD + "matchLabelKeys=['app'] but labelSelector has it already, with a value; leave it in one of "
    "the two",
)  # fmt: skip
case(
    "P29", "other pods", spreads(labelSelector={"matchLabels": {"app": "other"}}),
    text=SPREAD + "labelSelector but it does not match the pod's own labels; select labels that the pod "
    "template has",
)  # fmt: skip
case(
    "P29", "other pods by expression", spreads(labelSelector=OTHERS),
    text=SPREAD + "labelSelector but it does not match the pod's own labels; select labels that the pod "
    "template has",
)  # fmt: skip
case(
    "P29", "no pods", spreads(labelSelector=None, matchLabelKeys=None),
    text=SPREAD + "labelSelector but it is not set, so the constraint counts no pod at all; select labels "
    "that the pod template has",
)  # fmt: skip
case(
    "P23", "one node a replica", crowded(replicas=9),
    text=API + "affinity.podAntiAffinity but up to 9 replicas want a node each, and eks-test has 8 with this "
    "accelerator; prefer the rule (preferredDuringSchedulingIgnoredDuringExecution), or ask for fewer "
    "replicas",
)  # fmt: skip
case(
    "P23", "one node a replica, scaled", crowded(scale=CpuScale(min=1, max=9)),
    text=API + "affinity.podAntiAffinity but up to 9 replicas want a node each, and eks-test has 8 with this "
    "accelerator; prefer the rule (preferredDuringSchedulingIgnoredDuringExecution), or ask for fewer "
    "replicas",
)  # fmt: skip
case(
    "P24", "hostname", deployment(put(f"{POD}/hostname", "api")),
    text=API + "hostname='api' but all pods of the Deployment get it; remove hostname; every pod is then "
    "called as its name says",
)  # fmt: skip

case("P20", "everything", tolerates(operator="Exists"))
case("P20", "for a while", tolerates(key="a/b", operator="Exists", effect="NoExecute", tolerationSeconds=60))
case("P20", "value", tolerates(key="a", value="b"))
case("P21", "one of the values", near(zone("In", "a", "b"), zone="a"))
case("P21", "one of the terms", near(zone("NotIn", "a"), zone("Exists"), zone="a"))
case("P21", "another label", near(zone("In", "b"), disk="ssd"))
case("P22", "fewest domains", spreads(minDomains=2, whenUnsatisfiable="DoNotSchedule"))
case("P22", "key that the pod lacks", spreads(matchLabelKeys=["zone"], labelSelector={"matchLabels": {"zone": "a"}}))
case("P29", "own pods by expression", spreads(labelSelector=LABELLED))
case("P23", "a node for each", crowded(replicas=8))
case("P23", "preferred", crowded("preferred", replicas=9))
case("P23", "no accelerator", crowded(replicas=9, gpu=None))
case("P23", "other nodes", crowded(replicas=9, node_selector={"accelerator": "other"}))
case("P24", "none", deployment())


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the finding that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup) == expected


@pytest.mark.parametrize(("kubernetes", "count"), [("1.33", 1), ("1.34", 0)])
def test_a_key_collides_with_a_selector_on_old_clusters(tmp_path: Path, kubernetes: str, count: int) -> None:
    """Newer ones merge only labels that the pod has."""
    setup = spreads(matchLabelKeys=["zone"], labelSelector={"matchLabels": {"zone": "a"}})
    cluster = Cluster("test", kubernetes=kubernetes)
    assert len(texts(tmp_path, "P22", setup, cluster=cluster)) == count


def test_two_constraints_of_one_kind_are_found_by_the_schema(tmp_path: Path) -> None:
    """The API server takes them for one."""
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": OWN}
    setup = deployment(put(f"{POD}/topologySpreadConstraints", [constraint, constraint]))
    assert len(texts(tmp_path, "X05", setup)) == 1
