"""S: what the Jobs of a JobSet hand on to those that wait for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object

S09 = Rule(
    "S09",
    "What Jobs that follow each other write is in a volume that both mount.",
    why=(
        "An emptyDir belongs to one pod, and each Job of a set has pods of its own: what one wrote is not there for the"
        " next. On a cluster without JobSet the same steps run in one pod, and share it."
    ),
    fix="use a claim that both mount, or accept S09 where each begins with an empty folder",
    see="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
    severity=Severity.WARNING,
    acceptable=True,
)
OWN_FOLDERS = frozenset({"/tmp", "/dev/shm"})  # noqa: S108 # of each container, and nobody's to hand on

Part = Mapping[str, Any]


@S09.objects("JobSet", "TrainingRuntime", "ClusterTrainingRuntime")
def steps(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the folders of Jobs that wait for each other, also in the JobSet that a runtime stands for."""
    if one.kind != "JobSet":
        spec: Part = (one.spec.get("template") or {}).get("spec") or {}
        yield from _handed_on(spec.get("replicatedJobs") or (), "spec.template.spec")
    elif one.api_version.startswith("jobset.x-k8s.io/"):
        yield from _handed_on(one.spec.get("replicatedJobs") or (), "spec")


def _handed_on(jobs: Sequence[Part], at: str) -> Iterator[Breach]:
    """Yield the folders of a Job that are empty again in one that waits for it to be complete."""
    folders = {str(job["name"]): dict(_folders(job)) for job in jobs}
    told = set[str]()
    for index, job in enumerate(jobs):
        waits = [str(one["name"]) for one in job.get("dependsOn") or () if one.get("status") == "Complete"]
        for folder, place in folders[str(job["name"])].items():
            before = next((name for name in waits if folder in folders.get(name, {})), None)
            if before is not None and folder not in told:
                told.add(folder)
                because = f"the Job {before} has a folder of its own there, and what it writes does not get to this one"
                yield S09.breach(f"{at}.replicatedJobs[{index}].template.spec.template.spec.{place}", folder, because)


def _folders(job: Part) -> Iterator[tuple[str, str]]:
    """Yield where containers of *job* mount an emptyDir that no init container fills, and the field that says so."""
    pod: Part = ((job["template"].get("spec") or {}).get("template") or {}).get("spec") or {}
    empty = {one["name"] for one in pod.get("volumes") or () if "emptyDir" in one}
    starts = [mount for one in pod.get("initContainers") or () for mount in one.get("volumeMounts") or ()]
    empty -= {mount["name"] for mount in starts}
    for index, container in enumerate(pod.get("containers") or ()):
        for place, mount in enumerate(container.get("volumeMounts") or ()):
            folder = str(mount["mountPath"]).rstrip("/")
            if mount["name"] in empty and folder not in OWN_FOLDERS:
                yield folder, f"containers[{index}].volumeMounts[{place}].mountPath"
