"""What a person sees when the program of a fleet ends with an exception: the finding, not a traceback."""

from __future__ import annotations

import atexit
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard import sources, trace
from modelyard.findings import (
    Finding,
    ModelyardError,
    Severity,
    Source,
    SpecError,
    SynthesisError,
    UsageError,
    shown,
)
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from types import TracebackType

UNEXPECTED = re.compile(r"(?:(\w+)\.)?(?:__init__|(\w+))\(\) got an unexpected keyword argument '(\w+)'")
MISSING = re.compile(r"(?:(\w+)\.)?(?:__init__|(\w+))\(\) missing \d+ required .*arguments?: (.+)")
FILE_BEHIND = re.compile(r" \([^()]*\)$")
OURS = re.compile(r"cannot import name '(\w+)' from 'modelyard'")
NOT_JSON = "Out of range float values are not JSON compliant"
NO_JSII_TYPE = re.compile(r"type object '([\w.]+)' has no attribute '__jsii_type__'")
LONGEST_REASON = 200
FAILED, MISUSED = 1, 2


class Interrupted(BaseException):
    """Raised for Ctrl-C by the command line, since typer answers KeyboardInterrupt itself, with the exit code 1."""


class Program:
    """The ``main.py`` that this process runs, and what it has done with fleets so far."""

    is_main = False
    made: Source | None = None
    synthesized = 0
    failed = False


def miscounted(fleets: int, main: str, root: Path) -> Finding:
    """Return the finding on a program that synthesizes none of its fleets, or several."""
    because = f"{main} synthesizes {f'{fleets} fleets' if fleets else 'no fleet'}"
    return _misused("X15", main, "fleet.synth()", because, "end it with one fleet.synth()", source=_made(main, root))


def without_environments(main: str, root: Path) -> Finding:
    """Return the finding on a fleet without an environment, which would empty ``dist/`` and then the clusters."""
    because = "it names no environment, and everything in dist/ would go"
    do = "name at least one; to be rid of all, delete dist/ with git"
    return _misused("X16", main, "Fleet(environments)", because, do, source=_made(main, root))


def synthesized_within(name: str, source: Source | None) -> Finding:
    """Return the finding on a program that synthesizes its fleet in the function of one environment."""
    because, do = "the function of an environment only makes it", "call fleet.synth() once, at the end of main.py"
    return _misused("X15", name, "fleet.synth()", because, do, source=source)


def _made(main: str, root: Path) -> Source:
    return trace.relative(Program.made, root) if Program.made is not None else Source(main, 1)


def as_finding(error: BaseException, where: str, root: Path) -> Finding:
    """Return an exception of the user's Python as a finding on *where*, at the line it came from."""
    if isinstance(error, SpecError):
        source = error.finding.source
        return error.finding if source is None else _moved(error.finding, trace.relative(source, root))
    source = trace.of_traceback(error.__traceback__)
    rule, field, because, do = _explained(error)
    if isinstance(error, SyntaxError) and error.filename:
        source = Source(error.filename, error.lineno or 1)
    value = None
    if source is not None:
        if rule == "X12":
            value, source = trace.literal(source, field), trace.argument(source, field)
        source = trace.relative(source, root)
    return _misused(rule, where, field, because, do, source=source, value="" if value is None else shown(value))


def _misused(
    rule: str, where: str, field: str, because: str, do: str, *, source: Source | None, value: str = ""
) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        where=where,
        field=field,
        value=value,
        because=because,
        do=do,
        source=source,
    )


def _moved(finding: Finding, source: Source) -> Finding:
    import attrs  # noqa: PLC0415 # only for a failure

    return attrs.evolve(finding, source=source)


def _explained(error: BaseException) -> tuple[str, str, str, str]:  # noqa: PLR0911 # a case a kind of exception
    text = _said(error)
    reason = text.splitlines()[0][:LONGEST_REASON] if text else "no message"
    if isinstance(error, TypeError) and (match := UNEXPECTED.search(text)):
        cls, option = match[1] or match[2], match[3]
        return "X12", option, f"{cls} has no such option", _similar_option(error, cls, option)
    if isinstance(error, TypeError) and (match := MISSING.search(text)):
        cls, options = match[1] or match[2], match[3].replace("'", "")
        return (
            "X12",
            options,
            f"{cls} cannot do without it",
            f"add {options.split(' and ')[0].split(',')[0]}=...",
        )
    if isinstance(error, SyntaxError):
        return "X15", "", f"this is no valid Python: {error.msg}", "mend the line"
    if isinstance(error, ImportError):
        return "X15", "", f"the import fails: {FILE_BEHIND.sub('', reason)}", _similar_import(text)
    if isinstance(error, ValueError) and text.startswith(NOT_JSON):
        return "X08", "", "a number here is NaN or infinite, and JSON has no such number", "pass a finite number"
    if isinstance(error, AttributeError) and (match := NO_JSII_TYPE.fullmatch(text)):
        takes = "dicts, lists, strings, numbers, booleans and None"
        return "X08", "", f"cdk8s takes {takes}, and this is a {match[1]}", "pass one of them"
    if isinstance(error, NameError):
        return "X10", "", f"{reason}", "define it, or correct its spelling"
    return "X10", "", f"this raised {type(error).__name__}: {reason}", "mend the line"


def _said(error: BaseException) -> str:
    try:
        return str(error).strip()
    except Exception:  # noqa: BLE001 # a class of the user's, which may fail in any way
        return "its message cannot be read either"


def is_interrupt(error: BaseException) -> bool:
    """Return whether *error* is Ctrl-C, and no exception that the user's Python raises of itself."""
    if isinstance(error, Interrupted):
        return True
    # Elsewhere Ctrl-C is heard in another way, so that a KeyboardInterrupt is the user's own.
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _similar_import(text: str) -> str:
    import modelyard  # noqa: PLC0415 # only for a failure

    name = OURS.match(text)
    similar = did_you_mean(name[1], modelyard.__all__) if name else None
    return similar or "correct the name, or run it with the project's .venv"


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
        # A class of cdk8s' has a metaclass that hides the options.
        called = getattr(found, "__init__", found) if isinstance(found, type) else found
        known = [name for name in inspect.signature(called).parameters if name != "self"]
    return did_you_mean(option, known) or (f"its options are {', '.join(known)}" if known else "correct the name")


def _is_defect(traceback: TracebackType | None) -> bool:
    """Return whether an exception comes from rendering: by then the user's Python has run, and we are to blame."""
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == "modelyard.render.engine":
            return True
        traceback = traceback.tb_next
    return False


def interrupted() -> None:
    """Say that somebody pressed Ctrl-C, and nothing of what is cut short by it."""
    sys.unraisablehook = lambda _: None
    sys.stderr.write("interrupted\n")


def _interrupted(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        interrupted()  # and Python ends by the signal, as shells expect
    else:
        sys.__excepthook__(kind, error, traceback)


def _open_streams() -> None:
    """Let what is said go nowhere where somebody has closed standard output or error, instead of into a file."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 # for good


def install() -> None:
    """Show findings instead of tracebacks when a project's ``main.py`` is run by Python itself."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    _open_streams()
    if main is not None and Path(main).name == "modelyard":
        sys.excepthook = _interrupted
    if main is None or not (Path(main).parent / "cdk8s.yaml").is_file():
        return
    root = Path(main).resolve().parent
    sources.take(root)
    Program.is_main = True

    def show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        from modelyard.render.report import failure  # noqa: PLC0415 # only for a failure

        Program.failed = True
        ours = isinstance(error, ModelyardError)
        if isinstance(error, KeyboardInterrupt) or (
            not ours and (_is_defect(traceback) or trace.of_traceback(traceback) is None)
        ):
            _interrupted(kind, error, traceback)
        else:
            sys.stderr.write(failure(error, root))
            if isinstance(error, UsageError):
                sys.exit(MISUSED)

    def end() -> None:
        from modelyard.render.report import failure  # noqa: PLC0415 # only for a failure

        if Program.made is not None and not Program.synthesized and not Program.failed:
            sys.stderr.write(failure(SynthesisError([miscounted(0, Path(main).name, root)]), root))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(FAILED)

    sys.excepthook = show
    atexit.register(end)
