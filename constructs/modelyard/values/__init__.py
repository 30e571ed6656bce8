"""Units and grammars that every room speaks: durations, quantities, names, image references."""

from modelyard.values.durations import days, hours, minutes, seconds, whole_seconds
from modelyard.values.image import Image

__all__ = ["Image", "days", "hours", "minutes", "seconds", "whole_seconds"]
