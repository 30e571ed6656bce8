"""A training as a hook of Argo CD: what it is annotated with, and where no sync could wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import attrs

from modelyard.findings import Breach
from modelyard.pod.hardware import accelerator_of
from modelyard.training.backends import Job
from modelyard.values.names import ARGO_HOOK
from modelyard.values.value import source_of, value

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.training.spec import TrainingSpec

Phase = Literal["PreSync", "Sync", "PostSync", "SyncFail"]
DeletePolicy = Literal["BeforeHookCreation", "HookSucceeded", "HookFailed"]
ALWAYS = "BeforeHookCreation"


@value
class ArgoHook:
    """
    Lets a training run with every sync of Argo CD, which waits until it ends and fails when it fails.

    Args:
        phase: ``PreSync`` before anything is applied, ``Sync`` together with all else, ``PostSync`` when all of it
            is healthy, ``SyncFail`` when the sync has failed. Default: ``PostSync``.

        delete: When the Job is deleted: ``HookSucceeded`` or ``HookFailed``, or only to make room for the next run,
            ``BeforeHookCreation``, which it always is. Default: ``BeforeHookCreation``.

    See Also:
        https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/
    """

    phase: Phase = "PostSync"
    delete: DeletePolicy = attrs.field(default="BeforeHookCreation", kw_only=True)


def marks(hook: ArgoHook) -> dict[str, str]:
    """
    Return what Argo CD reads on the Job.

    Its name is always the same, so what is left of the last run has to go first: no Job can be changed into another.
    """
    policies = [ALWAYS] if hook.delete == ALWAYS else [ALWAYS, hook.delete]
    return {ARGO_HOOK: hook.phase, f"{ARGO_HOOK}-delete-policy": ",".join(policies)}


def breaches(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why a training cannot be a hook, or why it would hold up syncs."""
    hook = spec.hook
    if hook is None:
        return
    source, leave = source_of(hook), "leave hook= away, and it runs once for each content"
    yield from _started(spec, hook)
    if site.delivery is None:
        because = "the environment names no delivery, and only Argo CD knows hooks"
        do = f"write Environment(..., delivery=ArgoCD(...)), or {leave}"
        yield Breach("G01", "hook", hook.phase, because, do, source)
    elif site.delivery.controller != "Argo CD":
        because = f"{site.delivery.controller} brings the environment into its cluster, and knows no hooks"
        yield Breach("G01", "hook", hook.phase, because, leave, source)
    if spec.deadline is None:
        because = "the sync waits until it ends, and nothing else is synced meanwhile"
        do = "say the longest that a sync may wait, such as deadline=minutes(20)"
        yield Breach("G15", "hook", hook.phase, because, do, source)
    if spec.queue is not None:
        because = f"it waits in the queue {spec.queue.name}, and the sync with it"
        yield Breach("J22", "hook", hook.phase, because, "leave hook= away, or queue=", source)
    if spec.backend is not None and not isinstance(spec.backend, Job):
        shown = type(spec.backend).__name__
        because = f"Argo CD does not see when a {shown} ends, and would not wait for it"
        yield Breach("X11", "backend", shown, f"hook= is given too: {because}", "leave backend= away", source)
    if hook.phase == "PreSync" and (later := _later(spec, site)):
        because = f"what is not applied yet cannot be used: {', '.join(later)}"
        do = 'write ArgoHook("Sync"), or refer to what exists already, as by service_account='
        yield Breach("X11", "hook", hook.phase, because, do, source)


def _started(spec: TrainingSpec, hook: ArgoHook) -> Iterator[Breach]:
    """Yield what else says when *spec* runs."""
    if spec.schedule is not None:
        because = "schedule= is given too, and a training has one of the two to start it"
        yield Breach("X11", "hook", hook.phase, because, "keep one", source_of(hook))
    if spec.keep_runs > 0:
        because = "each run of a hook takes the place of the last one"
        yield Breach("X11", "keep_runs", spec.keep_runs, because, "leave keep_runs= away")


def _later(spec: TrainingSpec, site: Site) -> list[str]:
    """Return what comes with the sync and so is missing, or is that of the last one, before it."""
    accelerator = accelerator_of(spec, site)
    made = {
        "its ServiceAccount": spec.service_account is None,
        "config=": spec.config is not None,
        "sweep=": spec.sweep is not None,
        "secrets=": bool(spec.secrets),
        "a new claim": any(one.size is not None for one in spec.claims),
        "the Service of nodes=": spec.nodes > 1,
        "the claim of its devices": accelerator is not None and accelerator.device_class is not None,
    }
    return [what for what, needed in made.items() if needed]
