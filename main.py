"""The whole program: every environment of the fleet, rendered into dist/."""

from environments import ENVIRONMENTS
from modelyard import Fleet

fleet = Fleet(ENVIRONMENTS)
fleet.synth()
