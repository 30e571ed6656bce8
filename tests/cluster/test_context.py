"""
Would a cluster accept what is in ``dist/``? It is asked by a dry run, which stores nothing.

``make cluster-dry-run CONTEXT=NAME`` asks the cluster of a context of your own kubeconfig, and does nothing else. Without
it, the tests' own cluster is asked, which shows that the asking works.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from environments import ENVIRONMENTS
from tests.cluster.api import wait_until
from tests.cluster.asking import DELIVERY, Answers, Done, Kubectl, ask, of_environment
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.crds import install
from tests.cluster.manifests import rendered
from tests.cluster.processes import Programs
from tests.cluster.programs import NEWEST, ROOT, built

WALKTHROUGH = of_environment("walkthrough")
WORKLOADS = {path: one for path, one in WALKTHROUGH.items() if not path.startswith(DELIVERY)}
JOB, DEPLOYMENT = (
    next(path for path, one in WORKLOADS.items() if one["kind"] == kind) for kind in ("Job", "Deployment")
)
RUN = WORKLOADS[JOB]["metadata"]["name"]
INVALID = f'The Job "{RUN}" is invalid: spec.parallelism: Invalid value: -1: must be greater than or equal to 0'
LEFT_OUT = (
    "  3 of dist/_delivery/ left out, for want of AppProject and Application: they are for the controller's cluster"
)
MADE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CONTEXT", "ENVIRONMENT", "PYTEST")
"""What this session's own make may have been told, and another one is not."""
NOT_THERE = "  namespace {} is not there: its objects were tried in default"


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Kubectl:
    """Return the client of the cluster that is asked."""
    context: str | None = request.config.getoption("--context")
    if context is not None:
        found = shutil.which("kubectl")
        if found is None:
            pytest.exit("--context needs kubectl on PATH, since it is kubectl that knows your kubeconfig", 1)
        client = Kubectl([found, f"--context={context}"])
        version = client.version()
        if version.returncode:
            pytest.exit(f"kubectl --context={context} reaches no cluster: {version.stderr.strip()}", 1)
        return client
    cluster: Cluster = request.getfixturevalue("cluster")
    install(cluster.api, rendered("prod"))
    return _client(cluster)


@pytest.mark.context
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_cluster_would_accept_every_object(
    kubectl: Kubectl, environment: str, observed: Callable[[str], None]
) -> None:
    """Its version, its definitions, its admission, and what is in it already."""
    objects = of_environment(environment)
    assert objects, f"there is nothing in dist/{environment}: run make synth"
    answers = ask(kubectl, objects)

    for line in answers.lines(environment):
        observed(line)
    if answers.refused:
        pytest.fail("\n".join([f"{environment}: {len(answers.refused)} refused", *answers.refused]), pytrace=False)


def test_a_dry_run_stores_nothing(cluster: Cluster, kubectl: Kubectl) -> None:
    """Nothing is there afterwards that was not there before."""
    objects = of_environment("prod")
    kinds = {(one["apiVersion"], one["kind"]) for one in objects.values()}

    before = _names(cluster, kinds)
    answers = ask(kubectl, objects)
    after = _names(cluster, kinds)

    assert answers.refused == []
    assert after - before == set()


@pytest.fixture(scope="module")
def bare(programs: Programs) -> Iterator[ControlPlane]:
    """Start an API server without any custom resource, in which rights and namespaces are these tests' own."""
    plane = ControlPlane(programs)
    yield plane
    plane.stop()


def test_what_is_refused_is_told_by_its_file(bare: ControlPlane) -> None:
    """Each object has a line, however many there are, and a definition that a workload needs is not left out."""
    objects = copy.deepcopy(WORKLOADS)
    objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]["heath"] = "/healthz"
    objects[JOB]["spec"]["parallelism"] = -1
    objects["dist/walkthrough/ml-train/jobset.yaml"] = {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": "ml-train", "namespace": "walkthrough"},
    }

    answers = ask(_client(bare), objects)

    assert answers.asked == 11
    assert answers.remarks == [NOT_THERE.format("walkthrough")]
    deployment, job, jobset = answers.refused
    assert deployment == (
        f'{DEPLOYMENT}: Deployment walkthrough/ml-model: error: error validating "STDIN":'
        " error validating data: ValidationError(Deployment.spec.template.spec.containers[0]):"
        ' unknown field "heath" in io.k8s.api.core.v1.Container;'
        " if you choose to ignore these errors, turn validation off with --validate=false"
    )
    assert job == f"{JOB}: Job walkthrough/{RUN}: {INVALID}"
    assert jobset == (
        "dist/walkthrough/ml-train/jobset.yaml: JobSet walkthrough/ml-train:"
        ' unable to recognize no matches for kind "JobSet" in version "jobset.x-k8s.io/v1alpha2"'
    )


def test_a_cluster_without_argocd_is_not_asked_about_its_objects(bare: ControlPlane) -> None:
    """They are for the cluster that the controller runs in, which may be another."""
    answers = ask(_client(bare), WALKTHROUGH)

    assert answers == Answers(10, [], [NOT_THERE.format("argocd"), NOT_THERE.format("walkthrough"), LEFT_OUT])
    assert answers.lines("walkthrough")[0] == "walkthrough, dry run: 10 of 10 objects would be accepted"


def test_a_namespace_that_may_not_be_looked_at_is_no_missing_one(bare: ControlPlane) -> None:
    """What it says is asked: a pod that breaks its standard is warned of."""
    _namespace(bare, "ml-dev")
    _may(bare, "applier", "create", "patch")
    objects = {path: one for path, one in of_environment("dev").items() if not path.startswith(DELIVERY)}
    path = "dist/dev/sentiment/deployment.yaml"
    wrong = copy.deepcopy(objects[path])
    wrong["spec"]["template"]["spec"]["hostNetwork"] = True

    accepted = ask(_client(bare, "--as=applier"), objects)
    warned = ask(_client(bare, "--as=applier"), {path: wrong})

    unseen = "  namespace ml-dev may not be looked at: its objects were tried in it as if it were there"
    assert accepted == Answers(25, [], [unseen])
    warning = 'Warning: would violate PodSecurity "restricted:latest": host namespaces (hostNetwork=true)'
    assert warned == Answers(1, [], [unseen, f"  {warning} (Deployment ml-dev/sentiment)"])


def test_what_is_printed_by_the_way_is_shown_and_fails_nothing(bare: ControlPlane, tmp_path: Path) -> None:
    """A plugin that logs in warns for every object, and is heard once; a refusal is told apart from it."""
    kubectl = Kubectl([_wrapper(tmp_path), *_client(bare).command[1:]], {"HOME": str(bare.folder)})
    wrong = copy.deepcopy(WORKLOADS[JOB])
    wrong["spec"]["parallelism"] = -1

    accepted = ask(kubectl, WORKLOADS)
    refused = ask(kubectl, {JOB: wrong})

    missing = NOT_THERE.format("walkthrough")
    assert accepted == Answers(10, [], [missing, "  plugin: log in again soon (Namespace walkthrough and 9 more)"])
    assert refused == Answers(
        1,
        [f"{JOB}: Job walkthrough/{RUN}: {INVALID}"],
        [missing, f"  plugin: log in again soon (Job walkthrough/{RUN})"],
    )


def test_make_asks_the_cluster_of_a_context_and_only_asks(bare: ControlPlane, tmp_path: Path) -> None:
    """With the user's kubectl and kubeconfig; who may only patch is told for each object that this is not enough."""
    wrapper = _wrapper(tmp_path)
    _may(bare, "patcher", "get", "patch")

    accepted = _make(bare, wrapper, "ENVIRONMENT=walkthrough")
    unknown = _make(bare, wrapper, "ENVIRONMENT=production")
    refused = _make(bare, wrapper, "PYTEST=-k walkthrough", user="patcher")

    shown = [NOT_THERE.format("argocd"), NOT_THERE.format("walkthrough"), LEFT_OUT]
    shown.append("  plugin: log in again soon (Namespace walkthrough and 12 more)")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert _observed(accepted) == ["walkthrough, dry run: 10 of 10 objects would be accepted", *shown]
    assert "ERROR: there is no environment 'production'; there are walkthrough, dev, staging, prod\n" in unknown.stderr
    assert refused.returncode != 0
    assert _observed(refused) == ["walkthrough, dry run: 0 of 10 objects would be accepted", *shown]
    lines = [line for line in refused.stdout.splitlines() if line.startswith("dist/")]
    assert [line.partition(": ")[0] for line in lines] == [*WORKLOADS]
    assert (
        f"{JOB}: Job walkthrough/{RUN}: Error from server (Forbidden):"
        f' jobs.batch "{RUN}" is forbidden: User "patcher" cannot create resource "jobs" in API group "batch"'
        ' in the namespace "default"'
    ) in lines
    calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert [call[:3] for call in calls if call[1] != "apply"] == 2 * [
        ["--context=tests", "version", "--output=json"],
        ["--context=tests", "get", "namespace"],
        ["--context=tests", "get", "namespace"],
    ]
    assert [call[:4] for call in calls if call[1] == "apply"] == 2 * (1 + 13) * [
        ["--context=tests", "apply", "--server-side", "--dry-run=server"]
    ]


def test_the_page_tells_how_to_ask_without_this_suite(bare: ControlPlane) -> None:
    """Both commands of the page are run as they stand, by a shell, in a cluster that has no such namespace."""
    page = (ROOT / "docs" / "cluster-tests.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ ((?:kubectl|find) .*(?:\n    .*)*)$", page, re.MULTILINE)
    there, moved = (command.replace("my-cluster", "tests") for command in commands)
    programs = built(f"kubernetes-{NEWEST}")["kubectl"].parent

    before, elsewhere = (_shell(command, programs, bare.kubeconfig("admin")) for command in (there, moved))
    _namespace(bare, "ml-prod")
    after = _shell(there, programs, bare.kubeconfig("admin"))

    objects = [*(ROOT / "dist" / "prod").rglob("*.yaml")]
    assert before.returncode == 1
    missing = 'Error from server (NotFound): namespaces "ml-prod" not found'
    assert before.stderr.splitlines() == [missing] * (len(objects) - 1)
    for done in (elsewhere, after):
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == len(objects)
    assert bare.api.all("apps/v1", "Deployment") == []


def _client(plane: ControlPlane, *words: str) -> Kubectl:
    program = built(f"kubernetes-{NEWEST}")["kubectl"]
    return Kubectl([program, f"--kubeconfig={plane.kubeconfig('admin')}", *words], {"HOME": str(plane.folder)})


def _wrapper(folder: Path) -> Path:
    """Write a kubectl that notes how it is called and, as a plugin for logging in may, talks by the way."""
    program = built(f"kubernetes-{NEWEST}")["kubectl"]
    script = folder / "kubectl"
    script.write_text(
        f'#!/bin/sh\necho "$*" >>{folder}/calls\necho "plugin: log in again soon" >&2\nexec {program} "$@"\n'
    )
    script.chmod(0o755)
    return script


def _make(plane: ControlPlane, wrapper: Path, *words: str, user: str = "") -> Done:
    """Run ``make cluster-dry-run`` as *user*, in a folder of its own for what kubectl finds."""
    config = json.loads(plane.kubeconfig("admin").read_text())
    config["users"][0]["user"]["as"] = user
    path = wrapper.with_name("kubeconfig")
    path.write_text(json.dumps(config))
    return _shell(shlex.join(["make", "cluster-dry-run", "CONTEXT=tests", *words]), wrapper.parent, path)


def _shell(command: str, programs: Path, kubeconfig: Path) -> Done:
    """Run *command* as a pipeline does, in which pytest says more than in a terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in MADE}
    settings = {
        **kept,
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(kubeconfig.with_name("cache")),
        "CI": "true",
        "PATH": f"{programs}{os.pathsep}{kept['PATH']}",
    }
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def _observed(done: Done) -> list[str]:
    """Return what a session showed as observed: all up to the next heading, or to the sum at the end."""
    lines = done.stdout.splitlines()
    start = next(index for index, line in enumerate(lines) if " observed =" in line) + 1
    return [line for line in itertools.takewhile(lambda line: not line.startswith("="), lines[start:]) if line]


def _namespace(plane: ControlPlane, name: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def _may(plane: ControlPlane, user: str, *verbs: str) -> None:
    """Let *user* do *verbs*, and nothing else, to everything."""
    group = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": user}}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": [*verbs]}]
    plane.api.create({**group, "kind": "ClusterRole", "rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
    plane.api.create({**group, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": subjects})
    wait_until(lambda: plane.api.may(user, verb=verbs[-1], group="*", resource="*"), what=f"{user} may {verbs[-1]}")


def _names(cluster: Cluster, kinds: set[tuple[str, str]]) -> set[tuple[str, str, str]]:
    return {
        (kind, one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for version, kind in kinds
        for one in cluster.api.all(version, kind)
    }
