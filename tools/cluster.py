"""
Builds the programs of a real control plane for ``make cluster-test``, once for each version.

Each part is a folder below ``tools/cluster`` with the ``go.mod`` and ``go.sum`` that pin it, and goes into a cache
outside the repository, since what a version of Kubernetes is does not depend on the checkout. The standard
output is a line of JSON with the path of every program that was asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from redis import redis
from setup import BAD_HASH, BIN, NO_NETWORK, NO_TRUST, ROOT, SetupError, environment, numbers, say

SOURCES = ROOT / "tools" / "cluster"
FLAGS = ("-trimpath", "-mod=readonly")
# The caller's settings are gone (setup.MISLEADING), so a program is what its go.sum says and nothing else.
SETTINGS = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
KUBERNETES_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Part:
    """
    What is built from one folder.

    Args:
        programs: The name of each program and the package it is built from.

        pinned: The module whose version is the part's.

        stamps: Variables that the linker sets to what a release of this version has there.

        seconds: About how long a first build takes on two cores, for the person who waits for it.
    """

    programs: Mapping[str, str]
    pinned: str | None = None
    stamps: Mapping[str, str] = field(default_factory=dict)
    seconds: int = 60


def kubernetes(minor: str, *programs: str, seconds: int) -> Part:
    """Return the part of a minor version of Kubernetes, which says of itself what it is."""
    major, _, rest = minor.partition(".")
    stamps = {
        f"{KUBERNETES_VERSION}.gitVersion": "{version}",
        f"{KUBERNETES_VERSION}.gitMajor": major,
        f"{KUBERNETES_VERSION}.gitMinor": rest,
        f"{KUBERNETES_VERSION}.gitTreeState": "clean",
    }
    packages = {program: f"k8s.io/kubernetes/cmd/{program}" for program in programs}
    return Part(packages, "k8s.io/kubernetes", stamps, seconds)


PARTS = {
    "argocd": Part(
        {"argocd": "modelyard/tools/cluster/argocd"},
        "github.com/argoproj/argo-cd/v3",
        {"github.com/argoproj/argo-cd/v3/common.version": "{number}"},
        seconds=400,
    ),
    "certificates": Part({"certificates": "modelyard/tools/cluster/certificates"}, seconds=20),
    "etcd": Part({"etcd": "go.etcd.io/etcd/server/v3"}, "go.etcd.io/etcd/server/v3"),
    "flux": Part(
        {
            "source-controller": "github.com/fluxcd/source-controller",
            "kustomize-controller": "github.com/fluxcd/kustomize-controller",
        },
        seconds=400,
    ),
    "jobset": Part({"jobset": "sigs.k8s.io/jobset"}, "sigs.k8s.io/jobset", seconds=240),
    "kubernetes-1.37": kubernetes(
        "1.37", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", seconds=600
    ),
    "kubernetes-1.32": kubernetes("1.32", "kube-apiserver", "kube-controller-manager", "kube-scheduler", seconds=500),
    "kueue": Part({"kueue": "modelyard/tools/cluster/kueue"}, seconds=240),
    "kwok": Part({"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, "sigs.k8s.io/kwok", seconds=120),
    "lws": Part({"lws": "sigs.k8s.io/lws/cmd"}, "sigs.k8s.io/lws", seconds=240),
    "metrics-server": Part(
        {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"}, "sigs.k8s.io/metrics-server", seconds=120
    ),
    "oci": Part({"registry": "modelyard/tools/cluster/oci", "oras": "oras.land/oras/cmd/oras"}, seconds=60),
}


def cache() -> Path:
    """Return the folder of everything that was built."""
    chosen = os.environ.get("MODELYARD_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute() / "cluster"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "modelyard" / "cluster"


def go_env() -> Mapping[str, str]:
    """Return what Go says of itself and of the machine it builds for."""
    if not (BIN / "go").exists():
        message = "there is no Go in .tools/bin; run tools/setup go"
        raise SetupError(message)
    asked = ("GOVERSION", "GOOS", "GOARCH")
    answer = subprocess.run(
        [BIN / "go", "env", "-json", *asked],
        env=environment() | SETTINGS,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found: dict[str, str] = json.loads(answer.stdout)
    return found


def home(name: str, go: Mapping[str, str]) -> Path:
    """Return the folder of the part *name*, whose name says everything that its programs depend on."""
    part = PARTS[name]
    settings = (sorted(part.programs.items()), sorted(part.stamps.items()), FLAGS, SETTINGS, sorted(go.items()))
    digest = hashlib.sha256(repr(settings).encode())
    for path in sorted((SOURCES / name).iterdir()):
        if path.name in {"go.mod", "go.sum"} or path.suffix == ".go":
            digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return cache() / f"{name}-{digest.hexdigest()[:16]}"


def build(name: str, go: Mapping[str, str]) -> dict[str, Path]:
    """Build what is missing of the part *name*, and return its programs."""
    folder = home(name, go)
    part = PARTS[name]
    programs = {program: folder / program for program in part.programs}
    if all(path.exists() for path in programs.values()):
        return programs
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, name):
        needs = numbers(pinned(name, r"^go (\S+)"))
        if numbers(go["GOVERSION"].removeprefix("go")) < needs:
            wanted = ".".join(map(str, needs))
            message = f"{name} needs Go {wanted} or newer, and .tools/bin/go is {go['GOVERSION']}; install a newer Go"
            raise SetupError(message)
        missing = [program for program, path in programs.items() if not path.exists()]
        if missing:
            say(f"building {name} (about {part.seconds} s on two cores, once)")
        for program in missing:
            started = time.monotonic()
            compile_program(name, program, programs[program])
            say(f"... {program} is ready after {time.monotonic() - started:.0f} s")
    return programs


def compile_program(name: str, program: str, target: Path) -> None:
    """Build *program* beside *target* and move it there when it is whole."""
    part = PARTS[name]
    version = pinned(name, rf"{re.escape(part.pinned)} (v\S+)") if part.pinned else ""
    stamps = [
        f"-X {variable}={value.format(version=version, number=version[1:])}" for variable, value in part.stamps.items()
    ]
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{program}-") as scratch:
        new = Path(scratch) / program
        flags = ["-ldflags", " ".join(["-s -w", *stamps]), "-o", str(new)]
        done = subprocess.run(
            [BIN / "go", "build", *FLAGS, *flags, part.programs[program]],
            cwd=SOURCES / name,
            env=environment() | SETTINGS,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise failure(program, done.stderr)
        new.replace(target)


def failure(program: str, text: str) -> SetupError:
    """Return what to say when Go could not build *program*."""
    if BAD_HASH.search(text):
        return SetupError(f"a module of {program} is not the one that its go.sum names by hash; do not trust it")
    if NO_TRUST.search(text):
        return SetupError(
            f"building {program} needs Go modules, and their server's certificate is not trusted here;"
            " name your certificates with SSL_CERT_FILE"
        )
    if NO_NETWORK.search(text):
        return SetupError(
            f"building {program} needs Go modules from the network, and none could be reached;"
            " connect this machine (or point GOPROXY at a mirror) and run the same command again"
        )
    return SetupError(f"go build of {program} failed", text.splitlines()[-15:])


def pinned(name: str, pattern: str) -> str:
    """Return what *pattern* captures in the ``go.mod`` of the part *name*."""
    found = re.search(pattern, (SOURCES / name / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        message = f"tools/cluster/{name}/go.mod says nothing that matches {pattern}; restore the file from git"
        raise SetupError(message)
    return found[1]


@contextlib.contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Hold *folder*: two builds of one thing at once only take twice as long."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{name} is being built by another run; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ready_made() -> dict[str, Path]:
    """Return Redis, which is no Go program."""
    folder = cache() / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, "redis"):
        return {"redis-server": redis(folder)}


READY_MADE = {"redis": ready_made}
"""Parts that are not built here."""


def main() -> int:
    """Build the parts that were asked for."""
    parser = argparse.ArgumentParser(description="Build the programs of a real control plane into a cache.")
    every = [*PARTS, *READY_MADE]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(every)}; default: all")
    asked = parser.parse_args().parts or every
    if unknown := sorted(set(asked) - set(every)):
        say(f"there is no part {unknown[0]}; the parts are {', '.join(every)}")
        return 2
    try:
        go = go_env()
        built = {name: READY_MADE[name]() if name in READY_MADE else build(name, go) for name in asked}
    except SetupError as error:
        for line in error.details:
            say(f"| {line}")
        say(f"building failed: {error}")
        return 1
    except (OSError, subprocess.SubprocessError) as error:
        say(f"building failed: {error}")
        return 1
    except KeyboardInterrupt:
        say("building interrupted; run the same command again to finish it")
        return 130
    print(json.dumps({name: {program: str(path) for program, path in found.items()} for name, found in built.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
