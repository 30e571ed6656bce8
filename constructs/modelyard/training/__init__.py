"""Runs that end: `TrainingJob`."""

from modelyard.training.job import TrainingJob
from modelyard.training.options import Checkpoint, Schedule, Sweep, Topology

__all__ = ["Checkpoint", "Schedule", "Sweep", "Topology", "TrainingJob"]
