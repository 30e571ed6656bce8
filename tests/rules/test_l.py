"""L: replicas on several nodes, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard import VLLM, Accelerator, Cluster, Crd, Environment, Gpu, ScalableModelService
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, pods
from tests.support import IMAGE, environment, found_by

CLUSTER = Cluster(
    "main", kubernetes="1.36", installed=[Crd.LWS], accelerators=[Accelerator("h200", per_node=8, nodes=4)]
)
SET = "test: LeaderWorkerSet big "
CASES: list[Any] = []


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, manifests, [] if text is None else [SET + text], id=f"{rule}-{name}"))


def group(name: str = "big", size: int = 2, rolling: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return a LeaderWorkerSet."""
    template = {"size": size, "workerTemplate": pods(app=name)}
    if rolling is not None:
        spec["rolloutStrategy"] = {"type": "RollingUpdate", "rollingUpdateConfiguration": rolling}
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": name},
        "spec": {**spec, "leaderWorkerTemplate": template},
    }


def service(**spec: Any) -> Manifest:
    """Return a Service of the name of the set."""
    body = {"selector": {"app": "big"}, "ports": [{"port": 80, "targetPort": 8000}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "big"}, "spec": body}


UNIQUE: dict[str, Any] = {"networkConfig": {"subdomainPolicy": "UniquePerReplica"}}
ROLLING = "spec.rolloutStrategy.rollingUpdateConfiguration.maxUnavailable"
case("L01", "two", group())
case(
    "L01",
    "no pod",
    group(size=0),
    text="spec.leaderWorkerTemplate.size=0 but a group has at least 1 pod; write a size of 1 or more",
)
case(
    "L01",
    "fewer than none",
    group(replicas=-1),
    text="spec.replicas=-1 but there are at least 0 groups; write 0 or more",
)
case(
    "L01",
    "too many",
    group(replicas=2**30, size=4),
    text="spec.replicas=1073741824 but that makes 4294967296 pods of 1073741824 groups, and there are at most 2147483647; write fewer",
)
case("L02", "one at a time", group(rolling={"maxSurge": 0, "maxUnavailable": 1}))
case("L02", "the webhook's own", group(rolling={"maxSurge": 0}))
case("L02", "nothing to roll", group(replicas=0, rolling={"maxSurge": 0, "maxUnavailable": 0}))
case(
    "L02",
    "neither",
    group(rolling={"maxSurge": "0%", "maxUnavailable": 0}),
    text=f"{ROLLING}=0 but maxSurge is 0 too, and a rollout has to begin somewhere; write maxUnavailable: 1",
)
D10 = "spec.rolloutStrategy.rollingUpdateConfiguration.maxUnavailable"
case("D10", "nothing leads there", group(rolling={"maxUnavailable": "100%"}))
case("D10", "one is added first", group(rolling={"maxSurge": 1, "maxUnavailable": 0}, **UNIQUE), service())
case("D10", "one of two stays", group(replicas=2, **UNIQUE), service())
case(
    "D10",
    "the one may end",
    group(rolling={"maxUnavailable": "100%"}, **UNIQUE),
    service(),
    text=(
        f"{D10}='100%' but a rollout may end the one replica before a new one is ready, and Service big leads nowhere"
        " meanwhile; run 2 replicas or more and roll them one by one, or accept D10 where a pause is fine"
    ),
)
case(
    "D10",
    "all may end",
    group(replicas=3, rolling={"maxUnavailable": 3}, **UNIQUE),
    service(),
    text=(
        f"{D10}=3 but a rollout may end all 3 replicas before a new one is ready, and Service big leads nowhere meanwhile;"
        " lower maxUnavailable, or accept D10 where a pause is fine"
    ),
)
case("L03", "no Service", group())
case("L03", "a headless one", group(), service(clusterIP="None"))
case("L03", "names of their own", group(**UNIQUE), service())
case(
    "L03",
    "its Service",
    group(),
    service(),
    text=(
        "spec.networkConfig.subdomainPolicy='Shared' but Service big is not headless, and all pods of the set have their"
        " names from it; write networkConfig: {subdomainPolicy: UniquePerReplica}, or give the Service another name"
    ),
)
ROOM = "and its pods carry that in a label with 11 more characters, so it has at most 52 and this one has"


def named(name: str, longest: str | None = None, **options: Any) -> None:
    """Keep a case of a name, and the longest that a StatefulSet has by it where that is too long."""
    manifest = group(name, **options)
    text = None
    if longest is not None:
        text = (
            f"metadata.name='{name}' but its last StatefulSet is called {longest}, {ROOM} {len(longest)};"
            " choose a shorter name"
        )
    label = " ".join(map(str, [len(name), *options.values()]))
    found = [] if text is None else [f"test: LeaderWorkerSet {name} {text}"]
    CASES.append(pytest.param("N10", (manifest,), found, id=f"N10-{label}"))


SURGE: dict[str, Any] = {"rolling": {"maxSurge": "10%", "maxUnavailable": 0}}
named("b" * 50, size=10, replicas=10)
named("b" * 50, f"{'b' * 50}-10", size=2, replicas=11)
named("b" * 50, f"{'b' * 50}-10", size=2, replicas=10, **SURGE)
named("b" * 50, size=2, replicas=9, **SURGE)
named("b" * 50, size=2, replicas=0)
named("b" * 51, f"{'b' * 51}-0", size=2)
named("b" * 52, size=1, replicas=2000)
named("b" * 53, "b" * 53, size=1)


@pytest.mark.parametrize(("rule", "manifests", "expected"), CASES)
def test_a_group_is_judged(rule: str, manifests: tuple[Mapping[str, Any], ...], expected: list[str]) -> None:
    """Exactly the breach that is there."""
    found = judged(rule, *manifests, cluster=CLUSTER)
    assert [text for one, text in found if one == rule] == expected


def test_n10_knows_what_the_service_of_a_group_may_be_called() -> None:
    """The Service of the pods has the name of the group."""
    (found,) = judged("N10", group("a.b"), cluster=CLUSTER)
    assert found[1].endswith(
        'but a name holds a-z, 0-9 and "-" only, starts with a letter and ends with no "-"; choose a name without dots, that begins'
        " with a letter"
    )


def big(scope: Environment, **options: Any) -> None:
    """Add a service of two nodes."""
    stock: dict[str, Any] = {"gpu": Gpu("h200", 8), "nodes": 2, "model": "/opt/model", "runtime": VLLM("0.18.0")}
    ScalableModelService(scope, "big", image=IMAGE, **{**stock, **options})


def test_l04_accelerators_are_those_that_the_model_is_divided_over(tmp_path: Path) -> None:
    """What the user says of both is held against the pods."""
    scope = environment(tmp_path, cluster=CLUSTER)
    big(scope, runtime=VLLM("0.18.0", tensor_parallel=8, pipeline_parallel=1))
    assert found_by(scope, "L04") == [
        "test/big: runtime.tensor_parallel=8 but tensor_parallel=8 times pipeline_parallel=1 is 8, and there are 16 accelerators (2 nodes with 8 each); leave both away, so that they are worked out, or make them fit"
    ]


@pytest.mark.parametrize("runtime", [VLLM("0.18.0"), VLLM("0.18.0", tensor_parallel=16)])
def test_l04_is_kept_where_they_fit(tmp_path: Path, runtime: VLLM) -> None:
    """Worked out, or said and right."""
    scope = environment(tmp_path, cluster=CLUSTER)
    big(scope, runtime=runtime)
    assert found_by(scope, "L04") == []


def test_p12_a_server_gets_no_flag_that_its_version_lacks(tmp_path: Path) -> None:
    """Several nodes need flags that older versions do not have, and all the options are refused that are given twice."""
    scope = environment(tmp_path, cluster=CLUSTER)
    big(scope, runtime=VLLM("0.11.2"), args=["--port=1"])
    assert found_by(scope, "P12") == [
        "test/big: args[0] but the options of vLLM set --port; leave it away, and use the options",
        "test/big: nodes=2 but vLLM knows --master-addr since 0.12; use a newer image, or say its version if the tag does not",
    ]


def test_p12_is_kept_by_flags_that_are_new_to_the_options(tmp_path: Path) -> None:
    """What no option says is the user's to add."""
    scope = environment(tmp_path, cluster=CLUSTER)
    big(scope, args=["--enforce-eager"])
    assert found_by(scope, "P12") == []
