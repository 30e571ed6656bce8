"""Guards the one folder name that can break everything."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

if (Path(__file__).resolve().parent.parent / "constructs" / "__init__.py").exists():
    message = (
        "constructs/__init__.py hides the PyPI package 'constructs' that cdk8s imports: delete it"
        " (constructs/ is a folder of source, and the package in it is modelyard)"
    )
    raise pytest.UsageError(message)

# How long a draw takes says nothing about modelyard: a machine has other work, too.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# A shell lets what runs in its background ignore Ctrl-C, and then so would every synthesis that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
