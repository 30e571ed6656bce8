"""G: delivery: what makes Argo CD and Flux run, wait, delete or recreate more than a change says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.exact_yaml import dotted
from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Job, Object
from modelyard.values.kueue import QUEUE
from modelyard.values.names import HOOK, HOOKS, hook_phase

ARGO, FLUX = "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/"
SYNC_OPTIONS = f"{ARGO}sync-options"
WAVE = f"{ARGO}sync-wave"
PRUNE, FORCE = f"{FLUX}prune", f"{FLUX}force"
SYNC_PAGE = "https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/"
WAVES_PAGE = "https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/"

G01 = Rule(
    "G01",
    "Nothing that is delivered is a hook, unless a TrainingJob says hook=.",
    why=(
        "Argo CD runs a hook with every sync, whatever the sync is for, and does not compare it, so a change of it"
        " alone is never synced. Flux knows no hooks and applies it once, as any other object. With hook= an object"
        " that is compared changes with it, so that its change is synced."
    ),
    fix="remove the annotation: a TrainingJob runs once for each content, because its name carries a hash of it",
    see="https://github.com/argoproj/argo-cd/issues/8586",
    acceptable=True,
)
G02 = Rule(
    "G02",
    "No sync waits for something that may wait itself.",
    why=(
        "A sync with hooks or waves goes on when they are healthy. What is suspended, or waits in a queue, is not, so"
        " the sync waits with it and nothing else is synced; and when it is resumed, Argo CD takes it for healthy"
        " although it still runs."
    ),
    fix="remove the hook or the wave",
    see="https://github.com/argoproj/argo-cd/issues/10600",
)
G03 = Rule(
    "G03",
    "Where Jobs run, a sync is one step: no waves, no hooks, and nothing pruned last.",
    why=(
        "Between two steps Argo CD waits until everything that it applied is healthy. A running Job is not until it"
        " ends, so no later commit is synced for as long as a training takes; and a Job that failed makes every such"
        " sync fail, and a sync that waits for a hook as well."
    ),
    fix="remove it: Kubernetes brings objects of one sync together in any order",
    see=WAVES_PAGE,
    acceptable=True,
)
G04 = Rule(
    "G04",
    "No change is made by deleting and creating anew.",
    why=(
        "Force and Replace delete the object, with its pods and what they run, and create it again: a Job runs once"
        " more with every sync that includes it, and a StatefulSet can lose its data."
    ),
    fix="remove it, and give what must not change a new name instead",
    see="https://github.com/argoproj/argo-cd/issues/22952",
    acceptable=True,
)
G05 = Rule(
    "G05",
    "What holds data, or holds other objects, outlives its manifest.",
    why=(
        "A manifest disappears by mistake more easily than by intent, with a moved file or a wrong merge, and the"
        " controller then deletes the object: a claim with its data, a namespace or a definition with everything in it."
    ),
    fix="annotate it so that it is kept, and delete it by hand when it is time",
    see=f"{SYNC_PAGE}#no-prune-resources",
    acceptable=True,
)
G12 = Rule(
    "G12",
    "A selector does not depend on where a construct stands.",
    why=(
        "cdk8s-plus selects pods by the construct's place in the tree. A selector cannot be changed, so moving or"
        " renaming the construct makes the sync fail until somebody deletes the workload."
    ),
    fix="select by a label of your own: select=False, and then select(...) by a label such as app",
    see="https://github.com/cdk8s-team/cdk8s-plus/issues/571",
    severity=Severity.WARNING,
    acceptable=True,
)

G15 = Rule(
    "G15",
    "A Job that a sync waits for has a deadline.",
    why=(
        "Argo CD waits for a hook without end, as of one whose pods cannot start, and until then no other commit is"
        " synced, also not the one that mends it."
    ),
    fix="write activeDeadlineSeconds: the longest that a sync may wait",
    see=WAVES_PAGE,
    acceptable=True,
)

KEPT = {
    "Argo CD": f'"{SYNC_OPTIONS}": "Prune=false,Delete=false"',
    "Flux": f'"{PRUNE}": "disabled"',
}
"""The annotation by which each controller keeps an object."""
LASTING = {
    "CustomResourceDefinition": "every object of its kind",
    "Namespace": "everything in it",
    "PersistentVolume": "the data on it",
    "PersistentVolumeClaim": "the data on its volume",
}
"""What goes with an object of a kind."""
DELIVERED = "_delivery/"
"""Where objects lie that are synced by themselves, beside those of the environment."""
ADDRESS = "cdk8s.io/metadata.addr"


def annotated(one: Object) -> dict[str, Any]:
    """Return the annotations of *one*."""
    return one.metadata.get("annotations") or {}


def options(text: object) -> list[str]:
    """Return the options in an annotation that lists them, as Argo CD reads them."""
    return [word for part in str(text).split(",") if (word := part.strip())]


def at(key: str) -> str:
    """Return the path of the annotation *key*, as messages show it."""
    return dotted(("metadata", "annotations", key))


@G01.objects("*")
def hooks(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for hooks and steps, and for what a sync would wait for."""
    found = annotated(one)
    if not found:
        return
    steps = [key for key in HOOKS if key in found]
    for key in () if _declared(one, scope) else steps:
        yield G01.breach(at(key), found[key], "Argo CD runs a hook at every sync, and never syncs a change of it alone")
    wave = str(found.get(WAVE, "0")).strip()
    if wave != "0":
        steps.append(WAVE)
    if steps and (why := _waiting(one)):
        yield G02.breach(at(steps[0]), found[steps[0]], f"{why}, and the sync waits with it")
    yield from _beside(one, scope)
    job = job_of(scope)
    if job is None or one.path.startswith(DELIVERED):
        return
    if wave != "0":
        because = f"a sync of several steps waits until {job} has ended"
        yield G03.breach(at(WAVE), found[WAVE], because)
    if "PruneLast=true" in options(found.get(SYNC_OPTIONS, "")):
        because = f"a sync that prunes last waits until {job} has ended"
        yield G03.breach(at(SYNC_OPTIONS), "PruneLast=true", because)


def _declared(one: Object, scope: Scope) -> bool:
    """Return whether something that Argo CD compares changes with the hook *one*, as of a TrainingJob that is one."""
    policy = scope.find("NetworkPolicy", one.namespace, one.name)
    return policy is not None and HOOK in annotated(policy)


def _beside(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for Jobs that are no hooks: a sync that waits for a hook looks at them as well."""
    phase = hook_phase(annotated(one))
    if phase is None or phase == "SyncFail" or one.path.startswith(DELIVERED):
        return
    if "run" not in scope.memo:
        scope.memo["run"] = next(
            (other.name for other in scope.of_kind("Job") if hook_phase(annotated(other)) is None), None
        )
    if (run := scope.memo["run"]) is not None:
        because = "a sync of several steps waits until it has ended, and fails once it has failed"
        if phase == "Sync":
            because = "a sync that waits for a hook fails once it has failed"
        do = "remove the hook, or let the two be in environments of their own"
        yield G03.breach(at(HOOKS[0]), phase, f"Job {run} is no hook, and {because}", do)


@G15.jobs
def ends(job: Job, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for a hook that nothing ends."""
    one = job.object
    phase = hook_phase(annotated(one)) if one.kind == "Job" else None
    if phase is not None and job.spec.get("activeDeadlineSeconds") is None:
        because = f"it is a hook ({phase}), and the sync waits until it ends"
        yield G15.breach("spec.activeDeadlineSeconds", None, because)


def _waiting(one: Object) -> str | None:
    if one.kind == "CronJob":
        return None  # healthy in any case
    if (queue := (one.metadata.get("labels") or {}).get(QUEUE)) is not None:
        return f"it waits in the queue {queue}"
    return "it is suspended" if one.spec.get("suspend") is True else None


def job_of(scope: Scope) -> str | None:
    """Return what the environment's first Job is called, or None where it has none."""
    if "job" not in scope.memo:
        scope.memo["job"] = next((f"Job {one.name}" for one in scope.of_kind("Job")), None)
    job: str | None = scope.memo["job"]
    return job


@G04.objects("*")
def recreated(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for what deletes an object to change it."""
    found = annotated(one)
    for option in options(found.get(SYNC_OPTIONS, "")):
        if option in {"Force=true", "Replace=true"}:
            yield G04.breach(at(SYNC_OPTIONS), option, f"Argo CD may delete the {one.kind} to change it")
    if str(found.get(FORCE, "")).lower() == "enabled":
        yield G04.breach(at(FORCE), found[FORCE], f"Flux deletes the {one.kind} when a change of it is refused")


@G05.objects(*LASTING)
def kept(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for what keeps an object when its manifest, or its Application, goes."""
    found = annotated(one)
    words = options(found.get(SYNC_OPTIONS, ""))
    missing = []
    argo = all(f"{action}=false" in words or f"{action}=confirm" in words for action in ("Prune", "Delete"))
    flux = str(found.get(PRUNE, "")).lower() == "disabled"
    delivery = scope.site.delivery
    if delivery is None:
        missing = [] if argo or flux else list(KEPT)
    else:
        missing = [delivery.controller] if not {"Argo CD": argo, "Flux": flux}[delivery.controller] else []
    if missing:
        because = f"{' or '.join(missing)} would delete it with its manifest, and {LASTING[one.kind]} with it"
        do = f"annotate it with {' and '.join(KEPT[name] for name in missing)}"
        yield G05.breach("metadata.annotations", None, because, do)


@G12.objects("DaemonSet", "Deployment", "ReplicaSet", "Rollout", "StatefulSet")
def placed(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for the address of a construct in the selector."""
    labels = (one.spec.get("selector") or {}).get("matchLabels") or {}
    if ADDRESS in labels:
        because = "it is made from the construct's place in the tree, and a selector can never be changed"
        yield G12.breach(f"spec.selector.matchLabels[{ADDRESS!r}]", labels[ADDRESS], because)
