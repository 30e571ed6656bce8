"""N: names inside a pod: containers, volumes, ports and environment variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object, Pod
from modelyard.rules.workloads import called, exposed
from modelyard.values.addresses import HIGHEST_PORT
from modelyard.values.names import dns_label, env_name, port_name, subdomain

N19 = Rule(
    "N19",
    "Namespaces, containers, volumes, variables and all that pods and autoscalers name have names for the API server.",
    why="The API server refuses the object, or the pods that are made of it.",
    fix="rename it",
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names",
)
N20 = Rule(
    "N20",
    "A container's ports have numbers from 1 to 65535, and names of at most 15 characters, each once.",
    why="The API server refuses the pod, or the object that makes pods of it.",
    fix='choose a short name such as "http" or "metrics"',
    see="https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
)
N21 = Rule(
    "N21",
    "Environment variables have names that a shell can read.",
    why="The API server takes almost any name, and then a shell in front of the program drops the variable silently.",
    fix="rename the variable, or accept N21 for a program that is started without a shell",
    see="https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/",
    acceptable=True,
)
N22 = Rule(
    "N22",
    "Variables that Kubernetes and device plugins set are left to them.",
    why=(
        "The value in the manifest wins over theirs: all pods of an Indexed Job take themselves for the same one, or"
        " a container works on GPUs that belong to other pods."
    ),
    fix="leave the variable away",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode",
    acceptable=True,
)
N26 = Rule(
    "N26",
    "No Service's name makes a variable that the server in the pods takes for its own setting.",
    why=(
        "Every Service puts variables into the pods of its namespace: a Service vllm makes VLLM_PORT=tcp://..., which"
        " vLLM takes for the port to listen on, and crashes. It seems random, since only pods that start after the"
        " Service have the variable."
    ),
    fix="write enableServiceLinks: false in the pod, or rename the Service",
    see="https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables",
    acceptable=True,
)

INDEX = "JOB_COMPLETION_INDEX"
DEVICES = "NVIDIA_VISIBLE_DEVICES"
NVIDIA = "nvidia.com/"
SERVERS: Mapping[str, tuple[str, bool]] = {
    "bentoml": ("BentoML", True),
    "jupyter": ("Jupyter", True),
    "mlflow": ("MLflow", True),
    "uvicorn": ("Uvicorn", True),
    "vllm": ("vLLM", False),
}
"""Servers that read <name>_PORT, and whether --port on their command line keeps them from it."""


@N19.pods
def names(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the names of containers, volumes and of what the pod refers to."""
    containers = pod.containers
    regular = {one.name for one in containers if not one.init} if len(containers) > 1 else ()
    for container in containers:
        if broken := dns_label(container.name):
            yield N19.breach(container.at("name"), container.name, broken)
        elif container.init and container.name in regular:
            because = "another container of the pod has this name"
            yield N19.breach(container.at("name"), container.name, because, "rename one of the two")
    for index, volume in enumerate(pod.volumes):
        if broken := dns_label(volume["name"]):
            yield N19.breach(pod.at(f"spec.volumes[{index}].name"), volume["name"], broken)
    for field in ("serviceAccountName", "priorityClassName"):
        if (given := pod.spec.get(field)) and (broken := subdomain(given)):
            yield N19.breach(pod.at(f"spec.{field}"), given, broken, "correct the name")


@N20.containers
def ports(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check names and numbers of ports."""
    seen: set[str] = set()
    for index, port in enumerate(container.ports):
        name = port.get("name")
        if name:
            if broken := port_name(name):
                yield N20.breach(container.at(f"ports[{index}].name"), name, broken)
            elif name in seen:
                because = "another port of the container has this name"
                yield N20.breach(container.at(f"ports[{index}].name"), name, because, "rename one of the two")
            seen.add(name)
        for field in ("containerPort", "hostPort"):
            number = port.get(field)
            # 0 stands for no port of the node.
            if number is not None and not 1 <= number <= HIGHEST_PORT and (number or field == "containerPort"):
                because = f"a port is a number from 1 to {HIGHEST_PORT}"
                yield N20.breach(container.at(f"ports[{index}].{field}"), number, because, "correct the number")


@N21.containers
def variables(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the names of environment variables."""
    for index, variable in enumerate(container.data.get("env") or ()):
        name = variable["name"]
        if broken := env_name(name):
            rule, do = (N21, None) if _taken(name) else (N19, "rename the variable")
            yield rule.breach(container.at(f"env[{index}].name"), name, broken, do)
        elif name in {INDEX, DEVICES} and (because := _reserved(name, variable, container)):
            yield N22.breach(container.at(f"env[{index}].name"), name, because)
    for index, source in enumerate(container.data.get("envFrom") or ()):
        if (prefix := source.get("prefix")) and (broken := env_name(prefix)):
            rule, do = (N21, "correct the prefix") if _taken(prefix) else (N19, "correct the prefix")
            yield rule.breach(container.at(f"envFrom[{index}].prefix"), prefix, broken, do)


def _taken(name: str) -> bool:
    """Return whether the API server takes *name* (RelaxedEnvironmentVariableValidation, on since 1.32)."""
    return bool(name) and name.isascii() and name.isprintable() and "=" not in name


def _reserved(name: str, variable: Mapping[str, Any], container: Container) -> str | None:
    if name == DEVICES:
        asked = any(resource.startswith(NVIDIA) for resource in container.requests)
        return "the device plugin sets it to the GPUs that the container was given" if asked else None
    job = next((one for one in container.pod.object.jobs if one.at("template") == container.pod.path), None)
    path = ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath", "")
    if job is None or job.spec.get("completionMode") != "Indexed" or "job-completion-index" in path:
        return None
    return "the Job controller sets it to the index of the pod, unless it is set here"


@N26.pods
def linked(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look for Services whose variables a server in the pod would read."""
    if pod.spec.get("enableServiceLinks") is False:
        return
    for service in _speaking(scope).get(pod.object.namespace, ()):
        variable = f"{service.name.upper()}_PORT"
        title, overridden = SERVERS[service.name]
        behind = exposed(service, scope) or ()
        for container in pod.containers:
            if any(one["name"] == variable for one in container.data.get("env") or ()):
                continue
            words = [*(container.data.get("command") or ()), *(container.data.get("args") or ())]
            if overridden and any(word.startswith("--port") for word in words):
                continue
            if pod in behind or service.name in " ".join([str(container.data.get("image")), *words]):
                because = f"{called(service)} puts {variable}=tcp://... into the pod, which {title} takes for its port"
                given = pod.spec.get("enableServiceLinks")
                yield N26.breach(pod.at("spec.enableServiceLinks"), given, because)
                break


def _speaking(scope: Scope) -> Mapping[str | None, list[Object]]:
    """Return the Services that are called like a server, by namespace."""
    if "speaking" not in scope.memo:
        found: dict[str | None, list[Object]] = {}
        for service in scope.of_kind("Service"):
            if (
                service.name in SERVERS
                and service.spec.get("type") != "ExternalName"
                and service.spec.get("clusterIP") != "None"
            ):
                found.setdefault(service.namespace, []).append(service)
        scope.memo["speaking"] = found
    speaking: Mapping[str | None, list[Object]] = scope.memo["speaking"]
    return speaking
