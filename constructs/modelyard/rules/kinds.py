"""Where in objects of each kind the templates of pods stand."""

from __future__ import annotations

from collections.abc import Mapping

POD_PATHS: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "LeaderWorkerSet": ("spec", "leaderWorkerTemplate", "workerTemplate"),
    "ScaledJob": ("spec", "jobTargetRef", "template"),
    "Rollout": ("spec", "template"),
}
LEADERS: Mapping[str, tuple[str, ...]] = {"LeaderWorkerSet": ("spec", "leaderWorkerTemplate", "leaderTemplate")}
"""Kinds that may have another template for the first pod of a group."""

JOBS_OF_SETS = ("spec", "replicatedJobs", "template", "spec")
SETS: Mapping[str, tuple[str, ...]] = {
    "JobSet": JOBS_OF_SETS,
    "TrainingRuntime": ("spec", "template", *JOBS_OF_SETS),
    "ClusterTrainingRuntime": ("spec", "template", *JOBS_OF_SETS),
}
"""Kinds with a list of Jobs, and the way to them."""
RAY = {"RayCluster": ("spec",), "RayJob": ("spec", "rayClusterSpec"), "RayService": ("spec", "rayClusterConfig")}
"""Kinds with a cluster of Ray, and the way to it."""
VOLCANO = "batch.volcano.sh/"
OTHERS = {"Job": "VolcanoJob", "CronJob": "VolcanoCronJob"}
"""How kinds of Volcano are called here, which Kubernetes has too and which have other fields."""
SEVERAL_PODS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    **{kind: ((*way, "template"),) for kind, way in SETS.items()},
    **{
        kind: (
            (*way, "headGroupSpec", "template"),
            (*way, "workerGroupSpecs", "template"),
            ("spec", "submitterPodTemplate"),
        )
        for kind, way in RAY.items()
    },
    "VolcanoJob": (("spec", "tasks", "template"),),
}  # fmt: skip
"""Kinds with several pod templates, and the ways to them."""
INLINE = "InferenceService"
"""The kind whose parts are pods without a template."""
