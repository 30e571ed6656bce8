"""What JobSet's controller makes of a JobSet, where it does not run: its Jobs and its Service; ``test_jobset.py`` compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]
LABEL = "jobset.sigs.k8s.io/"


def service(job_set: Mapping[str, Any]) -> Manifest:
    """Return the headless Service of a run, as ``createHeadlessSvcIfNecessary`` makes it."""
    metadata = job_set["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {
            "clusterIP": "None",
            "selector": {f"{LABEL}jobset-name": metadata["name"]},
            "publishNotReadyAddresses": job_set["spec"]["network"]["publishNotReadyAddresses"],
        },
    }


def jobs(job_set: Mapping[str, Any]) -> list[Manifest]:
    """Return the first Job of each kind in the set, as ``constructJob`` makes it."""
    return [_job(job_set, one) for one in job_set["spec"]["replicatedJobs"]]


def _job(job_set: Mapping[str, Any], one: Mapping[str, Any]) -> Manifest:
    metadata, template = job_set["metadata"], one["template"]
    words = {
        f"{LABEL}jobset-name": metadata["name"],
        f"{LABEL}replicatedjob-name": one["name"],
        f"{LABEL}job-index": "0",
        f"{LABEL}restart-attempt": "0",
    }
    spec = template["spec"]
    pod = spec["template"]
    made = {
        "metadata": {
            "labels": {**pod["metadata"]["labels"], **words},
            "annotations": {**pod["metadata"].get("annotations", {}), **words},
        },
        "spec": {**pod["spec"], "subdomain": metadata["name"]},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{metadata['name']}-{one['name']}-0",
            "namespace": metadata["namespace"],
            "labels": {**template["metadata"]["labels"], **words},
        },
        "spec": {**spec, "template": made},
    }
