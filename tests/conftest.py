"""Guards the one folder name that can break everything."""

from __future__ import annotations

from pathlib import Path

import pytest

if (Path(__file__).resolve().parent.parent / "constructs" / "__init__.py").exists():
    message = (
        "constructs/__init__.py hides the PyPI package 'constructs' that cdk8s imports: delete it"
        " (constructs/ is a folder of source, and the package in it is modelyard)"
    )
    raise pytest.UsageError(message)
