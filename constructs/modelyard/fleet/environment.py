"""An environment: one chart, one namespace, one cluster, one folder of ``dist/``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import cdk8s

from modelyard import images, trace
from modelyard.findings import Breach, Finding, Severity, Source, SpecError, shown
from modelyard.fleet.delivery import Delivery, Owned
from modelyard.fleet.entry import check
from modelyard.fleet.late import Late, LateMeta
from modelyard.fleet.patches import Patch, Patches, malformed
from modelyard.fleet.site import Site
from modelyard.values.image import Image
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from constructs import Construct

    from modelyard.fleet.cluster import Cluster
    from modelyard.fleet.fleet import Fleet
    from modelyard.fleet.workload import Workload

PodSecurity = Literal["restricted", "baseline", "privileged"]

UNKNOWN_IMAGE = Image("not-in-the-lock", "0", "sha256:" + "0" * 64)
"""Stands in for an image that the lock lacks, so that the rest of the environment is still checked."""


class Environment(Late, cdk8s.Chart, metaclass=LateMeta):
    """
    Everything that one namespace of one cluster runs for the team.

    Args:
        fleet: The fleet that this environment belongs to.

        name: Unique in the fleet, a DNS label; the folder in ``dist/`` and the lock file are called so.

        cluster: What the cluster has.

        namespace: Where the objects live.

        strict: Whether an image without a digest is an error. Default: it is a warning.

        labels: Put on every object, for example the team and the cost centre. Default: none.

        pod_security: The Pod Security Standard that the namespace enforces. Default: ``restricted``.

        manage_namespace: Whether the Namespace object is rendered here. Default: it is.

        delivery: How Argo CD or Flux reads the environment, for the objects below ``dist/_delivery/``.
            Default: those objects are made elsewhere.

        owned: Fields that another controller writes, besides those that follow from an autoscaler or a queue.
            Default: none.

        keep_configs: How many former versions of a service's configuration stay rendered, for pods that still mount
            them, 0 or more. Default: the last one.

        provenance: Whether every object is annotated with the line of Python that it comes from. Default: it is not.

        accept: Findings on the environment's own and foreign objects that are right as they are,
            rule id to reason. Default: none.

    Raises:
        SpecError: The name is taken or no DNS label.

    See Also:
        https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """

    def __init__(
        self,
        fleet: Fleet,
        name: str,
        *,
        cluster: Cluster,
        namespace: str,
        strict: bool = False,
        labels: Mapping[str, str] | None = None,
        pod_security: PodSecurity = "restricted",
        manage_namespace: bool = True,
        delivery: Delivery | None = None,
        owned: Sequence[Owned] = (),
        keep_configs: int = 1,
        provenance: bool = False,
        accept: Mapping[str, str] | None = None,
    ) -> None:
        self.source = trace.here()
        self.name = name
        check(fleet, name, self.source)
        self.tree = fleet.tree
        given = namespace if isinstance(namespace, str) else None
        self.tree.make(functools.partial(super().__init__, fleet, name, namespace=given))
        self.site = Site(
            environment=name,
            namespace=namespace,
            cluster=cluster,
            strict=strict,
            labels=labels or {},
            pod_security=pod_security,
            delivery=delivery,
            owned=owned,
            keep_configs=keep_configs,
            provenance=provenance,
        )
        self.manage_namespace = manage_namespace
        self.accepted = accept or {}
        self.fleet = fleet
        self.workloads: list[Workload] = []
        self._ids: set[str] = set()
        self._charts: list[cdk8s.Chart] = []
        self.patches = Patches()
        self.notes: list[tuple[Workload | None, Breach]] = []
        self._lock: images.Lock | None = None
        self._damaged = False
        fleet.enlist(self)

    @classmethod
    def containing(cls, scope: Construct, id: str, source: Source | None) -> Environment:  # noqa: A002 # as constructs
        """
        Return the environment that *scope* lies in.

        Raises:
            SpecError: It lies in none.
        """
        if isinstance(scope, cls):
            return scope
        if (inner := getattr(scope, "environment", None)) and isinstance(inner, cls):
            return inner
        try:
            chart = cdk8s.Chart.of(scope)
        except (RuntimeError, TypeError):
            chart = None
        if isinstance(chart, cls):
            return chart
        raise SpecError(
            Finding(
                rule="X11",
                severity=Severity.ERROR,
                where=str(id),
                field="scope",
                value=shown(scope),
                because="a workload stands in an Environment",
                do="pass the environment as the first argument",
                source=source,
            )
        )

    def image(self, name: str) -> Image:
        """
        Return the image that the environment's lock file has for *name*.

        A name that is not there is a finding of the synthesis.

        Args:
            name: As in ``environments/<environment>.lock.yaml``.
        """
        found = self.lock.images.get(name) if isinstance(name, str) else None
        if found is None and not self._damaged:
            file = images.lock_path(self.fleet.root, self.name).relative_to(self.fleet.root).as_posix()
            command = f"modelyard images pin {self.name} {name} <repository>:<tag>@sha256:<digest>"
            do = did_you_mean(str(name), self.lock.images) or f"pin it: {command}"
            breach = Breach("X13", "image", name, f"{file} has no such image", do, trace.here())
            self.notes.append((None, breach))
        return found or UNKNOWN_IMAGE

    @property
    def lock(self) -> images.Lock:
        """What the environment's lock file says; a damaged one says nothing, and is a finding."""
        if self._lock is None:
            self._lock = self._read_lock()
        return self._lock

    def add_json_patch(self, kind: str, *operations: Mapping[str, object], name: str | None = None) -> None:
        """
        Change one of the environment's own objects (the Namespace, those of its delivery) after it is rendered.

        Args:
            kind: The kind of the object, for example ``Namespace``.

            operations: As in RFC 6902.

            name: Which one, where there are several of the kind. Default: the only one.
        """
        source = trace.here()
        if (broken := malformed(kind, operations)) is not None:
            self.note(None, attrs.evolve(broken, source=source))
        else:
            self.patches.add(Patch(kind, name, operations, source))

    def enlist(self, workload: Workload, id: str) -> str:  # noqa: A002 # as constructs
        """Add *workload* and return the id that it can have in the tree of constructs."""
        taken = isinstance(id, str) and self._named(id)
        if taken:
            self.settle()
        first = next((other for other in self.workloads if other.id == id), None) if taken else None
        self.workloads.append(workload)
        if first is not None:
            workload.duplicate = True
            place = f"{trace.relative(first.source, self.fleet.root)}" if first.source else "elsewhere"
            do = "give one of the two another id"
            self.notes.append(
                (
                    workload,
                    Breach(
                        "X02",
                        "id",
                        id,
                        f"the workload of this name at {place} is there already",
                        do,
                    ),
                )
            )
            return f"{id}~{len(self.workloads)}"
        if not isinstance(id, str) or not id:
            self.notes.append(
                (
                    workload,
                    Breach(
                        "X11",
                        "id",
                        id,
                        "a workload has a name of its own",
                        'write a name such as "sentiment"',
                    ),
                )
            )
            return f"~{len(self.workloads)}"
        return id.replace("/", "~")

    def note(self, workload: Workload | None, breach: Breach) -> None:
        """Keep a *breach* that was met while the environment's function ran."""
        self.notes.append((workload, breach))

    def to_json(self) -> list[Any]:
        """
        Return every object of this environment, patched and named as in ``dist/``.

        Raises:
            SynthesisError: The environment has findings of severity error.
        """
        from modelyard.render import manifests  # noqa: PLC0415 # render comes after fleet

        return manifests(self)

    def foreign(self) -> list[Any]:
        """Return the objects of constructs that are not modelyard's, in one call to cdk8s a chart."""
        if not self.tree.known:
            return []
        return [*super().to_json(), *(one for chart in self._charts for one in chart.to_json())]

    def settle(self) -> None:
        """Ask cdk8s, where it knows this environment, which charts lie in it and which workloads were removed."""
        if not self.tree.known:
            return
        inside = self.node.find_all()
        self._charts = [one for one in inside if isinstance(one, cdk8s.Chart) and one is not self]
        there = {id(one) for one in inside}
        removed = [workload for workload in self.workloads if id(workload) not in there]
        if removed:
            self.workloads = [workload for workload in self.workloads if workload not in removed]
            self.notes = [(workload, breach) for workload, breach in self.notes if workload not in removed]
            self._ids = {workload.id for workload in self.workloads if isinstance(workload.id, str)}

    def _named(self, id: str) -> bool:  # noqa: A002 # as constructs
        names = self._ids
        if id in names:
            return True
        names.add(id)
        return False

    def _read_lock(self) -> images.Lock:
        try:
            return images.read(images.lock_path(self.fleet.root, self.name))
        except images.LockError as error:
            self._damaged = True
            breach = Breach(
                "X13",
                "lock file",
                None,
                error.because,
                error.do,
                Source(str(error.path), error.line),
            )
            self.notes.append((None, breach))
            return images.Lock()
