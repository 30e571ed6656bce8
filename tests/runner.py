"""
A program that runs projects by ``modelyard ...`` and by ``python main.py``, each in a fork of itself.

So what every run has in common, Python's imports and the start of Node, is done once. Lines of JSON come in
(the project's folder and the words of the command) and go out (exit code, standard output, standard error). It is
passed to Python as text, so that none of its lines is taken for a line of the user's.
"""

import atexit
import gc
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path

from modelyard import crash
from modelyard.cli import main as modelyard
from modelyard.render import compare, engine, environment, program, report  # noqa: F401 # imported once for all


def answer(root: str, words: list[str]) -> dict[str, object]:
    """Run *words* in the project at *root*."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os._exit(run(Path(root), words))
        _, status = os.waitpid(child, 0)
        texts = [os.pread(stream.fileno(), 1 << 20, 0).decode() for stream in (out, err)]
        return {"code": os.waitstatus_to_exitcode(status), "out": texts[0], "err": texts[1]}


def run(root: Path, words: list[str]) -> int:
    """Do what a process does that begins with *words*, and return its exit code."""
    atexit._clear()  # noqa: SLF001 # the end of this fork is not the end of the Node that all of them share
    os.chdir(root)
    code: object = 0
    try:
        sys.argv = words
        if words[0] == "modelyard":
            modelyard()
        else:
            sys.path.insert(0, str(root))
            sys.modules["__main__"].__file__ = str(root / "main.py")
            crash.install()
            runpy.run_path("main.py", run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
    except BaseException as error:  # noqa: BLE001 # as Python does at the end of a program
        code = 1
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except SystemExit as end:
            code = end.code
    atexit._run_exitfuncs()  # noqa: SLF001 # os._exit does not
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 1


gc.collect()
gc.freeze()
for line in sys.stdin:
    print(json.dumps(answer(*json.loads(line))), flush=True)  # noqa: T201 # its answer
