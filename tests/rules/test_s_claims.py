"""S: the claims that a JobSet makes, with what breaks the rule, in its exact words, and what is close to it and right."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from tests.rules.patches import Operation, Setup, foreign, put, remove, texts
from tests.rules.test_s import CLUSTER, POD, SET
from tests.support import environment, found, raw

CASES: list[Any] = []
CLAIM: dict[str, Any] = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Ti"}}}
MOUNTS = f"/spec/replicatedJobs/1/{POD}/containers/0/volumeMounts"
POLICIES = "/spec/volumeClaimPolicies"
AT = "spec.volumeClaimPolicies[0]"


def policy(name: str = "data", **fields: Any) -> dict[str, Any]:
    """Return a policy of one claim."""
    return {"templates": [{"metadata": {"name": name}, "spec": CLAIM}], **fields}


def claims(*operations: Operation) -> dict[str, Any]:
    """Return a JobSet that makes a claim, which a container mounts."""
    mount = {"name": "data", "mountPath": "/data"}
    made = [put(POLICIES, [policy()]), put(MOUNTS, [mount]), *operations]
    patched: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(SET), [dict(one) for one in made])
    return patched


def beside(claim: dict[str, Any], *operations: Operation) -> Setup:
    """Return what adds the JobSet, and the claim that it would make."""
    there = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-train"}, "spec": claim}
    return lambda scope: [raw(scope, one) for one in (claims(*operations), there)]


def case(name: str, setup: Setup, *expected: str) -> None:
    """Keep one case, with the findings of S06 in order or none."""
    CASES.append(pytest.param(setup, [f"test: JobSet train {text}" for text in expected], id=name))


RETAIN = put(f"{POLICIES}/0/retentionPolicy", {"whenDeleted": "Retain"})
LONG = "d" * 58
case("mounted", foreign(claims()))
case(
    "twice", foreign(claims(put(f"{POLICIES}/-", policy()))),
    "spec.volumeClaimPolicies[1].templates[0].metadata.name='data' but another claim of the set has this name; rename the claim",
)  # fmt: skip
case(
    "no name", foreign(claims(put(POLICIES, [policy("Data")]), put(f"{MOUNTS}/0/name", "Data"))),
    f"{AT}.templates[0].metadata.name='Data' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and ends with a letter "
    "or digit; rename the claim",
)  # fmt: skip
case(
    "too long", foreign(claims(put(POLICIES, [policy(LONG)]), put(f"{MOUNTS}/0/name", LONG))),
    f"{AT}.templates[0].metadata.name='{LONG}' but the claim would be called {LONG}-train, of 64 characters, and 63 are possible; "
    "shorten it by 1",
)  # fmt: skip
case(
    "mounted by none", foreign(claims(remove(MOUNTS))),
    f"{AT}.templates[0].metadata.name='data' but no container of the set mounts it; add it to the volumeMounts of a container",
)  # fmt: skip
case(
    "a volume too", foreign(claims(put(f"/spec/replicatedJobs/0/{POD}/volumes", [{"name": "data", "emptyDir": {}}]))),
    "spec.replicatedJobs[0].template.spec.template.spec.volumes[0].name='data' but JobSet adds the claim as a volume of this "
    "name; remove the volume, or rename one of the two",
)  # fmt: skip
case(
    "elsewhere", foreign(claims(put(f"{POLICIES}/0/templates/0/metadata/namespace", "other"))),
    f"{AT}.templates[0].metadata.namespace='other' but the claim is made in the namespace of the set; remove it",
)  # fmt: skip
case("there, and kept", beside(CLAIM, RETAIN))
case(
    "there, and deleted", beside(CLAIM),
    f"{AT}.retentionPolicy.whenDeleted but the PersistentVolumeClaim data-train is rendered too, and the set would delete it; "
    "write Retain",
)  # fmt: skip
case(
    "there, and other", beside({**CLAIM, "accessModes": ["ReadWriteOnce"]}, RETAIN),
    f"{AT}.templates[0].spec but the PersistentVolumeClaim data-train is rendered too, and differs; write the same, or rename "
    "the claim",
)  # fmt: skip


@pytest.mark.parametrize(("setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, setup: Setup, expected: list[str]) -> None:
    """Each case has the findings that it says, word for word, or none of this rule."""
    assert texts(tmp_path, "S06", setup, cluster=CLUSTER, pod_security="privileged") == expected


def test_a_mount_of_such_a_claim_needs_no_volume(tmp_path: Path) -> None:
    """JobSet adds it."""
    scope = environment(tmp_path, cluster=CLUSTER, pod_security="privileged")
    raw(scope, claims())

    assert [str(one) for one in found(scope) if one.severity.value == "error"] == []
