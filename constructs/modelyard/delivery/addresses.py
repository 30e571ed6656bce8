"""The addresses that Argo CD and Flux take, and the words for the ones that they cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Breach

OCI = "oci://"
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
"""What the OCI distribution specification lets a repository be called."""
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)

DESTINATION = re.compile(r"https?://[^\s*?\[\]/]+(?:/\S*)?|[^\s*?\[\]:/]+")
"""One cluster: the project reads *, ? and [ in it as a pattern for several."""


def misaddressed(repo: str, *, option: str) -> Iterator[Breach]:
    """Yield what is wrong with the address *repo*, for a controller whose *option* takes the tag of an artifact."""
    if not repo.strip() or any(character.isspace() for character in repo):
        because = "this is the address of a repository"
        yield Breach("X11", "delivery.repo", repo, because, 'write "https://git.example/acme/models"')
    elif repo.startswith(OCI) and (wrong := _artifact(repo.removeprefix(OCI), option)) is not None:
        yield Breach("X11", "delivery.repo", repo, *wrong)
    elif repo.endswith("://"):
        because = "no host and no repository stand behind it"
        yield Breach("X11", "delivery.repo", repo, because, 'write "https://git.example/acme/models"')


def _artifact(address: str, option: str) -> tuple[str, str] | None:
    """Return what is wrong with the *address* of an artifact, and what to do."""
    registry, _, whole = address.partition("/")
    rest, at, digest = whole.partition("@")
    above, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    repository = f"{above}{slash}{last}"
    if not registry or not repository:
        because = "an artifact's address has a registry and a repository"
        return because, 'write "oci://registry.example/acme/models"'
    if at or colon:
        ending = f"@{digest}" if at else f":{tag}"
        because = f"{ending!r} is no part of an address: what is synced stands in {option}="
        named = f'{option}="{digest if at else tag}"' if TAG.fullmatch(tag) and not at else f"{option}="
        return because, f"leave it out, and write {named}"
    if not REPOSITORY.fullmatch(repository):
        because = 'the name of a repository holds a-z and 0-9, with ".", "_", "-" or "/" between them'
        return because, "write it as the registry knows it"
    return None


def misnamed(repo: str, field: str, revision: str) -> Iterator[Breach]:
    """Yield what is wrong with the *revision* of *repo* that the option *field* names."""
    what = field.rpartition(".")[2]
    if not revision.strip():
        yield Breach("X11", field, revision, "it is empty", f"name the {what} to sync")
    elif any(character.isspace() for character in revision):
        because = "no branch, tag or commit has a space in its name"
        yield Breach("X11", field, revision, because, f"name the {what} to sync")
    elif repo.startswith(OCI) and ("/" in revision or (what == "branch" and not TAG.fullmatch(revision))):
        because = 'a tag of an artifact holds letters, digits, "_", "." and "-" only, at most 128'
        yield Breach("X11", field, revision, because, "write the tag that the artifact is pushed with")


def misdirected(destination: str | None, own: str) -> Iterator[Breach]:
    """Yield what is wrong with a *destination* of Argo CD, which knows the cluster that it runs in as *own*."""
    if destination is not None and not DESTINATION.fullmatch(destination):
        because = "it is the address of one API server, or the name of one cluster in Argo CD"
        do = f'write such as "https://10.0.0.1:6443", or "{own}" for the one that Argo CD runs in'
        yield Breach("X11", "delivery.destination", destination, because, do)
