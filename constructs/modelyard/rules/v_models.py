"""V: models that servers fetch themselves."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Job
from modelyard.rules.v_data import COMMIT, V13
from modelyard.rules.workloads import called

V24 = Rule(
    "V24",
    "A model is loaded into a folder of a claim by one Job.",
    why=(
        "Two Jobs load the same files twice at the same time, and where one writes anew what the other has written,"
        " servers read files that are half of each."
    ),
    fix="give each service a claim of its own, or let one of the two load it",
    see="https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
    acceptable=True,
)
MARKER = "MARKER"
COMPONENT, LOADER = "app.kubernetes.io/component", "loader"
"""The label of a Job that loads models, and its value."""

FLAG = "--revision="


@V13.containers
def fetched(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the revision of the Hub that a server is started with."""
    for index, word in enumerate(container.data.get("args") or ()):
        if word.startswith(FLAG) and not COMMIT.fullmatch(word.removeprefix(FLAG)):
            because = "a branch or a tag can come to mean another commit, and replicas would serve both"
            yield V13.breach(container.at(f"args[{index}]"), word, because, "write the 40 digits of the commit")


@V24.jobs
def loaded(job: Job, scope: Scope) -> Iterator[Breach]:
    """Look for an earlier Job that loads into the same folder."""
    if "loading" not in scope.memo:
        first: dict[tuple[str | None, str, str], Job] = {}
        for other in scope.objects:
            for one in other.jobs:
                if (place := _place(one)) is not None:
                    first.setdefault(place, one)
        scope.memo["loading"] = first
    place = _place(job)
    found: Job | None = scope.memo["loading"].get(place) if place is not None else None
    if place is not None and found is not None and found.object is not job.object:
        because = f"{called(found.object)} loads it into the claim {place[1]}, too"
        folder = place[2].removesuffix(".complete")
        do = (
            f"give it a claim of its own, or leave its loader= away, and write model={folder!r},"
            f" volumes=[Claim({place[1]!r}, {folder.rpartition('/')[0]!r})]"
        )
        yield V24.breach(job.at("template"), folder, because, do)


def _place(job: Job) -> tuple[str | None, str, str] | None:
    """Return the namespace, the claim and the file that marks the end, of a Job that loads a model."""
    if job.pod.labels.get(COMPONENT) != LOADER:
        return None
    claim = next(
        (
            volume["persistentVolumeClaim"]["claimName"]
            for volume in job.pod.volumes
            if volume.get("persistentVolumeClaim")
        ),
        None,
    )
    for container in job.pod.containers:
        told = [one["value"] for one in container.data.get("env") or () if one["name"] == MARKER and one.get("value")]
        marker = told or list(container.data.get("command") or ())[-1:]
        if claim is not None and marker:
            return job.object.namespace, str(claim), str(marker[0])
    return None
