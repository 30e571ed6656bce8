"""The command ``modelyard``: parse, call one room, print, exit code."""

from modelyard.cli.app import main

__all__ = ["main"]
