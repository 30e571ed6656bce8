"""What rules look at: schema-valid objects, and the pods, containers and jobs in them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs

from modelyard.findings import Source
from modelyard.rules.added import added
from modelyard.rules.fields import each, given
from modelyard.rules.kinds import INLINE, LEADERS, OTHERS, POD_PATHS, SETS, SEVERAL_PODS, VOLCANO


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
    kind: str = attrs.field(init=False)
    api_version: str = attrs.field(init=False)
    metadata: dict[str, Any] = attrs.field(init=False)
    spec: dict[str, Any] = attrs.field(init=False)
    name: str = attrs.field(init=False)
    namespace: str | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Rules ask for these some hundred times an object.
        self.kind = str(self.data.get("kind"))
        self.api_version = str(self.data.get("apiVersion"))
        if self.api_version.startswith(VOLCANO):
            self.kind = OTHERS.get(self.kind, self.kind)
        self.metadata = self.data.get("metadata") or {}
        self.spec = self.data.get("spec") or {}
        self.name = str(self.metadata.get("name") or "")
        self.namespace = self.metadata.get("namespace")

    @cached_property
    def pod(self) -> Pod | None:
        """The pod or pod template in it, if there is one; of a group, that of its leader."""
        path = POD_PATHS.get(self.kind)
        if path is None:
            parts = self.pods if self.kind == INLINE else ()
            return next((pod for pod in parts if pod.path == "spec.predictor"), None)
        if self.kind in LEADERS and (leader := self._pod(LEADERS[self.kind])).data:
            return leader
        return self._pod(path)

    def _pod(self, path: tuple[str, ...]) -> Pod:
        found: Any = self.data
        for key in path:
            found = found.get(key) or {}
        return Pod(self, ".".join(path), found)

    @cached_property
    def pods(self) -> list[Pod]:
        """The pods and pod templates in it."""
        if (ways := SEVERAL_PODS.get(self.kind)) is not None:
            return [Pod(self, path, data) for way in ways for path, data in each(self.data, way) if data]
        if self.kind == INLINE:
            from modelyard.rules import kserve  # noqa: PLC0415 # each needs the other

            return list(kserve.pods(self))
        if self.pod is None:
            return []
        worker = self._pod(POD_PATHS[self.kind])
        return [self.pod] if self.pod.path == worker.path else [self.pod, worker]

    @cached_property
    def jobs(self) -> list[Job]:
        """The jobs in it."""
        if (way := SETS.get(self.kind)) is not None:
            of_set = self.spec if self.kind == "JobSet" else (self.spec.get("template") or {}).get("spec") or {}
            copies = [given(one, "replicas", 1) for one in of_set.get("replicatedJobs") or ()]
            # Without a list there is no Job, and the way would lead to nothing.
            found = each(self.data, way) if copies else ()
            return [Job(self, path, data, many) for (path, data), many in zip(found, copies, strict=True)]
        return [] if self.job is None else [self.job]

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
        """The labels that selectors see: the pod's own, and those that controllers add to all pods of the template."""
        return {**self.labels, **added(self)}

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
    A Job's spec, on its own or as a template in a CronJob or JobSet.

    Args:
        object: The Job, CronJob or JobSet.

        path: To the job's spec.

        spec: The job's spec.

        copies: How many there are of it. Default: 1.
    """

    object: Object
    path: str
    spec: dict[str, Any]
    copies: int = 1

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the Job or JobSet, where a queue looks for them."""
        return self._metadata.get("labels") or {}

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations beside the labels."""
        return self._metadata.get("annotations") or {}

    @property
    def _metadata(self) -> dict[str, Any]:
        holder = self.object.spec.get("jobTemplate") or {} if self.object.kind == "CronJob" else self.object.data
        return holder.get("metadata") or {}

    @property
    def pod(self) -> Pod:
        """The template of its pods."""
        path = self.at("template")
        return next((pod for pod in self.object.pods if pod.path == path), Pod(self.object, path, {}))

    def at(self, field: str) -> str:
        """Return the path of *field* inside the job's spec, as messages show it."""
        return f"{self.path}.{field}"
