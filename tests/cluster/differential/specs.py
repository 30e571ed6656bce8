"""Options that would have produced what the API server refuses: the option, and the object as it would have been."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from modelyard import (
    Claim,
    Cluster,
    ConfigFiles,
    CpuScale,
    Drain,
    EmptyDir,
    Environment,
    FieldRef,
    Network,
    Peer,
    Port,
    Schedule,
    SecretFiles,
    SecretKey,
    Sweep,
    seconds,
)
from tests.rules.patches import Operation, put
from tests.support import CLUSTER, service, training

POD = "/spec/template/spec"
MAIN = f"{POD}/containers/0"
LONG = "a" * 64
TOO_MUCH = "x" * 2**20
HPA = "HorizontalPodAutoscaler"
POLICY = "NetworkPolicy"
CLAIM = "PersistentVolumeClaim"


@attrs.frozen
class Spec:
    """
    One wrong option.

    Args:
        name: What is wrong.

        wrong: Adds the workload with the option, or makes the environment.

        right: Adds the same workload without it.

        kind: Of the object that would have been wrong.

        operations: What the option would have made of that object.

        given: Wrong options of the environment.
    """

    name: str
    wrong: Callable[[Environment], object]
    right: Callable[[Environment], object]
    kind: str
    operations: tuple[Operation, ...]
    given: Mapping[str, Any] = attrs.field(factory=dict)


SPECS: list[Spec] = []


def serving(name: str, kind: str, *operations: Any, beside: dict[str, Any] | None = None, **options: Any) -> None:
    """Keep a wrong option of a ScalableModelService; it stands instead of that in *beside*."""
    fine = beside or {}
    SPECS.append(
        Spec(name, lambda one: service(one, **{**fine, **options}), lambda one: service(one, **fine), kind, operations)
    )


def trained(name: str, kind: str, *operations: Any, beside: dict[str, Any] | None = None, **options: Any) -> None:
    """Keep a wrong option of a TrainingJob."""
    fine = beside or {}
    SPECS.append(
        Spec(
            name, lambda one: training(one, **{**fine, **options}), lambda one: training(one, **fine), kind, operations
        )
    )


serving("a port that no host has", "Deployment", put(f"{MAIN}/ports/0/containerPort", 70000), port=70000)
serving("the same in the Service", "Service", put("/spec/ports/0/port", 70000), port=70000)
serving(
    "a long name of a port",
    "Deployment",
    put(f"{MAIN}/ports/0/name", "metrics-for-prometheus"),
    port=[Port("metrics-for-prometheus", 8000)],
)
serving(
    "two ports of one name",
    "Service",
    put("/spec/ports/-", {"name": "http", "port": 8001}),
    port=[Port("http", 8000), Port("http", 8001)],
)
serving(
    "cpu in a unit that does not exist", "Deployment", put(f"{MAIN}/resources/requests/cpu", "1 core"), cpu="1 core"
)
serving("memory in GB", "Deployment", put(f"{MAIN}/resources/requests/memory", "2GB"), memory="2GB")
serving("less than no memory", "Deployment", put(f"{MAIN}/resources/requests/memory", "-1Gi"), memory="-1Gi")
serving(
    "a limit below the request",
    "Deployment",
    put(f"{MAIN}/resources/limits", {"cpu": "500m", "memory": "2Gi"}),
    cpu="1",
    cpu_limit="500m",
)
serving(
    "fewer replicas at the most than at the fewest",
    HPA,
    put("/spec/minReplicas", 5),
    put("/spec/maxReplicas", 3),
    scale=CpuScale(min=5, max=3),
)
serving(
    "a use of nothing",
    HPA,
    put("/spec/metrics/0/containerResource/target/averageUtilization", 0),
    scale=CpuScale(2, 4, 0),
)
serving(
    "a window of more than an hour",
    HPA,
    put("/spec/behavior/scaleDown/stabilizationWindowSeconds", 7200),
    scale=CpuScale(2, 4, scale_down_after=seconds(7200)),
)
serving("less than no replicas", "Deployment", put("/spec/replicas", -1), scale=None, replicas=-1)
serving(
    "a hook that goes back in time",
    "Deployment",
    put(f"{MAIN}/lifecycle/preStop/sleep/seconds", -1),
    drain=Drain(delay=seconds(-1)),
)
serving("a user below root", "Deployment", put(f"{POD}/securityContext/runAsUser", -1), user=-1)
serving("a user beyond the last one", "Deployment", put(f"{POD}/securityContext/runAsUser", 2**31), user=2**31)
serving("no image", "Deployment", put(f"{MAIN}/image", ""), image="")
serving("a variable without a name", "Deployment", put(f"{MAIN}/env", [{"name": "", "value": "a"}]), env={"": "a"})
serving(
    "a variable with = in its name", "Deployment", put(f"{MAIN}/env", [{"name": "A=", "value": "a"}]), env={"A=": "a"}
)
serving(
    "a variable of a field that pods do not have",
    "Deployment",
    put(f"{MAIN}/env", [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.reason"}}}]),
    env={"A": FieldRef("status.reason")},
)
serving(
    "a variable of a Secret that cannot be",
    "Deployment",
    put(f"{MAIN}/env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "My Secret", "key": "a b"}}}]),
    env={"A": SecretKey("My Secret", "a b")},
)
serving("a label that is too long", "Deployment", put("/metadata/labels/team", LONG), labels={"team": LONG})
serving(
    "a label that is a sentence", "Service", put("/metadata/labels/team", "the a team"), labels={"team": "the a team"}
)
serving(
    "an annotation of no name",
    "Deployment",
    put(f"{POD[:-5]}/metadata/annotations", {"a b": "c"}),
    annotations={"a b": "c"},
)
serving(
    "a label of nodes that cannot be",
    "Deployment",
    put(f"{POD}/nodeSelector", {"zone": "a b"}),
    node_selector={"zone": "a b"},
)
serving(
    "a priority class that cannot be",
    "Deployment",
    put(f"{POD}/priorityClassName", "Very High"),
    priority_class="Very High",
)
serving("an account that cannot be", "Deployment", put(f"{POD}/serviceAccountName", "API"), service_account="API")
serving(
    "a memory for sharing in GB",
    "Deployment",
    put(f"{POD}/volumes/0", {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1GB"}}),
    shared_memory="1GB",
)
serving(
    "a folder that is no path",
    "Deployment",
    put(f"{MAIN}/volumeMounts/0/mountPath", ""),
    volumes=[EmptyDir("")],
)
serving(
    "two volumes in one place",
    "Deployment",
    put(f"{POD}/volumes", [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}]),
    put(f"{MAIN}/volumeMounts", [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/a"}]),
    volumes=[EmptyDir("/a"), EmptyDir("/a")],
)
MOUNTED = {"volumes": [Claim("data", "/data", size="10Gi", access_mode="ReadWriteMany", storage_class="efs")]}
serving(
    "a claim in GB",
    CLAIM,
    put("/spec/resources/requests/storage", "10GB"),
    beside=MOUNTED,
    volumes=[Claim("data", "/data", size="10GB", access_mode="ReadWriteMany", storage_class="efs")],
)
serving(
    "a claim of nothing",
    CLAIM,
    put("/spec/resources/requests/storage", "0"),
    beside=MOUNTED,
    volumes=[Claim("data", "/data", size="0", access_mode="ReadWriteMany", storage_class="efs")],
)
serving(
    "a claim that cannot be called so",
    CLAIM,
    put("/metadata/name", "Data"),
    beside=MOUNTED,
    volumes=[Claim("Data", "/data", size="10Gi", access_mode="ReadWriteMany", storage_class="efs")],
)
CONFIGURED = {"config": ConfigFiles("/etc/model", {"a.yaml": "a"})}
serving(
    "a file whose name is a path",
    "ConfigMap",
    put("/data/a~1b", "c"),
    beside=CONFIGURED,
    config=ConfigFiles("/etc/model", {"a/b": "c"}),
)
serving(
    "more than a ConfigMap holds",
    "ConfigMap",
    put("/data/a.yaml", TOO_MUCH + "x"),
    beside=CONFIGURED,
    config=ConfigFiles("/etc/model", {"a.yaml": TOO_MUCH + "x"}),
)
serving(
    "a Secret without a name",
    "Deployment",
    put(f"{POD}/volumes", [{"name": "secret", "secret": {"secretName": ""}}]),
    put(f"{MAIN}/volumeMounts", [{"name": "secret", "mountPath": "/secret"}]),
    volumes=[SecretFiles("", "/secret")],
)
serving(
    "a port of a peer that no host has",
    POLICY,
    put("/spec/egress/0/ports/0/port", 70000),
    network=Network(egress=[Peer(cidr="10.0.0.0/8", ports=[70000])]),
)
serving(
    "a peer that is no network",
    POLICY,
    put("/spec/egress/0/to", [{"ipBlock": {"cidr": "10.0.0.1"}}]),
    network=Network(egress=[Peer(cidr="10.0.0.1")]),
)
trained("less than no retries", "Job", put("/spec/backoffLimit", -1), retries=-1)
trained("a deadline in the past", "Job", put("/spec/activeDeadlineSeconds", -60), deadline=seconds(-60))
trained("a GPU's part", "Job", put(f"{MAIN}/resources/limits/nvidia.com~1gpu", "500m"), gpu=0.5)
trained(
    "an exit code of success",
    "Job",
    put("/spec/podFailurePolicy/rules/1/onExitCodes/values", [0, 2]),
    fatal_exit_codes=[0, 2],
)
trained("no node", "Job", put("/spec/parallelism", -1), nodes=-1)
DAILY = {"schedule": Schedule("0 3 * * *", tz="Europe/Berlin")}
TEMPLATE = "/spec/jobTemplate"
trained(
    "a minute that no hour has",
    "CronJob",
    put("/spec/schedule", "60 3 * * *"),
    beside=DAILY,
    schedule=Schedule("60 3 * * *", tz="Europe/Berlin"),
)
trained(
    "a time zone that does not exist",
    "CronJob",
    put("/spec/timeZone", "Europe/Berln"),
    beside=DAILY,
    schedule=Schedule("0 3 * * *", tz="Europe/Berln"),
)
trained(
    "less than no run kept",
    "CronJob",
    put("/spec/failedJobsHistoryLimit", -1),
    beside=DAILY,
    schedule=Schedule("0 3 * * *", tz="Europe/Berlin", keep_failed=-1),
)
SWEPT = {"sweep": Sweep(rows=[{"LR": 1}, {"LR": 2}], max_failed=1)}
trained(
    "more failures than runs",
    "Job",
    put("/spec/maxFailedIndexes", 3),
    beside=SWEPT,
    sweep=Sweep(rows=[{"LR": 1}, {"LR": 2}], max_failed=3),
)
AROUND: dict[str, Any] = {"wrong": service, "right": service, "kind": "Namespace"}
SPECS += [
    Spec(
        "a namespace that cannot be",
        **AROUND,
        operations=(put("/metadata/name", "ML_prod"),),
        given={"namespace": "ML_prod"},
    ),
    Spec(
        "a standard that does not exist",
        **AROUND,
        operations=(put("/metadata/labels/pod-security.kubernetes.io~1enforce", "strict"),),
        given={"pod_security": "strict"},
    ),
    Spec(
        "a label of everything that cannot be",
        **AROUND,
        operations=(put("/metadata/labels/owner", "the a team"),),
        given={"labels": {"owner": "the a team"}},
    ),
]


def cluster(version: str) -> Cluster:
    """Return the stock cluster on *version* of Kubernetes."""
    return attrs.evolve(CLUSTER, kubernetes=version)  # type: ignore[misc] # attrs sees no attrs class behind @value
