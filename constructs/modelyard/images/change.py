"""Changing lock files: pinning an image, and promoting images from one environment to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from modelyard.findings import UsageError, shown
from modelyard.images.lock import Lock, lock_path, read, write
from modelyard.values import image as references
from modelyard.values.image import Image
from modelyard.values.names import dns_label
from modelyard.values.similar import did_you_mean


@attrs.frozen
class Change:
    """
    One image of one lock file, before and after.

    Args:
        environment: Whose lock file.

        name: Of the image.

        before: None where it was not there.

        after: What it is now.
    """

    environment: str
    name: str
    before: Image | None
    after: Image


def lock_files(root: Path, only: Sequence[str] = ()) -> dict[str, Path]:
    """
    Return the lock files of the project at *root* by environment.

    Raises:
        UsageError: One of *only* has none.
    """
    found = {path.name.removesuffix(".lock.yaml"): path for path in sorted((root / "environments").glob("*.lock.yaml"))}
    for name in only:
        if name not in found:
            hint = did_you_mean(name, found) or f"those that have one are: {', '.join(found) or 'none'}"
            message = f"environment {name!r} has no lock file; {hint}"
            raise UsageError(message)
    return {name: path for name, path in found.items() if not only or name in only}


def change(root: Path, environment: str, edit: Callable[[Lock], Lock]) -> list[Change]:
    """Edit the lock file of *environment* and return what is different; the same again changes nothing."""
    path = lock_path(root, environment)
    before = read(path)
    after = edit(before)
    changes = [
        Change(environment, name, before.images.get(name), image)
        for name, image in sorted(after.images.items())
        if before.images.get(name) != image
    ]
    if changes:
        try:
            write(path, after)
        except OSError as error:
            message = f"{path}: {error.strerror}; the lock file is as it was"
            raise UsageError(message) from None
    return changes


def pinned(lock: Lock, environment: str, name: str, reference: str) -> Lock:
    """
    Return *lock* with *name* standing for *reference*.

    Raises:
        UsageError: The reference has no digest, is malformed, or has no repository where none is known.
    """
    if (dns_label(environment) or dns_label(name)) is not None:
        broken = environment if dns_label(environment) else name
        message = f"{broken!r} is no name: {dns_label(broken)}"
        raise UsageError(message)
    image = references.parse(reference)
    known = lock.images.get(name)
    if not image.repository:
        if known is None:
            wanted = "give its repository too, as repository:tag@sha256:digest"
            message = f"{name} is not in the lock file of {environment} yet: {wanted}"
            raise UsageError(message)
        image = attrs.evolve(image, repository=known.repository)
    if image.digest is None:
        message = f"{shown(reference)} has no digest: a tag can be moved, so give repository:tag@sha256:digest"
        raise UsageError(message)
    if because := references.broken(image):
        message = f"{shown(reference)} is no image reference: {because}"
        raise UsageError(message)
    return attrs.evolve(lock, images={**lock.images, name: image})


def promoted(origin: Lock, lock: Lock, source: str, target: str, names: Sequence[str] = ()) -> Lock:
    """
    Return *lock* with the images that *origin* has for *names*, or for all names that both have.

    Raises:
        UsageError: *source* has none of that name, or its image has no digest.
    """
    if source == target:
        message = f"--from and --to are both {source}; promotion is from one environment to another"
        raise UsageError(message)
    chosen = list(names) or [name for name in lock.images if name in origin.images]
    if not chosen:
        known = ", ".join(origin.images) or "none"
        message = f"{source} and {target} have no image name in common; name some of those that {source} has: {known}"
        raise UsageError(message)
    images = dict(lock.images)
    for name in chosen:
        found = origin.images.get(name)
        if found is None:
            hint = did_you_mean(name, origin.images) or f"it has {', '.join(origin.images) or 'none'}"
            message = f"{source} has no image {name!r}; {hint}"
            raise UsageError(message)
        if found.digest is None:
            command = f"modelyard images pin {source} {name} :{found.tag or 'TAG'}@sha256:DIGEST"
            message = f"{name} of {source} has no digest; pin it first: {command}"
            raise UsageError(message)
        images[name] = found
    return attrs.evolve(lock, images=images)
