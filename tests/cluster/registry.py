"""A registry of OCI artifacts that asks for credentials, and the pipelines that publish ``dist/`` to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.git import GitRepository, settings
from tests.cluster.processes import free_port
from tests.cluster.programs import NEWEST, built
from tests.pipelines import script_of, settings_of

PASSWORD = "hunter2"  # noqa: S105 # of a registry that lives as long as a test session
HASH = "$2b$04$.jK40WP4tBD4k2o6px6XfutncH/INz5oqtm44vDrzsthY77S2LoIC"
"""The same by bcrypt, which Python cannot make."""
USERS = ("bot", "argocd", "flux")
"""Who pushes, and who pulls by the names that docs/gitops.md gives them."""
SECONDS = 120
"""How long a pipeline may take; on an idle machine it takes one."""


class Registry:
    """
    A registry on loopback, without TLS, that nobody reads or writes without a password.

    Args:
        cluster: With which it ends.
    """

    def __init__(self, cluster: Cluster) -> None:
        port = free_port()
        # oras takes a registry of this name, and of no other, for one without TLS.
        self.host = f"localhost:{port}"
        self.folder = cluster.file("registry")
        self.folder.mkdir()
        self.kubeconfig = cluster.kubeconfig("admin")
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{user}:{HASH}\n" for user in USERS))
        config = self.folder / "config.yml"
        config.write_text(
            json.dumps(
                {
                    "version": "0.1",
                    "log": {"level": "warn", "accesslog": {"disabled": False}},
                    "storage": {"inmemory": {}},
                    "http": {"addr": f"127.0.0.1:{port}", "secret": PASSWORD},
                    "auth": {"htpasswd": {"realm": "tests", "path": str(passwords)}},
                }
            )
        )
        # It sends traces to a collector, which is not there, unless told otherwise.
        quiet = {"OTEL_TRACES_EXPORTER": "none"}
        server = cluster.start("registry", built("oci")["registry"], "serve", config, env=quiet)
        server.wait_until(lambda: _listens(port))

    def artifact(self, name: str) -> str:
        """Return the address of the artifact of the team *name*."""
        return f"{self.host}/acme/{name}/dist"

    def publish(self, pipeline: str, repository: GitRepository, name: str) -> str:
        """Run the job ``publish-oci`` of *pipeline* for the last commit of *name*; return the artifact's digest."""
        folder, artifact = self.checkout(repository), self.artifact(name)
        commit = self.run("git rev-parse HEAD", folder).strip()
        forges = {
            "github.yaml": {
                "vars.MODELYARD_ARTIFACT": artifact,
                "github.token": PASSWORD,
                "GITHUB_ACTOR": "bot",
                "GITHUB_SHA": commit,
                "GITHUB_REF_NAME": "main",
            },
            "gitlab.yaml": {
                "CI_DEFAULT_BRANCH": "main",
                "CI_REGISTRY": self.host,
                "CI_REGISTRY_IMAGE": artifact.removesuffix("/dist"),
                "CI_REGISTRY_USER": "bot",
                "CI_REGISTRY_PASSWORD": PASSWORD,
                "CI_COMMIT_SHA": commit,
                "CI_COMMIT_REF_SLUG": "main",
            },
        }
        variables = settings_of(pipeline, "publish-oci", forges[pipeline])
        self.run(script_of(pipeline, "publish-oci"), folder, variables)
        return self.digest(name)

    def digest(self, name: str) -> str:
        """Return the digest of what the artifact of *name* is by its tag ``main``."""
        return self.run(f"oras resolve {self.artifact(name)}:main", self.folder).strip()

    def manifest(self, name: str) -> dict[str, Any]:
        """Return the manifest of the same."""
        found: dict[str, Any] = json.loads(self.run(f"oras manifest fetch {self.artifact(name)}:main", self.folder))
        return found

    def checkout(self, repository: GitRepository, mask: str = "022") -> Path:
        """Return a new clone of *repository*, as a job has one, whose files have the modes that *mask* leaves."""
        folder = self.folder / f"job-{len(list(self.folder.iterdir()))}"
        self.run(f"umask {mask}; git clone --quiet --depth=1 {repository.url} {folder}", self.folder)
        return folder

    def run(self, script: str, folder: Path, variables: Mapping[str, str] | None = None) -> str:
        """Run *script* in *folder* as a forge does, with the real oras and kubectl, and return what it prints."""
        tools = [built("oci")["oras"].parent, built(f"kubernetes-{NEWEST}")["kubectl"].parent]
        path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 # as the forges run it
            cwd=folder,
            env={**settings(self.folder), "KUBECONFIG": str(self.kubeconfig), **(variables or {}), "PATH": path},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
