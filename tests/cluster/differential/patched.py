"""What no option makes, and a patch of the user's does: the rule, the patch, and why no option does."""

from __future__ import annotations

from typing import Any

from modelyard import Environment
from tests.cluster.differential.specs import DAILY, HPA, MAIN, POD, TEMPLATE, Spec
from tests.rules import manifests
from tests.rules.patches import Operation, put, remove
from tests.support import service, training

BUDGET = "PodDisruptionBudget"
CODES = "/spec/podFailurePolicy/rules"
INIT = {"name": "init", "image": "ghcr.io/acme/web:1"}
STRATEGY = "/spec/strategy"
USE = manifests.utilization(70)
INDEXED = (put("/spec/completionMode", "Indexed"), put("/spec/completions", 4))

METRIC = "the one metric of an autoscaler is written for the way to scale"
SELECTOR = "no option names a selector for a Job, which finds its pods by itself"
ROLLOUT = "an option chooses among rollouts, whose numbers are written for it"
FAILURES = "options tell exit codes, and the failure rules are written for them"
INDEXES = "an option tells nodes or trials, and modes, completions and retries are written for them"
PROBES = "an option says what is asked, and for how long; the probes are written for it"
PLACES = "where pods may run is written for the accelerator, the topology and the kind of workload"
SECURE = "what a container may do is written as restricted wants it, and no option asks for more"
RESTART = "whether pods end is a matter of the workload's class"

PATCHED: list[Spec] = []


def _patched(
    rule: str, name: str, why: str, kind: str, *operations: Operation, words: str = "", **options: Any
) -> None:
    """Keep a patch of the stock workload that has an object of *kind*."""
    make: Any = training if kind in {"CronJob", "Job"} else service

    def wrong(scope: Environment) -> None:
        make(scope, **options).add_json_patch(kind, *operations)

    PATCHED.append(
        Spec(rule, name, wrong, lambda scope: make(scope, **options), kind, operations, rule, words=words, why=why)
    )


_patched(
    "A09", "a target of nothing", METRIC, HPA,
    put("/spec/metrics/0", manifests.metric("Pods", type="AverageValue", averageValue="0")),
)  # fmt: skip
_patched(
    "A10", "a metric of two sources", METRIC, HPA,
    put("/spec/metrics/0", {**manifests.metric("Pods", averageValue="3", type="AverageValue"), **USE}),
)  # fmt: skip
_patched(
    "C08", "a selector for the Jobs of a schedule", SELECTOR, "CronJob",
    put(f"{TEMPLATE}/spec/selector", {"matchLabels": {"app": "train"}}), **DAILY,
)  # fmt: skip
_patched(
    "D01", "a rollout that may do nothing", ROLLOUT, "Deployment",
    put(STRATEGY, {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
)  # fmt: skip
_patched(
    "D02", "a rollout that ends more than all", ROLLOUT, "Deployment",
    put(STRATEGY, {"rollingUpdate": {"maxUnavailable": "101%"}}),
)  # fmt: skip
_patched(
    "D05", "a budget of two numbers", "a budget is written for each service, with one number", BUDGET,
    put("/spec/minAvailable", 1), put("/spec/maxUnavailable", 1),
)  # fmt: skip
_patched(
    "D17", "an address that is none", "the type of a Service and its address are written for the workload",
    "Service", put("/spec/clusterIP", "10.0.0"), words="must be a valid IP address",
)  # fmt: skip
_patched("J01", "a training without an end", RESTART, "Job", put(f"{POD}/restartPolicy", "Always"))
_patched(
    "J02", "indexes without a number", INDEXES, "Job", put("/spec/completionMode", "Indexed"),
    put("/spec/parallelism", 2), remove("/spec/completions"),
)  # fmt: skip
_patched("J03", "retries of an index that there is not", INDEXES, "Job", put("/spec/backoffLimitPerIndex", 1))
_patched("J06", "a failure rule that looks at nothing", FAILURES, "Job", put(f"{CODES}/-", {"action": "Count"}))
_patched(
    "J08", "a failure rule on another container", FAILURES, "Job", put(f"{CODES}/1/onExitCodes/containerName", "other")
)
_patched("J09", "a failure of one index that there is not", FAILURES, "Job", put(f"{CODES}/1/action", "FailIndex"))
_patched(
    "J10", "a condition that cannot be", FAILURES, "Job", put(f"{CODES}/0/onPodConditions/0/type", "Lost Node")
)  # fmt: skip
_patched(
    "J11", "a pod that is replaced before it has failed", FAILURES, "Job",
    put("/spec/podReplacementPolicy", "TerminatingOrFailed"),
)  # fmt: skip
_patched(
    "J19", "a success of an index that there is not", INDEXES, "Job",
    *INDEXED, put("/spec/successPolicy", {"rules": [{"succeededIndexes": "0,4"}]}),
)  # fmt: skip
_patched(
    "J24", "a manager without a domain", "the manager of a Job is written for its queue", "Job",
    put("/spec/managedBy", "kueue"),
)  # fmt: skip
_patched("J26", "a selector for a Job", SELECTOR, "Job", put("/spec/selector", {"matchLabels": {"app": "train"}}))
_patched(
    "P09", "a probe of what runs first", "no option gives what runs first a probe or a hook", "Deployment",
    put(f"{POD}/initContainers", [{**INIT, "readinessProbe": {"exec": {"command": ["true"]}}}]),
)  # fmt: skip
_patched(
    "P10", "a restart policy of one container", RESTART, "Deployment", put(f"{MAIN}/restartPolicy", "Never")
)  # fmt: skip
_patched("P15", "the network of the node", SECURE, "Deployment", put(f"{POD}/hostNetwork", value=True))
_patched(
    "P22", "a spread without a skew", PLACES, "Deployment", put(f"{POD}/topologySpreadConstraints/0/maxSkew", 0)
)  # fmt: skip
_patched("P26", "a service that ends", RESTART, "Deployment", put(f"{POD}/restartPolicy", "Never"))
_patched("P27", "a rollout that has no time", PROBES, "Deployment", put("/spec/minReadySeconds", 3600))
_patched(
    "P30", "a privilege that is denied", SECURE, "Deployment", put(f"{MAIN}/securityContext/privileged", value=True)
)
_patched(
    "P31", "settings of Windows", SECURE, "Deployment", put(f"{POD}/os", {"name": "linux"}),
    put(f"{POD}/securityContext/windowsOptions", {}),
)  # fmt: skip
_patched(
    "R06", "fewer GPUs asked for than taken", "an option tells the number of GPUs once", "Job",
    put(f"{MAIN}/resources/requests/nvidia.com~1gpu", "1"),
)  # fmt: skip
_patched(
    "V21", "a volume of two kinds", "each option of volumes makes volumes of one kind", "Deployment",
    put(f"{POD}/volumes/0/hostPath", {"path": "/tmp"}),
)  # fmt: skip
_patched(
    "V06", "a mount of no volume", "an option makes a volume and its mount together", "Deployment",
    put(f"{MAIN}/volumeMounts/0/name", "other"),
)  # fmt: skip
_patched(
    "X04", "a version that is no more", "options make kinds that the cluster has, or die of this rule themselves",
    BUDGET, put("/apiVersion", "policy/v1beta1"),
)  # fmt: skip
