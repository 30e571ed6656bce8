"""Runs that end: `TrainingJob`."""

from modelyard.training.job import TrainingJob

__all__ = ["TrainingJob"]
