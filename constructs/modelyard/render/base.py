"""What a change is compared with: a commit, found and read by git, without network."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from modelyard.findings import UsageError, shown

PATIENCE = 120
"""Seconds after which git is taken for hung."""
BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Where changes go in the end, the first that exists."""
REGULAR = "100"
SHORT_PATIENCE = 20
"""Seconds for what a plan can do without."""
MOST_NAMES = 500
PLAIN_NAME = re.compile(r"[-a-z0-9.]+")
NAME_LINE = re.compile(r'[-+] +name: "?([-a-z0-9.]+)"?')
SHORT = 12
SHALLOW = (
    "this clone is shallow, so fetch more of it: git fetch --unshallow, fetch-depth: 0 for actions/checkout,"
    ' GIT_DEPTH: "0" in GitLab'
)

LACKS = "git lacks the content of files in dist/ as they were, as in a partial clone; clone without --filter"


@attrs.frozen
class Base:
    """
    A commit, and the files below ``dist/`` in it.

    Args:
        commit: Its id; empty where there is no commit yet.

        words: What it is, for people.

        blobs: Path below ``dist/`` to the id of its content.
    """

    commit: str
    words: str
    blobs: Mapping[str, str]


def base(root: Path, ref: str | None = None) -> Base:
    """
    Return the base for the project at *root*: where HEAD and *ref* parted, or HEAD and the main branch.

    Raises:
        UsageError: There is no git, no repository, no such commit, or no commit that both come from.
    """
    _git(root, "rev-parse", "--show-toplevel", do="run modelyard plan in a git repository, where dist/ is committed")
    head = _commit(root, "HEAD")
    if head is None:
        if ref is not None:
            raise UsageError(_unknown(root, ref))
        return Base("", "nothing: there is no commit yet", {})
    if ref is not None:
        other = _commit(root, ref)
        if other is None:
            raise UsageError(_unknown(root, ref))
    else:
        ref, other = next(((name, found) for name in BRANCHES if (found := _commit(root, name))), ("HEAD", head))
        if ref == "HEAD" and _shallow(root):
            message = f"there is no main branch to compare with, and {SHALLOW}"
            raise UsageError(message)
        ref = _symbolic(root, ref)
    parted = _git(root, "merge-base", head, other, missing="") if other != head else head
    commit = parted.split("\n", 1)[0]
    if not commit:
        hint = SHALLOW if _shallow(root) else "name another one with --base REF"
        message = f"HEAD and {shown(ref)} have no commit that both come from; {hint}"
        raise UsageError(message)
    words = f"{commit[:SHORT]} ({ref})" if commit == other else f"{commit[:SHORT]} (where HEAD and {ref} parted)"
    return Base(commit, words, _blobs(root, commit))


def committed(root: Path) -> Base:
    """
    Return HEAD of the project at *root*.

    Raises:
        UsageError: There is no git, no repository, or no commit.
    """
    head = _git(root, "rev-parse", "--verify", "HEAD^{commit}").strip()
    return Base(head, head[:SHORT], _blobs(root, head))


def contents(root: Path, blobs: Sequence[str]) -> dict[str, bytes]:
    """Return the content of *blobs*, read by one git."""
    wanted = list(dict.fromkeys(blobs))
    if not wanted:
        return {}
    told = _run(root, ("cat-file", "--batch"), "".join(f"{one}\n" for one in wanted).encode())
    if told.returncode:
        raise UsageError(LACKS)
    found: dict[str, bytes] = {}
    out, place = told.stdout, 0
    for blob in wanted:
        end = out.index(b"\n", place)
        header = out[place:end].split()
        if header[1] != b"blob":
            raise UsageError(LACKS)
        size = int(header[2])
        found[blob] = out[end + 1 : end + 1 + size]
        place = end + size + 2
    return found


def known(root: Path, commit: str, names: Mapping[str, str]) -> Mapping[str, str] | None:
    """
    Return the commits, by path, up to *commit* since which an object of one of *names* is not there any more.

    Args:
        root: The folder of the project.

        commit: Where the history ends.

        names: Path below ``dist/`` to the name of an object.

    Returns:
        None where git cannot tell: in a clone that is shallow or partial, or in too short a time.
    """
    asked = {path: name for path, name in names.items() if PLAIN_NAME.fullmatch(name)}
    if not commit or not asked:
        return {}
    if len(asked) > MOST_NAMES or _shallow(root):
        return None
    wanted = "|".join(re.escape(name) for name in sorted(set(asked.values())))
    look = ("log", "--first-parent", "-m", "--patch", "--unified=0", "--relative", "--no-renames", "--no-color")
    plain = ("--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "--format=commit %H")
    paths = [f"dist/{path}" for path in sorted(asked)]
    try:
        told = _run(root, (*look, *plain, f'-Gname: "?({wanted})"?$', commit, "--", *paths), patience=SHORT_PATIENCE)
    except UsageError:
        return None
    return None if told.returncode else _last(told.stdout.decode("utf-8", "replace"), asked)


def _last(log: str, asked: Mapping[str, str]) -> dict[str, str]:
    """Return, by path, the first commit of *log* that has the name *asked* for there in its difference."""
    found: dict[str, str] = {}
    commit = path = ""
    for line in log.splitlines():
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif line.startswith(("--- a/dist/", "+++ b/dist/")):
            path = line[len("--- a/dist/") :]
        elif (named := NAME_LINE.fullmatch(line)) and named[1] == asked.get(path):
            found.setdefault(path, commit)
    return found


def blob_id(data: bytes, like: str) -> str:
    """Return the id that git gives to a file of *data*, in a repository whose ids look *like* this one."""
    algorithm = hashlib.sha256 if len(like) == hashlib.sha256().digest_size * 2 else hashlib.sha1
    return algorithm(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _blobs(root: Path, commit: str) -> dict[str, str]:
    listed = _git(root, "ls-tree", "-r", "-z", commit, "--", "dist/")
    found = {}
    for entry in listed.split("\0"):
        meta, _, path = entry.partition("\t")
        if meta.startswith(REGULAR):
            found[path.removeprefix("dist/")] = meta.split(" ")[2]
    return found


def _commit(root: Path, ref: str) -> str | None:
    told = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", missing="")
    return told.strip() or None


def _symbolic(root: Path, ref: str) -> str:
    """Return the branch that origin/HEAD stands for."""
    if not ref.endswith("/HEAD"):
        return ref
    return _git(root, "rev-parse", "--abbrev-ref", ref, missing=ref).strip()


def _shallow(root: Path) -> bool:
    return _git(root, "rev-parse", "--is-shallow-repository", missing="").strip() == "true"


def _unknown(root: Path, ref: str) -> str:
    if _shallow(root):
        return f"--base {ref}: git knows no such commit here; {SHALLOW}"
    return f"--base {ref}: git knows no such commit here; fetch it with git fetch origin, or correct the name"


def _git(root: Path, *words: str, missing: str | None = None, do: str = "") -> str:
    """Return what git says; *missing* where it fails and that is given."""
    told = _run(root, words)
    if told.returncode == 0:
        return told.stdout.decode("utf-8", "surrogateescape")
    if missing is None:
        raise UsageError(_failed(told, do))
    return missing


def _failed(told: subprocess.CompletedProcess[bytes], do: str) -> str:
    said = told.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
    reason = said[0].removeprefix("fatal: ")
    if "dubious ownership" in reason:
        do = "run git config --global --add safe.directory PATH, as git asks for"
    return f"git: {reason}" + (f"; {do}" if do else "")


def _run(root: Path, words: Sequence[str], stdin: bytes = b"", patience: int = 0) -> subprocess.CompletedProcess[bytes]:
    # A partial clone would fetch what it lacks, and a locked index is none of ours.
    quiet = {"LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(  # noqa: S603 # git, with words that are options or follow --end-of-options
            ["git", *words],  # noqa: S607 # whichever the user has
            cwd=root,
            env={**os.environ, **quiet},
            input=stdin,
            capture_output=True,
            timeout=patience or PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        message = "modelyard plan asks git what dist/ was before, and there is no git here; install it"
        raise UsageError(message) from None
    except subprocess.TimeoutExpired:
        message = f"git {words[0]} took more than {patience or PATIENCE} seconds"
        raise UsageError(message) from None
