"""J: Indexed Jobs, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard import Environment
from tests.rules import manifests
from tests.rules.patches import POD, Operation, Setup, foreign, put, remove, texts
from tests.support import raw

CASES: list[Any] = []
JOB = manifests.job(app="train")
SIZE = {"completionMode": "Indexed", "completions": 4, "parallelism": 4, "backoffLimit": 8}
INDEXED = {**JOB, "spec": {**JOB["spec"], **SIZE}}
MANY = (put("/spec/completions", 100_001), put("/spec/backoffLimitPerIndex", 1))
HEADLESS: dict[str, Any] = {
    "clusterIP": "None",
    "selector": {"app": "train"},
    "publishNotReadyAddresses": True,
    "ports": [{"port": 29500}],
}
TRAIN = "test: Job train "
SUCCESS = TRAIN + "spec.successPolicy.rules"


def case(rule: str, name: str, setup: Setup, text: str | None = None) -> None:
    """Keep one case: what *setup* is to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, setup, [] if text is None else [text], id=f"{rule}-{name}"))


def indexed(*operations: Operation) -> Setup:
    """Return what adds an Indexed Job of 4 pods that know nothing of each other."""
    return foreign(INDEXED, *operations)


def together(*operations: Operation, service: Mapping[str, Any] | None = HEADLESS) -> Setup:
    """Return what adds an Indexed Job whose pods find each other by *service*, which is called as it is."""

    def setup(scope: Environment) -> None:
        indexed(put(f"{POD}/subdomain", "train"), *operations)(scope)
        if service is not None:
            raw(scope, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "train"}, "spec": service})

    return setup


def succeeds(*rules: Mapping[str, Any]) -> Operation:
    """Return the operation that writes a success policy."""
    return put("/spec/successPolicy", {"rules": list(rules)})


case(
    "J02", "completions missing", indexed(remove("/spec/completions")),
    text=TRAIN + "spec.completions but an Indexed Job with parallelism 4 says how many indexes it has; write "
    "completions: 4, or more",
)  # fmt: skip
case(
    "J03", "retries by index", foreign(JOB, put("/spec/backoffLimitPerIndex", 1)),
    text=TRAIN + "spec.backoffLimitPerIndex but the Job has no indexes (completionMode is NonIndexed); write "
    "completionMode: Indexed and completions, or remove the field",
)  # fmt: skip
case(
    "J03", "success policy", foreign(JOB, put("/spec/successPolicy", {"rules": [{"succeededIndexes": "0"}]})),
    text=TRAIN + "spec.successPolicy but the Job has no indexes (completionMode is NonIndexed); write "
    "completionMode: Indexed and completions, or remove the field",
)  # fmt: skip
case(
    "J04", "failed indexes without retries by index", indexed(put("/spec/maxFailedIndexes", 1)),
    text=TRAIN + "spec.maxFailedIndexes=1 but backoffLimitPerIndex is not set, so no index fails on its own; "
    "set backoffLimitPerIndex, or remove maxFailedIndexes",
)  # fmt: skip
case(
    "J04", "more failed indexes than indexes",
    indexed(put("/spec/backoffLimitPerIndex", 1), put("/spec/maxFailedIndexes", 5)),
    text=TRAIN + "spec.maxFailedIndexes=5 but completions is 4, and at most all indexes fail; lower it to at "
    "most 4",
)  # fmt: skip
case(
    "J05", "too parallel", indexed(put("/spec/completions", 100_001), put("/spec/parallelism", 100_001)),
    text=TRAIN + "spec.parallelism=100001 but an Indexed Job runs at most 100000 pods at once; split it into "
    "several Jobs",
)  # fmt: skip
case(
    "J05", "too parallel with retries by index",
    indexed(*MANY, put("/spec/parallelism", 10_001), put("/spec/maxFailedIndexes", 1)),
    text=TRAIN + "spec.parallelism=10001 but with more than 100000 completions and backoffLimitPerIndex it "
    "is at most 10000; lower it to 10000",
)  # fmt: skip
case(
    "J05", "no limit of failed indexes", indexed(*MANY),
    text=TRAIN + "spec.maxFailedIndexes but it is not set, and with more than 100000 completions and "
    "backoffLimitPerIndex it is at most 10000; set maxFailedIndexes",
)  # fmt: skip
case(
    "J05", "too many failed indexes", indexed(*MANY, put("/spec/maxFailedIndexes", 10_001)),
    text=TRAIN + "spec.maxFailedIndexes=10001 but with more than 100000 completions and backoffLimitPerIndex "
    "it is at most 10000; lower it to 10000",
)  # fmt: skip
case(
    "J15", "fewer retries than pods", together(put("/spec/backoffLimit", 3)),
    text=TRAIN + "spec.backoffLimit=3 but 4 pods fail together, and each counts as one retry; raise it to 4 "
    "or a multiple",
)  # fmt: skip
case(
    "J15", "default retries",
    together(put("/spec/completions", 8), put("/spec/parallelism", 8), remove("/spec/backoffLimit")),
    text=TRAIN + "spec.backoffLimit but 8 pods fail together (Kubernetes assumes 6), and each counts as one "
    "retry; raise it to 8 or a multiple",
)  # fmt: skip
case(
    "J16", "not all at once", together(put("/spec/parallelism", 2)),
    text=TRAIN + "spec.parallelism=2 but completions is 4, and the pods wait for each other (subdomain is "
    "set); write parallelism: 4",
)  # fmt: skip
case(
    "J17", "no service", together(service=None),
    text=TRAIN + "spec.template.spec.subdomain='train' but the environment has no Service of this name; add "
    "a Service of this name with clusterIP: None that selects the pods, publishNotReadyAddresses: true",
)  # fmt: skip
case(
    "J17", "service with an address", together(service={**HEADLESS, "clusterIP": "10.0.0.1"}),
    text=TRAIN + "spec.template.spec.subdomain='train' but the Service of this name is not headless, so the "
    "pods get no names of their own; write clusterIP: None in the Service",
)  # fmt: skip
case(
    "J17", "service of other pods", together(service={**HEADLESS, "selector": {"app": "other"}}),
    text=TRAIN + "spec.template.spec.subdomain='train' but the Service of this name does not select the pods "
    "of this Job; give the Service labels of the pod template as its selector",
)  # fmt: skip
case(
    "J17", "service of no pods", together(service={**HEADLESS, "selector": {}}),
    text=TRAIN + "spec.template.spec.subdomain='train' but the Service of this name does not select the pods "
    "of this Job; give the Service labels of the pod template as its selector",
)  # fmt: skip
case(
    "J17", "service of ready pods", together(service={**HEADLESS, "publishNotReadyAddresses": False}),
    text=TRAIN + "spec.template.spec.subdomain='train' but the Service of this name leaves out pods that are "
    "not ready, as they are until they found each other; write publishNotReadyAddresses: true in the "
    "Service",
)  # fmt: skip
case(
    "J19", "no rule", indexed(succeeds()),
    text=SUCCESS + "='0 rules' but a success policy has 1 to 20 rules; write the rules that are needed",
)  # fmt: skip
case(
    "J19", "empty rule", indexed(succeeds({})),
    text=SUCCESS + '[0] but it asks for nothing; write succeededIndexes: "0", or succeededCount',
)  # fmt: skip
case(
    "J19", "more successes than indexes", indexed(succeeds({"succeededCount": 5})),
    text=SUCCESS + "[0].succeededCount=5 but only 4 indexes can succeed here; write 0 to 4",
)  # fmt: skip
case(
    "J19", "more successes than are named", indexed(succeeds({"succeededIndexes": "0,2", "succeededCount": 3})),
    text=SUCCESS + "[0].succeededCount=3 but only 2 indexes can succeed here; write 0 to 2",
)  # fmt: skip
case(
    "J19", "index out of range", indexed(succeeds({"succeededIndexes": "0,4"})),
    text=SUCCESS + "[0].succeededIndexes='0,4' but the last index is 3 (completions is 4); name indexes "
    "below completions, in ascending order, such as 0,2-4",
)  # fmt: skip
case(
    "J19", "indexes in disorder", indexed(succeeds({"succeededIndexes": "2,1"})),
    text=SUCCESS + "[0].succeededIndexes='2,1' but indexes stand in ascending order; name indexes below "
    "completions, in ascending order, such as 0,2-4",
)  # fmt: skip
case(
    "J19", "no indexes", indexed(succeeds({"succeededIndexes": "all"})),
    text=SUCCESS + "[0].succeededIndexes='all' but indexes are whole numbers and ranges of them, separated "
    "by commas; name indexes below completions, in ascending order, such as 0,2-4",
)  # fmt: skip

case("J02", "defaults", indexed(remove("/spec/completions"), remove("/spec/parallelism")))
case("J03", "retries by index", indexed(put("/spec/backoffLimitPerIndex", 1)))
case("J04", "all indexes", indexed(put("/spec/backoffLimitPerIndex", 1), put("/spec/maxFailedIndexes", 4)))
case("J05", "100000 at once", indexed(put("/spec/completions", 100_000), put("/spec/parallelism", 100_000)))
case(
    "J05", "many with retries by index",
    indexed(*MANY, put("/spec/parallelism", 10_000), put("/spec/maxFailedIndexes", 10_000)),
)  # fmt: skip
case(
    "J18", "pod by pod", together(),
    text=TRAIN + "spec.completions=4 but its pods are placed one by one, and each of two such Jobs may hold half "
    "of the nodes for ever; put the Job into a queue (Kueue), or accept J18 where nothing else wants these nodes",
)  # fmt: skip
case("J15", "no retries on purpose", together(put("/spec/backoffLimit", 0)))
case("J15", "a retry for each", together(put("/spec/backoffLimit", 4)))
case("J15", "retries by index", together(put("/spec/backoffLimit", 1), put("/spec/backoffLimitPerIndex", 1)))
case("J15", "pods on their own", indexed(put("/spec/backoffLimit", 1)))
case("J16", "more than needed", together(put("/spec/parallelism", 5)))
case("J16", "pods on their own", indexed(put("/spec/parallelism", 2)))
case("J17", "headless", together())
case("J17", "by the name of the Job", together(service={**HEADLESS, "selector": {"job-name": "train"}}))
case("J17", "one pod", together(put("/spec/completions", 1), service=None))
case("J18", "in a queue", together(put("/metadata/labels", {"kueue.x-k8s.io/queue-name": "research"})))
case("J18", "by another scheduler", together(put(f"{POD}/schedulerName", "volcano")))
case("J18", "in a group of pods", together(put("/spec/template/metadata/labels/scheduling.x-k8s.io~1pod-group", "t")))
case("J18", "pods on their own", indexed())
case("J18", "one pod", together(put("/spec/completions", 1), service=None))
case("J19", "some indexes", indexed(succeeds({"succeededIndexes": "0,2-3", "succeededCount": 3})))
case("J19", "a number", indexed(succeeds({"succeededCount": 4})))


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the finding that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup) == expected
