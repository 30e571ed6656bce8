"""What a change does in the cluster: ``dist/`` at a git base and ``dist/`` now, as effects and fields."""

from modelyard.plan.compute import plan
from modelyard.plan.data import data
from modelyard.plan.markdown import markdown
from modelyard.plan.model import Plan, Risk
from modelyard.plan.text import text

__all__ = ["Plan", "Risk", "data", "markdown", "plan", "text"]
