"""Runs that end: `TrainingJob`."""

from modelyard.training.job import TrainingJob
from modelyard.training.options import Schedule

__all__ = ["Schedule", "TrainingJob"]
