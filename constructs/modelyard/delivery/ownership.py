"""Who writes which field: what is left out of manifests, and what controllers are told to leave alone."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from modelyard.findings import Breach
from modelyard.fleet.delivery import Cargo, Owned, Ownership
from modelyard.fleet.draft import Manifest
from modelyard.fleet.site import Site
from modelyard.schemas import Catalog
from modelyard.values.names import LOGICAL_NAME
from modelyard.values.value import source_of

QUEUE = "kueue.x-k8s.io/queue-name"
LEAST_PARALLELISM = "kueue.x-k8s.io/job-min-parallelism"
PLACEMENT = ("nodeSelector", "tolerations")
"""What Kueue adds when it finds room; both are written whole, so two writers cannot share them."""
REPLICAS = "/spec/replicas"
FIELDLESS = "has no field "
"""How the schemas' errors about unknown fields begin."""
GATEWAYS = "argoproj-labs/gatewayAPI"
"""The plugin by which Argo Rollouts writes in routes of Gateways."""
ANNOTATION = 3
"""How deep a single label or annotation lies."""

Identity = tuple[str, str, str | None, str]


class Declared(Protocol):
    """What a user says about the objects of a kind, or one of them."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """Their kind."""

    @property
    @abstractmethod
    def name(self) -> str | None:
        """The name of the one, or None for all."""


def ownership(manifests: Sequence[Manifest], declared: Sequence[Owned]) -> list[Ownership]:
    """Return what follows from autoscalers and queues among *manifests*, and what is *declared*, object by object."""
    found: list[Ownership] = []
    scaled = {target for manifest in manifests if (target := _scaled(manifest)) is not None}
    moved = dict(_moved(manifests))
    for manifest in manifests:
        group, kind, namespace, name = identity(manifest)
        paths = [one.path for one in declared if matches(one, manifest)]
        if (kind, namespace, name) in scaled:
            paths.append(REPLICAS)
        paths.extend(_queued(manifest, group))
        paths.extend(moved.get((kind, namespace, name), ()))
        if paths:
            once = tuple(dict.fromkeys(paths))
            rendered = tuple(path for path in once if _at(manifest, steps(path)) is not None)
            found.append(Ownership(group, kind, namespace, name, once, rendered))
    return sorted(found, key=lambda one: (one.group, one.kind, one.namespace or "", one.name))


def identity(manifest: Manifest) -> Identity:
    """Return group, kind, namespace and name."""
    metadata = part(manifest, "metadata")
    group = str(manifest.get("apiVersion", "")).rpartition("/")[0]
    return group, str(manifest.get("kind")), metadata.get("namespace"), str(metadata.get("name", ""))


def part(manifest: Any, *keys: str) -> dict[str, Any]:  # any part of a manifest
    """Return the object below *keys*, empty where there is none."""
    for key in keys:
        manifest = manifest.get(key) if isinstance(manifest, dict) else None
    return manifest if isinstance(manifest, dict) else {}


def _scaled(manifest: Manifest) -> tuple[str, str | None, str] | None:
    target = part(manifest, "spec", "scaleTargetRef")
    if not target.get("name"):
        return None
    return str(target.get("kind", "Deployment")), part(manifest, "metadata").get("namespace"), str(target["name"])


def _moved(manifests: Sequence[Manifest]) -> Iterator[tuple[tuple[str, str | None, str], list[str]]]:
    """Yield the Services and routes that Argo Rollouts writes in, and the fields: of which pods, and which shares."""
    routes = {identity(one)[1:]: one for one in manifests if one.get("kind") in {"HTTPRoute", "GRPCRoute"}}
    for manifest in manifests:
        group, kind, namespace, _ = identity(manifest)
        if (group, kind) != ("argoproj.io", "Rollout"):
            continue
        strategy = part(manifest, "spec", "strategy")
        tracks = {**part(strategy, "canary"), **part(strategy, "blueGreen")}
        for key in ("stableService", "canaryService", "activeService", "previewService"):
            if key in tracks:
                yield ("Service", namespace, str(tracks[key])), ["/spec/selector"]
        plugin = part(tracks, "trafficRouting", "plugins", GATEWAYS)
        for key, of_kind in (("httpRoute", "HTTPRoute"), ("grpcRoute", "GRPCRoute")):
            known = (of_kind, plugin.get("namespace", namespace), str(plugin.get(key)))
            if known in routes:
                yield known, list(_shares(routes[known]))


def _shares(route: Manifest) -> Iterator[str]:
    for index, rule in enumerate(part(route, "spec").get("rules") or ()):
        for place, _ in enumerate(rule.get("backendRefs") or ()):
            yield f"/spec/rules/{index}/backendRefs/{place}/weight"


def _queued(manifest: Manifest, group: str) -> Iterator[str]:
    """Yield the fields that Kueue writes in what waits in one of its queues."""
    metadata = part(manifest, "metadata")
    if QUEUE not in part(metadata, "labels"):
        return
    templates: list[tuple[str, Any]] = []
    if (group, manifest.get("kind")) == ("batch", "Job"):
        templates = [("/spec/template", part(manifest, "spec", "template"))]
        if LEAST_PARALLELISM in part(metadata, "annotations"):
            yield "/spec/parallelism"
    elif (group, manifest.get("kind")) == ("jobset.x-k8s.io", "JobSet"):
        templates = [
            (f"/spec/replicatedJobs/{index}/template/spec/template", part(job, "template", "spec", "template"))
            for index, job in enumerate(part(manifest, "spec").get("replicatedJobs") or ())
        ]
    elif (group, manifest.get("kind")) == ("trainer.kubeflow.org", "TrainJob"):
        yield "/spec/suspend"
        yield "/spec/podTemplateOverrides"
        return
    elif (group, manifest.get("kind")) == ("ray.io", "RayJob"):
        templates = _of_ray(part(manifest, "spec"))
    if not templates:
        return
    yield "/spec/suspend"
    for path, _ in templates:
        yield from (f"{path}/spec/{field}" for field in PLACEMENT)


def _of_ray(spec: dict[str, Any]) -> list[tuple[str, Any]]:
    cluster = part(spec, "rayClusterSpec")
    groups = [("headGroupSpec", part(cluster, "headGroupSpec"))]
    groups += [
        (f"workerGroupSpecs/{index}", group) for index, group in enumerate(cluster.get("workerGroupSpecs") or ())
    ]
    found = [(f"/spec/rayClusterSpec/{place}/template", part(group, "template")) for place, group in groups]
    return [*found, ("/spec/submitterPodTemplate", part(spec, "submitterPodTemplate"))]


def matches(one: Declared, manifest: Manifest) -> bool:
    """Tell whether *one* is about *manifest*."""
    metadata = part(manifest, "metadata")
    names = {metadata.get("name"), part(metadata, "annotations").get(LOGICAL_NAME)}
    return manifest.get("kind") == one.kind and (one.name is None or one.name in names)


def adapt(manifest: Manifest, site: Site) -> None:
    """Take out of *manifest* what others write, and add what the controller is to read on it."""
    omit(manifest, site.owned)
    if site.delivery is not None:
        site.delivery.adapt(manifest)


def omit(manifest: Manifest, declared: Iterable[Owned]) -> None:
    """Take the fields that are *declared* to be somebody else's out of *manifest*."""
    for one in declared:
        if matches(one, manifest):
            *way, last = steps(one.path)
            holder = _at(manifest, way)
            if isinstance(holder, dict):
                holder.pop(last, None)


def _at(manifest: Manifest, way: Iterable[str]) -> Any:  # any part of a manifest
    holder: Any = manifest
    for step in way:
        holder = _below(holder, step)
    return holder


def _below(holder: Any, step: str) -> Any:  # any part of a manifest
    if isinstance(holder, dict):
        return holder.get(step)
    if isinstance(holder, list) and step.isdecimal() and int(step) < len(holder):
        return holder[int(step)]
    return None


def steps(pointer: str) -> list[str]:
    """Return the keys that a JSON pointer leads through."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def misdeclared(declared: Sequence[Owned]) -> Iterator[Breach]:
    """Yield what is wrong with a declaration by itself."""
    for index, one in enumerate(declared):
        if not one.path.startswith("/") or not all(steps(one.path)):
            because = 'a field is a JSON pointer, which starts with "/" and has a name behind each "/"'
            yield Breach("X11", f"owned[{index}].path", one.path, because, 'write "/spec/replicas"', source_of(one))
        elif steps(one.path)[0] in {"apiVersion", "kind", "metadata"} and one.path.count("/") < ANNOTATION:
            because = "an object is known by it"
            yield Breach(
                "X11", f"owned[{index}].path", one.path, because, "name a field that it can do without", source_of(one)
            )


def cargo(site: Site, manifests: Sequence[Manifest], schemas: Catalog) -> Cargo:
    """Return *manifests* as a delivery looks at them."""
    wide = {
        (api_version.rpartition("/")[0], kind)
        for api_version, _, kind in (key.partition(" ") for key in schemas.kinds())
        if (info := schemas.kind(api_version, kind)) is not None and not info.namespaced
    }
    return Cargo(manifests=manifests, owned=ownership(manifests, site.owned), cluster_wide=frozenset(wide))


def unmatched(manifests: Sequence[Manifest], site: Site, schemas: Catalog) -> Iterator[Breach]:
    """Yield what is declared about objects that are not there, and about fields that *schemas* do not have."""
    yield from unknown("owned", site.owned, manifests)
    for index, one in enumerate(site.owned):
        found = next((manifest for manifest in manifests if matches(one, manifest)), None)
        if found is not None and (wrong := _fieldless(found, steps(one.path), schemas)) is not None:
            because, _, do = wrong.partition("; ")
            do = do or "correct the field"
            yield Breach("X11", f"owned[{index}].path", one.path, f"{one.kind} {because}", do, source_of(one))
    if site.delivery is not None:
        yield from site.delivery.unmatched(manifests)


def _fieldless(manifest: Manifest, way: Sequence[str], schemas: Catalog) -> str | None:
    """Return what the schema says of a step of *way* that *manifest* cannot have."""
    probe: Any = copy.deepcopy(manifest)
    whole = probe
    for step in way[:-1]:
        if isinstance(probe, dict):
            probe.setdefault(step, {})
        probe = _below(probe, step)
    if isinstance(probe, dict):
        probe[way[-1]] = None
    told = tuple(f"{FIELDLESS}{step!r}" for step in way)
    return next((one.message for one in schemas.errors(whole) if one.message.startswith(told)), None)


def unknown(field: str, declared: Sequence[Declared], manifests: Sequence[Manifest]) -> Iterator[Breach]:
    """Yield what of *declared* is about none of *manifests*."""
    for index, one in enumerate(declared):
        if not any(matches(one, manifest) for manifest in manifests):
            what = one.kind if one.name is None else f"{one.kind} {one.name}"
            because = f"the environment renders no {what}"
            yield Breach(
                "X11", f"{field}[{index}]", what, because, "correct kind or name, or remove it", source_of(one)
            )
