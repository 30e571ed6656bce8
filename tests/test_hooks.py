"""A training as a hook of Argo CD: what it is annotated with, what sees its change, and where it is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    ArgoCD,
    ArgoHook,
    Checkpoint,
    Claim,
    ConfigFiles,
    Crd,
    Environment,
    Flux,
    JobSet,
    Metrics,
    Monitoring,
    Queue,
    RayJob,
    Schedule,
    TrainingJob,
    Watch,
    hours,
    minutes,
)
from modelyard.plan.effects import effects
from modelyard.plan.fates import keepers
from modelyard.plan.fields import differences
from modelyard.plan.pairs import Pair
from modelyard.plan.trees import Doc
from modelyard.rules import changes
from modelyard.training.outcomes import outcomes
from tests.support import IMAGE, cluster_with, environment, found, having, objects, training

REPO = "https://git.example/acme/models"
HOOK, DELETE = "argocd.argoproj.io/hook", "argocd.argoproj.io/hook-delete-policy"
AT_HOOK = "metadata.annotations['argocd.argoproj.io/hook']"


def hooked(root: Path, *, site: dict[str, Any] | None = None, **options: Any) -> Environment:
    """Return an environment of Argo CD with one training, which is a hook."""
    scope = environment(root, **{"delivery": ArgoCD(REPO), **(site or {})})
    training(scope, **{"hook": ArgoHook(), "deadline": minutes(20), **options})
    return scope


def told(scope: Environment) -> list[str]:
    """Return the errors and warnings, by their rules."""
    return [f"{one.rule} {one.text}" for one in found(scope)]


@pytest.mark.parametrize(
    ("hook", "phase", "policy"),
    [
        (ArgoHook(), "PostSync", "BeforeHookCreation"),
        (ArgoHook("Sync"), "Sync", "BeforeHookCreation"),
        (ArgoHook("SyncFail"), "SyncFail", "BeforeHookCreation"),
        (ArgoHook(delete="HookSucceeded"), "PostSync", "BeforeHookCreation,HookSucceeded"),
        (ArgoHook(delete="HookFailed"), "PostSync", "BeforeHookCreation,HookFailed"),
    ],
)
def test_what_argo_cd_reads(tmp_path: Path, hook: ArgoHook, phase: str, policy: str) -> None:
    """The Job has its plain name, and what is left of the last run goes first."""
    job = objects(hooked(tmp_path, hook=hook))["Job/train"]
    assert job["metadata"]["name"] == "train"
    assert job["metadata"]["annotations"] == {HOOK: phase, DELETE: policy}
    assert job["spec"]["activeDeadlineSeconds"] == 1200
    assert told(hooked(tmp_path, hook=hook)) == []


def test_a_change_of_it_alone_is_synced(tmp_path: Path) -> None:
    """Its NetworkPolicy, which Argo CD compares, changes with it; also where a patch changed it."""
    plain = hooked(tmp_path)
    again = hooked(tmp_path)
    other = hooked(tmp_path, image=IMAGE.replace("1.4.2", "1.4.3"))
    patched = hooked(tmp_path)
    (workload,) = patched.workloads
    workload.add_json_patch("Job", {"op": "replace", "path": "/spec/backoffLimit", "value": 4})
    marks = [
        objects(one)["NetworkPolicy/train"]["metadata"]["annotations"]["modelyard.dev/hook"]
        for one in (plain, again, other, patched)
    ]
    assert marks[0] == marks[1]
    assert len(set(marks)) == 3


def test_what_its_pods_need_goes_with_it(tmp_path: Path) -> None:
    """No run of it outlives its sync, so account and policy are not kept."""
    rendered = objects(hooked(tmp_path))
    assert "annotations" not in rendered["ServiceAccount/train"]["metadata"]
    assert list(rendered["NetworkPolicy/train"]["metadata"]["annotations"]) == ["modelyard.dev/hook"]


def test_several_nodes_are_a_job(tmp_path: Path) -> None:
    """Argo CD knows no health of a JobSet, so it would not wait for one."""
    scope = hooked(tmp_path, site={"cluster": having(Crd.JOBSET)}, nodes=2)
    assert {key.partition("/")[0] for key in objects(scope)} >= {"Job", "Service"}
    (workload,) = scope.workloads
    assert workload.reason() == "It runs as a Job: it is a hook, and Argo CD sees when a Job ends."


def test_each_run_begins_anew(tmp_path: Path) -> None:
    """All Jobs of a hook are called the same, so what tells them apart is part of the place."""
    scope = hooked(tmp_path, checkpoint=Checkpoint("s3://acme-checkpoints"))
    env = objects(scope)["Job/train"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [one for one in env if one["name"] in {"JOB_UID", "CHECKPOINT_DIR"}] == [
        {
            "name": "JOB_UID",
            "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/controller-uid']"}},
        },
        {"name": "CHECKPOINT_DIR", "value": "s3://acme-checkpoints/test/train/$(JOB_UID)"},
    ]
    named = hooked(tmp_path, checkpoint=Checkpoint("s3://acme-checkpoints", run="v1"))
    env = objects(named)["Job/train"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [one["value"] for one in env if one["name"] == "CHECKPOINT_DIR"] == ["s3://acme-checkpoints/test/train/v1"]
    assert [one["name"] for one in env if one["name"] == "JOB_UID"] == []


LEAVE = "leave hook= away, and it runs once for each content"
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "no delivery": ({"delivery": None}, {}, [
        ("G01 test/train: hook='PostSync' but the environment names no delivery, and only Argo CD knows hooks; "
        f"write Environment(..., delivery=ArgoCD(...)), or {LEAVE}"),
    ]),
    "Flux": ({"delivery": Flux(REPO)}, {}, [
        ("G01 test/train: hook='PostSync' but Flux brings the environment into its cluster, and knows no hooks; "
        f"{LEAVE}"),
    ]),
    "schedule": ({}, {"schedule": Schedule("30 3 * * *")}, [
        ("X11 test/train: hook='PostSync' but schedule= is given too, and a training has one of the two to start it; "
        "keep one"),
    ]),
    "no deadline": ({}, {"deadline": None}, [
        ("G15 test/train: hook='PostSync' but the sync waits until it ends, and nothing else is synced meanwhile; "
        "say the longest that a sync may wait, such as deadline=minutes(20)"),
    ]),
    "queue": ({"cluster": having(Crd.KUEUE)}, {"queue": Queue("research")}, [
        ("J22 test/train: hook='PostSync' but it waits in the queue research, and the sync with it; leave hook= away, "
        "or queue="),
    ]),
    "JobSet": ({"cluster": having(Crd.JOBSET)}, {"backend": JobSet()}, [
        ("X11 test/train: backend='JobSet' but hook= is given too: Argo CD does not see when a JobSet ends, and would "
        "not wait for it; leave backend= away"),
    ]),
    "RayJob": ({"cluster": having(Crd.KUBERAY)}, {"backend": RayJob()}, [
        ("X11 test/train: backend='RayJob' but hook= is given too: Argo CD does not see when a RayJob ends, and would "
        "not wait for it; leave backend= away"),
    ]),
    "former runs": ({}, {"keep_runs": 1}, [
        "X11 test/train: keep_runs=1 but each run of a hook takes the place of the last one; leave keep_runs= away",
    ]),
    "before all else": ({}, {
        "hook": ArgoHook("PreSync"), "config": ConfigFiles("/etc/train", {"a": "b"}),
        "volumes": [Claim("data", "/data", size="1Gi", access_mode="ReadWriteMany", storage_class="efs")], "nodes": 2,
        "accept": {"J18": "the cluster is empty"},
    }, [
        ("X11 test/train: hook='PreSync' but what is not applied yet cannot be used: its ServiceAccount, config=, a new "
        'claim, the Service of nodes=; write ArgoHook("Sync"), or refer to what exists already, as by service_account='),
    ]),
    "no such phase": ({}, {"hook": ArgoHook("PostDelete")}, [  # type: ignore[arg-type] # which is what is tested
        ("X11 test/train: hook.phase='PostDelete' but it must be 'PreSync' or 'Sync' or 'PostSync' or 'SyncFail'; pass "
        "'PreSync' or 'Sync' or 'PostSync' or 'SyncFail'"),
    ]),
    "a variable of its own": ({}, {"checkpoint": Checkpoint("s3://acme-checkpoints"), "env": {"JOB_UID": "1"}}, [
        ("N22 test/train: env['JOB_UID'] but with hook= the place of the checkpoint depends on it; leave the variable "
        "away"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_hook(tmp_path: Path, case: str) -> None:
    """What no sync could wait for, or what nothing would run."""
    site, options, texts = REFUSED[case]
    assert told(hooked(tmp_path, site=site, **options)) == texts


def test_before_all_else_with_what_exists(tmp_path: Path) -> None:
    """A hook that needs nothing of the sync can go before it."""
    scope = hooked(tmp_path, hook=ArgoHook("PreSync"), service_account="runner")
    assert objects(scope)["Job/train"]["metadata"]["annotations"][HOOK] == "PreSync"


def test_who_is_told_when_it_fails(tmp_path: Path) -> None:
    """Its Job has one name, and that one failed a day ago as well does not hide it."""
    cluster = cluster_with(installed=[Crd.PROMETHEUS_OPERATOR], monitoring=Monitoring("monitoring"))
    (group,) = objects(hooked(tmp_path, site={"cluster": cluster}))["PrometheusRule/train"]["spec"]["groups"]
    failed = group["rules"][0]
    assert failed["alert"] == "TrainingFailed"
    assert failed["expr"] == 'kube_job_failed{namespace="ml-test",job_name=~"train",condition="true"} == 1'
    assert "for" not in failed


@pytest.mark.parametrize(("nodes", "own"), [(1, "train-x2v8k"), (2, "train-1-x2v8k")])
def test_nobody_is_told_of_the_pods_of_others(tmp_path: Path, nodes: int, own: str) -> None:
    """Its pods are called by a plain name, with which the names of other workloads may begin."""
    cluster = cluster_with(installed=[Crd.PROMETHEUS_OPERATOR], monitoring=Monitoring("monitoring"))
    saved = Checkpoint("gs://acme-checkpoints", every=minutes(5), metric="train_saved")
    options: dict[str, Any] = {"nodes": nodes, "checkpoint": saved, "watch": Watch(metrics=Metrics(9400))}
    rendered = objects(hooked(tmp_path, site={"cluster": cluster}, **options))
    watching = f"{rendered['PrometheusRule/train']['spec']} {rendered['ConfigMap/train-dashboard']['data']}"
    patterns = set(re.findall(r'(?<!exported_)pod=~\\*"([^"\\]*)', watching))
    index = "" if nodes == 1 else "-[0-9]+"
    assert patterns == {f"train{index}-[bcdfghjklmnpqrstvwxz2456789]{{5}}"}
    (pattern,) = patterns
    assert re.fullmatch(pattern, own)
    others = ("train-api-6d4cf56db6-x2v8k", "train-big-x2v8k", "train-big-0-x2v8k", "train-0a1b2c3d-x2v8k")
    assert not any(re.fullmatch(pattern, other) for other in others)


def test_its_name_may_be_longer(tmp_path: Path) -> None:
    """No hash is added."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    options: dict[str, Any] = {"image": IMAGE, "command": ["true"], "deadline": hours(1), "hook": ArgoHook()}
    TrainingJob(scope, "a" * 63, **options)
    assert told(scope) == []
    TrainingJob(scope, "b" * 64, **options)
    assert told(scope) == [
        (
            f"N03 test/{'b' * 64}: id='{'b' * 55}...' but a name has at most 63 characters here and this one has 64 (its pods "
            "carry it as a label); choose an id of at most 63 characters, such as churn-train"
        )
    ]


@pytest.mark.parametrize(
    ("phase", "because"),
    [
        ("PostSync", "a sync of several steps waits until it has ended, and fails once it has failed"),
        ("Sync", "a sync that waits for a hook fails once it has failed"),
        ("SyncFail", None),
    ],
)
def test_beside_other_trainings(tmp_path: Path, phase: Any, because: str | None) -> None:
    """A sync that waits for the one looks at the others as well; after a failed sync nobody waits."""
    scope = hooked(tmp_path, hook=ArgoHook(phase))
    TrainingJob(scope, "other", image=IMAGE, command=["true"], deadline=hours(1))
    name = objects(hooked_alone(tmp_path))["Job/other"]["metadata"]["name"]
    expected = [] if because is None else [
        (f"G03 test/train: Job train {AT_HOOK}='{phase}' but Job {name} is no hook, and {because}; remove the hook, or "
        "let the two be in environments of their own")
    ]  # fmt: skip
    assert told(scope) == expected


def hooked_alone(root: Path) -> Environment:
    """Return an environment with the other training alone."""
    scope = environment(root, delivery=ArgoCD(REPO))
    TrainingJob(scope, "other", image=IMAGE, command=["true"], deadline=hours(1))
    return scope


def test_a_hook_by_patch_is_no_declared_one(tmp_path: Path) -> None:
    """Nothing that is compared changes with it."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    plain = training(scope)
    plain.add_json_patch(
        "Job", {"op": "add", "path": "/metadata/annotations/argocd.argoproj.io~1hook", "value": "Sync"}
    )
    assert [one.rule for one in found(scope)] == ["G01"]


def test_what_a_change_of_it_does(tmp_path: Path) -> None:
    """The API server does not refuse it, since the Job of the last sync is deleted; the next sync runs the new one."""
    old = objects(hooked(tmp_path))["Job/train"]
    new = objects(hooked(tmp_path, args=["--epochs=3"]))["Job/train"]
    assert list(changes(old, new)) == []
    docs = [Doc("test/train/job.yaml", one) for one in (old, new)]
    pair = Pair(old=docs[0], new=docs[1], fields=tuple(differences(old, new)))
    assert [one.text for one in effects(pair, frozenset({"Argo CD"}), with_workload=False)] == [
        "the next sync runs it so (PostSync), and waits: spec.template.spec.containers[name=trainer].args"
    ]
    assert [one.text for one in effects(Pair(new=docs[1]), frozenset({"Argo CD"}), with_workload=True)] == [
        "Job train runs with every sync (PostSync), which waits until it ends"
    ]
    assert keepers(new) == {"Argo CD"}


def test_what_explain_tells(tmp_path: Path) -> None:
    """Also what becomes of the sync."""
    job = objects(hooked(tmp_path))["Job/train"]
    assert [(one.when, one.then) for one in outcomes(job)][-2:] == [
        ("as long as it runs", "the sync of Argo CD waits (PostSync), and nothing else is synced"),
        ("the Job fails", "the sync fails; Argo CD tries it again, up to 5 times, and runs this each time"),
    ]
