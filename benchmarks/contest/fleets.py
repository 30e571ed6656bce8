"""The fleets that everybody renders: their rows of values, and the modelyard project that says the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

ENVIRONMENTS = 10
KINDS = 6
"""Deployment, Service, HorizontalPodAutoscaler, PodDisruptionBudget, ServiceAccount, NetworkPolicy."""
KUBERNETES = "1.34"
LOCALE_NAMES = ("de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "sv")

CLUSTERS = f'''"""One cluster for all, with room for CPU workloads only."""

from modelyard import Cluster

EKS = Cluster("eks-prod", kubernetes="{KUBERNETES}", client_namespaces=["gateways", "monitoring"])
'''

WORKLOADS = '''"""What the team runs, defined once; what differs is an argument."""

from modelyard import CpuScale, Environment, HttpGet, ScalableModelService, SecretKey


def model(
    env: Environment, name: str, *, image: str, port: int, cpu: str, memory: str,
    low: int, high: int, target: int, locale: str,
) -> None:
    """Serve one model on CPU."""
    ScalableModelService(
        env,
        name,
        image=env.image(image),
        port=port,
        cpu=cpu,
        memory=memory,
        scale=CpuScale(min=low, max=high, target=target),
        health=HttpGet("/health/live"),
        ready=HttpGet("/health/ready"),
        env={"MODEL_NAME": name, "LOCALE": locale, "TOKEN": SecretKey("registry", "token")},
    )
'''

MAIN = '''"""The whole program."""

from modelyard import Fleet

from environments import ENVIRONMENTS

Fleet(ENVIRONMENTS).synth()
'''


@attrs.frozen(kw_only=True)
class Row:
    """
    What is said of one workload.

    Args:
        name: Of the workload.

        image: The name that the lock file has it by.

        reference: Repository, tag and digest of the image.

        port: That the container listens on.

        cpu: Requested.

        memory: Requested, and the limit.

        low: Fewest replicas.

        high: Most replicas.

        target: CPU use in percent that is aimed at.

        locale: The value of an environment variable.
    """

    name: str
    image: str
    reference: str
    port: int
    cpu: str
    memory: str
    low: int
    high: int
    target: int
    locale: str


@attrs.frozen(kw_only=True)
class Place:
    """
    One environment of a fleet.

    Args:
        name: Of the environment.

        namespace: Of its objects.

        rows: Its workloads.
    """

    name: str
    namespace: str
    rows: Sequence[Row]


def places(objects: int) -> list[Place]:
    """Return the environments of a fleet of so many *objects*."""
    count = objects // (ENVIRONMENTS * KINDS)
    return [
        Place(name=f"env-{index:02}", namespace=f"ml-{index:02}", rows=[_row(number) for number in range(count)])
        for index in range(ENVIRONMENTS)
    ]


def _row(number: int) -> Row:
    image = f"model-{number % 10}"
    return Row(
        name=f"model-{number:04}",
        image=image,
        reference=f"ghcr.io/acme/{image}:1.4.{number % 10}@{_digest(image)}",
        port=8000 + number % 3,
        cpu=("250m", "500m", "1", "2")[number % 4],
        memory=("512Mi", "1Gi", "3Gi")[number % 3],
        low=2 + number % 3,
        high=6 + number % 5,
        target=60 + number % 20,
        locale=LOCALE_NAMES[number % 10],
    )


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


SENTINEL = Row(
    name="sentinelname",
    image="sentinel",
    reference=f"sentinel.example/image:1@{_digest('sentinel')}",
    port=7771,
    cpu="7772m",
    memory="7773Mi",
    low=7774,
    high=7775,
    target=7776,
    locale="sentinellocale",
)
"""A workload whose every value is unmistakable in what is rendered for it."""
SENTINEL_PLACE = Place(name="sentinelplace", namespace="sentinelnamespace", rows=[SENTINEL])


def write_project(root: Path, fleet: Sequence[Place]) -> None:
    """Write below *root* the modelyard project that renders *fleet*."""
    folder = root / "environments"
    folder.mkdir(parents=True)
    (root / "main.py").write_text(MAIN, encoding="utf-8")
    (root / "cdk8s.yaml").write_text(
        "language: python\napp: python main.py\noutput: .modelyard/cdk8s\n", encoding="utf-8"
    )
    (folder / "clusters.py").write_text(CLUSTERS, encoding="utf-8")
    (folder / "workloads.py").write_text(WORKLOADS, encoding="utf-8")
    functions = {place.name: place.name.replace("-", "_") for place in fleet}
    imports = "\n".join(f"from environments.{function} import {function}" for function in functions.values())
    entries = "\n".join(f'    "{name}": {function},' for name, function in functions.items())
    text = f'"""Every environment."""\n\n{imports}\n\nENVIRONMENTS = {{\n{entries}\n}}\n'
    (folder / "__init__.py").write_text(text, encoding="utf-8")
    for place in fleet:
        function = functions[place.name]
        (folder / f"{function}.py").write_text(_environment(function, place), encoding="utf-8")
        (folder / f"{place.name}.lock.yaml").write_text(_lock(place.rows), encoding="utf-8")


def _environment(function: str, place: Place) -> str:
    calls = "\n".join(f"    model(env, {_arguments(row)})" for row in place.rows)
    return (
        f'"""The environment {place.name}."""\n\n'
        "from environments.clusters import EKS\n"
        "from environments.workloads import model\n"
        "from modelyard import Environment, Fleet\n\n\n"
        f"def {function}(fleet: Fleet) -> None:\n"
        "    env = Environment("
        f'fleet, "{place.name}", cluster=EKS, namespace="{place.namespace}", manage_namespace=False)\n'
        f"{calls}\n"
    )


def _arguments(row: Row) -> str:
    options = {key: value for key, value in attrs.asdict(row).items() if key not in {"name", "reference"}}
    return ", ".join([f'"{row.name}"', *(f"{key}={value!r}" for key, value in options.items())])


def _lock(rows: Sequence[Row]) -> str:
    images: Mapping[str, str] = {row.image: row.reference for row in rows}
    lines = ["images:"]
    for name, reference in sorted(images.items()):
        tagged, digest = reference.split("@")
        repository, tag = tagged.rsplit(":", 1)
        lines += [f"  {name}:", f"    repository: {repository}", f'    tag: "{tag}"', f"    digest: {digest}"]
    return "\n".join(lines) + "\n"
