"""Lines of the user's Python, as findings name them."""

from __future__ import annotations

import inspect
from types import FrameType

from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard import trace
from modelyard.findings import Source

STATEMENTS = (
    "seen(here())",
    "seen(\n    here(\n    )\n)",
    "x = [here() for _ in range(2)]; seen(x[1])",
    "x = 1",
    "\n\n",
)


@given(st.lists(st.sampled_from(STATEMENTS), max_size=60))
@settings(max_examples=60)
def test_a_line_is_the_one_that_python_tells(statements: list[str]) -> None:
    """In functions of any length, and in calls over several lines."""
    found: list[tuple[Source | None, int]] = []

    def here() -> tuple[Source | None, int]:
        caller: FrameType | None = inspect.currentframe()
        while caller is not None and caller.f_code.co_filename != "user.py":
            caller = caller.f_back
        return trace.here(), 0 if caller is None else caller.f_lineno

    body = "\n".join(f"    {line}" for one in statements for line in one.split("\n"))
    scope = {"here": here, "seen": found.append}
    exec(compile(f"def build():\n    pass\n{body}\n\n\nbuild()\n", "user.py", "exec"), scope)  # noqa: S102 # the program of a user
    assert [_outer(source) for source, _ in found] == [line for _, line in found]


def _outer(source: Source | None) -> int | None:
    """Return the line in user.py, which this file's own frames stand around."""
    places = [] if source is None else [(source.file, source.line), *source.via]
    return next((line for file, line in places if file == "user.py"), None)
