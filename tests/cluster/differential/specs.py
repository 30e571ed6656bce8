"""Options that would have made what the API server refuses: the rule, the option, and the object it would have been."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from modelyard import (
    Claim,
    ConfigFiles,
    CpuScale,
    Drain,
    EmptyDir,
    Environment,
    Exec,
    Fabric,
    FieldRef,
    Gpu,
    Host,
    IngressClass,
    Network,
    Peer,
    Port,
    Schedule,
    SecretFiles,
    SecretKey,
    Sweep,
    Toleration,
    TrainingJob,
    hours,
    seconds,
)
from tests.rules.patches import Operation, put
from tests.support import CLUSTER, IMAGE, but, cluster_with, service, training

PODS = "/spec/template"
POD = f"{PODS}/spec"
MAIN = f"{POD}/containers/0"
LONG = "a" * 64
QUANTITY = "quantities must match the regular expression"
TOO_MUCH = "x" * 2**20
HPA = "HorizontalPodAutoscaler"
POLICY = "NetworkPolicy"
L4: Any = CLUSTER.accelerators[0]
CLAIM = "PersistentVolumeClaim"


@attrs.frozen
class Spec:
    """
    Something wrong that a user writes.

    Args:
        rule: What the object breaks that it would have made, which the API server refuses as well.

        name: What is wrong.

        wrong: Adds the workload with it, or makes the environment.

        right: Adds the same workload without it.

        kind: Of the object that would have been wrong.

        operations: What it would have made of that object.

        said: The rule by which modelyard refuses it; options are told of in their own words.

        given: Wrong options of the environment.

        fine: Those of the right one.

        words: Of the server, where it names no field, or another one than modelyard does.

        why: Of a patch: why no option breaks *rule*.
    """

    rule: str
    name: str
    wrong: Callable[[Environment], object]
    right: Callable[[Environment], object]
    kind: str
    operations: tuple[Operation, ...]
    said: str
    given: Mapping[str, Any] = attrs.field(factory=dict)
    fine: Mapping[str, Any] = attrs.field(factory=dict)
    words: str = ""
    why: str = ""


SPECS: list[Spec] = []
INGRESS = {"cluster": but(CLUSTER, gateway=IngressClass("web", "ingress-nginx", implementation="nginx"))}


def _option(
    make: Callable[..., object], rule: str, name: str, kind: str, *operations: Operation,
    said: str = "", words: str = "", beside: Mapping[str, Any] | None = None, **options: Any,
) -> None:  # fmt: skip
    """Keep a wrong option of the workload that *make* adds; it stands instead of that in *beside*."""
    fine = beside or {}
    right, wrong = (lambda scope, given=given: make(scope, **given) for given in (fine, {**fine, **options}))
    SPECS.append(Spec(rule, name, wrong, right, kind, operations, said or rule, words=words))


serving = functools.partial(_option, service)
trained = functools.partial(_option, training)


def called(
    rule: str, name: str, characters: int, kind: str, *, added: str = "", words: str = "", **options: Any
) -> None:
    """Keep the name of a TrainingJob that has too many *characters* for what is *added* to it."""
    stock: dict[str, Any] = {"image": IMAGE, "command": ["python", "train.py"], "deadline": hours(6), **options}
    right, wrong = (lambda one, name=name: TrainingJob(one, name, **stock) for name in ("train", "a" * characters))
    SPECS.append(
        Spec(rule, name, wrong, right, kind, (put("/metadata/name", "a" * characters + added),), rule, words=words)
    )


def fabric(**options: Any) -> Any:
    """Return the stock accelerators with a fabric between them."""
    return but(L4, fabric=Fabric({"example.com/ib": 1}, **options))


def pooled(
    rule: str, name: str, kind: str, *operations: Operation,
    wrong: Any, right: Any = L4, said: str = "", words: str = "", **options: Any,
) -> None:  # fmt: skip
    """Keep what is wrong with the accelerators that a training asks for, and the same ones as they would be right."""

    def fill(scope: Environment) -> None:
        training(scope, **options)

    given, fine = ({"cluster": cluster_with(accelerators=[one])} for one in (wrong, right))
    SPECS.append(Spec(rule, name, fill, fill, kind, operations, said or rule, given, fine, words))


def around(rule: str, name: str, operation: Operation, said: str = "", **given: Any) -> None:
    """Keep a wrong option of the environment, which its Namespace would show."""
    SPECS.append(Spec(rule, name, service, service, "Namespace", (operation,), said or rule, given))


serving("N20", "a port that no host has", "Deployment", put(f"{MAIN}/ports/0/containerPort", 70000), port=70000)
serving("D08", "the same in the Service", "Service", put("/spec/ports/0/port", 70000), said="N20", port=70000)
serving(
    "N20",
    "a long name of a port",
    "Deployment",
    put(f"{MAIN}/ports/0/name", "metrics-for-prometheus"),
    said="N19",
    port=[Port("metrics-for-prometheus", 8000)],
)
serving(
    "D08",
    "two ports of one name",
    "Service",
    put("/spec/ports/-", {"name": "http", "port": 8001}),
    port=[Port("http", 8000), Port("http", 8001)],
)
serving(
    "R01",
    "cpu in a unit that does not exist",
    "Deployment",
    put(f"{MAIN}/resources/requests/cpu", "1 core"),
    words=QUANTITY,
    cpu="1 core",
)
serving(
    "R01", "memory in GB", "Deployment", put(f"{MAIN}/resources/requests/memory", "2GB"), words=QUANTITY, memory="2GB"
)
serving("R01", "less than no memory", "Deployment", put(f"{MAIN}/resources/requests/memory", "-1Gi"), memory="-1Gi")
serving(
    "R08",
    "a limit below the request",
    "Deployment",
    put(f"{MAIN}/resources/limits", {"cpu": "500m", "memory": "2Gi"}),
    cpu="1",
    cpu_limit="500m",
)
serving(
    "A01",
    "fewer replicas at the most than at the fewest",
    HPA,
    put("/spec/minReplicas", 5),
    put("/spec/maxReplicas", 3),
    words="greater than or equal to `minReplicas`",
    scale=CpuScale(min=5, max=3),
)
serving("A02", "no replica", HPA, put("/spec/minReplicas", 0), said="A01", scale=CpuScale(0, 4))
serving(
    "P03",
    "a probe that runs nothing",
    "Deployment",
    put(f"{MAIN}/livenessProbe/exec/command", []),
    beside={"health": Exec(["true"])},
    health=Exec([]),
)
serving(
    "P04",
    "a start that takes less than no time",
    "Deployment",
    put(f"{MAIN}/startupProbe/failureThreshold", -1),
    said="X11",
    start_within=seconds(-5),
)
serving(
    "D14",
    "a label that pods are found by",
    "Deployment",
    put(f"{PODS}/metadata/labels/app", "other"),
    words="`selector` does not match template `labels`",
    said="X11",
    labels={"app": "other"},
)
serving(
    "A07",
    "a use of nothing",
    HPA,
    put("/spec/metrics/0/containerResource/target/averageUtilization", 0),
    said="X11",
    scale=CpuScale(2, 4, 0),
)
serving(
    "A13",
    "a window of more than an hour",
    HPA,
    put("/spec/behavior/scaleDown/stabilizationWindowSeconds", 7200),
    scale=CpuScale(2, 4, scale_down_after=seconds(7200)),
)
serving("X05", "less than no replicas", "Deployment", put("/spec/replicas", -1), said="X11", scale=None, replicas=-1)
serving(
    "P11",
    "a hook that goes back in time",
    "Deployment",
    put(f"{MAIN}/lifecycle/preStop/sleep/seconds", -1),
    said="X11",
    drain=Drain(delay=seconds(-1)),
)
serving("P17", "a user below root", "Deployment", put(f"{POD}/securityContext/runAsUser", -1), user=-1)
serving("P17", "a user beyond the last one", "Deployment", put(f"{POD}/securityContext/runAsUser", 2**31), user=2**31)
serving("P02", "no image", "Deployment", put(f"{MAIN}/image", ""), image="")
serving(
    "N19",
    "a variable without a name",
    "Deployment",
    put(f"{MAIN}/env", [{"name": "", "value": "a"}]),
    said="N21",
    env={"": "a"},
)
serving(
    "N19",
    "a variable with = in its name",
    "Deployment",
    put(f"{MAIN}/env", [{"name": "A=", "value": "a"}]),
    said="N21",
    env={"A=": "a"},
)
serving(
    "N19",
    "a variable of a field that pods do not have",
    "Deployment",
    put(f"{MAIN}/env", [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.reason"}}}]),
    said="X11",
    env={"A": FieldRef("status.reason")},
)
serving(
    "N19",
    "a variable of a Secret that cannot be",
    "Deployment",
    put(f"{MAIN}/env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "My Secret", "key": "a b"}}}]),
    env={"A": SecretKey("My Secret", "a b")},
)
serving("N16", "a label that is too long", "Deployment", put("/metadata/labels/team", LONG), labels={"team": LONG})
serving(
    "N16",
    "a label that is a sentence",
    "Service",
    put("/metadata/labels/team", "the a team"),
    labels={"team": "the a team"},
)
serving(
    "N16",
    "an annotation of no name",
    "Deployment",
    put(f"{PODS}/metadata/annotations", {"a b": "c"}),
    words="name part must consist of alphanumeric characters",
    annotations={"a b": "c"},
)
serving(
    "N16",
    "a label of nodes that cannot be",
    "Deployment",
    put(f"{POD}/nodeSelector", {"zone": "a b"}),
    node_selector={"zone": "a b"},
)
serving(
    "N19",
    "a priority class that cannot be",
    "Deployment",
    put(f"{POD}/priorityClassName", "Very High"),
    priority_class="Very High",
)
serving(
    "N19", "an account that cannot be", "Deployment", put(f"{POD}/serviceAccountName", "API"), service_account="API"
)
serving(
    "R01",
    "a memory for sharing in GB",
    "Deployment",
    put(f"{POD}/volumes/0", {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1GB"}}),
    words=QUANTITY,
    shared_memory="1GB",
)
serving(
    "X05",
    "a folder that is no path",
    "Deployment",
    put(f"{MAIN}/volumeMounts/0/mountPath", ""),
    said="V06",
    volumes=[EmptyDir("")],
)
serving(
    "X05",
    "two volumes in one place",
    "Deployment",
    put(f"{POD}/volumes", [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}]),
    put(f"{MAIN}/volumeMounts", [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/a"}]),
    words="duplicate entries for key",
    said="V06",
    volumes=[EmptyDir("/a"), EmptyDir("/a")],
)
MOUNTED = {"volumes": [Claim("data", "/data", size="10Gi", access_mode="ReadWriteMany", storage_class="efs")]}
serving(
    "R01",
    "a claim in GB",
    CLAIM,
    put("/spec/resources/requests/storage", "10GB"),
    words=QUANTITY,
    beside=MOUNTED,
    volumes=[Claim("data", "/data", size="10GB", access_mode="ReadWriteMany", storage_class="efs")],
)
serving(
    "R01",
    "a claim of nothing",
    CLAIM,
    put("/spec/resources/requests/storage", "0"),
    words="must be greater than zero",
    beside=MOUNTED,
    volumes=[Claim("data", "/data", size="0", access_mode="ReadWriteMany", storage_class="efs")],
)
serving(
    "N01",
    "a claim that cannot be called so",
    CLAIM,
    put("/metadata/name", "Data"),
    said="N19",
    beside=MOUNTED,
    volumes=[Claim("Data", "/data", size="10Gi", access_mode="ReadWriteMany", storage_class="efs")],
)
CONFIGURED = {"config": ConfigFiles("/etc/model", {"a.yaml": "a"})}
serving(
    "N18",
    "a file whose name is a path",
    "ConfigMap",
    put("/data/a~1b", "c"),
    said="N19",
    beside=CONFIGURED,
    config=ConfigFiles("/etc/model", {"a/b": "c"}),
)
serving(
    "N18",
    "more than a ConfigMap holds",
    "ConfigMap",
    put("/data/a.yaml", TOO_MUCH + "x"),
    words="may not be more than 1048576 bytes",
    beside=CONFIGURED,
    config=ConfigFiles("/etc/model", {"a.yaml": TOO_MUCH + "x"}),
)
serving(
    "X05",
    "a Secret without a name",
    "Deployment",
    put(f"{POD}/volumes", [{"name": "secret", "secret": {"secretName": ""}}]),
    put(f"{MAIN}/volumeMounts", [{"name": "secret", "mountPath": "/secret"}]),
    said="N19",
    volumes=[SecretFiles("", "/secret")],
)
serving(
    "D16",
    "a port of a peer that no host has",
    POLICY,
    put("/spec/egress/0/ports/0/port", 70000),
    said="N20",
    network=Network(egress=[Peer(cidr="10.0.0.0/8", ports=[70000])]),
)
serving(
    "D16",
    "a peer that is no network",
    POLICY,
    put("/spec/egress/0/to", [{"ipBlock": {"cidr": "10.0.0.1"}}]),
    said="N19",
    network=Network(egress=[Peer(cidr="10.0.0.1")]),
)
trained("J07", "less than no retries", "Job", put("/spec/backoffLimit", -1), retries=-1)
trained(
    "J07", "a deadline in the past", "Job", put("/spec/activeDeadlineSeconds", -60), said="X11", deadline=seconds(-60)
)
trained("R05", "a GPU's part", "Job", put(f"{MAIN}/resources/limits/nvidia.com~1gpu", "500m"), said="X11", gpu=0.5)
trained(
    "J14",
    "an exit code of success",
    "Job",
    put("/spec/podFailurePolicy/rules/1/onExitCodes/values", [0, 2]),
    fatal_exit_codes=[0, 2],
)
trained("J07", "no node", "Job", put("/spec/parallelism", -1), said="X11", nodes=-1)
DAILY: dict[str, Any] = {"schedule": Schedule("0 3 * * *", tz="Europe/Berlin")}
TEMPLATE = "/spec/jobTemplate"
trained(
    "C01",
    "a minute that no hour has",
    "CronJob",
    put("/spec/schedule", "60 3 * * *"),
    beside=DAILY,
    schedule=Schedule("60 3 * * *", tz="Europe/Berlin"),
)
trained(
    "C03",
    "a time zone that does not exist",
    "CronJob",
    put("/spec/timeZone", "Europe/Berln"),
    beside=DAILY,
    schedule=Schedule("0 3 * * *", tz="Europe/Berln"),
)
trained(
    "X05",
    "less than no run kept",
    "CronJob",
    put("/spec/failedJobsHistoryLimit", -1),
    said="J07",
    beside=DAILY,
    schedule=Schedule("0 3 * * *", tz="Europe/Berlin", keep_failed=-1),
)
SWEPT = {"sweep": Sweep(rows=[{"LR": 1}, {"LR": 2}], max_failed=1)}
trained(
    "J04",
    "more failures than runs",
    "Job",
    put("/spec/maxFailedIndexes", 3),
    said="X11",
    beside=SWEPT,
    sweep=Sweep(rows=[{"LR": 1}, {"LR": 2}], max_failed=3),
)
called("N02", "a name that leaves no room for the index", 53, "Job", added="-01234567", nodes=2, gpu=Gpu("l4", 4))
called("N03", "a name that leaves no room for the hash", 55, "Job", words="must be no more than 63", added="-01234567")
called("N04", "a name that leaves no room for the time", 53, "CronJob", **DAILY)
called(
    "N05",
    "a name that leaves no room for time and index",
    52,
    "CronJob",
    **DAILY,
    sweep=Sweep(rows=[{"LR": rate} for rate in range(11)]),
)
trained(
    "J05",
    "more nodes than a Job has",
    "Job",
    put("/spec/completions", 100_001),
    put("/spec/parallelism", 100_001),
    beside={"nodes": 2, "gpu": Gpu("l4", 4)},
    nodes=100_001,
)
pooled(
    "P16",
    "memory that is locked",
    "Job",
    put(f"{MAIN}/securityContext/capabilities/add", ["IPC_LOCK"]),
    right=fabric(),
    wrong=fabric(lock_memory=True),
    nodes=2,
    gpu=Gpu("l4", 4),
)
pooled(
    "P20",
    "a taint that cannot be",
    "Job",
    put(f"{POD}/tolerations/0/value", "b/c"),
    words="a valid label must be",
    right=but(L4, tolerations=[Toleration("gpu", "b")]),
    wrong=but(L4, tolerations=[Toleration("gpu", "b/c")]),
)
pooled(
    "R02",
    "a device without a vendor",
    "Job",
    put(f"{MAIN}/resources/limits", {"gpu": "2"}),
    wrong=but(L4, resource="gpu"),
)
pooled(
    "R13",
    "a class of devices that cannot be",
    "ResourceClaimTemplate",
    put("/spec/spec/devices/requests/0/exactly/deviceClassName", "GPU"),
    said="N19",
    right=but(L4, device_class="gpu.nvidia.com"),
    wrong=but(L4, device_class="GPU"),
)
around("N01", "a namespace that cannot be", put("/metadata/name", "ML_prod"), said="N19", namespace="ML_prod")
around(
    "P32",
    "a standard that does not exist",
    put("/metadata/labels/pod-security.kubernetes.io~1enforce", "strict"),
    pod_security="strict",
)
around(
    "N16",
    "a label of everything that cannot be",
    put("/metadata/labels/owner", "the a team"),
    labels={"owner": "the a team"},
)
SPECS.append(
    Spec(
        "H12",
        "a host that cannot be",
        lambda scope: service(scope, route=Host("Chat_acme.dev")),
        lambda scope: service(scope, route=Host("chat.acme.dev")),
        "Ingress",
        (put("/spec/rules/0/host", "Chat_acme.dev"),),
        "N19",
        given=INGRESS,
        fine=INGRESS,
    )
)
