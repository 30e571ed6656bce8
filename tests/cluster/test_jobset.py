"""JobSet's own controller and webhooks: what they refuse, and what becomes of a training that is rendered as a JobSet."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from modelyard import Accelerator, Crd, Gpu, Step, TrainingJob, hours
from modelyard import Cluster as Claimed
from modelyard.training.outcomes import decision
from tests.cluster import jobsets
from tests.cluster.api import Api, ApiError, condition
from tests.cluster.cluster import Cluster
from tests.cluster.differential.ours import broken
from tests.cluster.manifests import apply
from tests.cluster.objects import ended, name, runs
from tests.cluster.operators import JOB_SET
from tests.cluster.programs import NEWEST
from tests.cluster.rendezvous import published, variables, waits
from tests.rules.patches import Operation, put, remove
from tests.rules.test_s import FATAL, FREE, JOBS, POD, SET, depends, rules
from tests.rules.test_s_claims import policy
from tests.support import IMAGE, environment, objects

Observed = Callable[[str], None]
Manifest = dict[str, Any]
NUMBERS = itertools.count()
"""A namespace that is taken away goes on being there for a while."""
LABEL = "jobset.sigs.k8s.io"
POOL = Claimed(
    "sets",
    kubernetes=NEWEST,
    installed=[Crd.JOBSET],
    accelerators=[Accelerator("b200", per_node=2, nodes=3, node_selector={"accelerator": "b200"})],
)
REFUSED: dict[str, tuple[Sequence[Operation], str]] = {
    "N06": ([put("/metadata/name", "4nodes")], "a DNS-1035 label must consist of lower case alphanumeric characters"),
    "N07": ([put("/metadata/name", "a" * 46)], "will exceed 63 characters"),
    "N13": ([rules(FREE, FREE)], "rule names are not unique"),
    "S01": ([depends(0, "node")], "prepare cannot depend on replicatedJob: node"),
    "S02": ([rules({"name": "a", "action": "FailJobSet", "onJobFailureReasons": ["OOMKilled"]})], "OOMKilled"),
    "S04": ([remove(f"{JOBS}/0"), put("/spec/failurePolicy/restartStrategy", "InPlaceRestart")], "backoffLimit"),
    "S05": ([put("/spec/coordinator", {"replicatedJob": "nod"})], "nod"),
    "S06": ([put("/spec/volumeClaimPolicies", [policy()])], "don't have a matching volumeMount: data"),
    "S08": ([put(f"{JOBS}/0/replicas", 3), put(f"{JOBS}/0/template/spec/parallelism", 2**30)], "2147483647"),
}
"""What breaks a rule, and what the webhook says to it."""


def job_set(*operations: Operation, namespace: str = "default") -> Manifest:
    """Return the set of the rules' tests, patched."""
    made: Manifest = jsonpatch.apply_patch(copy.deepcopy(SET), [dict(one) for one in operations])
    made["metadata"]["namespace"] = namespace
    return made


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Api:
    """Start JobSet in the cluster; it ends with it."""
    JOB_SET.start(cluster)
    return cluster.api


@pytest.mark.parametrize("rule", REFUSED)
def test_its_webhook_refuses(api: Api, tmp_path: Path, rule: str, observed: Observed) -> None:
    """What its definition takes, and modelyard refuses first."""
    operations, words = REFUSED[rule]
    manifest = job_set(*operations)
    ours = broken(environment(tmp_path, cluster=POOL).site, manifest)
    assert rule in {one.rule for one in ours if one.error}
    with pytest.raises(ApiError) as refused:
        api.create(manifest, dry_run=True)
    observed(f"{rule}: {refused.value.message[:300]}")
    assert words in refused.value.message


def test_its_webhook_takes_what_is_right(api: Api) -> None:
    """The same set, unpatched."""
    api.create(job_set(), dry_run=True)


def test_pods_that_do_not_say_how_they_restart_do_so_in_place(api: Api, observed: Observed) -> None:
    """The webhook writes it for them."""
    made = api.create(job_set(remove(f"{JOBS}/0/{POD}/restartPolicy")), dry_run=True)
    written = [one["template"]["spec"]["template"]["spec"]["restartPolicy"] for one in made["spec"]["replicatedJobs"]]
    observed(f"S07: restartPolicy is {written[0]} where nothing is said, and {written[1]} where that is said")
    assert written == ["OnFailure", "Never"]


def test_what_cannot_work_is_started_again_without_being_counted(
    cluster: Cluster, api: Api, observed: Observed
) -> None:
    """A rule that takes an exit code for a lost node."""
    made = job_set(
        put("/spec/failurePolicy", {"maxRestarts": 1}), rules(FREE), remove(f"{JOBS}/0"),
        put(f"{JOBS}/0/template/spec/podFailurePolicy/rules/0", FATAL), namespace="free",
    )  # fmt: skip
    with cluster.nodes(POOL), cluster.cleared("free"), cluster.without(made):
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "free"}})
        api.create(made)
        for attempt in (0, 1):
            cluster.exits(_pods(api, "free", 1, attempt)[0], 2)
        _pods(api, "free", 1, 2)
        status = api.current(made)["status"]
    observed(f"S03: restarts={status['restarts']} of maxRestarts=1, counted={status.get('restartsCountTowardsMax', 0)}")
    assert (status["restarts"], status.get("restartsCountTowardsMax", 0)) == (2, 0)


@pytest.fixture
def training(cluster: Cluster, api: Api, tmp_path: Path) -> Iterator[Manifest]:
    """Have a training on three nodes with a step after it."""
    namespace = f"operated-{next(NUMBERS)}"
    env = environment(tmp_path, cluster=POOL, namespace=namespace)
    TrainingJob(
        env, "train", image=IMAGE, command=["torchrun", "train.py"], nodes=3, gpu=Gpu("b200", 2), retries=2,
        deadline=hours(1), after=[Step("register", ["python", "register.py"])], accept={"J18": "a test"},
    )  # fmt: skip
    made = objects(env)
    # What makes Jobs goes before them.
    with cluster.nodes(POOL), cluster.cleared(namespace), cluster.without(made["JobSet/train"]):
        apply(api, list(made.values()))
        yield made["JobSet/train"]


def test_the_pods_of_a_set_find_each_other(api: Api, training: Manifest, observed: Observed) -> None:
    """By the names, the variables and the Service that the controller gives them; a step waits until they are done."""
    namespace, called = training["metadata"]["namespace"], name(training)
    pods = _pods(api, namespace, 3, 0)
    slices = api.until(
        lambda found: len(published(called, namespace, found)) == len(pods),
        "discovery.k8s.io/v1", "EndpointSlice", namespace, what="names of all pods",
    )  # fmt: skip
    names = published(called, namespace, slices)
    given = {name(one): variables(one, one["spec"]["containers"][0]) for one in pods}
    (address,) = {one["PET_MASTER_ADDR"] for one in given.values()}
    jobs = sorted(name(one) for one in api.all("batch/v1", "Job", namespace))

    observed(f"JobSet: Jobs {' '.join(jobs)} of {called}; every pod asks for {address}, which is the pod of rank 0")
    assert jobs == [f"{called}-node-0"]
    assert address == f"{called}-node-0-0.{called}.{namespace}.svc"
    assert given[names[address]]["PET_NODE_RANK"] == "0"
    assert sorted(one["PET_NODE_RANK"] for one in given.values()) == ["0", "1", "2"]
    assert [waits(one, names).returncode for one in pods] == [0, 0, 0]


def test_the_controller_makes_what_the_other_tests_take_it_to_make(api: Api, training: Manifest) -> None:
    """Their Jobs and Service are compared with its own."""
    namespace = training["metadata"]["namespace"]
    _pods(api, namespace, 3, 0)
    ours, theirs = jobsets.jobs(training)[0], api.current({**jobsets.jobs(training)[0]})
    pod, real = ours["spec"]["template"], theirs["spec"]["template"]
    service = jobsets.service(training)
    found = api.current(service)["spec"]

    assert real["spec"]["subdomain"] == pod["spec"]["subdomain"]
    assert pod["metadata"]["labels"].items() <= real["metadata"]["labels"].items()
    assert ours["metadata"]["labels"].items() <= theirs["metadata"]["labels"].items()
    assert {key: found.get(key) for key in service["spec"]} == service["spec"]


@pytest.mark.parametrize("end", [2, 1, "drain"])
def test_a_set_ends_or_begins_again_as_we_say(
    cluster: Cluster, api: Api, training: Manifest, observed: Observed, end: int | str
) -> None:
    """What ``modelyard explain`` says of a failure is what the controller does."""
    namespace = training["metadata"]["namespace"]
    first = _pods(api, namespace, 3, 0)
    if isinstance(end, int):
        cluster.exits(first[0], end)
    else:
        api.evict(first[0])
    seen = api.until_one(
        lambda one: ended(one) or one.get("status", {}).get("restarts"), training, what="what becomes of the set"
    )
    status = seen["status"]
    again = _pods(api, namespace, 3, 1) if status.get("restarts") else []
    failed = condition(seen, "Failed")
    reason, message = {
        2: ("PodFailurePolicy", "failed with exit code 2 matching FailJob rule at index 1"),
        1: ("BackoffLimitExceeded", "Job has reached the specified backoff limit"),
        "drain": ("PodFailurePolicy", "has condition DisruptionTarget matching FailJob rule at index 0"),
    }[end]
    ours = decision(training["spec"], "node", reason, message)
    counts = status.get("restarts", 0), status.get("restartsCountTowardsMax", 0)

    observed(f"JobSet, {end}: restarts={counts[0]} counted={counts[1]} {failed.get('reason', '')}; we say: {ours}")
    assert counts == {2: (0, 0), 1: (1, 1), "drain": (1, 0)}[end]
    assert bool(failed) == (end == 2)  # the exit code that no retry helps
    assert not {one["metadata"]["uid"] for one in again} & {one["metadata"]["uid"] for one in first}


def _pods(api: Api, namespace: str, count: int, attempt: int) -> list[Manifest]:
    """Wait for *count* running pods of a set after it has been started *attempt* times again."""
    found = api.until(
        lambda pods: sum(map(runs, pods)) == count,
        "v1", "Pod", namespace, labels=f"{LABEL}/restart-attempt={attempt}", what=f"the pods of attempt {attempt}",
    )  # fmt: skip
    return [one for one in found if runs(one)]
