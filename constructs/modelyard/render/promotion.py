"""What a promotion is about: images, by their own names or by those of the workloads that run them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelyard.findings import UsageError
from modelyard.images import Lock


def image_names(main: Path, environment: str, lock: Lock, names: Sequence[str]) -> list[str]:
    """
    Return the names in *lock* that *names* stand for; the Python of *environment* is only run for a workload.

    Raises:
        SynthesisError: The Python of *environment* does not run to its end.

        UsageError: A workload of that name runs an image that is not in *lock*.
    """
    if all(name in lock.images for name in names):
        return list(names)
    from modelyard.render.engine import overview  # noqa: PLC0415 # only for a workload

    run = {str(row["workload"]): str(row["image"]) for row in overview(main, [environment])}
    found: list[str] = []
    for name in names:
        if name in lock.images or name not in run:
            found.append(name)  # what nobody knows is told by the promotion
            continue
        known = [image for image, reference in lock.images.items() if str(reference) == run[name]]
        if not known:
            message = f"{environment}/{name} runs {run[name]}, which is not in the lock file; give the name of an image"
            raise UsageError(message)
        found += [image for image in known if image not in found]
    return found
