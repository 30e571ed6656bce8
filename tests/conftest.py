"""Guards the one folder name that can break everything."""

from __future__ import annotations

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
