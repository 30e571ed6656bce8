"""Trainings and schedules that break rules."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.api import Manifest
from tests.cluster.wrong.placing import TOLERATED
from tests.rules.manifests import job, service

QUEUE = "kueue.x-k8s.io/queue-name"
LATER = "breaking-gang-1"
RESERVED = {"key": "reserved", "value": "second", "effect": "NoSchedule"}
"""The taint of the node `LATER`, which whoever comes second finds free so."""
TOGETHER: dict[str, Any] = {"completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimit": 2}
NOW = dt.datetime.now(dt.UTC)
DISRUPTED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
SIGNALS = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [143]}}


def train(name: str = "train", container: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return a Job with *spec*, whose pods have what ``pod`` says."""
    made = copy.deepcopy(job(name, app=name))
    template = made["spec"]["template"]["spec"]
    template["containers"][0].update(container or {})
    template.update(spec.pop("pod", {}))
    made["spec"].update(spec)
    return made


def together(name: str = "train", **spec: Any) -> Manifest:
    """Return a Job whose pods find each other by name."""
    pod = {"subdomain": name, **spec.pop("pod", {})}
    return train(name, pod=pod, **{**TOGETHER, **spec})


def headless(name: str = "train") -> Manifest:
    """Return the Service that gives the pods of a training their names."""
    return service(name, clusterIP="None", publishNotReadyAddresses=True, ports=[{"port": 29500}])


def gang(name: str, **pod: Any) -> Manifest:
    """Return a Job of three pods with an accelerator each."""
    gpu = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
    there = {"nodeSelector": {"accelerator": "gang"}, "tolerations": TOLERATED, **pod}
    return together(name, container=gpu, completions=3, parallelism=3, backoffLimit=3, pod=there)


def cron(name: str, schedule: str, *, job_spec: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return a CronJob."""
    template = {"spec": train(**(job_spec or {}))["spec"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {"schedule": schedule, "jobTemplate": template, **spec},
    }


def labelled(manifest: Manifest, labels: Mapping[str, str]) -> Manifest:
    """Return *manifest* with labels of its own."""
    return {**manifest, "metadata": {**manifest["metadata"], "labels": dict(labels)}}


def ago(minutes: int) -> dt.datetime:
    """Return the time *minutes* before these tests began."""
    return NOW - dt.timedelta(minutes=minutes)


DAILY = f"{ago(30).minute} {ago(30).hour} * * *"
"""Was due half an hour ago."""
HOURLY, TWICE = f"{ago(20).minute} * * * *", f"{ago(20).minute},{ago(10).minute} * * * *"
"""Were due 20 and 10 minutes ago."""
CASES: Mapping[str, Sequence[Manifest]] = {
    "C01": [cron("never", "0 0 30 2 *")],
    "C05": [cron("strict", DAILY, startingDeadlineSeconds=5), cron("right", DAILY)],
    "C06": [cron("piling", HOURLY, job_spec={"activeDeadlineSeconds": 7200})],
    "C09": [labelled(cron("queued", DAILY), {QUEUE: "research"})],
    "J12": [train(podFailurePolicy={"rules": [SIGNALS, DISRUPTED]})],
    "J13": [train(podFailurePolicy={"rules": [DISRUPTED]}, backoffLimit=0)],
    "J15": [together(completions=3, parallelism=3, backoffLimit=1), headless()],
    "J16": [together(completions=3), headless()],
    "J17": [together()],
    "J18": [gang("first"), headless("first")],
    "J20": [train(activeDeadlineSeconds=5, pod={"nodeSelector": {"pool": "that-comes-up-soon"}})],
    "N22": [train(container={"env": [{"name": "JOB_COMPLETION_INDEX", "value": "0"}]}, **TOGETHER)],
}
