"""How many pods there are while an Argo Rollout replaces them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

ALL = 100


def part(pods: int, percent: int) -> int:
    """Return so many *percent* of *pods*, rounded up as Argo Rollouts does."""
    return -(-pods * percent // ALL)


def beside(pods: int, steps: Sequence[int], *, shrinking: bool) -> int:
    """
    Return how many pods there are at most beside the *pods* of a canary whose route gives it shares.

    The old ones stay until all is the canary's; where they are *shrinking*, only until a share has been shifted.
    """
    if not shrinking:
        return pods
    shares = [0, *steps, ALL]
    most = max(part(pods, after) + part(pods, ALL - now) for now, after in pairwise(shares))
    return most - pods
