"""What a change does in the cluster, in the words of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard import Crd, Environment, Fleet, Gpu, TrainJob
from modelyard.plan.devices import asked
from modelyard.plan.model import Range
from modelyard.render.engine import Request, synthesize
from tests.plan.trees import ARGO, FLUX, KEPT, Manifest, deployment, edited, one, planned, told
from tests.support import cluster_with, training

IMAGE = ("spec", "template", "spec", "containers", 0, "image")
YES = True
ROLLS = "rolling update, new pods ready before old ones end: "
DEPLOYMENT = deployment()
FIXED = deployment(replicas=3)
TEMPLATE = {"spec": {"containers": [{"name": "trainer", "image": "acme/train:1"}]}}
JOB = one("Job", "tune-11111111", {"template": TEMPLATE}, version="batch/v1", annotations=KEPT)
KUEUE = "kueue.x-k8s.io/"
WAITING = {
    **JOB,
    "metadata": {**JOB["metadata"], "labels": {f"{KUEUE}queue-name": "a", f"{KUEUE}priority-class": "low"}},
}
CRON = one("CronJob", "tune", {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}})
HPA = one("HorizontalPodAutoscaler", "api", {"minReplicas": 3, "maxReplicas": 20, "scaleTargetRef": {"name": "api"}})
KEDA = one("ScaledObject", "api", {"minReplicaCount": 1, "maxReplicaCount": 4, "scaleTargetRef": {"name": "api"}})
CLAIM = one("PersistentVolumeClaim", "data", {"resources": {"requests": {"storage": "1Ti"}}, "storageClassName": "a"})
SIZE = ("spec", "resources", "requests", "storage")
CONFIG = {**one("ConfigMap", "settings"), "data": {"a.yaml": "a: 1\n"}}
BOARD = {**one("ConfigMap", "api-dashboard"), "data": {"api.json": '{\n "uid": "modelyard-1",\n "panels": []}'}}
SERVICE = one("Service", "api", {"selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": "http"}]})
STATEFUL = one("StatefulSet", "api", {"template": TEMPLATE, "replicas": 2})


def tracked(strategy: Any, gpus: int = 0, **spec: Any) -> dict[str, Any]:
    """Return the Rollout api, whose pods are those of the Deployment api."""
    pods = deployment(gpus=gpus)["spec"]["template"]
    return one("Rollout", "api", {"template": pods, "strategy": strategy, **spec}, version="argoproj.io/v1alpha1")


POOL = one("InferencePool", "api", {"endpointPickerRef": {"name": "epp", "failureMode": "FailOpen"}})
STEPS = tracked({"canary": {"steps": [{"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 50}]}})
BY_HAND = tracked({"canary": {"steps": [{"setWeight": 10}, {"pause": {}}]}})
GREEN = tracked({"blueGreen": {"activeService": "api"}})
LATER = tracked({"blueGreen": {"activeService": "api", "autoPromotionSeconds": 300}})
PROMOTED = tracked({"blueGreen": {"activeService": "api", "autoPromotionEnabled": False}})
NAMESPACE = one("Namespace", "ml", labels={"pod-security.kubernetes.io/enforce": "baseline"})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (DEPLOYMENT, edited(DEPLOYMENT, "acme/api:2.0", *IMAGE), [
            f"caution rolling-update: {ROLLS}containers[name=model].image 1.0 -> 2.0",
        ]),
        (DEPLOYMENT, edited(DEPLOYMENT, {"app": "api", "a": "b"}, "spec", "template", "metadata", "labels"), [
            f"caution rolling-update: {ROLLS}template.metadata.labels.a",
        ]),
        (edited(FIXED, "Recreate", "spec", "strategy", "type"),
         edited(edited(FIXED, "acme/api:2.0", *IMAGE), "Recreate", "spec", "strategy", "type"), [
            ("danger recreate: all pods end before new ones start (Recreate), so it is away meanwhile:"
            " containers[name=model].image 1.0 -> 2.0"),
        ]),
        (deployment(replicas=1, strategy={"rollingUpdate": {"maxUnavailable": 1}}),
         edited(deployment(replicas=1, strategy={"rollingUpdate": {"maxUnavailable": 1}}), "acme/api:2.0", *IMAGE), [
            ("danger rolling-update: its one pod ends before the new one is ready, so it is away meanwhile:"
            " containers[name=model].image 1.0 -> 2.0"),
        ]),
        (deployment(replicas=8, strategy={}), edited(deployment(replicas=8, strategy={}), "acme/api:2.0", *IMAGE), [
            ("caution rolling-update: rolling update, up to 25% of its pods away at a time:"
            " containers[name=model].image 1.0 -> 2.0"),
        ]),
        (FIXED, edited(FIXED, 5, "spec", "replicas"), ["caution replicas: replicas 3 -> 5"]),
        (FIXED, edited(FIXED, 0, "spec", "replicas"), ["danger replicas: replicas 3 -> 0: no pod is left"]),
        (DEPLOYMENT, FIXED, ["caution replicas: git owns the replicas from now on: 3"]),
        (FIXED, DEPLOYMENT, [
            ("danger replicas-handed-over: git held 3, and the number falls to 1 until the autoscaler has looked;"
            """ run before the merge: echo '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api"},"""
            """"spec":{"replicas":3}}' | kubectl -n ml apply --server-side --field-manager=handover -f -"""),
        ]),
        (deployment(replicas=1), DEPLOYMENT, [
            "note replicas-handed-over: an autoscaler owns the replicas from now on",
        ]),
        (DEPLOYMENT, edited(DEPLOYMENT, 3, "spec", "revisionHistoryLimit"), [
            "note settings: no pod restarts for spec.revisionHistoryLimit",
        ]),
        (DEPLOYMENT, edited(DEPLOYMENT, {"a": "b"}, "metadata", "labels"), ["note labels: only metadata.labels"]),
        (DEPLOYMENT, edited(DEPLOYMENT, {"app": "other"}, "spec", "selector", "matchLabels"), [
            ("danger refused: refused by the API server: spec.selector: the API server lets nobody change it in a"
            " Deployment; keep it, or give the workload a new name; to keep the name, accept G14 and run"
            " kubectl -n ml delete deployment api --cascade=orphan just before the merge"),
        ]),
        (POOL, edited(POOL, "FailClose", "spec", "endpointPickerRef", "failureMode"), [
            "caution traffic-moves: traffic from outside takes another way: spec.endpointPickerRef.failureMode",
        ]),
        (STEPS, edited(STEPS, "acme/api:2.0", *IMAGE), [
            "caution canary: canary of 10, 50 percent, then all: containers[name=model].image 1.0 -> 2.0",
        ]),
        (BY_HAND, edited(BY_HAND, "acme/api:2.0", *IMAGE), [
            ("caution canary: canary of 10 percent, then all, and it waits for somebody to promote it:"
            " containers[name=model].image 1.0 -> 2.0"),
        ]),
        (tracked({"canary": {}}), edited(tracked({"canary": {}}), "acme/api:2.0", *IMAGE), [
            "caution canary: rolling update by Argo Rollouts: containers[name=model].image 1.0 -> 2.0",
        ]),
        (GREEN, edited(GREEN, "acme/api:2.0", *IMAGE), [
            ("caution blue-green: new pods beside all old ones (blue-green), which get the requests as soon as they are"
            " ready: containers[name=model].image 1.0 -> 2.0"),
        ]),
        (LATER, edited(LATER, "acme/api:2.0", *IMAGE), [
            ("caution blue-green: new pods beside all old ones (blue-green), which get the requests 300 seconds after they"
            " are ready: containers[name=model].image 1.0 -> 2.0"),
        ]),
        (PROMOTED, edited(PROMOTED, "acme/api:2.0", *IMAGE), [
            ("caution blue-green: new pods beside all old ones (blue-green), which get the requests when somebody promotes"
            " them: containers[name=model].image 1.0 -> 2.0"),
        ]),
        (STEPS, edited(STEPS, 20, "spec", "strategy", "canary", "steps", 0, "setWeight"), [
            "note settings: no pod restarts for spec.strategy.canary.steps[0].setWeight",
        ]),
        (tracked({"canary": {}}, replicas=3), tracked({"canary": {}}), [
            ("danger replicas-handed-over: git held 3, and the number falls to 1 until the autoscaler has looked;"
            """ run before the merge: echo '{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"""
            """"api"},"spec":{"replicas":3}}' | kubectl -n ml apply --server-side --field-manager=handover -f -"""),
        ]),
        (STATEFUL, edited(STATEFUL, "acme/train:2", *IMAGE), [
            "caution rolling-update: pods restart one after another: containers[name=trainer].image 1 -> 2",
        ]),
        (edited(STATEFUL, "OnDelete", "spec", "updateStrategy", "type"),
         edited(edited(STATEFUL, "acme/train:2", *IMAGE), "OnDelete", "spec", "updateStrategy", "type"), [
            "caution on-delete: pods change when somebody deletes them (OnDelete): containers[name=trainer].image 1 -> 2",
        ]),
        (JOB, edited(JOB, "acme/train:2", *IMAGE), [
            ("danger refused: refused by the API server: spec.template: the API server lets nobody change it in a Job;"
            " give it a new name, which makes a new run; the old Job stays until you delete it"),
        ]),
        (WAITING, edited(WAITING, "product", "metadata", "labels", f"{KUEUE}queue-name"), [
            (f"danger refused: refused by the API server: metadata.labels['{KUEUE}queue-name']: the webhook of Kueue lets nobody"
            " change it in a Job that has started; give it a new name, which makes a new run; the old Job stays until you"
            " delete it"),
        ]),
        (WAITING, edited(WAITING, "high", "metadata", "labels", f"{KUEUE}priority-class"), [
            f"note labels: only metadata.labels['{KUEUE}priority-class']",
        ]),
        (JOB, edited(JOB, YES, "spec", "suspend"), ["danger suspended: the run is suspended: its pods end"]),
        (JOB, edited(JOB, 3, "spec", "parallelism"), [
            "note settings: changed in place, the run goes on: spec.parallelism",
        ]),
        (CRON, edited(edited(CRON, "0 4 * * *", "spec", "schedule"), "Europe/Berlin", "spec", "timeZone"), [
            "caution schedule: schedule 0 3 * * * -> 0 4 * * * Europe/Berlin",
        ]),
        (CRON, edited(CRON, YES, "spec", "suspend"), ["caution suspended: no run starts any more (suspended)"]),
        (CRON, edited(CRON, "acme/train:2", "spec", "jobTemplate", *IMAGE), [
            ("note next-run: from the next run on, one that is going on is left alone:"
            " spec.jobTemplate.spec.template.spec.containers[name=trainer].image"),
        ]),
        (HPA, edited(HPA, 30, "spec", "maxReplicas"), [
            "note bounds: autoscaler bounds 3-20 -> 3-30, no pod restarts",
        ]),
        (HPA, edited(HPA, 10, "spec", "maxReplicas"), ["caution bounds: autoscaler bounds 3-20 -> 3-10, pods above 10 end"]),
        (HPA, edited(HPA, [{"type": "Resource"}], "spec", "metrics"), [
            "note scaling: how it scales, no pod restarts: spec.metrics",
        ]),
        (HPA, edited(HPA, "chat", "spec", "scaleTargetRef", "name"), [
            "danger scale-target: it scales something else: spec.scaleTargetRef.name",
        ]),
        (KEDA, edited(KEDA, 0, "spec", "minReplicaCount"), [
            "caution bounds: autoscaler bounds 1-4 -> 0-4, it may scale to no pod at all",
        ]),
        (CLAIM, edited(CLAIM, "2Ti", *SIZE), [
            "caution claim-grows: the claim grows 1Ti -> 2Ti, if its class allows that, and never shrinks",
        ]),
        (CLAIM, edited(CLAIM, "500Gi", *SIZE), [
            ("danger refused: refused by the API server: spec.resources.requests.storage: it was 1Ti, and a claim can"
            " grow, not shrink; give the claim a new name, and move the data"),
        ]),
        (CLAIM, edited(CLAIM, "b", "spec", "storageClassName"), [
            ("danger refused: refused by the API server: spec.storageClassName: the API server lets nobody change it in a"
            " PersistentVolumeClaim; give the claim a new name, and move the data"),
        ]),
        (CONFIG, edited(CONFIG, "a: 2\n", "data", "a.yaml"), [
            ("caution config-in-place: pods see new files within a minute or so, variables only after a restart:"
            " data['a.yaml']"),
        ]),
        ({**CONFIG, "immutable": True}, {**edited(CONFIG, "a: 2\n", "data", "a.yaml"), "immutable": True}, [
            ("danger refused: refused by the API server: data: the object was made immutable; give it a new name, and"
            " refer to that"),
            ("caution config-in-place: pods see new files within a minute or so, variables only after a restart:"
            " data['a.yaml']"),
        ]),
        (BOARD, edited(BOARD, '{\n "uid": "modelyard-1",\n "panels": [1]}', "data", "api.json"), [
            "note config-in-place: Grafana shows another dashboard: data['api.json']",
        ]),
        (SERVICE, edited(SERVICE, "chat", "spec", "selector", "app"), [
            "danger traffic-moves: traffic goes to other pods: spec.selector.app",
        ]),
        (SERVICE, edited(SERVICE, 8080, "spec", "ports", 0, "port"), [
            ("caution ports: clients have to follow: spec.ports[port=80,protocol=TCP],"
            " spec.ports[port=8080,protocol=TCP]"),
        ]),
        (NAMESPACE, edited(edited(NAMESPACE, "restricted", "metadata", "labels", "pod-security.kubernetes.io/enforce"),
                           {"a": "b"}, "metadata", "annotations"), [
            "caution pod-security: Pod Security baseline -> restricted: new pods that break it are refused",
            "note in-place: changed in place: metadata.annotations",
        ]),
        (one("ResourceQuota", "q", {"hard": {"a": "1"}}), one("ResourceQuota", "q", {"hard": {"a": "2"}}), [
            "caution limits: pods that run stay, new ones may be refused: spec.hard.a",
        ]),
        (one("Lease", "x", {"a": 1}), one("Lease", "x", {"a": 2}), ["note in-place: changed in place: spec.a"]),
        (one("RayService", "x", {"pod": {"containers": [{"name": "a", "image": "1"}]}}),
         one("RayService", "x", {"pod": {"containers": [{"name": "a", "image": "2"}]}}), [
            "caution pods: its pods may be replaced: spec.pod.containers[name=a].image",
        ]),
        (None, one("Job", "tune-2", {"template": TEMPLATE}), ["caution run: a run tune-2 starts"]),
        (None, CRON, ["note made: CronJob tune is new: schedule 0 3 * * *"]),
        (None, one("NetworkPolicy", "api"), [
            "danger network-closes: NetworkPolicy api is new: only what it allows reaches its pods",
        ]),
        (None, SERVICE, ["note made: Service api is new"]),
        (DEPLOYMENT, None, ["danger pruned: Deployment api is deleted: its pods end"]),
        (STEPS, None, ["danger pruned: Rollout api is deleted: its pods end"]),
        (one("InferencePool", "api"), None, ["danger pruned: InferencePool api is deleted: routes to it lead nowhere"]),
        (CLAIM, None, [
            "danger pruned: PersistentVolumeClaim data is deleted: its data goes with it, unless its class retains volumes",
        ]),
        ({**CLAIM, "metadata": {"name": "data", "annotations": KEPT}}, None, [
            "caution kept: PersistentVolumeClaim data stays with its data: delete it by hand when it is not needed",
        ]),
        (one("Lease", "x"), None, ["caution pruned: Lease x is deleted"]),
    ],
)  # fmt: skip
def test_an_object_changes(old: Any, new: Any, expected: list[str]) -> None:
    """Each change says what it does to what runs, the worst first."""
    assert told(old, new) == expected


PORT = {"port": 5000, "protocol": "TCP"}
RULE = {"from": [{"podSelector": {}}], "ports": [PORT]}
OTHER = {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
POLICY = one("NetworkPolicy", "api", {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [RULE]})


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        ([RULE, OTHER], ("ingress",), ["caution network-opens: ingress opens for 10.0.0.0/8 on every port"]),
        ([OTHER], ("ingress",), [
            "danger network-closes: ingress closes for pods of the namespace on TCP 5000",
            "caution network-opens: ingress opens for 10.0.0.0/8 on every port",
        ]),
        ([{}, RULE], ("ingress",), ["caution network-opens: ingress opens for every peer on every port"]),
        (["Ingress", "Egress"], ("policyTypes",), [
            "danger network-closes: egress closes for every peer on every port",
        ]),
        ({"matchLabels": {"a": "b"}}, ("podSelector",), [
            "danger network-closes: the policy is for other pods: traffic of these closes, that of the former opens",
        ]),
        ([{**RULE, "ports": [PORT, PORT]}], ("ingress",), ["note in-place: the same traffic passes"]),
    ],
)  # fmt: skip
def test_a_network_policy_changes(value: Any, path: tuple[str, ...], expected: list[str]) -> None:
    """What passed and does not any more comes first."""
    assert told(POLICY, edited(POLICY, value, "spec", *path)) == expected


def test_who_keeps_an_object_depends_on_the_controller() -> None:
    """An annotation of one controller says nothing to the other."""
    job = {**JOB, "metadata": {"name": "tune", "annotations": {"argocd.argoproj.io/sync-options": "Prune=false"}}}

    assert told(job, None, ARGO) == [
        "caution kept: Job tune stays and goes on if it runs: delete it by hand when it is not needed"
    ]
    assert told(job, None, FLUX) == ["danger pruned: Job tune is deleted: its pods end, if it still runs"]
    assert told(job, None, ARGO | FLUX) == [
        "danger pruned: Job tune is deleted: its pods end, if it still runs (by Flux; Argo CD keeps it)"
    ]


def test_a_model_of_another_revision_is_loaded() -> None:
    """The Job that loaded the former one has most likely done so, and what it loaded stays."""
    labels = {"app.kubernetes.io/component": "loader"}
    old = hashed("Job", "11111111", {}, spec={"template": TEMPLATE}, labels=labels)
    new = edited(edited(old, "tune-22222222", "metadata", "name"), "acme/train:2", *IMAGE)
    ends = "caution pruned: Job tune-11111111 is deleted: no file goes with it, and if it still loads, that ends"

    assert told(old, new) == [
        "caution new-run: a new run tune-22222222 starts (containers[name=trainer].image 1 -> 2)", ends,
    ]  # fmt: skip
    assert told(old, None) == [ends]


def hashed(kind: str, suffix: str, annotations: dict[str, str], **more: Any) -> Any:
    """Return an object whose name has a hash, and that is known by ``tune``."""
    return one(kind, f"tune-{suffix}", annotations={"modelyard.dev/name": "tune", **annotations}, **more)


def test_a_training_changes() -> None:
    """The run of before is another object, which stays and may go on; both want their devices."""
    pod = {"containers": [{"name": "trainer", "image": "a:1", "resources": {"limits": {"nvidia.com/gpu": "4"}}}]}
    old = hashed("Job", "11111111", KEPT, spec={"backoffLimit": 3, "template": {"spec": pod}})
    new = edited(old, "tune-22222222", "metadata", "name")
    new = edited(new, "a:2", *IMAGE)

    (plan,) = planned({"prod/tune/job.yaml": old}, {"prod/tune/job.yaml": new})

    assert [effect.text for effect in plan.effects] == [
        (
            "a new run tune-22222222 starts (containers[name=trainer].image 1 -> 2);"
            " tune-11111111 stays, and goes on if it runs (4 more nvidia.com/gpu meanwhile)"
        )
    ]
    (job,) = plan.objects
    assert (job.change, job.was, [field.text for field in job.fields]) == (
        "replaced",
        "tune-11111111",
        ["spec.template.spec.containers[name=trainer].image"],
    )


def test_a_training_changes_and_its_former_run_stays_in_git() -> None:
    """With generations that are kept, the former run is in git under another path: it is not told as gone."""
    old, new = hashed("Job", "11111111", KEPT), hashed("Job", "22222222", KEPT)

    (plan,) = planned({"prod/tune/job.yaml": old}, {"prod/tune/job.yaml": new, "prod/tune/job-tune-11111111.yaml": old})

    assert [effect.text for effect in plan.effects] == [
        "a new run tune-22222222 starts; tune-11111111 stays, and goes on if it runs"
    ]
    assert [(each.change, each.name, each.was) for each in plan.objects] == [
        ("created", "tune-22222222", "tune-11111111")
    ]


def test_a_policy_stays_for_a_former_run() -> None:
    """It closes nothing, since it is beside the one of now, for pods that had it before."""
    policy = hashed("NetworkPolicy", "11111111", KEPT)
    stays = {"prod/tune/other.yaml": one("Lease", "other")}

    (plan,) = planned(stays, {**stays, "prod/tune/networkpolicy-tune-11111111.yaml": policy})
    assert [f"{effect.risk} {effect.code} {effect.text}" for effect in plan.effects] == [
        (
            "note made NetworkPolicy tune-11111111 is new: traffic of the pods of a former run, and of no others, stays open as"
            " it was"
        )
    ]


def test_a_configuration_changes_and_the_former_one_stays_in_git() -> None:
    """As with runs; and devices of a former run are not counted with those of the new one."""
    pod = {"containers": [{"name": "trainer", "resources": {"limits": {"nvidia.com/gpu": "4"}}}]}
    job = hashed("Job", "11111111", KEPT, spec={"template": {"spec": pod}})
    former = edited(job, "Skip", "metadata", "annotations", "argocd.argoproj.io/hook")
    config = {**hashed("ConfigMap", "11111111", KEPT), "data": {"a": "1"}}

    (plan,) = planned(
        {"prod/tune/job.yaml": job, "prod/tune/configmap.yaml": config},
        {
            "prod/tune/job.yaml": edited(job, "tune-22222222", "metadata", "name"),
            "prod/tune/job-tune-11111111.yaml": former,
            "prod/tune/configmap.yaml": edited(config, "tune-22222222", "metadata", "name"),
            "prod/tune/configmap-tune-11111111.yaml": config,
        },
    )

    assert [f"{effect.risk} {effect.text}" for effect in plan.effects] == [
        (
            "caution a new run tune-22222222 starts; tune-11111111 stays, and goes on if it runs"
            " (4 more nvidia.com/gpu meanwhile)"
        ),
        "note ConfigMap tune-22222222 is new; tune-11111111 stays for pods that still use it",
        "note it is a former run now, and goes on if it runs",
    ]


def test_a_former_run_is_the_one_of_now_again() -> None:
    """Whether anything starts depends on the cluster; and one that is new as a former run never does."""
    job = hashed("Job", "11111111", KEPT, spec={"template": TEMPLATE})
    skipped = edited(job, "Skip", "metadata", "annotations", "argocd.argoproj.io/hook")

    (plan,) = planned({"prod/tune/job-tune-11111111.yaml": skipped}, {"prod/tune/job.yaml": job})
    assert [f"{effect.risk} {effect.code} {effect.text}" for effect in plan.effects] == [
        (
            "caution new-run the former run tune-11111111 is the one of now again: if Job tune-11111111 is still in the cluster,"
            " nothing starts, else it runs again"
        )
    ]
    now = {"prod/tune/job.yaml": edited(job, "tune-22222222", "metadata", "name")}
    (plan,) = planned(now, {**now, "prod/tune/job-tune-11111111.yaml": skipped})
    assert "note made Job tune-11111111 is new as a former run, which nothing starts" in [
        f"{effect.risk} {effect.code} {effect.text}" for effect in plan.effects
    ]


def test_what_closes_stays_open_for_a_former_run() -> None:
    """By a policy of its own, which adds to that of its workload."""
    path, peer = "prod/tune/networkpolicy.yaml", {"podSelector": {"matchLabels": {"app": "tune"}}}
    rules = {"podSelector": {"matchLabels": {"app": "tune"}}, "policyTypes": ["Ingress"]}
    before = one("NetworkPolicy", "tune", {**rules, "ingress": [{"from": [peer]}]})
    after = one("NetworkPolicy", "tune", {**rules, "ingress": []})
    own = one("NetworkPolicy", "tune-abcdef12", before["spec"], annotations={"modelyard.dev/name": "tune"})

    (alone,) = planned({path: before}, {path: after})
    (beside,) = planned({path: before}, {path: after, "prod/tune/networkpolicy-tune-abcdef12.yaml": own})
    closes = 'ingress closes for {"podSelector": {"matchLabels": {"app": "tune"}}} on every port'
    assert [f"{effect.risk} {effect.text}" for effect in alone.effects] == [f"danger {closes}"]
    assert f"caution {closes}, but for a former run (tune-abcdef12)" in [
        f"{effect.risk} {effect.text}" for effect in beside.effects
    ]


def test_a_dashboard_that_goes_is_seen_no_more() -> None:
    """No pod has read it."""
    beside = {"prod/api/deployment.yaml": DEPLOYMENT}
    (plan,) = planned({**beside, "prod/api/configmap.yaml": BOARD}, beside)
    assert [f"{effect.risk} {effect.text}" for effect in plan.effects] == [
        "note ConfigMap api-dashboard is deleted: Grafana shows it no more"
    ]


def test_devices_of_former_train_jobs_are_not_counted(tmp_path: Path) -> None:
    """Their pods are in a TrainingRuntime, which is no run, and stays as it is."""

    def rendered(cpu: int) -> dict[str, Manifest]:
        def build(fleet: Fleet) -> None:
            installed = [Crd.JOBSET, Crd.KUBEFLOW_TRAINER]
            scope = Environment(fleet, "test", cluster=cluster_with(installed=installed), namespace="ml-test")
            accept = {"J18": "a test"}
            training(scope, nodes=2, gpu=Gpu("l4", 4), backend=TrainJob(), keep_runs=3, cpu=cpu, accept=accept)

        synthesize(Request(main=tmp_path / "main.py", fleet=Fleet({"test": build}, root=tmp_path)))
        dist = tmp_path / "dist"
        found = {path.relative_to(dist).as_posix(): yaml.safe_load(path.read_text()) for path in dist.rglob("*.yaml")}
        return {path: found for path, found in found.items() if path.startswith("test/")}

    first, second, third = (rendered(cpu) for cpu in (1, 2, 3))
    for old, new in ((first, second), (second, third)):
        (plan,) = planned(old, new)
        assert asked(new.values()) == {"nvidia.com/gpu": Range(8, 8, 8)}
        assert [effect.text for effect in plan.effects if effect.code == "devices"] == []


def test_where_an_object_was_written_is_told_as_such() -> None:
    """The annotation with file and line moves with every line above it."""
    old = one("Service", "api", {}, annotations={"modelyard.dev/source": "environments/prod.py:9"})

    assert told(old, edited(old, "environments/prod.py:10", "metadata", "annotations", "modelyard.dev/source")) == [
        "note labels: only metadata.annotations['modelyard.dev/source']"
    ]


def test_a_run_that_nobody_keeps_ends() -> None:
    """A Job without the annotations is pruned, also where a new one takes its place."""
    (plan,) = planned(
        {"prod/tune/job.yaml": hashed("Job", "11111111", {})}, {"prod/tune/job.yaml": hashed("Job", "22222222", {})}
    )

    assert [f"{effect.risk} {effect.text}" for effect in plan.effects] == [
        "danger Job tune-11111111 is deleted: its pods end, if it still runs",
        "caution a new run tune-22222222 starts",
    ]


def test_configuration_alone() -> None:
    """A ConfigMap with a hash in its name rolls the pods that mount it, and the former one stays."""

    def rendered(suffix: str) -> dict[str, Any]:
        volume = {"name": "config", "configMap": {"name": f"tune-{suffix}"}}
        pod = {"containers": [{"name": "model", "image": "a:1"}], "volumes": [volume]}
        return {
            "prod/api/configmap-tune.yaml": {**hashed("ConfigMap", suffix, KEPT), "data": {"a": suffix}},
            "prod/api/deployment.yaml": edited(DEPLOYMENT, pod, "spec", "template", "spec"),
        }

    (plan,) = planned(rendered("11111111"), rendered("22222222"))

    assert [f"{effect.risk} {effect.code}: {effect.text}" for effect in plan.effects] == [
        f"caution rolling-update: {ROLLS}config only (tune-22222222)",
        "note new-name: ConfigMap tune-22222222 is new; tune-11111111 stays for pods that still use it",
    ]


def test_devices_at_least_at_most_and_in_a_rollout() -> None:
    """The autoscaler's bounds times the devices of a pod, and one more pod while it rolls out."""
    scaler = edited(HPA, "Deployment", "spec", "scaleTargetRef", "kind")
    old = {"prod/api/a.yaml": deployment(gpus=1), "prod/api/b.yaml": scaler}
    new = {"prod/api/a.yaml": deployment(gpus=2), "prod/api/b.yaml": edited(scaler, 10, "spec", "maxReplicas")}

    (plan,) = planned(old, new)

    assert [f"{each.risk} {each.text}" for each in plan.effects if each.code == "devices"] == [
        "caution nvidia.com/gpu 3-20 (21 in a rollout) -> 6-20 (22 in a rollout)"
    ]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (deployment(gpus=2, replicas=3, strategy={"type": "Recreate"}), "6"),
        (deployment(gpus=2, replicas=5, strategy={}), "10 (14 in a rollout)"),
        (deployment(gpus=1, replicas=0, strategy={}), "0"),
        (tracked({"blueGreen": {}}, gpus=2, replicas=4), "8 (16 in a rollout)"),
        (tracked({"canary": {}}, gpus=2, replicas=4), "8 (10 in a rollout)"),
        (tracked({"canary": {"trafficRouting": {}, "steps": [{"setWeight": 10}]}}, gpus=2, replicas=4), "8 (10 in a rollout)"),
        (tracked({"canary": {"trafficRouting": {"nginx": {}}, "steps": []}}, gpus=2, replicas=4), "8 (16 in a rollout)"),
        (tracked({"canary": {
            "trafficRouting": {"nginx": {}}, "dynamicStableScale": True, "steps": [{"setWeight": 10}, {"setWeight": 50}],
        }}, gpus=2, replicas=4), "8 (12 in a rollout)"),
        (one("Job", "a", {"parallelism": 4, "completions": 2, **deployment(gpus=8)["spec"]}), "16"),
        (one("JobSet", "a", {"replicatedJobs": [
            {"name": "w", "replicas": 2, "template": {"spec": {"parallelism": 3, "completions": 3, **deployment(gpus=8)["spec"]}}},
        ]}), "48"),
        (one("LeaderWorkerSet", "a", {"replicas": 2, "leaderWorkerTemplate": {
            "size": 4, "workerTemplate": deployment(gpus=8)["spec"]["template"],
        }}), "64"),
        (one("LeaderWorkerSet", "a", {"replicas": 2, "leaderWorkerTemplate": {
            "size": 4, "workerTemplate": deployment(gpus=8)["spec"]["template"],
            "leaderTemplate": deployment(gpus=1)["spec"]["template"],
        }}), "50"),
    ],
)  # fmt: skip
def test_devices_of_other_kinds(manifest: Any, expected: str) -> None:
    """Whatever holds pod templates is counted through the numbers that lead to them."""
    kept = {"prod/api/stays.yaml": one("Lease", "stays")}
    (plan,) = planned(kept, {**kept, "prod/api/a.yaml": manifest})

    texts = [each.text for each in plan.effects if each.code == "devices"]
    assert texts == ([f"nvidia.com/gpu 0 -> {expected}"] if expected != "0" else ["nvidia.com/gpu 0 -> 0"])


def test_a_workload_is_new() -> None:
    """Its kinds in one line; a run that starts is told of its own."""
    (plan,) = planned({}, {"prod/api/a.yaml": DEPLOYMENT, "prod/api/b.yaml": SERVICE, "prod/api/c.yaml": JOB})

    assert (plan.change, [f"{effect.risk} {effect.text}" for effect in plan.effects]) == (
        "created",
        ["caution a run tune-11111111 starts", "note new: Job, Deployment, Service"],
    )


def test_a_workload_is_removed() -> None:
    """What is deleted comes before what stays."""
    (plan,) = planned(
        {
            "prod/_environment/x.yaml": one("Lease", "x"),
            "prod/api/a.yaml": one("NetworkPolicy", "api"),
            "prod/api/b.yaml": SERVICE,
            "prod/api/c.yaml": JOB,
        },
        {"prod/_environment/x.yaml": one("Lease", "x")},
    )

    assert (plan.change, [f"{effect.risk} {effect.text}" for effect in plan.effects]) == (
        "removed",
        [
            "danger deleted: Service api (its name leads nowhere), NetworkPolicy api (it restricts traffic no more)",
            "caution stays until somebody deletes it: Job tune-11111111 (goes on if it runs)",
        ],
    )


def test_a_workload_is_renamed() -> None:
    """Kubernetes knows no renaming: all is made anew, and the former ends."""
    lease = {"prod/_environment/x.yaml": one("Lease", "x")}

    def rendered(name: str, suffix: str) -> dict[str, Any]:
        job = one("Job", f"{name}-{suffix}", annotations={"modelyard.dev/name": name})
        return {f"prod/{name}/a.yaml": deployment(name), f"prod/{name}/job.yaml": job}

    old, new = rendered("api", "11111111"), rendered("chat", "22222222")

    plans = planned({**lease, **old}, {**lease, **new})

    assert [(plan.name, plan.change, [f"{effect.risk} {effect.text}" for effect in plan.effects]) for plan in plans] == [
        ("api", "removed", [
            "danger deleted: Deployment api (its pods end), Job api-11111111 (its pods end, if it still runs)",
            "note it looks like its new name is chat",
        ]),
        ("chat", "created", [
            "danger it looks like a new name of api: everything is made anew, and nothing of api moves here",
            "caution a run chat-22222222 starts",
        ]),
    ]  # fmt: skip


def test_an_object_that_moves_to_another_workload_is_no_change() -> None:
    """A cluster does not know in which file an object lies."""
    claim = {"prod/api/claim.yaml": CLAIM, "prod/api/a.yaml": SERVICE, "prod/chat/b.yaml": DEPLOYMENT}

    assert (
        planned(
            claim, {"prod/chat/claim.yaml": CLAIM, **{key: claim[key] for key in claim if key != "prod/api/claim.yaml"}}
        )
        == []
    )


def test_a_namespace_changes() -> None:
    """All is made anew in the other one, and the former goes."""
    (plan,) = planned(
        {"prod/api/a.yaml": DEPLOYMENT}, {"prod/api/a.yaml": edited(DEPLOYMENT, "ml-new", "metadata", "namespace")}
    )

    assert [f"{effect.risk} {effect.text}" for effect in plan.effects] == [
        "danger Deployment api is made anew in namespace ml-new, from ml",
        "danger Deployment api is deleted: its pods end",
    ]


def test_an_environment_moves_to_another_namespace() -> None:
    """All is made anew in the other one; in the former Argo CD has no right any more, and Flux prunes it."""
    before = {"prod/api/a.yaml": DEPLOYMENT, "prod/api/b.yaml": JOB, "prod/job/a.yaml": one("CronJob", "night", {})}
    spaces = {"prod/_environment/ns.yaml": edited(NAMESPACE, "ml", "metadata", "name")}
    moved = {path: edited(manifest, "ml-new", "metadata", "namespace") for path, manifest in [*before.items()][:2]}

    new = {"prod/_environment/ns.yaml": edited(NAMESPACE, "ml-new", "metadata", "name")}

    plans = planned(before | spaces, moved | new)

    told = {plan.name: [f"{effect.risk} {effect.text}" for effect in plan.effects] for plan in plans}
    assert told["api"] == [
        "danger Deployment api is made anew in namespace ml-new; in ml it stays",
        "danger Job tune-11111111 is made anew in namespace ml-new; in ml it stays and goes on if it runs",
    ]
    assert told["job"] == ["caution stays until somebody deletes it: CronJob night"]

    (plan,) = (one for one in planned(before | spaces, moved | new, frozenset({"Flux"})) if one.name == "api")
    assert [f"{effect.risk} {effect.text}" for effect in plan.effects] == [
        "danger Deployment api is made anew in namespace ml-new, from ml",
        "danger Deployment api is deleted: its pods end",
        "danger Job tune-11111111 is made anew in namespace ml-new; in ml it stays and goes on if it runs",
    ]


def test_an_environment_is_removed() -> None:
    """Its controller finds no folder and deletes nothing."""
    (plan,) = planned({"prod/api/a.yaml": DEPLOYMENT}, {})

    assert [f"{effect.risk} {effect.text}" for effect in plan.effects] == [
        "danger the environment is gone: its controller finds no folder, reports that, and deletes nothing"
    ]
    assert [[effect.text for effect in each.effects] for each in plan.objects] == [
        ["it stays in the cluster, and nobody syncs it"]
    ]


def test_the_delivery_changes() -> None:
    """Where it syncs to, what it reads, and the rest."""
    spec = {"destination": {"namespace": "ml"}, "source": {"path": "dist/prod"}, "syncPolicy": {"automated": {}}}
    old = one("Application", "ml", spec)
    new = edited(old, "other", "spec", "destination", "namespace")
    new = edited(edited(new, "dist/x", "spec", "source", "path"), None, "spec", "syncPolicy")
    path = "_delivery/prod/application.argoproj.io-ml.yaml"

    (plan,) = planned({path: old, "prod/api/a.yaml": SERVICE}, {path: new, "prod/api/a.yaml": SERVICE})

    assert plan.where == "prod delivery"
    assert [f"{effect.risk} {effect.code}: {effect.text}" for effect in plan.effects] == [
        "danger sync-target: it is synced to another place: spec.destination.namespace",
        "danger sync-source: what is not there any more is pruned: spec.source.path",
        "caution sync: how it is synced: spec.syncPolicy",
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Application", ("danger kept: Application ml stays and goes on, beside what follows it: delete it by hand first, "
         "argocd app delete ml --cascade=false")),
        ("Kustomization", ("danger kept: Kustomization ml stays and goes on, beside what follows it: delete it by hand first, "
         "kubectl -n ml delete kustomizations.kustomize.toolkit.fluxcd.io ml")),
        ("AppProject", "caution kept: AppProject ml stays: delete it by hand when nothing uses it any more"),
    ],
)  # fmt: skip
def test_the_delivery_goes_or_is_renamed(kind: str, expected: str) -> None:
    """Nobody prunes what a controller itself reads, so two would write."""
    old, new = one(kind, "ml"), one(kind, "other")
    path = "_delivery/prod/a.yaml"
    for after in ({}, {path: new}):
        (plan,) = planned({path: old, "prod/api/a.yaml": SERVICE}, {**after, "prod/api/a.yaml": SERVICE})
        assert expected in [f"{effect.risk} {effect.code}: {effect.text}" for effect in plan.effects]


def test_the_worst_comes_first() -> None:
    """Among workloads, and among the effects of one."""
    old = {"prod/a/a.yaml": SERVICE, "prod/b/b.yaml": FIXED, "prod/c/c.yaml": one("Lease", "c", {"a": 1})}
    new = {
        "prod/a/a.yaml": edited(SERVICE, 81, "spec", "ports", 0, "targetPort"),
        "prod/b/b.yaml": edited(edited(FIXED, 0, "spec", "replicas"), "acme/api:2", *IMAGE),
        "prod/c/c.yaml": one("Lease", "c", {"a": 2}),
    }

    assert [(plan.name, [effect.risk.value for effect in plan.effects]) for plan in planned(old, new)] == [
        ("b", ["danger", "note"]),
        ("a", ["caution"]),
        ("c", ["note"]),
    ]


OF_A_PICKER = one("NetworkPolicy", "api-epp", {"podSelector": {"matchLabels": {"app": "api-epp"}}})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([DEPLOYMENT], [DEPLOYMENT, OF_A_PICKER, deployment("api-epp")], {"note made: NetworkPolicy api-epp is new"}),
        ([deployment("api-epp")], [deployment("api-epp"), OF_A_PICKER], {
            "danger network-closes: NetworkPolicy api-epp is new: only what it allows reaches its pods",
        }),
        ([DEPLOYMENT], [DEPLOYMENT, OF_A_PICKER], {
            "danger network-closes: NetworkPolicy api-epp is new: only what it allows reaches its pods",
        }),
        ([DEPLOYMENT, HPA], [DEPLOYMENT, KEDA], {
            "note pruned: HorizontalPodAutoscaler api is deleted: ScaledObject api scales from now on",
        }),
        ([DEPLOYMENT, HPA], [DEPLOYMENT], {
            "caution pruned: HorizontalPodAutoscaler api is deleted: nobody scales any more",
        }),
    ],
)  # fmt: skip
def test_what_stands_beside_it_counts(old: list[Any], new: list[Any], expected: set[str]) -> None:
    """A policy closes nothing for pods that are as new as it, and another autoscaler takes over."""
    before, now = (
        {f"prod/api/{each['kind']}-{each['metadata']['name']}.yaml": each for each in some} for some in (old, new)
    )
    (plan,) = planned(before, now)

    assert expected <= {f"{effect.risk} {effect.code}: {effect.text}" for effect in plan.effects}
