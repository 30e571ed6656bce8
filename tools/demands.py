"""
What the API server demands of single fields beyond its published schema, as it does in its own Go code.

``make cluster-test`` finds such demands: its differential suite changes manifests field by field, and asks a real API
server. Only what holds for a field whatever stands beside it is here; the rest are rules of ``modelyard.rules``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

LIMITS = ("minimum", "maximum", "minLength", "minItems", "maxItems", "pattern")
NOT_EMPTY: Json = {"minLength": 1}
SOME: Json = {"minItems": 1}
COUNT: Json = {"minimum": 0}
MODE: Json = {"minimum": 0, "maximum": 0o777}
PORT: Json = {"minimum": 1, "maximum": 65535}
NEEDED: Json = {"required": True}
NOT_NEEDED: Json = {"required": False}
# Of a field that Go keeps as a pointer, an empty string is not the same as its absence.
NOT_BLANK: Json = {"blank": False}
WEIGHT: Json = {"minimum": 1, "maximum": 100}
REFERENCE: Mapping[str, Json] = {"name": {**NEEDED, **NOT_EMPTY}}
KEY: Mapping[str, Json] = {**REFERENCE, "key": NOT_EMPTY}
REPLICATED: Mapping[str, Json] = {"replicas": COUNT, "minReadySeconds": COUNT, "revisionHistoryLimit": COUNT}
FILES: Mapping[str, Json] = {"defaultMode": MODE}

DEMANDS: Mapping[str, Mapping[str, Json]] = {
    "apps.v1.DaemonSetSpec": {"minReadySeconds": COUNT, "revisionHistoryLimit": COUNT},
    "apps.v1.DeploymentSpec": REPLICATED,
    "apps.v1.ReplicaSetSpec": {"replicas": COUNT, "minReadySeconds": COUNT},
    # The document of 1.32 asks for it, and the API server never did.
    "apps.v1.StatefulSetSpec": {**REPLICATED, "serviceName": NOT_NEEDED},
    "autoscaling.v2.ContainerResourceMetricSource": {"container": NOT_EMPTY, "name": NOT_EMPTY},
    "autoscaling.v2.CrossVersionObjectReference": {"kind": NOT_EMPTY, "name": NOT_EMPTY},
    "autoscaling.v2.MetricIdentifier": {"name": NOT_EMPTY},
    "autoscaling.v2.ResourceMetricSource": {"name": NOT_EMPTY},
    "batch.v1.CronJobSpec": {
        "failedJobsHistoryLimit": COUNT,
        "startingDeadlineSeconds": COUNT,
        "successfulJobsHistoryLimit": COUNT,
    },
    "batch.v1.JobSpec": {"completionMode": NOT_BLANK, "podReplacementPolicy": NOT_BLANK},
    "batch.v1.PodFailurePolicyOnPodConditionsPattern": {
        # Nothing stands for True, which the document says from 1.35 on.
        "status": {"enum": ["False", "True", "Unknown"], **NOT_NEEDED}
    },
    "core.v1.ConfigMapEnvSource": REFERENCE,
    "core.v1.ConfigMapKeySelector": KEY,
    "core.v1.ConfigMapProjection": REFERENCE,
    "core.v1.ConfigMapVolumeSource": {**REFERENCE, **FILES},
    "core.v1.Container": {"restartPolicy": {"enum": ["Always", "Never", "OnFailure"], **NOT_BLANK}},
    "core.v1.DownwardAPIVolumeSource": FILES,
    "core.v1.HostPathVolumeSource": {"path": NOT_EMPTY},
    "core.v1.KeyToPath": {"mode": MODE, "path": NOT_EMPTY, "key": NOT_EMPTY},
    "core.v1.NFSVolumeSource": {"path": {"pattern": "^/"}, "server": NOT_EMPTY},
    "core.v1.NodeSelector": {"nodeSelectorTerms": SOME},
    "core.v1.PersistentVolumeClaimSpec": {"accessModes": {**NEEDED, **SOME}},
    "core.v1.PersistentVolumeClaimVolumeSource": {"claimName": NOT_EMPTY},
    "core.v1.PodAffinityTerm": {"topologyKey": NOT_EMPTY},
    "core.v1.PodOS": {"name": {"enum": ["linux", "windows"]}},
    "core.v1.PodSecurityContext": {"fsGroupChangePolicy": NOT_BLANK},
    "core.v1.PodSpec": {"containers": SOME, "activeDeadlineSeconds": {"minimum": 1, "maximum": 2**31 - 1}},
    "core.v1.PodTemplateSpec": {"spec": NEEDED},
    "core.v1.PreferredSchedulingTerm": {"weight": WEIGHT},
    "core.v1.ProjectedVolumeSource": FILES,
    "core.v1.SecretEnvSource": REFERENCE,
    "core.v1.SecretKeySelector": KEY,
    "core.v1.SecretProjection": REFERENCE,
    "core.v1.SecretVolumeSource": {"secretName": {**NEEDED, **NOT_EMPTY}, **FILES},
    "core.v1.SecurityContext": {"procMount": NOT_BLANK},
    "core.v1.VolumeDevice": {"devicePath": NOT_EMPTY},
    "core.v1.VolumeMount": {"mountPath": NOT_EMPTY},
    "core.v1.WeightedPodAffinityTerm": {"weight": WEIGHT},
    "networking.v1.IPBlock": {"cidr": NOT_EMPTY},
    "networking.v1.NetworkPolicyPort": {"endPort": PORT, "protocol": NOT_BLANK},
    "networking.v1.NetworkPolicySpec": {"policyTypes": {"maxItems": 2}},
    "policy.v1.PodDisruptionBudgetSpec": {"unhealthyPodEvictionPolicy": NOT_BLANK},
    "rbac.v1.RoleRef": {
        "apiGroup": {"enum": ["", "rbac.authorization.k8s.io"]},
        "kind": {"enum": ["ClusterRole", "Role"]},
        "name": NOT_EMPTY,
    },
    "rbac.v1.Subject": {"kind": {"enum": ["Group", "ServiceAccount", "User"]}, "name": NOT_EMPTY},
    "storage.v1.CSIDriver": {"spec": NOT_NEEDED},
}
"""By the definition's name after ``io.k8s.api.``, and by its fields."""


def demand(definitions: dict[str, Json]) -> None:
    """
    Put :data:`DEMANDS` into the *definitions* of a published document.

    Raises:
        ValueError: A definition or a field is not there any more.
    """
    for short, fields in DEMANDS.items():
        definition = definitions.get(f"io.k8s.api.{short}", {})
        for field, demanded in fields.items():
            known = definition.get("properties", {}).get(field)
            if known is None:
                msg = f"{short} has no field {field}"
                raise ValueError(msg)
            words = dict(demanded)
            required = {*definition.get("required", ())}
            if (needed := words.pop("required", None)) is not None:
                definition["required"] = sorted(required | {field} if needed else required - {field})
            known.update(words)
