"""Everything in ``dist/`` is accepted as it is, warned about by nobody, and applying it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

import modelyard
from environments import ENVIRONMENTS
from tests.cluster.api import Answer, Api, ApiError, Manifest, is_true
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.crds import install
from tests.cluster.manifests import DIST, apply, clusters, pod, rendered, title
from tests.cluster.objects import steady

ATTEMPTS = 20
NOTED = ("managedFields", "resourceVersion")
TOLD = ("apiVersion", "kind", "metadata", "status")
Observed = Callable[[str], None]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_server_accepts_every_object_and_a_second_time_changes_nothing(
    control_plane: ControlPlane, environment: str, observed: Observed
) -> None:
    """Server-side apply, strict about fields, in namespaces that enforce what their labels say."""
    api = control_plane.api
    manifests = rendered(environment)
    definitions = install(api, manifests)

    first = apply(api, manifests)
    second = apply(api, manifests)
    third = apply(api, manifests)
    pods = [made for made in map(pod, manifests) if made]
    for made in pods:
        api.create(made, dry_run=True)

    version = api.request("GET", "/version").body["gitVersion"]
    observed(
        f"{environment} on Kubernetes {version}: {len(first)} objects accepted, {len(pods)} pods admitted;"
        f" definitions of {', '.join(definitions) or 'no project'}"
    )
    assert {name: answer.warnings for name, answer in first.items() if answer.warnings} == {}
    assert _contents(first) == _contents(second)
    # Not of the first: the API server itself writes a new claim once more, with nothing changed in it.
    assert _versions(second) == _versions(third)


def test_the_environments_are_all_of_dist() -> None:
    """Each manifest is one that a test here applies, or the bundle of some that is applied by hand."""
    files = {path.relative_to(DIST).parts for path in DIST.rglob("*.yaml")}
    applied = [parts for parts in files if parts[0] in ENVIRONMENTS or parts[:1] == ("_delivery",)]
    assert sorted(files - {*applied}) == [("_bootstrap", f"{name}.yaml") for name in sorted(ENVIRONMENTS)]
    assert len(applied) == sum(len(rendered(name)) for name in ENVIRONMENTS)


def test_the_control_plane_refuses_a_wrong_field_and_a_pod_that_breaks_the_standard(
    control_plane: ControlPlane,
) -> None:
    """What the test above rests on: the server is strict, and Pod Security is enforced as a namespace says."""
    api = control_plane.api
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": labels}})
    head = {"metadata": {"name": "default", "namespace": "strict"}, "apiVersion": "v1"}
    with pytest.raises(ApiError) as unknown:
        api.apply({**head, "kind": "ServiceAccount", "automountServiceAcountToken": False})
    api.apply({**head, "kind": "ServiceAccount"})
    with pytest.raises(ApiError) as privileged:
        api.create({**head, "kind": "Pod", "spec": {"containers": [{"name": "root", "image": "root"}]}})
    assert unknown.value.message == (
        "failed to create typed patch object (strict/default; /v1, Kind=ServiceAccount):"
        " .automountServiceAcountToken: field not declared in schema"
    )
    assert privileged.value.message.startswith(
        'pods "default" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'
    )


def test_controllers_change_nothing_that_is_applied(either: Cluster, observed: Observed) -> None:
    """Every pod runs on the nodes that the fleet says there are; then applying again meets no other owner."""
    claimed = clusters()
    install(either.api, [one for environment in ENVIRONMENTS for one in rendered(environment)])
    with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
        found = dict(
            zip(ENVIRONMENTS, pool.map(lambda name: _changed(either, name, claimed[name]), ENVIRONMENTS), strict=True)
        )
    for environment, changed in found.items():
        observed(
            f"{environment} on Kubernetes {either.version}: {len(changed)} objects applied again after their controllers "
            f"ran, {sum(changed.values()) or 'nothing'} changed"
        )
    assert [title for changed in found.values() for title, did in changed.items() if did] == []


def _changed(cluster: Cluster, environment: str, claimed: modelyard.Cluster) -> dict[str, bool]:
    """Run *environment* on nodes of its own, and return whether applying it again changes an object, by title."""
    api, manifests = cluster.api, rendered(environment)
    namespaces = [one["metadata"]["name"] for one in manifests if one["kind"] == "Namespace"]
    elsewhere = [one for one in manifests if one["metadata"].get("namespace", "") not in ("", *namespaces)]
    own = attrs.evolve(claimed, name=environment)  # type: ignore[misc] # attrs sees no attrs class behind @value
    with cluster.nodes(own), cluster.cleared(*namespaces), cluster.without(*elsewhere):
        apply(api, manifests)
        for one in manifests:
            if one["kind"] in STEADY:
                api.until_one(STEADY[one["kind"]], one, what=f"{title(one)} runs")
        changed = {title(one): not _applies_without_change(api, one) for one in manifests}
    # Others have them too: Argo CD, and a dry run that looks for them.
    cluster.gone(*namespaces)
    return changed


def _contents(answers: dict[str, Answer]) -> dict[str, Any]:
    return {
        name: {**answer.body, "metadata": {**answer.body["metadata"], "resourceVersion": "", "managedFields": []}}
        for name, answer in answers.items()
    }


def _versions(answers: dict[str, Answer]) -> dict[str, str]:
    return {name: answer.body["metadata"]["resourceVersion"] for name, answer in answers.items()}


def _applies_without_change(api: Api, manifest: dict[str, Any]) -> bool:
    """Apply without force, so that a field of another's is an error; only a status may be written in between."""
    for _ in range(ATTEMPTS):
        before, after = api.current(manifest), api.apply(manifest).body
        if _written(before) != _written(after):
            return False
        if after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]:
            return True
    return False


def _written(manifest: Manifest) -> Manifest:
    """Return all of *manifest* but its status, and what says when that was written."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in NOTED}
    return {key: value for key, value in manifest.items() if key not in TOLD} | {"metadata": metadata}


STEADY = {
    "Deployment": steady,
    "HorizontalPodAutoscaler": lambda one: is_true(one, "AbleToScale"),
    "Job": lambda one: one.get("status", {}).get("ready") == one["spec"]["parallelism"],
    "PodDisruptionBudget": lambda one: is_true(one, "DisruptionAllowed"),
    "PersistentVolumeClaim": lambda one: one.get("status", {}).get("phase") == "Bound",
}


def test_a_service_stays_headless_or_not(control_plane: ControlPlane, observed: Observed) -> None:
    """What G14 says of Services: an address is kept, and so is that there is none."""
    api = control_plane.api
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "headless"}})

    def service(name: str, **spec: Any) -> Manifest:
        metadata = {"name": name, "namespace": "headless"}
        spec = {"selector": {"app": name}, "ports": [{"port": 80}], **spec}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    api.apply(service("plain"))
    with pytest.raises(ApiError) as refused:
        api.apply(service("plain", clusterIP="None"))
    assert [(one["field"], one["message"].rpartition(": ")[2]) for one in refused.value.causes] == [
        ("spec.clusterIPs[0]", "may not change once set")
    ]
    api.apply(service("alone", clusterIP="None"))
    api.apply(service("alone"))
    assert api.current(service("alone"))["spec"]["clusterIP"] == "None"
    with pytest.raises(ApiError) as balanced:
        api.apply(service("alone", type="LoadBalancer"))
    api.apply({**QUOTA, "spec": {"hard": {"pods": "9"}, "scopes": ["BestEffort"]}})
    with pytest.raises(ApiError) as scoped:
        api.apply({**QUOTA, "spec": {"hard": {"pods": "9"}}})
    observed(
        f"G14: {refused.value.causes}; {balanced.value.causes}; {scoped.value.causes}; without clusterIP it stays None"
    )
    assert [one["field"] for one in scoped.value.causes] == ["spec.scopes"]


QUOTA: Manifest = {
    "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods", "namespace": "headless"},
}  # fmt: skip
