"""What the API server refuses, modelyard refuses first; what only modelyard refuses has a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from modelyard.rules import RULES
from tests.cluster.control_plane import ControlPlane
from tests.cluster.differential import samples
from tests.cluster.differential.arguments import unused
from tests.cluster.differential.changes import INSIDE
from tests.cluster.differential.classes import OF_THIS_SERVER, OWN, RUNTIME, SERVER, only_us
from tests.cluster.differential.corpus import Case, cases, used
from tests.cluster.differential.mutants import mutants
from tests.cluster.differential.ours import Found
from tests.cluster.differential.patched import PATCHED
from tests.cluster.differential.public import ERRORS, errors, groups
from tests.cluster.differential.server import Question, Refusal, Server
from tests.cluster.differential.shown import NEEDS, SHOWN
from tests.cluster.differential.specs import SPECS
from tests.cluster.differential.tried import Tried
from tests.cluster.programs import OLDEST, built

Observed = Callable[[str], None]


@pytest.mark.nightly
def test_every_object_that_tests_check(control_plane: ControlPlane, observed: Observed) -> None:
    """Each test's objects, accepted and refused ones, and what controllers make of them."""
    asked = cases(control_plane.version)
    answers = Server(control_plane.api).answers([case.question for case in asked])

    pairs = list(zip(asked, answers, strict=True))
    confirmed = _confirmed(pairs)
    holes = [_told(case, answer) for case, answer in pairs if answer and not case.refused and not _own(answer)]
    only_ours = _errors(case.found for case, answer in pairs if answer is None)
    table = _table((case.refused, answer) for case, answer in pairs)
    observed(f"Kubernetes {control_plane.version}: {len(pairs)} objects of our tests, {table}")
    observed(f"Kubernetes {control_plane.version}: {_rules(confirmed, only_ours, len(holes))}")
    assert holes == []
    assert _unexplained(only_ours) == []
    expected = {rule for rule, versions in SERVER.items() if control_plane.version in versions}
    assert sorted(expected - confirmed.keys()) == []


def test_every_option_is_among_them(observed: Observed) -> None:
    """An argument that no test uses here would meet false errors unseen."""
    given = used()
    counted = len({one for one, _ in given}), len([name for _, name in given if name])
    observed(f"of the public API {counted[0]} classes with {counted[1]} arguments are used by these tests")
    assert unused(given) == []


@pytest.mark.nightly
def test_every_change_of_every_field(control_plane: ControlPlane, observed: Observed) -> None:
    """Objects that are right, with one field changed: the search for what our own tests do not think of."""
    made = list(mutants(control_plane.version))
    answers = Server(control_plane.api).answers([one.question for one in made])

    pairs = list(zip(made, answers, strict=True))
    holes = [f"{one}: {answer.kind}: {answer.message}" for one, answer in pairs if answer and not one.refused]
    only_ours = _errors(one.found for one, answer in pairs if answer is None)
    fields = len({one.change.field for one in made})
    table = _table((one.refused, answer) for one, answer in pairs)
    observed(f"Kubernetes {control_plane.version}: {len(made)} changes of {fields} fields, {table}")
    inside = Counter(one.kind for one in made if one.kind in INSIDE)
    kinds = ", ".join(f"{count} of {kind}" for kind, count in sorted(inside.items()))
    observed(f"Kubernetes {control_plane.version}: among them of kinds whose controllers make the pods {kinds}")
    assert holes == []
    assert _unexplained(only_ours) == []
    assert sorted(set(INSIDE) - set(inside)) == []


@pytest.mark.nightly
def test_what_a_user_writes_wrong_dies_before_its_object(
    control_plane: ControlPlane, tmp_path: Path, observed: Observed
) -> None:
    """
    The option or patch, the object that it would have made as a foreign one, and the server: all three say no.

    They say so of the same rule and the same field, and take the same workload without it.
    """
    version = control_plane.version
    specs = [one for one in [*SPECS, *PATCHED] if version in SERVER[one.rule]]
    tried = [Tried(spec, version, tmp_path) for spec in specs]
    server = Server(control_plane.api)
    before = server.answers([one.right for one in tried])
    after = server.answers([one.wrong for one in tried])

    by_option, by_patch = ({one.rule for one in kept if one in specs} for kept in (SPECS, PATCHED))
    observed(
        f"Kubernetes {version}: {len(by_option | by_patch)} rules of the server, {len(by_option)} broken by an option,"
        f" {len(by_patch)} only by a patch of the user's; {len(specs)} such die at synth, and the server refuses what"
        f" each would have made"
    )
    assert [f"{one.spec.name}: {answer.message}" for one, answer in zip(tried, before, strict=True) if answer] == []
    assert [problem for one, answer in zip(tried, after, strict=True) for problem in one.problems(answer)] == []
    assert by_option | by_patch == {rule for rule, versions in SERVER.items() if version in versions}


def test_what_no_option_breaks_has_a_reason(observed: Observed) -> None:
    """Where only a patch does."""
    for one in sorted(PATCHED, key=lambda one: one.rule):
        observed(f"{one.rule} is broken by no option: {one.why}")


@pytest.mark.nightly
def test_public_manifests_meet_no_false_error(control_plane: ControlPlane, tmp_path: Path, observed: Observed) -> None:
    """The server takes all of them, and modelyard finds what it can give a reason for."""
    manifests = [one for group in groups().values() for one in group]
    answers = Server(control_plane.api).answers([Question(one, {}) for one in manifests])

    refused = [answer.message for answer in answers if answer is not None]
    ours = list(errors(tmp_path, control_plane.version))
    observed(
        f"Kubernetes {control_plane.version}: {len(manifests)} public manifests in {len(groups())} groups,"
        f" {len(refused)} refused by the server, {len(set(ours) - ERRORS.keys())} false errors, {len(ours)} errors with a reason"
    )
    assert refused == []
    assert sorted(ours) == sorted(ERRORS)


@pytest.mark.nightly
def test_samples_of_well_known_projects_meet_no_false_error(
    control_plane: ControlPlane, tmp_path: Path, observed: Observed
) -> None:
    """What their releases show and the server takes, word for word, is taken by modelyard or refused for a reason."""
    version = control_plane.version
    modules = {name: samples.read(folder, name.partition("@")[0]) for name, folder in built("samples").items()}
    every = [one for module in modules.values() for one in module.samples]
    where = samples.site(tmp_path, version)
    asked = samples.known(every, where, version)
    answers = Server(control_plane.api).answers([Question(one.manifest, {}) for one in asked])
    refused = {id(one): answer for one, answer in zip(asked, answers, strict=True) if answer is not None}
    found = [(one, error) for one, error in samples.errors(asked, where, version) if id(one) not in refused]
    reasons = {(one.file, error.rule): samples.explained(one, error) for one, error in found}

    begin = f"Kubernetes {version}: samples:"
    observed(f"{begin} of {', '.join(modules)}")
    unread = [file for module in modules.values() for file in module.unread]
    left_out = Counter(one.kind for one in every) - Counter(one.kind for one in asked)
    observed(
        f"{begin} {sum(module.files for module in modules.values())} files ({len(unread)} of them no YAML), {len(every)} objects,"
        f" {left_out.total()} of other kinds, {len(refused)} refused by the server,"
        f" {len(asked) - len(refused)} accepted, {list(reasons.values()).count(None)} false errors, {len(found)} errors with a reason"
    )
    observed(f"{begin} of other kinds {', '.join(f'{count} {kind}' for kind, count in sorted(left_out.items()))}")
    for one in asked:
        if answer := refused.get(id(one)):
            observed(f"{begin} the server refuses {one.file}: {one.manifest['kind']}: {answer.message[:160]}")
    assert sorted((one.file, error) for one, error in found if reasons[one.file, error.rule] is None) == []
    assert sorted(samples.entries() - set(reasons.values())) == []


def test_an_older_server_drops_files_of_an_image(control_plane: ControlPlane, observed: Observed) -> None:
    """It says nothing, and the program starts without them: V07."""
    head = {"apiVersion": "v1", "metadata": {"name": "default", "namespace": "image-volumes"}}
    mounts = [{"name": "model", "mountPath": "/model"}]
    volumes = [{"name": "model", "image": {"reference": "ghcr.io/acme/model:1"}}]
    containers = [{"name": "main", "image": "ghcr.io/acme/web:1", "volumeMounts": mounts}]
    spec = {"containers": containers, "volumes": volumes, "automountServiceAccountToken": False}
    api = control_plane.api
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "image-volumes"}})
    api.apply({**head, "kind": "ServiceAccount"})
    made = api.create({**head, "kind": "Pod", "spec": spec}, dry_run=True)["spec"]

    left = [one["name"] for one in made.get("volumes", [])]
    observed(f"Kubernetes {control_plane.version}: of a pod's volumes of images {len(left)} of 1 left")
    assert left == ([] if control_plane.version == OLDEST else ["model"])
    assert [one["name"] for one in made["containers"][0].get("volumeMounts", [])] == left


def test_what_only_we_refuse_is_told(observed: Observed) -> None:
    """Each rule, with the test that shows it or what that would need."""
    observed(
        f"only by us, for what comes after admission: {len(RUNTIME)} rules, {len(SHOWN)} of them with a test in"
        " which controllers show it; the end of the run says how many of these passed"
    )
    for rule, one in sorted(RUNTIME.items()):
        told = f"shown in {SHOWN[rule]}" if rule in SHOWN else f"to be shown it needs {NEEDS[rule]}"
        observed(f"{rule}: {one.why}; {told}")


def _confirmed(pairs: Sequence[tuple[Case, Refusal | None]]) -> Counter[str]:
    """Count, by rule, the breaches whose field the server names as well."""
    named = ((found, answer) for case, answer in pairs if answer is not None for found in case.found)
    return Counter(found.rule for found, answer in named if answer.names(found.field))


def _errors(every: Iterable[Iterable[Found]]) -> set[Found]:
    return {one for found in every for one in found if one.error}


def _unexplained(only_ours: Iterable[Found]) -> list[Found]:
    return sorted(one for one in only_ours if only_us(one.rule, one.field, one.because) is None)


def _own(answer: Refusal) -> bool:
    return any(words in answer.message for words in OF_THIS_SERVER)


def _told(case: Case, answer: Refusal) -> str:
    return f"{case.tests[0]}: {case.question.manifest['kind']}: {answer.kind}: {answer.message}"


def _table(verdicts: Iterable[tuple[bool, Refusal | None]]) -> str:
    """Return how many objects are refused by whom."""
    counted: Counter[str] = Counter()
    for refused, answer in verdicts:
        if answer is None:
            counted["only by us" if refused else "accepted by both"] += 1
        elif refused:
            counted["refused by both"] += 1
        else:
            counted["set aside, for what this server is" if _own(answer) else "only by the server"] += 1
    words = (
        "accepted by both",
        "refused by both",
        "only by us",
        "only by the server",
        "set aside, for what this server is",
    )
    return ", ".join(f"{counted[word]} {word}" for word in words if counted[word] or word == "only by the server")


def _rules(confirmed: Counter[str], only_ours: set[Found], holes: int) -> str:
    both = [rule for rule in SERVER if rule in confirmed]
    met = {one.rule for one in only_ours} & RUNTIME.keys()
    return (
        f"{len(RULES)} rules, {len(both)} refused by both, {holes} only by the server, {len(RUNTIME)} only by us for what comes"
        f" after admission ({len(met)} met here), {len(OWN)} about our own files"
    )
