"""OCI image references: one text, its parts, and whether it can ever mean something else."""

from __future__ import annotations

import re

import attrs

DOMAIN = r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*(?::[0-9]+)?)"
COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"(?:{DOMAIN}/)?{COMPONENT}(?:/{COMPONENT})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")


@attrs.frozen
class Image:
    """
    An OCI image, pinned by its digest or not.

    Args:
        repository: Registry and path, without tag, for example ``ghcr.io/acme/sentiment``.

        tag: Default: none.

        digest: ``sha256:`` and 64 hexadecimal digits. Default: none, so the tag decides at pull time.

    See Also:
        https://kubernetes.io/docs/concepts/containers/images/
    """

    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def reference(self) -> str:
        """The text that a container's ``image`` field holds."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    def __str__(self) -> str:
        return self.reference


def parse(reference: str) -> Image:
    """Return the parts of *reference*, whether they are well formed or not."""
    rest, _, digest = reference.partition("@")
    repository, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = rest, ""
    return Image(repository, tag or None, digest or None)


def misreferred(given: str | Image | None) -> str | None:
    """Return how an option that is an image, or a reference to one, breaks the grammar; None where nothing is given."""
    if given is None:
        return None
    return broken(parse(given) if isinstance(given, str) else given)


def broken(image: Image) -> str | None:
    """Return how *image* breaks the grammar of references, or None."""
    if not REPOSITORY.fullmatch(image.repository):
        return "a repository is lower case and holds letters, digits and single . _ - / between them"
    if image.tag is not None and not TAG.fullmatch(image.tag):
        return "a tag has at most 128 characters: letters, digits, _ . and -"
    if image.digest is not None and not DIGEST.fullmatch(image.digest):
        return "a digest is sha256: and 64 hexadecimal digits in lower case"
    return None
