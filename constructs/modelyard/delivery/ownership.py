"""Who writes which field: what is left out of manifests, and what controllers are told to leave alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.delivery.declared import at, matches, steps
from modelyard.fleet.delivery import Cargo, Owned, Ownership
from modelyard.fleet.draft import Manifest
from modelyard.fleet.site import Site
from modelyard.schemas import Catalog
from modelyard.values.at import mapping
from modelyard.values.kueue import LEAST, QUEUE

PLACEMENT = ("nodeSelector", "tolerations")
"""What Kueue adds when it finds room; both are written whole, so two writers cannot share them."""
REPLICAS = "/spec/replicas"
GATEWAYS = "argoproj-labs/gatewayAPI"
"""The plugin by which Argo Rollouts writes in routes of Gateways."""

Identity = tuple[str, str, str | None, str]


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
        paths.extend(queued(manifest))
        paths.extend(moved.get((kind, namespace, name), ()))
        if paths:
            once = tuple(dict.fromkeys(paths))
            rendered = tuple(path for path in once if at(manifest, steps(path)) is not None)
            found.append(Ownership(group, kind, namespace, name, once, rendered))
    return sorted(found, key=lambda one: (one.group, one.kind, one.namespace or "", one.name))


def identity(manifest: Manifest) -> Identity:
    """Return group, kind, namespace and name."""
    metadata = mapping(manifest, "metadata")
    group = str(manifest.get("apiVersion", "")).rpartition("/")[0]
    return group, str(manifest.get("kind")), metadata.get("namespace"), str(metadata.get("name", ""))


def _scaled(manifest: Manifest) -> tuple[str, str | None, str] | None:
    target = mapping(manifest, "spec", "scaleTargetRef")
    if not target.get("name"):
        return None
    return str(target.get("kind", "Deployment")), mapping(manifest, "metadata").get("namespace"), str(target["name"])


def _moved(manifests: Sequence[Manifest]) -> Iterator[tuple[tuple[str, str | None, str], list[str]]]:
    """Yield the Services and routes that Argo Rollouts writes in, and the fields: of which pods, and which shares."""
    routes = {identity(one)[1:]: one for one in manifests if one.get("kind") in {"HTTPRoute", "GRPCRoute"}}
    for manifest in manifests:
        group, kind, namespace, _ = identity(manifest)
        if (group, kind) != ("argoproj.io", "Rollout"):
            continue
        strategy = mapping(manifest, "spec", "strategy")
        tracks = {**mapping(strategy, "canary"), **mapping(strategy, "blueGreen")}
        for key in ("stableService", "canaryService", "activeService", "previewService"):
            if key in tracks:
                yield ("Service", namespace, str(tracks[key])), ["/spec/selector"]
        plugin = mapping(tracks, "trafficRouting", "plugins", GATEWAYS)
        for key, of_kind in (("httpRoute", "HTTPRoute"), ("grpcRoute", "GRPCRoute")):
            known = (of_kind, plugin.get("namespace", namespace), str(plugin.get(key)))
            if known in routes:
                yield known, list(_shares(routes[known]))


def _shares(route: Manifest) -> Iterator[str]:
    for index, rule in enumerate(mapping(route, "spec").get("rules") or ()):
        for place, _ in enumerate(rule.get("backendRefs") or ()):
            yield f"/spec/rules/{index}/backendRefs/{place}/weight"


def queued(manifest: Manifest) -> Iterator[str]:
    """Yield the fields that Kueue writes in what waits in one of its queues."""
    group = identity(manifest)[0]
    metadata = mapping(manifest, "metadata")
    if QUEUE not in mapping(metadata, "labels"):
        return
    templates: list[str] = []
    if (group, manifest.get("kind")) == ("batch", "Job"):
        templates = ["/spec/template"]
        if LEAST in mapping(metadata, "annotations"):
            yield "/spec/parallelism"
    elif (group, manifest.get("kind")) == ("jobset.x-k8s.io", "JobSet"):
        templates = [
            f"/spec/replicatedJobs/{index}/template/spec/template"
            for index, _ in enumerate(mapping(manifest, "spec").get("replicatedJobs") or ())
        ]
    elif (group, manifest.get("kind")) == ("trainer.kubeflow.org", "TrainJob"):
        yield "/spec/suspend"
        yield "/spec/podTemplateOverrides"
        return
    elif (group, manifest.get("kind")) == ("ray.io", "RayJob"):
        templates = _of_ray(mapping(manifest, "spec"))
    if not templates:
        return
    yield "/spec/suspend"
    for path in templates:
        yield from (f"{path}/spec/{field}" for field in PLACEMENT)


def _of_ray(spec: Mapping[str, Any]) -> list[str]:
    workers = mapping(spec, "rayClusterSpec").get("workerGroupSpecs") or ()
    groups = ["headGroupSpec", *(f"workerGroupSpecs/{index}" for index, _ in enumerate(workers))]
    return [*(f"/spec/rayClusterSpec/{group}/template" for group in groups), "/spec/submitterPodTemplate"]


def cargo(site: Site, manifests: Sequence[Manifest], schemas: Catalog) -> Cargo:
    """Return *manifests* as a delivery looks at them."""
    wide = {
        (api_version.rpartition("/")[0], kind)
        for api_version, _, kind in (key.partition(" ") for key in schemas.kinds())
        if (info := schemas.kind(api_version, kind)) is not None and not info.namespaced
    }
    return Cargo(manifests=manifests, owned=ownership(manifests, site.owned), cluster_wide=frozenset(wide))
