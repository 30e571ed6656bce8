"""etcd and kube-apiserver of one version of Kubernetes, on loopback and free ports."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.api import Api, ApiError
from tests.cluster.listeners import elsewhere
from tests.cluster.processes import Program, Programs, free_port
from tests.cluster.programs import NEWEST, built

# Who talks to the API server, with the group that Kubernetes' own roles are bound to.
CLIENTS = {
    "admin": "system:masters",
    # It plays kubelets, node by node, and no role is made for that.
    "kwok": "system:masters",
    "front-proxy": "",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
    "system:metrics-server": "",
}
SERVICES = "10.96.0.0/16"


class ControlPlane:
    """
    An API server with its etcd, and nothing that acts on objects by itself.

    Args:
        programs: What it is started with, and ended by.

        version: The minor version of Kubernetes.
    """

    def __init__(self, programs: Programs, version: str = NEWEST) -> None:
        self.programs = programs
        self.version = version
        self.started: list[Program] = []
        # Not in a temporary folder of pytest's, which keeps three of them: there are private keys in it.
        self.folder = programs.folder / f"kubernetes-{version}-{len(list(programs.folder.iterdir()))}"
        self.folder.mkdir()
        self._make_certificates()
        etcd = self._start_etcd()
        self.port = free_port()
        self.server = f"https://127.0.0.1:{self.port}"
        self.api = self.client("admin")
        self._start_apiserver(etcd)

    # What tests use

    def client(self, name: str) -> Api:
        """Return a client that is the user *name*."""
        return Api(self.server, ca=self.file("ca.crt"), cert=self.cert(name), key=self.key(name))

    def kubeconfig(self, name: str) -> Path:
        """Return a kubeconfig for the user *name*."""
        path = self.folder / f"{name.replace(':', '-')}.kubeconfig"
        if not path.exists():
            encoded = {
                file: base64.b64encode(where.read_bytes()).decode()
                for file, where in (("ca", self.file("ca.crt")), ("cert", self.cert(name)), ("key", self.key(name)))
            }
            cluster = {"server": self.server, "certificate-authority-data": encoded["ca"]}
            user = {"client-certificate-data": encoded["cert"], "client-key-data": encoded["key"]}
            config = {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "tests", "cluster": cluster}],
                "users": [{"name": name, "user": user}],
                "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": name}}],
                "current-context": "tests",
            }
            path.write_text(json.dumps(config))
            path.chmod(0o600)
        return path

    def start(self, name: str, *command: str | Path, env: Mapping[str, str] | None = None) -> Program:
        """Start a program that belongs to this control plane."""
        program = self.programs.start(name, command, cwd=self.folder, env=env)
        self.started.append(program)
        return program

    def end(self, program: Program) -> None:
        """End *program* before the others."""
        assert elsewhere([program]) == {}
        self.started.remove(program)
        self.programs.stop([program])

    def stop(self) -> None:
        """End everything that belongs to this control plane, the API server last but for etcd."""
        reached = elsewhere(self.started)
        self.api.close()
        while self.started:
            self.programs.stop([self.started.pop()])
        assert reached == {}

    # How it comes up

    def file(self, name: str) -> Path:
        """Return the path of a file of this control plane."""
        return self.folder / name

    def cert(self, name: str) -> Path:
        """Return the certificate of the user *name*."""
        return self.file(f"{name.replace(':', '-')}.crt")

    def key(self, name: str) -> Path:
        """Return the key of the user *name*."""
        return self.file(f"{name.replace(':', '-')}.key")

    def _make_certificates(self) -> None:
        make = built("certificates")["certificates"]
        clients = [f"{name}={group}" for name, group in CLIENTS.items()]
        subprocess.run([make, self.folder, *clients], check=True, timeout=60)

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        etcd = self.start(
            "etcd",
            built("etcd")["etcd"],
            f"--data-dir={self.file('etcd')}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            # Nothing has to survive this session.
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        port = int(client.rpartition(":")[2])
        etcd.wait_until(lambda: _listens(port))
        return client

    def _start_apiserver(self, etcd: str) -> None:
        apiserver = self.start(
            "kube-apiserver",
            built(f"kubernetes-{self.version}")["kube-apiserver"],
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            # An endpoint on loopback, which this one is, is no endpoint to the API server itself.
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={self.file('server.crt')}",
            f"--tls-private-key-file={self.file('server.key')}",
            f"--client-ca-file={self.file('ca.crt')}",
            f"--cert-dir={self.folder}",
            "--authorization-mode=RBAC",
            # As clusters have it: who may run privileged pods is for Pod Security to say.
            "--allow-privileged=true",
            f"--service-cluster-ip-range={SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.file('service-accounts.key')}",
            f"--service-account-signing-key-file={self.file('service-accounts.key')}",
            f"--requestheader-client-ca-file={self.file('ca.crt')}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={self.cert('front-proxy')}",
            f"--proxy-client-key-file={self.key('front-proxy')}",
        )
        apiserver.wait_until(self._ready)

    def _ready(self) -> bool:
        try:
            self.api.request("GET", "/readyz")
        except (OSError, ApiError):
            time.sleep(0.1)
            return False
        return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
