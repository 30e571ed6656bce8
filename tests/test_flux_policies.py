"""What Flux is told about single objects."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

import pytest

from modelyard import Claim, ConfigFiles, Environment, Flux, FluxPolicy
from modelyard.render.objects import gather
from tests.support import environment, found, objects, raw, service, training

REPO = "https://git.example/acme/models"
SSA, FORCE, PRUNE = (f"kustomize.toolkit.fluxcd.io/{word}" for word in ("ssa", "force", "prune"))
CONFIG: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seed"}, "data": {"a": "b"}}


def told(scope: Environment) -> dict[str, dict[str, str]]:
    """Return what Flux reads on the objects of *scope*, whatever is found in them."""
    return {
        f"{one.kind}/{one.name}": read
        for one in gather(scope).objects
        if (read := {key: value for key, value in (one.metadata.get("annotations") or {}).items() if "flux" in key})
    }


def delivered(tmp_path: Path, *policies: FluxPolicy, **options: Any) -> Environment:
    """Return an environment of a service and a foreign ConfigMap that Flux delivers with *policies*."""
    scope = environment(tmp_path, delivery=Flux(REPO, policies=policies), **options)
    service(scope)
    raw(scope, CONFIG)
    return scope


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (FluxPolicy("ConfigMap", name="seed", ssa="Override"), {SSA: "Override"}),
        (FluxPolicy("ConfigMap", name="seed", ssa="Merge"), {SSA: "Merge"}),
        (FluxPolicy("ConfigMap", name="seed", ssa="IfNotPresent"), {SSA: "IfNotPresent"}),
        (FluxPolicy("ConfigMap", name="seed", ssa="Ignore"), {SSA: "Ignore"}),
        (FluxPolicy("ConfigMap", name="seed", force=True), {FORCE: "enabled"}),
        (FluxPolicy("ConfigMap", name="seed", prune=False), {PRUNE: "disabled"}),
        (FluxPolicy("ConfigMap", name="seed", prune=True), {PRUNE: "enabled"}),
        (
            FluxPolicy("ConfigMap", ssa="Merge", force=True, prune=False),
            {SSA: "Merge", FORCE: "enabled", PRUNE: "disabled"},
        ),
    ],
)
def test_every_option_is_an_annotation(tmp_path: Path, policy: FluxPolicy, expected: dict[str, str]) -> None:
    """On the objects that the policy is about, and on no other."""
    scope = delivered(tmp_path, policy)
    assert told(scope) == {**told(delivered(tmp_path)), "ConfigMap/seed": expected}


def test_all_of_a_kind_and_one_of_them(tmp_path: Path) -> None:
    """The later policy goes before the earlier, option by option; other annotations stay."""
    scope = environment(
        tmp_path,
        delivery=Flux(
            REPO,
            policies=[
                FluxPolicy("ConfigMap", ssa="Merge", prune=False),
                FluxPolicy("ConfigMap", "seed", ssa="Override"),
            ],
        ),
    )
    service(scope)
    raw(scope, {**CONFIG, "metadata": {"name": "seed", "annotations": {"acme.dev/team": "ml"}}})
    raw(scope, {**CONFIG, "metadata": {"name": "other"}})
    read = told(scope)
    assert read["ConfigMap/seed"] == {SSA: "Override", PRUNE: "disabled"}
    assert read["ConfigMap/other"] == {SSA: "Merge", PRUNE: "disabled"}
    assert objects(scope)["ConfigMap/seed"]["metadata"]["annotations"]["acme.dev/team"] == "ml"


def test_an_object_with_its_content_in_its_name_is_known_without_it(tmp_path: Path) -> None:
    """And what is said about it is no part of that name."""
    names = []
    for policies in (
        [],
        [FluxPolicy("Job", "train", ssa="Merge"), FluxPolicy("ConfigMap", "train-config", ssa="Merge")],
    ):
        scope = environment(tmp_path, delivery=Flux(REPO, policies=policies))
        training(scope, config=ConfigFiles("/etc/train", {"a.yaml": "a: 1\n"}))
        read = {name: one for name, one in told(scope).items() if name.startswith(("Job/", "ConfigMap/"))}
        assert [one.get(SSA) for one in read.values()] == ["Merge" if policies else None] * len(read)
        names.append([name for name in objects(scope) if name.startswith(("Job/", "ConfigMap/"))])
    assert names[0] == names[1]
    assert len(names[0]) == 2


def test_what_is_dangerous_is_refused_all_the_same(tmp_path: Path) -> None:
    """The rules read the annotations that a policy makes."""
    scope = environment(
        tmp_path,
        delivery=Flux(REPO, policies=[FluxPolicy("Job", force=True), FluxPolicy("PersistentVolumeClaim", prune=True)]),
    )
    training(scope, volumes=[Claim("checkpoints", "/checkpoints", size="1Ti")])
    assert sorted(finding.rule for finding in found(scope)) == ["G04", "G05"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            FluxPolicy("ConfigMap"),
            (
                "delivery.policies[0]='ConfigMap' but it says nothing that Flux does not do anyway; say ssa=, force= or"
                " prune=, or remove it"
            ),
        ),
        (
            FluxPolicy("ConfigMap", name="sead", prune=False),
            ("delivery.policies[0]='ConfigMap sead' but the environment renders no ConfigMap sead; did you mean seed?"),
        ),
        (
            FluxPolicy("ConfigMap", ssa="merge"),  # type: ignore[arg-type] # the mistake
            (
                "delivery.policies[0].ssa='merge' but it must be 'Override' or 'Merge' or 'IfNotPresent' or 'Ignore' or"
                " None; pass 'Override' or 'Merge' or 'IfNotPresent' or 'Ignore' or None"
            ),
        ),
    ],
)
def test_a_policy_that_cannot_work(tmp_path: Path, policy: FluxPolicy, expected: str) -> None:
    """One finding, at its line, wherever the delivery has its own."""
    (finding,) = found(delivered(tmp_path, policy))
    assert finding.text == f"test: {expected}"
    file, _, line = str(finding.source).rpartition(":")
    assert linecache.getline(file, int(line)).strip().startswith("FluxPolicy(")
