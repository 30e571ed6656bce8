"""Runs that end: `TrainingJob`."""

from modelyard.training.job import TrainingJob
from modelyard.training.options import Schedule, Sweep

__all__ = ["Schedule", "Sweep", "TrainingJob"]
