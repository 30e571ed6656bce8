"""Runs that end: `TrainingJob`."""

from modelyard.training.backends import Job, JobSet
from modelyard.training.job import TrainingJob
from modelyard.training.options import Schedule, Step, Sweep

__all__ = ["Job", "JobSet", "Schedule", "Step", "Sweep", "TrainingJob"]
