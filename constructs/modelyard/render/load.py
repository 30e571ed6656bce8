"""Running a project's ``main.py`` up to the point where it would synthesize."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from modelyard import crash, sources
from modelyard.findings import SynthesisError, UsageError
from modelyard.fleet import Fleet
from modelyard.render.exits import staying


def load(main: Path) -> Fleet:
    """
    Return the fleet that *main* synthesizes, its environments not made yet.

    Raises:
        SynthesisError: *main*, or a module that it imports, cannot be run.
    """
    root = main.resolve().parent
    collected: list[Fleet] = []
    Fleet.collecting = collected
    sys.path.insert(0, str(root))
    sources.take(root)
    os.environ.pop("CDK8S_OUTDIR", None)
    try:
        with staying():
            runpy.run_path(str(main), run_name="__main__")
    except UsageError:
        raise
    except BaseException as error:  # whatever the user's Python raises is a finding
        if crash.is_interrupt(error):
            raise
        raise SynthesisError([crash.as_finding(error, main.name, root)]) from None
    finally:
        Fleet.collecting = None
    if len(collected) != 1:
        raise SynthesisError([crash.miscounted(len(collected), main.name, root)])
    return collected[0]
