"""``tools/cluster.py`` builds each program once, whoever asks, and says what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT

PATIENCE = 300


def start(cache: Path, *parts: str) -> subprocess.Popen[str]:
    """Start a build into *cache*."""
    return subprocess.Popen(
        [sys.executable, ROOT / "tools" / "cluster.py", *parts],
        env={**os.environ, "MODELYARD_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_builds_at_once_build_once_and_later_ones_not_at_all(tmp_path: Path) -> None:
    """The second waits for the first; what is there is whole and runs."""
    both = [start(tmp_path, "certificates") for _ in range(2)]
    said = [build.communicate(timeout=PATIENCE) for build in both]
    later = start(tmp_path, "certificates")
    out, err = later.communicate(timeout=PATIENCE)

    programs = [json.loads(words)["certificates"]["certificates"] for words, _ in said]
    assert [build.returncode for build in (*both, later)] == [0, 0, 0]
    assert "".join(words for _, words in said).count("certificates is ready after") == 1
    assert programs == [json.loads(out)["certificates"]["certificates"]] * 2
    assert err == ""
    usage = subprocess.run([programs[0]], capture_output=True, text=True, check=False)
    assert usage.stderr == "usage: certificates FOLDER NAME=ORGANISATION...\n"
    assert Path(programs[0]).is_relative_to(tmp_path / "cluster")


def test_a_build_that_was_cut_short_leaves_nothing_that_counts(tmp_path: Path) -> None:
    """A program is put in its place when it is whole, so what lies beside it is of no use to anybody."""
    first = start(tmp_path, "certificates")
    out, _ = first.communicate(timeout=PATIENCE)
    program = Path(json.loads(out)["certificates"]["certificates"])
    program.rename(program.with_name(".certificates-half"))

    again = start(tmp_path, "certificates")
    out, err = again.communicate(timeout=PATIENCE)

    assert again.returncode == 0
    assert "certificates is ready after" in err
    assert json.loads(out)["certificates"]["certificates"] == str(program)


def test_a_part_that_does_not_exist_is_said_to_be_none(tmp_path: Path) -> None:
    """Together with those that do."""
    build = start(tmp_path, "kubelet")
    out, err = build.communicate(timeout=PATIENCE)

    assert (build.returncode, out) == (2, "")
    assert err.startswith(
        "modelyard: there is no part kubelet; the parts are argocd, certificates, etcd, flux, jobset, kubernetes-1.37, "
    )


def test_a_build_without_network_says_so(tmp_path: Path) -> None:
    """Nothing listens where the modules should come from."""
    nowhere = {"GOPROXY": "http://127.0.0.1:1", "GOMODCACHE": str(tmp_path / "modules"), "GOFLAGS": ""}
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "cluster.py", "etcd"],
        env={**os.environ, **nowhere, "MODELYARD_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "modelyard: building failed: building etcd needs Go modules from the network, and none could be reached;"
        " connect this machine (or point GOPROXY at a mirror) and run the same command again"
    )
