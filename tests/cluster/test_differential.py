"""What the API server refuses, modelyard refuses first; what only modelyard refuses has a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from modelyard.rules import RULES
from tests.cluster.control_plane import ControlPlane
from tests.cluster.differential.classes import OF_THIS_SERVER, OWN, RUNTIME, SERVER, only_us
from tests.cluster.differential.corpus import Case, cases
from tests.cluster.differential.server import Refusal, Server

Observed = Callable[[str], None]


def test_every_object_that_tests_check(control_plane: ControlPlane, observed: Observed) -> None:
    """Each test's objects, accepted and refused ones, and what controllers make of them."""
    asked = cases(control_plane.version)
    answers = Server(control_plane.api).answers([case.question for case in asked])

    pairs = list(zip(asked, answers, strict=True))
    confirmed = _confirmed(pairs)
    holes = [_told(case, answer) for case, answer in pairs if answer and not case.refused and not _own(answer)]
    only_ours = {
        (found.rule, found.because)
        for case, answer in pairs
        if answer is None
        for found in case.found
        if found.error
    }
    observed(f"Kubernetes {control_plane.version}: {_table(pairs)}")
    observed(f"Kubernetes {control_plane.version}: {_rules(confirmed, {rule for rule, _ in only_ours})}")
    assert holes == []
    assert sorted(one for one in only_ours if only_us(*one) is None) == []
    expected = {rule for rule, versions in SERVER.items() if control_plane.version in versions}
    assert sorted(expected - confirmed.keys()) == []


def _confirmed(pairs: Sequence[tuple[Case, Refusal | None]]) -> Counter[str]:
    """Count, by rule, the breaches whose field the server names as well."""
    return Counter(
        found.rule
        for case, answer in pairs
        if answer is not None
        for found in case.found
        if answer.names(found.field)
    )


def _own(answer: Refusal) -> bool:
    return any(words in answer.message for words in OF_THIS_SERVER)


def _told(case: Case, answer: Refusal) -> str:
    return f"{case.tests[0]}: {case.question.manifest['kind']}: {answer.kind}: {answer.message}"


def _table(pairs: Sequence[tuple[Case, Refusal | None]]) -> str:
    own = sum(answer is not None and _own(answer) and not case.refused for case, answer in pairs)
    counted = Counter((case.refused, answer is not None) for case, answer in pairs)
    counted[False, True] -= own
    return (
        f"{len(pairs)} objects of our tests, {counted[False, False]} accepted by both, {counted[True, True]} refused by"
        f" both, {counted[False, True]} only by the server, {counted[True, False]} only by us"
        + f" ({own} set aside, for what this server is)" * bool(own)
    )


def _rules(confirmed: Counter[str], only_ours: set[str]) -> str:
    both = sorted(rule for rule in SERVER if rule in confirmed)
    shown = sum(bool(one.shown) for one in RUNTIME.values())
    return (
        f"{len(RULES)} rules, {len(both)} refused by both, {len(RUNTIME)} only by us for what happens after admission"
        f" ({shown} shown by controllers, {len(only_ours)} met here), {len(OWN)} about our own files"
    )
