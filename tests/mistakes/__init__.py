"""A table of mistakes that people make, each with what modelyard says about it."""

from tests.mistakes.locks import MISTAKES as LOCKS
from tests.mistakes.mistake import Mistake
from tests.mistakes.names import MISTAKES as NAMES
from tests.mistakes.objects import MISTAKES as OBJECTS
from tests.mistakes.options import MISTAKES as OPTIONS
from tests.mistakes.programs import MISTAKES as PROGRAMS
from tests.mistakes.values import MISTAKES as VALUES

MISTAKES = [*OPTIONS, *VALUES, *NAMES, *PROGRAMS, *LOCKS, *OBJECTS]

__all__ = ["MISTAKES", "Mistake"]
