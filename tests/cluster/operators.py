"""Operators of custom resources: their controllers, and the webhooks that refuse what no definition can."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from tests.cluster.api import Api, ApiError, Manifest, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.crds import install
from tests.cluster.processes import Program, free_port
from tests.cluster.programs import built

CREATE = ("CREATE",)
WRITE = ("CREATE", "UPDATE")


@attrs.frozen
class Hook:
    """
    What the API server asks an operator about.

    Args:
        verb: ``mutate`` or ``validate``.

        group: Of the kind.

        version: Of the kind.

        kind: Whose objects they are.

        operations: When it asks.

        selector: Which objects it asks about.
    """

    verb: str
    group: str
    version: str
    kind: str
    operations: tuple[str, ...]
    selector: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class Operator:
    """
    An operator as its installation makes it, but for its address.

    Args:
        part: What it is built from.

        config: The group of its configuration.

        group: The group of its kind.

        version: The version of its kind.

        kind: What it is the operator of.

        label: What its pods carry.

        gates: Features that are off otherwise.
    """

    part: str
    config: str
    group: str
    version: str
    kind: str
    label: str
    gates: tuple[str, ...] = ()

    def start(self, cluster: Cluster) -> None:
        """Start it in *cluster*, with which it ends."""
        serving = Serving(cluster, self.part)
        config = {
            "apiVersion": f"config.{self.config}/v1alpha1",
            **serving.config,
            **({"featureGates": dict.fromkeys(self.gates, True)} if self.gates else {}),
        }
        install(cluster.api, [{"apiVersion": f"{self.group}/{self.version}", "kind": self.kind}])
        serving.start(config)
        enforce(cluster.api, webhooks(self.part, serving, self._hooks()))

    def _hooks(self) -> Iterator[Hook]:
        pods = {"objectSelector": {"matchExpressions": [{"key": self.label, "operator": "Exists"}]}}
        for verb, operations in (("mutate", CREATE), ("validate", WRITE)):
            yield Hook(verb, self.group, self.version, self.kind, operations)
            yield Hook(verb, "", "v1", "Pod", CREATE, pods)


class Serving:
    """
    Where an operator serves its webhooks and its health, with certificates that the API server trusts.

    Args:
        cluster: Where it runs.

        part: What it is built from.
    """

    def __init__(self, cluster: Cluster, part: str) -> None:
        self._cluster, self._part = cluster, part
        self._folder = cluster.file(part)
        self._folder.mkdir()
        for name in ("crt", "key"):
            (self._folder / f"tls.{name}").symlink_to(cluster.file(f"server.{name}"))
        self._port, self._health = free_port(), free_port()

    @property
    def config(self) -> Manifest:
        """What every such operator reads in its configuration."""
        return {
            "kind": "Configuration",
            "leaderElection": {"leaderElect": False},
            # A cluster has cert-manager for that.
            "internalCertManagement": {"enable": False},
            "webhook": {"host": "127.0.0.1", "port": self._port, "certDir": str(self._folder)},
            "health": {"healthProbeBindAddress": f"127.0.0.1:{self._health}"},
            "metrics": {"bindAddress": "0"},
        }

    def start(self, config: Manifest) -> Program:
        """Start the operator with *config*, and wait until it answers."""
        (self._folder / "config.yaml").write_text(json.dumps(config))
        program = self._cluster.start(
            self._part,
            built(self._part)[self._part],
            f"--config={self._folder / 'config.yaml'}",
            env={"KUBECONFIG": str(self._cluster.kubeconfig("admin"))},
        )
        program.wait_until(self._ready)
        return program

    def client(self, path: str) -> Manifest:
        """Return how the API server asks it at *path*."""
        authority = base64.b64encode(self._cluster.file("ca.crt").read_bytes()).decode()
        return {"url": f"https://127.0.0.1:{self._port}{path}", "caBundle": authority}

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)  # OK
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def webhooks(name: str, serving: Serving, hooks: Iterable[Hook]) -> list[Manifest]:
    """Return the configurations by which the API server asks an operator about each of *hooks*."""
    made = {verb: [_probe(verb, name, serving)] for verb in ("mutate", "validate")}
    for hook in hooks:
        resource = f"{hook.kind.lower()}s"
        path = "-".join([f"/{hook.verb}", hook.group.replace(".", "-"), hook.version, hook.kind.lower()])
        made[hook.verb].append(
            {
                "name": f"{hook.verb}.{resource}.{name}.x-k8s.io",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "clientConfig": serving.client(path),
                "rules": [
                    {
                        "apiGroups": [hook.group],
                        "apiVersions": [hook.version],
                        "operations": list(hook.operations),
                        "resources": [resource],
                    }
                ],
                **hook.selector,
            }
        )
    api_version = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": api_version,
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": made[verb],
        }
        for kind, verb in (("Mutating", "mutate"), ("Validating", "validate"))
    ]


def enforce(api: Api, configurations: Iterable[Manifest]) -> None:
    """Apply *configurations* of webhooks, and wait until the API server asks by them."""
    for one in configurations:
        api.apply(one, manager="platform-team")
        wait_until(partial(_asks, api, one), what=f"the webhooks of {one['metadata']['name']} are asked")


def release(api: Api, configurations: Sequence[Manifest]) -> None:
    """Delete *configurations* of webhooks, and wait until the API server asks by them no more."""
    for one in configurations:
        api.delete(one)
    wait_until(lambda: not any(_asks(api, one) for one in configurations), what="their webhooks are not asked")


def _asks(api: Api, configuration: Manifest) -> bool:
    probe = configuration["webhooks"][0]
    metadata = {"name": "probe", "namespace": "default", "labels": probe["objectSelector"]["matchLabels"]}
    try:
        api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, dry_run=True)
    except ApiError as error:
        if probe["name"] not in error.message:
            raise
        return True
    return False


def _probe(verb: str, name: str, serving: Serving) -> Manifest:
    """Return a webhook that an operator does not have, so what it is asked about is refused as soon as it is asked."""
    return {
        "name": f"probe.{verb}.{name}.x-k8s.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "clientConfig": serving.client("/probe"),
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
        "objectSelector": {"matchLabels": {"probe": f"{verb}.{name}"}},
    }


JOB_SET = Operator(
    "jobset",
    "jobset.x-k8s.io",
    "jobset.x-k8s.io",
    "v1alpha2",
    "JobSet",
    "jobset.sigs.k8s.io/jobset-name",
    ("InPlaceRestart",),
)
GROUPS = Operator(
    "lws", "lws.x-k8s.io", "leaderworkerset.x-k8s.io", "v1", "LeaderWorkerSet", "leaderworkerset.sigs.k8s.io/name"
)
