"""A training as a RayJob: a Ray cluster of its own, whose head runs the program, and whose workers do the work."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, Network, Peer, Watch, manifest
from modelyard.pod.hardware import fabric_of
from modelyard.training.backends import RayJob
from modelyard.values.durations import whole_seconds
from modelyard.values.names import dns_label_1035
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.training.spec import TrainingSpec

DASHBOARD = 8265
"""Where the operator asks the head how the program is doing."""
LONGEST = 47
"""Of the name of a RayJob, to which its operator adds."""
HEAD, WORKER, SUBMITTER = CONTAINERS = "ray-head", "ray-worker", "submitter"
PLAIN = re.compile(r"[\w@%+=:,./ -]*", re.ASCII)
"""Words that mean the same to every shell on the way, in the quotes that Ray gives to those with a space."""
REFERENCE = re.compile(r"\$\$|\$\(([^)]+)\)")
"""What the kubelet reads in a word: one dollar that is written as two, or a variable."""
OF_OTHERS = (
    "JOB_NAME", "JOBSET_NAME", "PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR",
    "PET_MASTER_PORT",
)  # fmt: skip
"""Variables that a training of several nodes has with every other backend."""
SPECIAL = re.compile(r"""(['"$`\\\x00-\x1f])""")


def without_command(spec: TrainingSpec) -> TrainingSpec:
    """Return *spec* for pods whose command is the operator's."""
    return attrs.evolve(spec, command=(), args=())


def small(spec: TrainingSpec, cpu: str | int, memory: str) -> TrainingSpec:
    """Return *spec* for a pod that does none of the work."""
    return attrs.evolve(
        without_command(spec), gpu=None, cpu=cpu, memory=memory, cpu_limit=None, memory_limit=None, shared_memory=None,
        nodes=1, queue=None, topology=None,
    )  # fmt: skip


def submitter(spec: TrainingSpec) -> TrainingSpec:
    """Return *spec* for the pod that tells the head what to run, and then shows its logs."""
    return attrs.evolve(small(spec, "500m", "1Gi"), volumes=(), data={}, checkpoint=None, config=None)


def watched_by_operator(spec: TrainingSpec, backend: RayJob) -> TrainingSpec:
    """Return *spec* with the operator among those who may call its pods."""
    operator, network = Peer(backend.operator_namespace, ports=[DASHBOARD]), spec.network
    clients = [*network.clients, operator]
    return attrs.evolve(spec, network=Network(clients=clients, egress=network.egress, https=network.https))


def entrypoint(words: Sequence[str], variables: Iterable[str]) -> str:
    """
    Return what makes Ray run *words* on its head, where *variables* are set.

    The text passes the kubelet and bash of the pod that submits, and sh on the head. Between them Ray quotes the words,
    older versions as Windows does, which leaves ``;`` and ``$`` to sh. And only the head has all variables, whose
    values are no shell's business. So words that a shell could misread become literals of Python, in
    double quotes that have nothing special in them.

    See Also:
        https://github.com/ray-project/kuberay/blob/v1.5.1/ray-operator/controllers/ray/common/job.go
    """
    if all(map(PLAIN.fullmatch, words)):
        return shlex.join(words)
    known = set(variables)
    listed = ", ".join(_expression(word, known) for word in words)
    return f'python3 -c "import os; words = [{listed}]; os.execvp(words[0], words)"'


def _expression(word: str, known: set[str]) -> str:
    """Return *word* as Python, with those of its variables that are *known*."""
    parts, end = list[str](), 0
    for found in REFERENCE.finditer(word):
        parts.append(_literal(word[end : found.start()]))
        name, end = found[1], found.end()
        parts.append(f"os.environ[{_literal(name)}]" if name in known else _literal(found[0] if name else "$"))
    parts.append(_literal(word[end:]))
    return " + ".join(filter(None, parts)) or "''"


def _literal(text: str) -> str:
    """Return *text* as Python that has no quotes but single ones, and no dollars, backquotes and backslashes."""
    parts = filter(None, SPECIAL.split(text))
    return " + ".join(f"chr({ord(part)})" if SPECIAL.fullmatch(part) else f"'{part}'" for part in parts)


def ray_job(
    name: str, labels: dict[str, str], templates: dict[str, dict[str, Any]], spec: TrainingSpec, site: Site
) -> dict[str, Any]:
    """Return the RayJob *name*, whose pods are made of *templates*."""
    made = manifest("ray.io/v1", "RayJob", name, labels, site)
    variables = [entry["name"] for entry in templates[HEAD]["spec"]["containers"][0].get("env", ())]
    # A commit that replaces this run by another must not kill it.
    made["metadata"]["annotations"] = dict(KEPT)
    made["spec"] = {
        "entrypoint": entrypoint([*spec.command, *spec.args], variables),
        "submissionMode": "K8sJobMode",
        "shutdownAfterJobFinishes": True,
        "backoffLimit": spec.retries,
        **({} if spec.deadline is None else {"activeDeadlineSeconds": whole_seconds(spec.deadline)}),
        "submitterPodTemplate": templates[SUBMITTER],
        "rayClusterSpec": {
            # No work on the head: it would be lost with the accelerators that the head does not have.
            "headGroupSpec": {"rayStartParams": {"num-cpus": "0"}, "template": templates[HEAD]},
            "workerGroupSpecs": [
                {
                    "groupName": "node",
                    "replicas": spec.nodes,
                    "minReplicas": spec.nodes,
                    "maxReplicas": spec.nodes,
                    "rayStartParams": {},
                    "template": templates[WORKER],
                }
            ],
        },
    }
    return made


def _references(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield the variables in the command that other backends set, and the head of a Ray cluster does not have."""
    fabric, source = fabric_of(spec, site), source_of(spec.backend)
    workers = frozenset(() if fabric is None else fabric.env) - spec.env.keys()
    for option, words in (("command", spec.command), ("args", spec.args)):
        for index, word in enumerate(words):
            for name in filter(None, REFERENCE.findall(word)):
                if name in spec.env or name not in {*OF_OTHERS, *workers}:
                    continue
                because = "backend= is a RayJob, whose nodes find each other by themselves, and it has no such variable"
                do = "leave it away: the program asks Ray who it is"
                if name in workers:
                    because = "backend= is a RayJob: the command runs on the head, and only the workers have the fabric"
                    do = f"leave it away, or set it in env={{{name!r}: ...}}"
                yield Breach("X11", f"{option}[{index}]", word, because, do, source)


def breaches(name: str, spec: TrainingSpec, site: Site, hashed: int, usual_codes: tuple[int, ...]) -> Iterator[Breach]:
    """Yield what a RayJob cannot do, where *hashed* characters of its name are the hash."""
    if broken := dns_label_1035(name, LONGEST - hashed):
        because = f"{broken} (a RayJob's name has at most {LONGEST}, of which {hashed} are a hash)"
        do = f"choose an id of at most {LONGEST - hashed} characters, such as pretrain"
        yield Breach("N09", "id", name, because, do)
    yield from _references(spec, site)
    source = source_of(spec.backend)
    for option, given in (("before", spec.before), ("after", spec.after)):
        if given:
            because = "backend= is a RayJob, which runs one program"
            yield Breach("X11", option, [step.name for step in given], because, "let the program do it", source)
    if tuple(spec.fatal_exit_codes) != usual_codes and spec.fatal_exit_codes:
        because = "backend= is a RayJob, whose operator does not look at exit codes"
        yield Breach("X11", "fatal_exit_codes", list(spec.fatal_exit_codes), because, "leave it away", source)
    metrics = spec.watch.metrics if isinstance(spec.watch, Watch) else None
    if metrics is not None:
        # KubeRay takes the ports of the head's container for all that there are, and reaches the program by others.
        because = "backend= is a RayJob, and a port of its own would hide those by which its operator reaches the head"
        do = "leave metrics= away; Ray tells its own on port 8080, which a PodMonitor of yours can read"
        yield Breach("X11", "watch.metrics.port", metrics.port, because, do, source_of(metrics))
