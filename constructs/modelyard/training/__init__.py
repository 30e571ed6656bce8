"""Runs that end: `TrainingJob`."""

from modelyard.training.backends import Job, JobSet, RayJob, TrainJob, VolcanoJob
from modelyard.training.hook import ArgoHook
from modelyard.training.job import TrainingJob
from modelyard.training.options import Checkpoint, Schedule, Step, Sweep, Topology
from modelyard.training.queues import Queue

__all__ = [
    "ArgoHook",
    "Checkpoint",
    "Job",
    "JobSet",
    "Queue",
    "RayJob",
    "Schedule",
    "Step",
    "Sweep",
    "Topology",
    "TrainJob",
    "TrainingJob",
    "VolcanoJob",
]
