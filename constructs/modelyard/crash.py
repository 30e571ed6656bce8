"""What a person sees when the program of a fleet ends with an exception: the finding, not a traceback."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard import trace
from modelyard.findings import Finding, ModelyardError, Severity, Source, SpecError
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from types import TracebackType

UNEXPECTED = re.compile(r"(?:(\w+)\.)?(?:__init__|(\w+))\(\) got an unexpected keyword argument '(\w+)'")
MISSING = re.compile(r"(?:(\w+)\.)?(?:__init__|(\w+))\(\) missing \d+ required .*arguments?: (.+)")
LONGEST_REASON = 200


def as_finding(error: BaseException, where: str, root: Path) -> Finding:
    """Return an exception of the user's Python as a finding on *where*, at the line it came from."""
    if isinstance(error, SpecError):
        source = error.finding.source
        return error.finding if source is None else _moved(error.finding, trace.relative(source, root))
    source = trace.of_traceback(error.__traceback__)
    rule, field, because, do = _explained(error)
    if isinstance(error, SyntaxError) and error.filename:
        source = Source(error.filename, error.lineno or 1)
    if source is not None:
        source = trace.relative(source, root)
    return Finding(
        rule=rule, severity=Severity.ERROR, where=where, field=field, value="", because=because, do=do, source=source
    )


def _moved(finding: Finding, source: Source) -> Finding:
    import attrs  # noqa: PLC0415 # only for a failure

    return attrs.evolve(finding, source=source)


def _explained(error: BaseException) -> tuple[str, str, str, str]:
    text = str(error).strip()
    reason = text.splitlines()[0][:LONGEST_REASON] if text else "no message"
    if isinstance(error, TypeError) and (match := UNEXPECTED.search(text)):
        cls, option = match[1] or match[2], match[3]
        return "X12", option, f"{cls} has no such option", _similar_option(error, cls, option)
    if isinstance(error, TypeError) and (match := MISSING.search(text)):
        cls, options = match[1] or match[2], match[3].replace("'", "")
        return "X12", options, f"{cls} cannot do without it", f"add {options.split(' and ')[0].split(',')[0]}=..."
    if isinstance(error, SyntaxError):
        return "X15", "", f"this is no valid Python: {error.msg}", "mend the line"
    if isinstance(error, ImportError):
        return "X15", "", f"the import fails: {reason}", "correct the name, or run it with the project's .venv"
    if isinstance(error, NameError):
        return "X10", "", f"{reason}", "define it, or correct its spelling"
    return "X10", "", f"this raised {type(error).__name__}: {reason}", "mend the line"


def _similar_option(error: TypeError, cls: str, option: str) -> str:
    import inspect  # noqa: PLC0415 # only for a failure

    import modelyard  # noqa: PLC0415

    known: list[str] = []
    found = getattr(modelyard, cls, None) if cls in modelyard.__all__ else None
    frame = error.__traceback__
    while found is None and frame is not None:
        found = frame.tb_frame.f_globals.get(cls)
        frame = frame.tb_next
    if callable(found):
        known = [name for name in inspect.signature(found).parameters if name != "self"]
    return did_you_mean(option, known) or (f"its options are {', '.join(known)}" if known else "correct the name")


def _is_defect(traceback: TracebackType | None) -> bool:
    """Return whether an exception comes from rendering: by then the user's Python has run, and we are to blame."""
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == "modelyard.render.engine":
            return True
        traceback = traceback.tb_next
    return False


def install() -> None:
    """Show findings instead of tracebacks when a project's ``main.py`` is run by Python itself."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main is None or not (Path(main).parent / "cdk8s.yaml").is_file():
        return
    root, otherwise = Path(main).resolve().parent, sys.excepthook

    def show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        from modelyard.render.report import failure  # noqa: PLC0415 # only for a failure

        ours = isinstance(error, ModelyardError)
        if isinstance(error, KeyboardInterrupt) or not (ours or isinstance(error, Exception)):
            otherwise(kind, error, traceback)
        elif not ours and (_is_defect(traceback) or trace.of_traceback(traceback) is None):
            otherwise(kind, error, traceback)
        else:
            sys.stderr.write(failure(error, root))

    sys.excepthook = show
