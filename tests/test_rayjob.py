"""A TrainingJob as a RayJob: a Ray cluster of its own, whose head runs the command and whose workers do the work."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Accelerator,
    Checkpoint,
    Crd,
    Fabric,
    Flux,
    FluxPolicy,
    Gpu,
    HuggingFace,
    Metrics,
    Monitoring,
    Queue,
    RayJob,
    SecretKey,
    Step,
    Watch,
)
from modelyard.training.outcomes import outcomes
from tests.manifests import MISSING, at
from tests.project import MODELYARD
from tests.support import (
    IMAGE,
    cluster_with,
    delivered,
    environment,
    found,
    found_by,
    having,
    objects,
    trained,
    training,
)

CLUSTER = having(Crd.KUBERAY, Crd.KUEUE)
WATCHED = cluster_with(installed=[Crd.KUBERAY, Crd.PROMETHEUS_OPERATOR], monitoring=Monitoring("monitoring"))
FABRIC = cluster_with(
    installed=[Crd.KUBERAY],
    accelerators=[
        *CLUSTER.accelerators,
        Accelerator("h100", per_node=8, nodes=4, fabric=Fabric(env={"FI_PROVIDER": "efa"})),
    ],
)
STOCK: dict[str, Any] = {
    "nodes": 4,
    "command": ["python", "tune.py"],
    "backend": RayJob(),
    "accept": {"J18": "the cluster is for this training"},
}
HEAD = "spec.rayClusterSpec.headGroupSpec"
WORKERS = "spec.rayClusterSpec.workerGroupSpecs[0]"


def rendered(root: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training as a RayJob, with *options*, which nothing is found in."""
    return trained(root, cluster=CLUSTER, **{**STOCK, **options})


def test_the_command_runs_on_the_head_and_the_work_on_the_workers(tmp_path: Path) -> None:
    """The head has no accelerators, and Ray places nothing there."""
    job = rendered(tmp_path, args=["--lr", "0.1 or so"], retries=2)["RayJob/train"]

    assert {key: at(job, f"spec.{key}") for key in ("entrypoint", "backoffLimit", "activeDeadlineSeconds")} == {
        "entrypoint": "python tune.py --lr '0.1 or so'",
        "backoffLimit": 2,
        "activeDeadlineSeconds": 21600,
    }
    assert at(job, "spec.shutdownAfterJobFinishes") is True
    assert at(job, f"{HEAD}.rayStartParams") == {"num-cpus": "0"}
    head = at(job, f"{HEAD}.template.spec.containers[0].resources")
    assert head == {"requests": {"cpu": "2", "memory": "8Gi"}, "limits": {"memory": "8Gi"}}
    assert [at(job, f"{WORKERS}.{key}") for key in ("replicas", "minReplicas", "maxReplicas")] == [4, 4, 4]
    assert at(job, f"{WORKERS}.template.spec.containers[0].resources.limits.nvidia|com/gpu") == "2"
    for place in (f"{HEAD}.template", f"{WORKERS}.template", "spec.submitterPodTemplate"):
        container = at(job, f"{place}.spec.containers[0]")
        assert at(container, "command") == MISSING
        assert at(container, "securityContext.allowPrivilegeEscalation") is False
        assert "PET_MASTER_ADDR" not in [one["name"] for one in container["env"]]


def test_the_head_is_as_large_as_is_said(tmp_path: Path) -> None:
    """The options of the backend."""
    backend = RayJob(head_cpu=8, head_memory="32Gi", operator_namespace="ray-system")
    made = rendered(tmp_path, backend=backend)
    head = at(made["RayJob/train"], f"{HEAD}.template.spec.containers[0].resources.requests")

    assert head == {"cpu": "8", "memory": "32Gi"}
    assert at(made["NetworkPolicy/train"], "spec.ingress") == [
        {"from": [{"podSelector": {"matchLabels": {"app": "train"}}}]},
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ray-system"}}}],
            "ports": [{"protocol": "TCP", "port": 8265}],
        },
    ]


def test_it_waits_in_a_queue(tmp_path: Path) -> None:
    """And what Kueue writes in it is left alone."""
    flux = Flux("https://git.example/acme/models", policies=[FluxPolicy("RayJob", ssa="Merge")])
    scope = environment(tmp_path, cluster=CLUSTER, delivery=flux)
    training(scope, **{**STOCK, "accept": {}, "queue": Queue("research")})
    (ignored,) = delivered(scope)["Kustomization/ml-test"]["spec"]["ignore"]

    assert found(scope) == []
    assert at(objects(scope)["RayJob/train"], "metadata.labels.kueue|x-k8s|io/queue-name") == "research"
    assert ignored["paths"] == [
        "/spec/suspend",
        *(
            f"{place}/spec/{field}"
            for place in (
                "/spec/rayClusterSpec/headGroupSpec/template",
                "/spec/rayClusterSpec/workerGroupSpecs/0/template",
                "/spec/submitterPodTemplate",
            )
            for field in ("nodeSelector", "tolerations")
        ),
    ]


ARGV = "import json, sys; print(json.dumps(sys.argv[1:]))"
ODD = "a 'b' \"c\" $HOME `d` \\ e"
AWKWARD: list[Any] = [
    (
        ["--ckpt", "$(CHECKPOINT_DIR)", "--base=$(DATA_BASE)"],
        ["--ckpt", "s3://acme/p/test/train", "--base=/data/base"],
    ),
    (["$(TOKEN)|$(ODD)"], [f"t0|{ODD}"]),
    (
        ["$$(ODD)", "$(NOT_SET)", "$$", "$(", "$HOME", "$(date)"],
        ["$(ODD)", "$(NOT_SET)", "$", "$(", "$HOME", "$(date)"],
    ),
    (["a;b", "c|d", "e&f", "g>h", "i*j", "(k)", "#l", "!m", "~", "n\\o", "`p`"], None),
    (["it's", 'a "b" c', "", "two  spaces", "tab\there", "line\nline", "Gr\u00fc\u00dfe"], None),
    (["plain", "", "0.1 or so", "k=v", "x-y/z:1"], None),
]


def submitted(entrypoint: str, quote: Callable[[list[str]], str], env: dict[str, str]) -> list[str]:
    """Return the words that a program on the head gets: by kubelet, bash, *quote* of Ray, and sh with *env*."""
    assert "$(" not in entrypoint
    words = f"set -e; {shlex.quote(sys.executable)} -c {shlex.quote(ARGV)} {entrypoint} ;"
    read = subprocess.run(["/bin/bash", "-c", words], capture_output=True, text=True, check=True, timeout=60)
    text = quote(json.loads(read.stdout))
    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=True, timeout=60, env=env)
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("quote", [subprocess.list2cmdline, shlex.join])
@pytest.mark.parametrize(("args", "got"), AWKWARD)
def test_the_program_gets_the_words_as_they_are(
    tmp_path: Path, args: list[str], got: list[str] | None, quote: Callable[[list[str]], str]
) -> None:
    """With the variables of the head filled in, whichever way Ray quotes, which was that of Windows until of late."""
    program = tmp_path / "show"
    program.write_text(f"#!{sys.executable}\n{ARGV}\n")
    program.chmod(0o755)
    scope = environment(tmp_path, cluster=CLUSTER)
    env: Any = {"TOKEN": SecretKey("tokens", "hub"), "ODD": "not this"}
    data = {"base": HuggingFace("acme/base", revision="0" * 40)}
    options = {
        "command": [str(program)],
        "args": args,
        "env": env,
        "data": data,
        "checkpoint": Checkpoint("s3://acme/p"),
    }
    training(scope, **{**STOCK, **options})
    made = objects(scope)["RayJob/train"]
    head = {one["name"]: one.get("value") for one in at(made, f"{HEAD}.template.spec.containers[0].env")}
    there = {name: value for name, value in head.items() if value is not None}
    there |= {"TOKEN": "t0", "ODD": ODD, "PATH": os.environ["PATH"]}

    assert submitted(at(made, "spec.entrypoint"), quote, there) == (args if got is None else got)


@pytest.mark.parametrize(("password", "told"), [("Tr0ub4dor", 1), ("$(PASSWORD)", 0)])
def test_a_credential_in_the_command_is_found(tmp_path: Path, password: str, told: int) -> None:
    """Also among words that are given to the head as Python; a reference is none."""
    scope = environment(tmp_path, cluster=CLUSTER)
    args = ["a;b", "--password", password]
    training(scope, **{**STOCK, "args": args, "env": {"PASSWORD": SecretKey("db", "password")}})

    assert len(found_by(scope, "V18")) == told


def test_variables_are_read_on_the_head(tmp_path: Path) -> None:
    """What a shell cannot misread stays as it is, for people to read."""
    scope = environment(tmp_path, cluster=CLUSTER)
    training(scope, **{**STOCK, "args": ["--ckpt=$(CHECKPOINT_DIR)/x"], "checkpoint": Checkpoint("s3://acme/p")})

    assert at(objects(scope)["RayJob/train"], "spec.entrypoint") == (
        "python3 -c \"import os; words = ['python', 'tune.py', '--ckpt=' + os.environ['CHECKPOINT_DIR'] + '/x'];"
        ' os.execvp(words[0], words)"'
    )


def test_it_is_told_what_goes_wrong(tmp_path: Path) -> None:
    """Ray's own retries are the program's matter."""
    table = {one.when: one.then for one in outcomes(rendered(tmp_path, retries=1)["RayJob/train"])}

    again = "a new Ray cluster runs it again, once at most; then the RayJob fails"
    assert table == {
        "node of a worker drained or lost": "the pod is replaced; what that means, the program says to Ray",
        "node of the head drained or lost": (
            f"the program is lost with it, and submitted to a new head, 2 times at most; then {again}"
        ),
        "node of the submitter drained or lost": f"another pod follows the program, 2 times at most; then {again}",
        "a pod out of memory": "the same as when its node is lost; Ray ends single tasks before that",
        "any exit code but 0": again,
        "longer than 6 hours since the last start": "the RayJob fails, and its Ray cluster is deleted",
    }


PROGRAM = f"""
from modelyard import Cluster, Crd, Environment, Fleet, RayJob, TrainingJob, hours


def prod(fleet: Fleet) -> None:
    cluster = Cluster("main", kubernetes="1.35", installed=[Crd.KUBERAY])
    env = Environment(fleet, "prod", cluster=cluster, namespace="ml-prod")
    TrainingJob(env, "tune", image="{IMAGE}", command=["python", "tune.py"], backend=RayJob(), deadline=hours(6))


Fleet({{"prod": prod}}).synth()
"""


def test_the_command_line_tells_it(tmp_path: Path) -> None:
    """Of a RayJob, too, in which there is no Job."""
    (tmp_path / "main.py").write_text(PROGRAM)
    (tmp_path / "cdk8s.yaml").write_text("language: python\napp: python main.py\noutput: .modelyard/cdk8s\n")
    done = subprocess.run(
        [MODELYARD, "explain", "prod/tune"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["WHEN", "THEN"]
    assert [line.split("  ")[0] for line in lines[1:-1]] == [
        "node of a worker drained or lost",
        "node of the head drained or lost",
        "node of the submitter drained or lost",
        "a pod out of memory",
        "any exit code but 0",
        "longer than 6 hours since the last start",
    ]
    assert lines[-1] == "It runs as a RayJob: it is asked for (backend=)."


REFUSED: list[Any] = [
    (
        {"args": ["--rank", "$(PET_NODE_RANK)"]},
        "X11",
        (
            "args[1]='$(PET_NODE_RANK)' but backend= is a RayJob, whose nodes find each other by themselves, and it has no"
            " such variable; leave it away: the program asks Ray who it is"
        ),
    ),
    (
        {"gpu": Gpu("h100", 8), "args": [], "command": ["t", "$(FI_PROVIDER)"]},
        "X11",
        (
            "command[1]='$(FI_PROVIDER)' but backend= is a RayJob: the command runs on the head, and only the workers have"
            " the fabric; leave it away, or set it in env={'FI_PROVIDER': ...}"
        ),
    ),
    (
        {"after": [Step("register", ["r"])]},
        "X11",
        "after=['register'] but backend= is a RayJob, which runs one program; let the program do it",
    ),
    (
        {"fatal_exit_codes": [3]},
        "X11",
        "fatal_exit_codes=[3] but backend= is a RayJob, whose operator does not look at exit codes; leave it away",
    ),
    (
        {"watch": Watch(metrics=Metrics(8080))},
        "X11",
        (
            "watch.metrics.port=8080 but backend= is a RayJob, and a port of its own would hide those by which its operator"
            " reaches the head; leave metrics= away; Ray tells its own on port 8080, which a PodMonitor of yours can read"
        ),
    ),
    (
        {"backend": RayJob(head_memory="much")},
        "R01",
        (
            "backend.head_memory='much' but a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or "
            'none; write a number with a unit such as "500m" for CPU or "2Gi" for memory'
        ),
    ),
    (
        {"nodes": 33, "gpu": Gpu("l4", 1)},
        "R26",
        "",
    ),
]


@pytest.mark.parametrize(("options", "rule", "text"), REFUSED)
def test_what_a_rayjob_cannot_do(tmp_path: Path, options: dict[str, Any], rule: str, text: str) -> None:
    """It is refused in the user's own words."""
    scope = environment(tmp_path, cluster=WATCHED if "watch" in options else FABRIC if "args" in options else CLUSTER)
    training(scope, **{**STOCK, **options})
    (only,) = found_by(scope, rule)

    if rule == "R26":
        assert "there are up to 33 pods, and eks-test has room for 32" in only
    else:
        assert only == f"test/train: {text}"
