"""What the API server refuses, modelyard refuses first; what only modelyard refuses has a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from modelyard.rules import RULES
from tests.cluster.control_plane import ControlPlane
from tests.cluster.differential.classes import OF_THIS_SERVER, OWN, RUNTIME, SERVER, only_us
from tests.cluster.differential.corpus import Case, cases
from tests.cluster.differential.mutants import mutants
from tests.cluster.differential.ours import Found
from tests.cluster.differential.server import Refusal, Server

Observed = Callable[[str], None]


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
    assert holes == []
    assert _unexplained(only_ours) == []


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
    shown = [one.shown for one in RUNTIME.values() if one.shown]
    met = {one.rule for one in only_ours} & RUNTIME.keys()
    return (
        f"{len(RULES)} rules, {len(both)} refused by both, {holes} only by the server, {len(RUNTIME)} only by us for what comes"
        f" after admission ({len(met)} met here, {len(shown)} shown by controllers), {len(OWN)} about our own files"
    )
