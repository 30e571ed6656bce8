"""N: names of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelyard.findings import Breach
from modelyard.rules.n_pods import N19
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Job, Object
from modelyard.values.names import LABEL_LENGTH, dns_label, dns_label_1035, path_segment, subdomain
from modelyard.values.versions import minor

NAMES = "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"
JOBS = "https://kubernetes.io/docs/concepts/workloads/controllers/job/"
CRON_JOBS = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#writing-a-cronjob-spec"

N01 = Rule(
    "N01",
    "Every object has a name, and it fits the grammar of its kind.",
    why=(
        "The API server refuses the object, and the sync fails: names of Services and StatefulSets become DNS names"
        " and labels, which are shorter and stricter than other names, and an object without a name cannot be"
        " compared with the one in the cluster."
    ),
    fix="rename it",
    see=NAMES,
)
N02 = Rule(
    "N02",
    "The pods of an Indexed Job, called after the Job and their index, have host names that are DNS labels.",
    why="The API server adds the last index to the Job's name, and refuses a Job for which that is no host name.",
    fix="shorten the name of the Job",
    see=f"{JOBS}#completion-mode",
)
N03 = Rule(
    "N03",
    "A Job's name fits into the label that its pods carry.",
    why="The API server writes the name into a label of the pods, which holds 63 characters, and refuses a longer one.",
    fix="shorten the name of the Job",
    see=f"{JOBS}#writing-a-job-spec",
)
N04 = Rule(
    "N04",
    "A CronJob's name leaves room for the time that is added to the names of its Jobs.",
    why="The API server refuses a CronJob with a name of more than 52 characters.",
    fix="shorten the name of the CronJob",
    see=CRON_JOBS,
)
N05 = Rule(
    "N05",
    "A CronJob's name leaves room for the time and the index in the host names of the pods of its Indexed Jobs.",
    why="The CronJob is accepted, and then every Job that it makes is refused: nothing ever runs, and nobody is told.",
    fix="shorten the name of the CronJob",
    see=CRON_JOBS,
)

RELAXED_SERVICES = 36
"""The first minor whose Services may start with a digit (RelaxedServiceNameValidation is on)."""

SUBDOMAINS = frozenset(
    {
        "ConfigMap", "CronJob", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "LimitRange",
        "NetworkPolicy", "PersistentVolume", "PersistentVolumeClaim", "Pod", "PriorityClass", "ReplicaSet",
        "ReplicationController", "ResourceClaim", "ResourceClaimTemplate", "ResourceQuota", "Secret", "ServiceAccount",
        "StorageClass",
    }
)  # fmt: skip
LABELS = frozenset({"Namespace", "StatefulSet"})
REVISION = 11
"""A hyphen and up to ten digits, which follow the name of a StatefulSet in a label of its pods."""
LONGEST_STATEFUL_SET = LABEL_LENGTH - REVISION
LONGEST_CRON_JOB = LABEL_LENGTH - 11
MINUTES = 8
"""Digits of a time in minutes since 1970, which end the name of a CronJob's Job: until the year 2160."""


@N01.objects("*")
def named(one: Object, scope: Scope) -> Iterator[Breach]:
    """Check the name by the grammar of the object's kind."""
    name = one.name
    if not name:
        yield _nameless(one)
        return
    grammar = _grammar(one, scope)
    if broken := grammar(name):
        yield N01.breach("metadata.name", name, broken)
    elif one.kind == "StatefulSet" and len(name) > LONGEST_STATEFUL_SET:
        because = (
            f"its pods carry it in a label with {REVISION} more characters, so it has at most"
            f" {LONGEST_STATEFUL_SET} and this one has {len(name)}"
        )
        yield N01.breach("metadata.name", name, because, "shorten it")


def _nameless(one: Object) -> Breach:
    prefix = one.metadata.get("generateName")
    if prefix:
        because = "every sync would make another object of it, or fail, since what stands in git has a name"
        return N01.breach("metadata.generateName", prefix, because, "write metadata.name")
    return N01.breach("metadata.name", None, "every object has a name, and this one has none", "give it one")


def _grammar(one: Object, scope: Scope) -> Callable[[str], str | None]:
    kind = one.kind
    if kind in SUBDOMAINS:
        return subdomain
    if kind == "Service":
        return service_name(scope)
    if kind in LABELS:
        return dns_label
    group = one.api_version.rpartition("/")[0]
    # Custom resources; of Kubernetes' own groups, some take almost any name, such as system:node.
    return subdomain if "." in group and not group.endswith(".k8s.io") else path_segment


def service_name(scope: Scope) -> Callable[[str], str | None]:
    """Return the grammar of the names of Services."""
    return dns_label if minor(scope.site.cluster.kubernetes) >= RELAXED_SERVICES else dns_label_1035


def _last_index(job: Job) -> int | None:
    """Return the last index of an Indexed Job, or None."""
    completions = job.spec.get("completions")
    if job.spec.get("completionMode") == "Indexed" and isinstance(completions, int) and completions > 0:
        return completions - 1
    return None


@N19.objects("*")
def namespace(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the name of the namespace that an object is in."""
    if (given := one.namespace) and (broken := dns_label(given)):
        yield N19.breach("metadata.namespace", given, broken, "correct the name, or leave it out")


@N02.objects("Job")
def job_name(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check that the names and labels which are made of a Job's name are possible."""
    name, job = one.name, one.job
    if not name or job is None:
        return
    if len(name) > LABEL_LENGTH and not job.spec.get("manualSelector"):
        because = (
            f"its pods carry it in the label job-name, which has at most {LABEL_LENGTH} characters and this one has"
            f" {len(name)}"
        )
        yield N03.breach("metadata.name", name, because)
        return
    last = _last_index(job)
    if last is not None and (broken := dns_label(f"{name}-{last}")) and not subdomain(name):
        yield N02.breach("metadata.name", name, *_of_pods(f"{name}-{last}", broken, "its index"))


@N04.objects("CronJob")
def cron_job_name(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check that the names which are made of a CronJob's name are possible."""
    name, job = one.name, one.job
    if not name or job is None or subdomain(name):
        return
    if len(name) > LONGEST_CRON_JOB:
        because = f"the name of a CronJob has at most {LONGEST_CRON_JOB} characters and this one has {len(name)}"
        yield N04.breach("metadata.name", name, because)
        return
    last = _last_index(job)
    if last is not None:
        host = f"{name}-{'0' * MINUTES}-{last}"
        if broken := dns_label(host):
            yield N05.breach("metadata.name", name, *_of_pods(host, broken, "time and index"))


def _of_pods(host: str, broken: str, added: str) -> tuple[str, str]:
    if len(host) > LABEL_LENGTH:
        because = f"with {added} a pod's host name has {len(host)} characters, and at most {LABEL_LENGTH} are possible"
        return because, f"shorten it by {len(host) - LABEL_LENGTH}"
    return f"it is part of the host names of its pods: {broken}", "write - instead of ."
