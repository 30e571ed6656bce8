"""What rules look at: schema-valid objects, the pods, containers and jobs in them, and all of an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs

from modelyard.findings import Source

if TYPE_CHECKING:
    from modelyard.fleet.site import Site

POD_PATHS: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@attrs.define(eq=False)
class Object:
    """
    One object of an environment.

    Args:
        data: The manifest; it has passed its schema.

        owner: The id of the workload it belongs to, or None for the environment's own and foreign ones.

        source: The line of the user's Python that asked for it.

        path: Below ``dist/``.

        text: The YAML it is written as.

        sha256: Of that text, in hexadecimal digits.
    """

    data: dict[str, Any]
    owner: str | None
    source: Source | None
    path: str = ""
    text: str = ""
    sha256: str = ""

    @property
    def kind(self) -> str:
        """The kind."""
        return str(self.data["kind"])

    @property
    def api_version(self) -> str:
        """Group and version."""
        return str(self.data["apiVersion"])

    @property
    def name(self) -> str:
        """The name."""
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str | None:
        """The namespace, None for an object of the whole cluster."""
        return self.metadata.get("namespace")

    @property
    def metadata(self) -> dict[str, Any]:
        """The object's own metadata."""
        return self.data.get("metadata") or {}

    @property
    def spec(self) -> dict[str, Any]:
        """The spec, empty where there is none."""
        return self.data.get("spec") or {}

    @cached_property
    def pod(self) -> Pod | None:
        """The pod or pod template in it, if there is one."""
        path = POD_PATHS.get(self.kind)
        if path is None:
            return None
        found: Any = self.data
        for key in path:
            found = found.get(key) or {}
        return Pod(self, ".".join(path), found)

    @cached_property
    def job(self) -> Job | None:
        """The job in it, if it is a Job or a CronJob."""
        if self.kind == "Job":
            return Job(self, "spec", self.spec)
        if self.kind == "CronJob":
            template = self.spec.get("jobTemplate") or {}
            return Job(self, "spec.jobTemplate.spec", template.get("spec") or {})
        return None


@attrs.define(eq=False)
class Pod:
    """
    A pod, or the template of pods.

    Args:
        object: Where it is from.

        path: To it, for example ``spec.template``; empty for a Pod itself.

        data: With ``metadata`` and ``spec``.
    """

    object: Object
    path: str
    data: dict[str, Any]

    @property
    def spec(self) -> dict[str, Any]:
        """The pod's spec."""
        return self.data.get("spec") or {}

    @property
    def metadata(self) -> dict[str, Any]:
        """The pod's metadata."""
        return self.data.get("metadata") or {}

    @property
    def labels(self) -> dict[str, str]:
        """The pod's labels."""
        return self.metadata.get("labels") or {}

    @cached_property
    def selectable(self) -> dict[str, str]:
        """The labels that selectors see: the pod's own, and those that a Job adds."""
        if self.object.kind != "Job":
            return self.labels
        return {
            **self.labels,
            **dict.fromkeys(("job-name", "batch.kubernetes.io/job-name"), self.object.name),
        }

    def at(self, field: str) -> str:
        """Return the path of *field* inside the pod, as messages show it."""
        return f"{self.path}.{field}" if self.path else field

    @cached_property
    def containers(self) -> list[Container]:
        """All containers, init containers first."""
        return [
            Container(self, f"{self.at('spec')}.{key}[{index}]", key == "initContainers", data)
            for key in ("initContainers", "containers")
            for index, data in enumerate(self.spec.get(key) or [])
        ]

    @cached_property
    def volumes(self) -> list[dict[str, Any]]:
        """The pod's volumes."""
        return self.spec.get("volumes") or []


@attrs.define(eq=False)
class Container:
    """
    A container of a pod.

    Args:
        pod: Whose it is.

        path: To it, for example ``spec.template.spec.containers[0]``.

        init: Whether it runs before the others.

        data: The container's fields.
    """

    pod: Pod
    path: str
    init: bool
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.data.get("name", ""))

    @property
    def requests(self) -> dict[str, Any]:
        """What is kept for it; as the API server does, a limit stands in where there is no request."""
        resources = self.data.get("resources") or {}
        return {**(resources.get("limits") or {}), **(resources.get("requests") or {})}

    @property
    def limits(self) -> dict[str, Any]:
        """What it may use at most."""
        resources = self.data.get("resources") or {}
        return resources.get("limits") or {}

    @property
    def ports(self) -> list[dict[str, Any]]:
        """Its container ports."""
        return self.data.get("ports") or []

    @property
    def security(self) -> dict[str, Any]:
        """Its security context."""
        return self.data.get("securityContext") or {}

    def at(self, field: str) -> str:
        """Return the path of *field* inside the container, as messages show it."""
        return f"{self.path}.{field}"


@attrs.define(eq=False)
class Job:
    """
    A Job's spec, on its own or as the template in a CronJob.

    Args:
        object: The Job or CronJob.

        path: To the job's spec.

        spec: The job's spec.
    """

    object: Object
    path: str
    spec: dict[str, Any]

    @property
    def pod(self) -> Pod:
        """The template of its pods."""
        pod = self.object.pod
        if pod is None:
            raise LookupError(self.object.kind)
        return pod

    def at(self, field: str) -> str:
        """Return the path of *field* inside the job's spec, as messages show it."""
        return f"{self.path}.{field}"


@attrs.define(eq=False)
class Scope:
    """
    All objects of one environment, with the look-ups that keep rules linear.

    Args:
        site: The environment's name, namespace and cluster.

        objects: Every object that passed its schema.

        complete: Whether these are all of its objects. Default: they are.

        memo: What a family of rules has worked out once, by a name of its own.
    """

    site: Site
    objects: list[Object]
    complete: bool = True
    memo: dict[str, Any] = attrs.field(factory=dict, init=False)
    _by_identity: dict[tuple[str, str | None, str], Object] = attrs.field(init=False)
    _pods_by_label: dict[tuple[str | None, str, str], list[Pod]] = attrs.field(init=False)
    _targets: dict[tuple[str, str | None, str], list[Object]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._by_identity = {(one.kind, one.namespace, one.name): one for one in self.objects}
        self._pods_by_label = {}
        self._targets = {}
        for one in self.objects:
            if one.pod is not None:
                for key, value in one.pod.selectable.items():
                    self._pods_by_label.setdefault((one.namespace, key, value), []).append(one.pod)
            if target := one.spec.get("scaleTargetRef"):
                identity = (
                    str(target.get("kind", "Deployment")),
                    one.namespace,
                    str(target.get("name")),
                )
                self._targets.setdefault(identity, []).append(one)

    def find(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """Return the object of this identity, or None where the environment renders none."""
        return self._by_identity.get((kind, namespace, name))

    def of_kind(self, kind: str) -> Iterator[Object]:
        """Yield the objects of *kind*; only for checks that run once an environment."""
        return (one for one in self.objects if one.kind == kind)

    def pods_matching(self, labels: Mapping[str, str], namespace: str | None) -> list[Pod]:
        """Return the pods that carry all of *labels*; none for no labels."""
        found = [self._pods_by_label.get((namespace, *label), []) for label in labels.items()]
        items = labels.items()
        return [pod for pod in min(found, key=len, default=[]) if items <= pod.selectable.items()]

    def scalers_of(self, one: Object) -> list[Object]:
        """Return the autoscalers that have *one* as their target."""
        return self.scalers(one.kind, one.namespace, one.name)

    def scalers(self, kind: str, namespace: str | None, name: str) -> list[Object]:
        """Return the autoscalers that have the object of this identity as their target."""
        return self._targets.get((kind, namespace, name), [])
