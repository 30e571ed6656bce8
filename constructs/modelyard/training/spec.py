"""The options of a TrainingJob, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import attrs

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod.spec import STAND_IN, PodSpec, pod_breaches, type_breaches, value_breaches, without
from modelyard.values.durations import seconds
from modelyard.values.names import dns_label
from modelyard.values.value import option

HASH_SUFFIX = 9
LONGEST_NAME = 63 - HASH_SUFFIX
MOST_EXIT_CODES = 255
MISCONFIGURED = (2, 126, 127)
"""Exit codes of a wrong command line, of a file that cannot be executed, and of one that is not there."""


def _retries(count: int) -> str | None:
    return None if count >= 0 else "a job is retried 0 times or more"


def _above_zero(duration: timedelta | None) -> str | None:
    if duration is not None and duration <= timedelta(0):
        return "it is a length of time above zero"
    return None


@attrs.frozen(kw_only=True)
class TrainingSpec(PodSpec):
    """The options of a `TrainingJob`, which tells what each is."""

    retries: int = option(default=3, check=_retries)
    deadline: timedelta | None = option(default=None, check=_above_zero)
    fatal_exit_codes: Sequence[int] = MISCONFIGURED
    grace: timedelta = option(default=seconds(120), check=_above_zero)
    evictable: bool = False


def breaches(name: str, spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield what is wrong with *spec* at *site*, all of it."""
    if broken := dns_label(name, LONGEST_NAME):
        do = f"choose an id of at most {LONGEST_NAME} characters, such as churn-train"
        yield Breach("N03", "id", name, f"{broken} (a Job's name ends with a hash of {HASH_SUFFIX})", do)
    wrong = list(type_breaches(spec))
    spec = without(spec, wrong, image=STAND_IN)
    wrong.extend(value_breaches(spec))
    yield from wrong
    spec = without(spec, wrong, image=STAND_IN, command=("true",))
    if not spec.command and not spec.args:
        yield Breach(
            "X11", "command", list(spec.command), "a training says what it runs",
            'write command=["python", "train.py"]',
        )  # fmt: skip
    yield from pod_breaches(spec, site)
    for code in spec.fatal_exit_codes:
        if not 1 <= code <= MOST_EXIT_CODES:
            because = f"an exit code that fails a job is one from 1 to {MOST_EXIT_CODES}"
            yield Breach("J14", "fatal_exit_codes", code, because, "leave it out; 0 is success")
