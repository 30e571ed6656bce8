"""The whole program: every environment of the fleet, rendered into dist/."""

from modelyard import Fleet

from environments import ENVIRONMENTS

fleet = Fleet(ENVIRONMENTS)
fleet.synth()
