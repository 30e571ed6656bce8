"""Runs that end: `TrainingJob`."""

from modelyard.training.backends import Job, JobSet, TrainJob
from modelyard.training.job import TrainingJob
from modelyard.training.options import Schedule, Step, Sweep
from modelyard.training.queues import Queue

__all__ = ["Job", "JobSet", "Queue", "Schedule", "Step", "Sweep", "TrainJob", "TrainingJob"]
