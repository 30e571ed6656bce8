"""G: delivery: Applications and Kustomizations that delete, force or give up more than anybody asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.g import DELIVERED, G03, G04, SYNC_PAGE, job_of
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object

KUSTOMIZATIONS = "https://fluxcd.io/flux/components/kustomize/kustomizations/"

G07 = Rule(
    "G07",
    "A rule of a Kustomization that ignores fields names its target.",
    why="Without a target it holds for every object, and the field is never corrected anywhere.",
    fix="add target: with kind and name",
    see=f"{KUSTOMIZATIONS}#ignore-rules",
    acceptable=True,
)
G08 = Rule(
    "G08",
    "Deleting an Application or a Kustomization does not delete what it synced, and nor does an empty folder.",
    why=(
        "A renamed, moved or lost Application is deleted, and with the finalizer, or without an orphaning"
        " deletionPolicy, everything that it ever synced goes with it. allowEmpty takes a render that failed for"
        " the wish to delete all."
    ),
    fix="remove it, and delete workloads by removing their manifests",
    see="https://argo-cd.readthedocs.io/en/stable/user-guide/app_deletion/",
    acceptable=True,
)
G09 = Rule(
    "G09",
    "A Namespace is rendered, or made by the Application, and not both.",
    why=(
        "The labels of managedNamespaceMetadata are overwritten by the manifest, Pod Security among them, and a"
        " namespace of CreateNamespace belongs to nobody."
    ),
    fix="remove it: the environment renders its Namespace, with its labels",
    see=f"{SYNC_PAGE}#create-namespace",
)
G10 = Rule(
    "G10",
    "An Application that syncs by itself tries again.",
    why=(
        "Where retry has no limit, Argo CD tries a commit once, and five times where there is no retry at all. After a "
        "failure that passes, such as a webhook that was down, nothing is synced."
    ),
    fix="write a limit, or leave retry away",
    see="https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/#automated-sync-semantics",
    severity=Severity.WARNING,
    acceptable=True,
)
G11 = Rule(
    "G11",
    "What was rendered before is still allowed in the AppProject until Argo CD has deleted it.",
    why=(
        "Argo CD looks only at kinds that the project allows: it would neither delete the last objects of a kind that"
        " is rendered no more, nor show them. What it never deletes (Prune=false), as former runs, is left aside."
    ),
    fix="keep the kind in ArgoCD(allow=[...]) until it is deleted",
    see="https://argo-cd.readthedocs.io/en/stable/user-guide/projects/",
)

G16 = Rule(
    "G16",
    "Where one Argo CD has several clusters, each environment says which is its own.",
    why=(
        "Without destination= an Application syncs into the cluster that its Argo CD runs in. Two environments of two"
        " clusters then come into one, the second over the first where their namespaces are called the same."
    ),
    fix="write ArgoCD(destination=...)",
    see="https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters",
)
G17 = Rule(
    "G17",
    "An environment stays in its namespace.",
    why=(
        "In another namespace everything is another object: claims are new and empty, addresses are others, and"
        " trainings run anew. What was in the old one stays and runs on with Argo CD, whose project allows one of the"
        " two. Flux deletes it at once, but for claims, runs and what they need. The Application or Kustomization of"
        " the old name stays with both, and goes on."
    ),
    fix="keep the namespace, or move the data, and delete by hand what stays behind",
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
    severity=Severity.WARNING,
    acceptable=True,
)

FINALIZER = "resources-finalizer.argocd.argoproj.io"
GROUP = {"Application": "argoproj.io/", "Kustomization": "kustomize.toolkit.fluxcd.io/"}


@G08.objects("Application")
def application(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at what an Application deletes, forces and makes."""
    if not one.api_version.startswith(GROUP[one.kind]):
        return
    policy = one.spec.get("syncPolicy") or {}
    yield from _deleting(one, policy)
    yield from _options(one, policy, scope)
    retry = policy.get("retry")
    if policy.get("automated") is not None and retry is not None and not retry.get("limit"):
        because = "Argo CD then tries a commit once, whatever the failure was"
        yield G10.breach("spec.syncPolicy.retry.limit", retry.get("limit"), because)


def _deleting(one: Object, policy: Mapping[str, Any]) -> Iterator[Breach]:
    for index, finalizer in enumerate(one.metadata.get("finalizers") or ()):
        if str(finalizer).startswith(FINALIZER):
            because = "whoever deletes the Application, also by renaming it, deletes everything that it synced"
            yield G08.breach(f"metadata.finalizers[{index}]", finalizer, because)
    if (policy.get("automated") or {}).get("allowEmpty"):
        because = "a folder that is empty by mistake would delete everything"
        yield G08.breach("spec.syncPolicy.automated.allowEmpty", True, because)  # noqa: FBT003 # the value found


def _options(one: Object, policy: Mapping[str, Any], scope: Scope) -> Iterator[Breach]:
    for index, option in enumerate(policy.get("syncOptions") or ()):
        field = f"spec.syncPolicy.syncOptions[{index}]"
        if option in {"Force=true", "Replace=true"}:
            yield G04.breach(field, option, "Argo CD may delete any object to change it", "remove it")
        elif option == "PruneLast=true" and one.path.startswith(DELIVERED):
            if job := job_of(scope):
                because = f"a sync that prunes last waits until {job} has ended"
                do = "leave prune_last= away, or let what runs to an end be in another environment"
                yield G03.breach(field, option, because, do)
        elif option == "PruneLast=true":
            yield G03.breach(field, option, "a sync that prunes last waits until every Job has ended", "remove it")
        elif option == "CreateNamespace=true" and _namespace(one, scope):
            yield G09.breach(field, option, f"the Namespace {scope.site.namespace} is rendered here")
    if policy.get("managedNamespaceMetadata") and _namespace(one, scope):
        because = f"the Namespace {scope.site.namespace} is rendered here, and its own labels win"
        yield G09.breach("spec.syncPolicy.managedNamespaceMetadata", None, because)


def _namespace(one: Object, scope: Scope) -> bool:
    name = (one.spec.get("destination") or {}).get("namespace")
    return scope.find("Namespace", None, str(name)) is not None


@G07.objects("Kustomization")
def kustomization(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at what a Kustomization deletes, forces and ignores."""
    if not one.api_version.startswith(GROUP[one.kind]):
        return
    for index, rule in enumerate(one.spec.get("ignore") or ()):
        if not rule.get("target"):
            yield G07.breach(f"spec.ignore[{index}]", None, "it has no target, and holds for every object")
    if one.spec.get("force"):
        because = "Flux deletes any object of which a change is refused"
        yield G04.breach("spec.force", True, because, "remove it")  # noqa: FBT003 # the value found
    policy = one.spec.get("deletionPolicy")
    if one.spec.get("prune") and policy != "Orphan":
        because = "whoever deletes the Kustomization, also by renaming it, deletes everything that it applied"
        yield G08.breach("spec.deletionPolicy", policy, because, "write deletionPolicy: Orphan")
