"""A throw-away project: a small but complete ``main.py``, ``cdk8s.yaml`` and ``environments/``."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PATIENCE = 300
"""Seconds after which a program is taken for hung; none of them needs ten."""

FILES = {
    "main.py": '''\
"""The whole program."""

from modelyard import Fleet

from environments import ENVIRONMENTS

fleet = Fleet(ENVIRONMENTS)
fleet.synth()
''',
    "cdk8s.yaml": """\
language: python
app: python main.py
output: .modelyard/cdk8s
""",
    "environments/__init__.py": '''\
"""What the team runs, and where."""

from environments.dev import dev
from environments.prod import prod

ENVIRONMENTS = {"dev": dev, "prod": prod}
''',
    "environments/clusters.py": '''\
"""What each cluster has."""

from modelyard import Accelerator, Cluster, StorageClass

EKS = Cluster(
    "eks",
    kubernetes="1.34",
    accelerators=[Accelerator("l4", per_node=4, nodes=4)],
    storage=[StorageClass("efs", {"ReadWriteMany"}), StorageClass("gp3", {"ReadWriteOnce"})],
)
''',
    "environments/workloads.py": '''\
"""What the team runs in every environment."""

from modelyard import CpuScale, Environment, ScalableModelService


def sentiment(env: Environment, *, most: int) -> None:
    """Tell how customers feel."""
    ScalableModelService(
        env,
        "sentiment",
        image=env.image("sentiment"),
        port=5000,
        health="/healthz",
        cpu="500m",
        memory="1Gi",
        scale=CpuScale(min=2, max=most),
    )
''',
    "environments/dev.py": '''\
"""Where the team tries things."""

from environments.clusters import EKS
from environments.workloads import sentiment
from modelyard import Environment, Fleet


def dev(fleet: Fleet) -> None:
    """Render ``dev``."""
    env = Environment(fleet, "dev", cluster=EKS, namespace="ml-dev")
    sentiment(env, most=3)
''',
    "environments/prod.py": '''\
"""What customers use."""

import cdk8s

from environments.clusters import EKS
from environments.workloads import sentiment
from modelyard import Claim, Environment, Fleet, Gpu, TrainingJob, hours


def prod(fleet: Fleet) -> None:
    """Render ``prod``."""
    env = Environment(fleet, "prod", cluster=EKS, namespace="ml-prod", strict=True)
    sentiment(env, most=9)
    TrainingJob(
        env,
        "tune",
        image=env.image("tune"),
        command=["python", "tune.py"],
        gpu=Gpu("l4", 2),
        cpu=4,
        memory="16Gi",
        env={"EPOCHS": "4"},
        retries=3,
        deadline=hours(6),
        volumes=[Claim("data", "/data", read_only=True, access_mode="ReadOnlyMany")],
    )
    cdk8s.ApiObject(
        env,
        "quota",
        api_version="v1",
        kind="ResourceQuota",
        metadata=cdk8s.ApiObjectMetadata(name="gpus"),
    ).add_json_patch(cdk8s.JsonPatch.add("/spec", {"hard": {"requests.nvidia.com/gpu": 8}}))
''',
    "environments/dev.lock.yaml": """\
images:
  sentiment:
    repository: ghcr.io/acme/sentiment
    tag: "1.2.0"
    digest: sha256:1111111111111111111111111111111111111111111111111111111111111111
""",
    "environments/prod.lock.yaml": """\
images:
  sentiment:
    repository: ghcr.io/acme/sentiment
    tag: "1.1.0"
    digest: sha256:2222222222222222222222222222222222222222222222222222222222222222
  tune:
    repository: ghcr.io/acme/tune
    tag: "7"
    digest: sha256:3333333333333333333333333333333333333333333333333333333333333333
""",
}
"""What a new project consists of; tests name lines of it, so a change here changes them too."""

Snapshot = dict[str, tuple[int, bytes]]
"""Path to mode and content (a link's target, nothing for a folder) of everything in a folder."""


@dataclass(frozen=True)
class Ran:
    """What a program did."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own."""

    root: Path

    @property
    def dist(self) -> Path:
        """The folder of the rendered manifests."""
        return self.root / "dist"

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace *old*, which stands once in *file*, by *new*."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def copy(self, root: Path) -> Project:
        """Return the same project in the new folder *root*, without what Python has compiled."""
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        return Project(root)

    def run(self, *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
        """Run *command* in the project, or in *cwd*."""
        done = subprocess.run(  # commands of this repository
            [str(word) for word in command],
            cwd=cwd or self.root,
            env={**environment(), **(env or {})},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *command: str | Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start *command* in the project, in a process group of its own."""
        return subprocess.Popen(  # commands of this repository
            [str(word) for word in command],
            cwd=self.root,
            env={**environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def synth(self, *arguments: str) -> Ran:
        """Run ``modelyard synth``, which must succeed."""
        done = self.run(*MODELYARD_SYNTH, *arguments)
        assert done.code == 0, done.err
        return done

    def snapshot(self) -> Snapshot:
        """Return everything in ``dist/``."""
        return snapshot(self.dist)


MODELYARD = BIN / "modelyard"
MODELYARD_SYNTH: Sequence[str | Path] = (MODELYARD, "synth")
MAIN_PY: Sequence[str | Path] = (sys.executable, "main.py")
CDK8S_SYNTH: Sequence[str | Path] = (ROOT / "node_modules" / ".bin" / "cdk8s", "synth")


def environment() -> dict[str, str]:
    """Return the environment variables that programs of the tests get, and no others."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "PYTHONPATH") if name in os.environ}
    # The node of .venv/bin is a Python program around the real one, and says a lot when it is interrupted.
    path = os.pathsep.join([str(ROOT / ".tools" / "bin"), str(BIN), os.environ.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "LC_ALL": "C.UTF-8", "CDK8S_CHECK_UPGRADE": "false"}


def make(root: Path) -> Project:
    """Return a new project in the folder *root*, nothing rendered yet."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Project(root)


def snapshot(folder: Path) -> Snapshot:
    """Return everything in *folder*; nothing where it does not exist."""
    found: Snapshot = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = b""
        if stat.S_ISLNK(status.st_mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        found[path.relative_to(folder).as_posix()] = (status.st_mode, content)
    return found


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of change of everything in *folder*: equal only if nothing was written."""
    every = [folder, *sorted(folder.rglob("*"))]
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in every}
