"""Laws of whole plans: every changed object once, in order, and no manifest is too odd to be told of."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.plan import Plan, data, markdown, text
from modelyard.plan.effects import LOOKS
from modelyard.plan.markdown import LONGEST
from modelyard.plan.model import ORDER
from tests.plan.trees import Manifest, one, planned

FIELDS = [
    "metadata", "spec", "template", "containers", "replicas", "strategy", "rollingUpdate", "maxSurge", "maxUnavailable",
    "ingress", "egress", "from", "ports", "policyTypes", "podSelector", "selector", "suspend", "schedule", "minReplicas",
    "maxReplicas", "minReplicaCount", "scaleTargetRef", "resources", "requests", "limits", "storage", "nvidia.com/gpu",
    "labels", "annotations", "data", "immutable", "name", "value", "parallelism", "completions", "roleRef", "image",
]  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["", "a", "25%", "1Gi", "Ingress", "x" * 99])
ODD = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)
KINDS = st.sampled_from([*LOOKS, "JobSet", "LeaderWorkerSet", "StorageClass", "Widget"])
MANIFESTS = st.builds(
    lambda kind, body: {"apiVersion": "v1", **body, "kind": kind},
    KINDS,
    st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4),
)
PATHS = st.sampled_from([f"prod/{workload}/{file}.yaml" for workload in "ab" for file in "xyz"])


@settings(max_examples=300)
@given(st.dictionaries(PATHS, MANIFESTS, max_size=4), st.dictionaries(PATHS, MANIFESTS, min_size=1, max_size=4))
def test_no_manifest_is_too_odd(old: dict[str, Manifest], new: dict[str, Manifest]) -> None:
    """What no API server would take, as an older commit may hold it, gives a plan and never a traceback."""
    plan = Plan(commit="", base="x", workloads=planned(old, new))

    assert "".join(line for line, _ in text(plan)) != ""
    assert len(markdown(plan).encode()) <= LONGEST
    assert json.loads(json.dumps(data(plan), default=str))["changes"] == bool(plan.workloads)


NAMES = st.sampled_from(["a", "b", "c", "d"])
TREES = st.dictionaries(
    st.tuples(
        st.sampled_from(["api", "tune", "_environment"]), st.sampled_from(["Service", "Job", "Deployment"]), NAMES
    ),
    st.integers(0, 2),
    max_size=8,
)


def tree(values: dict[tuple[str, str, str], int]) -> dict[str, Manifest]:
    """Return a tree with an object of each workload, kind and name, which holds a number."""
    return {
        f"prod/{workload}/{kind}-{name}.yaml": one(kind, f"{workload}-{name}", {"x": value})
        for (workload, kind, name), value in values.items()
    }


@given(TREES, TREES.filter(bool))
def test_every_object_that_differs_is_told_once(
    old: dict[tuple[str, str, str], int], new: dict[tuple[str, str, str], int]
) -> None:
    """As created, removed or changed; what is the same is not told, and the worst comes first."""
    plans = planned(tree(old), tree(new))
    told = sorted((each.change, each.kind, each.name) for plan in plans for each in plan.objects)
    expected: list[Any] = []
    for key in {*old, *new}:
        change = "created" if key not in old else "removed" if key not in new else "changed"
        if old.get(key) != new.get(key):
            expected.append((change, key[1], f"{key[0]}-{key[2]}"))

    assert told == sorted(expected)
    assert all(each.effects for plan in plans for each in plan.objects)
    for ranks in ([plan.risk for plan in plans], *([effect.risk for effect in plan.effects] for plan in plans)):
        assert [ORDER[risk] for risk in ranks] == sorted(ORDER[risk] for risk in ranks)
