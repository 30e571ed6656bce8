"""What the team runs, and where."""

from environments.dev import dev
from environments.prod import prod
from environments.staging import staging
from environments.walkthrough import walkthrough

ENVIRONMENTS = {
    "walkthrough": walkthrough,
    "dev": dev,
    "staging": staging,
    "prod": prod,
}
