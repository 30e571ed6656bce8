"""How workloads are watched: what is scraped, told and drawn, by the field that an option becomes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from modelyard import (
    Checkpoint,
    Cluster,
    CpuScale,
    Crd,
    Environment,
    Gpu,
    HuggingFace,
    Loader,
    Metrics,
    Monitoring,
    Port,
    Queue,
    RayJob,
    Schedule,
    Step,
    StorageClass,
    Sweep,
    TrainJob,
    VolcanoJob,
    Watch,
    hours,
    minutes,
    seconds,
)
from modelyard.plan import others
from modelyard.serving.signals import pod_names
from tests.manifests import MISSING, at
from tests.promql import expressions, refused
from tests.support import CLUSTER, environment, found, objects, service, training

STACK = {"release": "kube-prometheus-stack"}
BOTH = pytest.mark.parametrize(("make", "name"), [(service, "api"), (training, "train")])
SCRAPED = Watch(metrics=Metrics("http"))
SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
PORTS = [Port("http", 8000, service=80), Port("admin", 9000)]


def _cluster(**more: Any) -> Cluster:
    stock: Any = CLUSTER
    monitoring = Monitoring("monitoring", labels=STACK)
    known = {"installed": [Crd.PROMETHEUS_OPERATOR, Crd.KEDA], "monitoring": monitoring}
    changed: Cluster = attrs.evolve(stock, **{**known, **more})
    return changed


def _scope(root: Path, **more: Any) -> Environment:
    return environment(root, cluster=_cluster(**more))


def _alerts(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (group,) = manifest["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def _panels(manifest: dict[str, Any]) -> dict[str, list[str]]:
    (text,) = manifest["data"].values()
    return {panel["title"]: [one["expr"] for one in panel["targets"]] for panel in json.loads(text)["panels"]}


@BOTH
def test_a_cluster_without_monitoring_has_none_of_it(tmp_path: Path, make: Any, name: str) -> None:
    """Nothing is rendered that no operator reads."""
    scope = environment(tmp_path)
    make(scope)

    assert {f"PodMonitor/{name}", f"PrometheusRule/{name}", f"ConfigMap/{name}-dashboard"}.isdisjoint(objects(scope))


@BOTH
def test_where_there_is_monitoring_a_workload_is_watched(tmp_path: Path, make: Any, name: str) -> None:
    """Alerts and a dashboard come by themselves, under the labels by which they are chosen; metrics must be named."""
    scope = _scope(tmp_path)
    make(scope)
    rendered = objects(scope)

    assert f"PodMonitor/{name}" not in rendered
    assert rendered[f"PrometheusRule/{name}"]["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert rendered[f"ConfigMap/{name}-dashboard"]["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_a_monitor_reads_a_port_by_its_name_and_the_policy_lets_it(tmp_path: Path) -> None:
    """Prometheus finds the pods by the label that never changes, and gets through to this one port."""
    scope = _scope(tmp_path)
    service(scope, port=PORTS, watch=Watch(metrics=Metrics("admin", path="/m", every=seconds(10))))
    rendered = objects(scope)

    assert rendered["PodMonitor/api"]["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert rendered["PodMonitor/api"]["spec"] == {
        "selector": {"matchLabels": {"app": "api"}},
        "podMetricsEndpoints": [{"port": "admin", "path": "/m", "interval": "10s"}],
    }
    assert rendered["NetworkPolicy/api"]["spec"]["ingress"][1] == {
        "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "ports": [{"protocol": "TCP", "port": 9000}],
    }


@BOTH
def test_metrics_can_come_from_a_port_of_their_own(tmp_path: Path, make: Any, name: str) -> None:
    """A number is a port that the container declares for nothing else."""
    scope = _scope(tmp_path)
    make(scope, watch=Watch(metrics=Metrics(9400)))
    rendered = objects(scope)
    pod = rendered["Deployment/api" if name == "api" else "Job/train"]
    ports = at(pod, "spec.template.spec.containers[0].ports")

    assert ports[-1] == {"name": "metrics", "containerPort": 9400, "protocol": "TCP"}
    assert at(rendered[f"PodMonitor/{name}"], "spec.podMetricsEndpoints[0].port") == "metrics"
    assert rendered[f"NetworkPolicy/{name}"]["spec"]["ingress"][-1]["ports"] == [{"protocol": "TCP", "port": 9400}]


def test_steps_tell_no_metrics(tmp_path: Path) -> None:
    """Only the training has some: a port that nobody listens on would be a target that is down, or one port twice."""
    steps = {"before": [Step("prepare", ["true"])], "after": [Step("register", ["true"])]}
    watched = {"watch": Watch(metrics=Metrics(9400)), **steps}
    scope = _scope(tmp_path)
    training(scope, **watched)
    pod = at(objects(scope)["Job/train"], "spec.template.spec")
    ports = {one["name"]: one.get("ports") for one in (*pod["initContainers"], *pod["containers"])}
    own = [{"name": "metrics", "containerPort": 9400, "protocol": "TCP"}]
    assert ports == {"prepare": None, "trainer": own, "register": None}
    scope = _scope(tmp_path, installed=[Crd.PROMETHEUS_OPERATOR, Crd.JOBSET])
    training(scope, **watched)
    jobs = at(objects(scope)["JobSet/train"], "spec.replicatedJobs")
    told = {one["name"]: at(one, "template.spec.template.spec.containers[0]").get("ports") for one in jobs}
    assert told == {"prepare": None, "node": own, "register": None}


@pytest.mark.parametrize(
    ("watch", "kind", "path", "expected"),
    [
        (Watch(metrics=Metrics()), "PodMonitor", "spec.podMetricsEndpoints[0].port", "http"),
        (Watch(metrics=Metrics("http", every=minutes(2))), "PodMonitor", "spec.podMetricsEndpoints[0].interval", "2m"),
        (Watch(pending_after=minutes(45)), "PrometheusRule", "spec.groups[0].rules[2].for", "45m"),
        (Watch(labels={"team": "a"}), "PrometheusRule", "spec.groups[0].rules[0].labels.team", "a"),
        (
            Watch(labels={"severity": "page"}),
            "PrometheusRule",
            "spec.groups[0].rules[0].labels",
            {"severity": "page", "environment": "test", "workload": "api"},
        ),
        (
            Watch(runbook="https://wiki.example/api"),
            "PrometheusRule",
            "spec.groups[0].rules[0].annotations.runbook_url",
            "https://wiki.example/api",
        ),
    ],
)
def test_an_option_becomes_its_field(tmp_path: Path, watch: Watch, kind: str, path: str, expected: Any) -> None:
    """The option sets this very field, which a workload that is watched by default has otherwise."""
    plain, changed = _scope(tmp_path), _scope(tmp_path)
    service(plain)
    service(changed, watch=watch)
    before = objects(plain).get(f"{kind}/api")

    assert at(objects(changed)[f"{kind}/api"], path) == expected
    assert before is None or at(before, path) != expected


@pytest.mark.parametrize(
    ("more", "watch", "missing"),
    [
        ({}, Watch(alerts=False), "PrometheusRule/api"),
        ({}, Watch(dashboard=False), "ConfigMap/api-dashboard"),
        ({"monitoring": Monitoring("monitoring", dashboards={})}, None, "ConfigMap/api-dashboard"),
    ],
)
def test_each_part_can_be_left_away(tmp_path: Path, more: Any, watch: Watch | None, missing: str) -> None:
    """Alerts and dashboard by workload, dashboards by cluster as well."""
    scope = _scope(tmp_path, **more)
    service(scope, watch=watch)
    rest = {"PrometheusRule/api", "ConfigMap/api-dashboard"} - {missing}

    assert missing not in objects(scope)
    assert rest <= objects(scope).keys()


@pytest.mark.parametrize(
    ("cluster", "make", "options", "text"),
    [
        (
            CLUSTER,
            service,
            {"watch": Watch()},
            (
                "X11 test/api: watch but the cluster eks-test says no monitoring, so nothing would come of it; write"
                ' Cluster(..., monitoring=Monitoring("monitoring")), or leave watch= away'
            ),
        ),
        (
            _cluster(),
            service,
            {"watch": Watch(metrics=Metrics("grpc"))},
            "P03 test/api: watch.metrics.port='grpc' but the service has no port of this name; its ports are http",
        ),
        (
            _cluster(),
            service,
            {"watch": Watch(metrics=Metrics(8000))},
            (
                "N20 test/api: watch.metrics.port=8000 but the service has the ports http (8000) already; write the name of"
                " the port"
            ),
        ),
        (
            _cluster(),
            training,
            {"watch": Watch(metrics=Metrics())},
            "X11 test/train: watch.metrics.port but a training has no ports of its own; write the number of the port",
        ),
        (
            _cluster(),
            training,
            {"nodes": 2, "watch": Watch(metrics=Metrics(29500)), "accept": {"J18": "a test"}},
            (
                "N20 test/train: watch.metrics.port=29500 but with nodes= the processes find each other by this port of the"
                " first one; choose another"
            ),
        ),
        (
            _cluster(),
            service,
            {"watch": Watch(metrics=Metrics(0))},
            "N20 test/api: watch.metrics.port=0 but a port is a number from 1 to 65535; correct the value",
        ),
        (
            _cluster(),
            service,
            {"watch": Watch(metrics=Metrics(path="metrics"))},
            "X11 test/api: watch.metrics.path='metrics' but an HTTP path starts with \"/\"; correct the value",
        ),
        (
            _cluster(),
            service,
            {"watch": Watch(metrics=Metrics(every=seconds(0.5)))},
            (
                "X11 test/api: watch.metrics.every=seconds(0.5) but metrics are read every second at most; correct the"
                " value"
            ),
        ),
        (
            _cluster(),
            service,
            {"watch": Watch(pending_after=minutes(0))},
            "X11 test/api: watch.pending_after=seconds(0) but it is a length of time above zero; correct the value",
        ),
        (
            _cluster(),
            training,
            {"watch": Watch(queued_after=hours(2))},
            "X11 test/train: watch.queued_after=seconds(7200) but it waits in no queue; leave it away, or write queue=",
        ),
        (
            _cluster(installed=[Crd.PROMETHEUS_OPERATOR, Crd.KUEUE]),
            training,
            {"queue": Queue("research"), "watch": Watch(queued_after=hours(0))},
            "X11 test/train: watch.queued_after=seconds(0) but it is a length of time above zero; correct the value",
        ),
        (
            _cluster(installed=[Crd.PROMETHEUS_OPERATOR, Crd.VOLCANO]),
            training,
            {"queue": Queue("research"), "watch": Watch(queued_after=hours(2))},
            (
                "X11 test/train: watch.queued_after=seconds(7200) but the queue is one of Volcano, and no metric names the Jobs"
                " that wait in it; leave it away"
            ),
        ),
        (
            _cluster(),
            service,
            {"watch": Watch(labels={"team": "a b"})},
            (
                'N16 test/api: watch.labels={1 keys} but of \'team\': a label value holds letters, digits, "-", "_", "." and'
                " starts and ends with a letter or digit; correct the value"
            ),
        ),
    ],
)
def test_what_cannot_be_watched_is_told(tmp_path: Path, cluster: Cluster, make: Any, options: Any, text: str) -> None:
    """Value, reason and remedy."""
    scope = environment(tmp_path, cluster=cluster)
    make(scope, **options)

    assert [f"{one.rule} {one.text}" for one in found(scope)] == [text]


def test_a_service_is_told_of(tmp_path: Path) -> None:
    """What is told, after how long, and by which expression."""
    scope = _scope(tmp_path)
    service(scope, watch=SCRAPED, start_within=minutes(10))
    told = _alerts(objects(scope)["PrometheusRule/api"])
    pods = f'namespace="ml-test",pod=~"api-{SAFE}{{1,10}}-{SAFE}{{5}}"'

    assert {name: (rule["labels"]["severity"], rule["for"]) for name, rule in told.items()} == {
        "ServiceDown": ("critical", "5m"),
        "ServiceCrashes": ("warning", "5m"),
        "PodPending": ("warning", "15m"),
        "ServiceNotReady": ("warning", "5m"),
        "ServiceAtMax": ("warning", "15m"),
        "ServiceNotScraped": ("warning", "15m"),
    }
    assert told["ServiceNotReady"]["expr"] == (
        f"time() - max by (namespace, pod) (kube_pod_start_time{{{pods}}}) > 600 and on (namespace, pod)"
        f' kube_pod_status_ready{{{pods},condition="true"}} == 0 and on (namespace, pod)'
        f' kube_pod_status_phase{{{pods},phase="Running"}} == 1'
    )
    assert told["ServiceAtMax"]["annotations"] == {
        "summary": "test/api has as many replicas as it may have",
        "description": "More load than 4 replicas can bear makes it slow: raise max, or make each replica faster.",
    }
    assert told["ServiceNotScraped"]["expr"] == 'absent(up{job="ml-test/api"} == 1)'


def test_pods_that_wait_for_their_model_are_not_told_of_before_its_deadline(tmp_path: Path) -> None:
    """They are Pending by design, and their start counts from the end of the wait."""
    scope = _scope(tmp_path, storage=[StorageClass("efs", {"ReadWriteMany"})])
    loader = Loader("ghcr.io/acme/loader:1", size="60Gi", storage_class="efs", deadline=minutes(90))
    model = HuggingFace("acme/chat", revision="0" * 40)
    service(scope, watch=SCRAPED, start_within=minutes(10), model=model, loader=loader)
    told = _alerts(objects(scope)["PrometheusRule/api"])
    pods = f'namespace="ml-test",pod=~"api-{SAFE}{{1,10}}-{SAFE}{{5}}"'
    start = f"kube_pod_start_time{{{pods}}}"

    assert told["PodPending"]["expr"] == (
        f'max by (namespace, pod) (kube_pod_status_phase{{{pods},phase="Pending"}}) == 1 unless on (namespace, pod)'
        f' (max by (namespace, pod) (kube_pod_init_container_status_running{{{pods},container="wait-for-model"}}) == 1'
        f" and on (namespace, pod) time() - max by (namespace, pod) ({start}) < 5400)"
    )
    assert told["ServiceNotReady"]["expr"] == (
        f"time() - max by (namespace, pod) (kube_pod_status_initialized_time{{{pods}}} or on (namespace, pod)"
        f" {start} + 5400) > 600 and on (namespace, pod)"
        f' kube_pod_status_ready{{{pods},condition="true"}} == 0 and on (namespace, pod)'
        f' kube_pod_status_phase{{{pods},phase="Running"}} == 1'
    )
    assert refused([rule["expr"] for rule in told.values()]) == {}


def test_fixed_replicas_are_never_at_their_maximum(tmp_path: Path) -> None:
    """Nothing scales, so nobody is woken for it."""
    scope = _scope(tmp_path)
    service(scope, scale=None, replicas=2)

    assert "ServiceAtMax" not in _alerts(objects(scope)["PrometheusRule/api"])


@pytest.mark.parametrize(
    ("options", "names", "jobs"),
    [
        ({}, {"TrainingFailed", "PodPending", "TrainingLong"}, "train-[0-9a-f]{8}"),
        ({"deadline": None, "accept": {"J13": "a test"}}, {"TrainingFailed", "PodPending"}, "train-[0-9a-f]{8}"),
        (
            {"schedule": Schedule("30 3 * * *", catch_up=minutes(10))},
            {"TrainingFailed", "PodPending", "TrainingLong", "TrainingMissed"},
            "train-[0-9]{8,}",
        ),
    ],
)
def test_a_training_is_told_of(tmp_path: Path, options: Any, names: set[str], jobs: str) -> None:
    """A failure, a long wait, a run that nears its deadline, and one that did not start."""
    scope = _scope(tmp_path)
    training(scope, **options)
    told = _alerts(objects(scope)["PrometheusRule/train"])
    failed = f'kube_job_failed{{namespace="ml-test",job_name=~"{jobs}",condition="true"}}'

    assert told.keys() == names
    assert told["TrainingFailed"]["expr"] == (f"{failed} == 1 unless on (namespace, job_name) {failed} offset 1d == 1")
    assert "for" not in told["TrainingFailed"]
    if "TrainingLong" in names:
        assert "> 19440 and on (namespace, job_name)" in told["TrainingLong"]["expr"]
    if "TrainingMissed" in names:
        assert told["TrainingMissed"]["expr"] == (
            'time() - max by (namespace, cronjob) (kube_cronjob_next_schedule_time{namespace="ml-test",'
            'cronjob="train"}) > 900'
        )


QUEUED_IN: list[Any] = [
    ({}, [], "train-[0-9a-f]{8}"),
    ({"schedule": Schedule("30 3 * * *")}, [], "train-[0-9]{8,}"),
    ({"nodes": 2}, [Crd.JOBSET], "train-[0-9a-f]{8}-node-0"),
    ({"nodes": 2, "backend": TrainJob()}, [Crd.JOBSET, Crd.KUBEFLOW_TRAINER], "train-[0-9a-f]{8}-node-0"),
]


@pytest.mark.parametrize(("options", "installed", "jobs"), QUEUED_IN)
def test_a_training_that_waits_in_its_queue_is_told_of(tmp_path: Path, options: Any, installed: Any, jobs: str) -> None:
    """It has no pod that would: its Job has not started, or is suspended again."""
    scope = _scope(tmp_path, installed=[Crd.PROMETHEUS_OPERATOR, Crd.KUEUE, *installed])
    training(scope, queue=Queue("research"), **options)
    chosen = f'{{namespace="ml-test",job_name=~"{jobs}"}}'
    expr = (
        f"max by (namespace, job_name) (kube_job_status_suspended{chosen} == 1 or (kube_job_created{chosen} unless on"
        f" (namespace, job_name) kube_job_status_start_time{chosen}))"
    )
    assert _alerts(objects(scope)["PrometheusRule/train"])["TrainingQueued"] == {
        "alert": "TrainingQueued",
        "expr": expr,
        "for": "24h",
        "labels": {"severity": "warning", "environment": "test", "workload": "train"},
        "annotations": {
            "summary": "test/train waits in its queue",
            "description": "{{ $labels.job_name }} has no room in the queue research, or is stopped at its deadline: kubectl "
            "describe workloads says which.",
        },
    }
    assert refused([expr]) == {}


def test_a_rayjob_that_waits_in_its_queue_is_told_of(tmp_path: Path) -> None:
    """By KubeRay, since it has no Job yet; and after as long as is said."""
    scope = _scope(tmp_path, installed=[Crd.PROMETHEUS_OPERATOR, Crd.KUEUE, Crd.KUBERAY])
    training(scope, queue=Queue("research"), nodes=2, backend=RayJob(), watch=Watch(queued_after=hours(2)))
    told = _alerts(objects(scope)["PrometheusRule/train"])["TrainingQueued"]
    expr = (
        'max by (namespace, name) (kuberay_job_deployment_status{namespace="ml-test",name=~"train-[0-9a-f]{8}",'
        'deployment_status="Suspended"}) == 1'
    )
    assert (told["expr"], told["for"]) == (expr, "2h")
    assert told["annotations"]["description"].startswith("{{ $labels.name }} has no room in the queue research")
    assert refused([expr]) == {}


def test_a_training_that_saves_nothing_is_told_of(tmp_path: Path) -> None:
    """By its own metric, which outlives the pod that told it, or from its start where there is none yet."""
    scope = _scope(tmp_path)
    saved = Checkpoint("gs://acme-checkpoints", every=minutes(15), metric="train_last_checkpoint_seconds")
    training(scope, checkpoint=saved, watch=Watch(metrics=Metrics(9400)))
    rendered = objects(scope)
    jobs = 'namespace="ml-test",job_name=~"train-[0-9a-f]{8}"'
    active = f"kube_job_status_active{{{jobs}}} > 0"
    expr = (
        'time() - max by (namespace) (max_over_time(train_last_checkpoint_seconds{namespace="ml-test",'
        f'pod=~"train-[0-9a-f]{{8}}-{SAFE}{{5}}"}}[45m]) or (kube_job_status_start_time{{{jobs}}} and on (namespace, '
        f"job_name) {active})) > 2700 and on (namespace) {active}"
    )
    assert _alerts(rendered["PrometheusRule/train"])["TrainingCheckpointMissing"] == {
        "alert": "TrainingCheckpointMissing",
        "expr": expr,
        "labels": {"severity": "warning", "environment": "test", "workload": "train"},
        "annotations": {
            "summary": "test/train saves no checkpoint",
            "description": "It runs, and train_last_checkpoint_seconds tells of none in 2700 seconds: what is lost with "
            "a node grows.",
        },
    }
    assert at(rendered["PodMonitor/train"], "spec.podMetricsEndpoints[0].port") == "metrics"
    assert refused([expr]) == {}


def test_a_step_of_a_set_need_not_save(tmp_path: Path) -> None:
    """It is the training itself that is asked for checkpoints."""
    scope = _scope(tmp_path, installed=[Crd.PROMETHEUS_OPERATOR, Crd.JOBSET])
    saved = Checkpoint("gs://acme-checkpoints", every=minutes(15), metric="train_saved")
    training(scope, checkpoint=saved, watch=Watch(metrics=Metrics(9400)), before=[Step("prepare", ["true"])])
    rendered = objects(scope)
    expr = _alerts(rendered["PrometheusRule/train"])["TrainingCheckpointMissing"]["expr"]
    job, pods = (re.findall(f'{label}=~"([^"]*)"', expr) for label in ("job_name", "pod"))
    run = rendered["JobSet/train"]["metadata"]["name"]

    assert set(job) == {"train-[0-9a-f]{8}-node-0"}
    assert re.fullmatch(job[0], f"{run}-node-0")
    assert not re.fullmatch(job[0], f"{run}-prepare-0")
    assert re.fullmatch(pods[0], f"{run}-node-0-0-x2v8k")


INSTALLED = {"JOBSET": Crd.JOBSET, "KUBERAY": Crd.KUBERAY, "VOLCANO": Crd.VOLCANO}
STEPS = {"before": [Step("prepare", ["true"])], "after": [Step("register", ["true"])]}
RUN = "train-[0-9a-f]{8}"
ENDS = f"{SAFE}{{5}}"


@pytest.mark.parametrize(
    ("options", "installed", "jobs", "pods", "pod"),
    [
        ({}, "", RUN, f"{RUN}-{ENDS}", "train-0a1b2c3d-x2v8k"),
        ({"nodes": 2}, "", RUN, f"{RUN}-[0-9]+-{ENDS}", "train-0a1b2c3d-1-x2v8k"),
        ({"sweep": Sweep(grid={"lr": [1, 2]})}, "", RUN, f"{RUN}-[0-9]+-{ENDS}", "train-0a1b2c3d-1-x2v8k"),
        ({"schedule": Schedule("30 3 * * *")}, "", "train-[0-9]{8,}", f"train-[0-9]{{8,}}-{ENDS}", "train-29841210-x2v8k"),
        ({"nodes": 2}, "JOBSET", f"{RUN}-node-0", f"{RUN}-node-0-[0-9]+-{ENDS}", "train-0a1b2c3d-node-0-1-x2v8k"),
        (
            STEPS, "JOBSET", f"{RUN}-(prepare|node|register)-0", f"{RUN}-(prepare|node|register)-0-[0-9]+-{ENDS}",
            "train-0a1b2c3d-prepare-0-0-x2v8k",
        ),
        ({"backend": RayJob()}, "KUBERAY", RUN, f"{RUN}-.+", "train-0a1b2c3d-bc4d2-node-worker-x2v8k"),
        ({"backend": VolcanoJob()}, "VOLCANO", None, f"{RUN}-node-[0-9]+", "train-0a1b2c3d-node-0"),
    ],
)  # fmt: skip
def test_only_its_own_jobs_and_pods_are_watched(
    tmp_path: Path, options: Any, installed: str, jobs: str | None, pods: str, pod: str
) -> None:
    """Workloads whose names begin with the same letters are none of its business, such as train-1 or train-api."""
    more = [INSTALLED[installed]] if installed else []
    scope = _scope(tmp_path, installed=[Crd.PROMETHEUS_OPERATOR, *more])
    training(scope, **options)
    rendered = objects(scope)
    told = str(rendered["PrometheusRule/train"]["spec"])
    drawn = str(_panels(rendered["ConfigMap/train-dashboard"]))

    assert set(re.findall('job_name=~"([^"]*)"', told)) == ({jobs} if jobs else set())
    assert set(re.findall('pod=~"([^"]*)"', told + drawn)) == {pods}
    assert re.fullmatch(pods, pod)
    others = ("train-1-x2v8k", "train-1-0-x2v8k", "train-api-6d4cf56db6-x2v8k", "train-20260101-6d4cf56db6-x2v8k")
    assert not any(re.fullmatch(pods, other) for other in others[: 3 if "KUBERAY" in installed else 4])


def test_when_a_checkpoint_is_late_can_be_said(tmp_path: Path) -> None:
    """For a program that saves as it likes, or has to be given more time."""
    saved = {"metric": "train:saved", "late_after": minutes(40)}
    for every in (None, minutes(15)):
        scope = _scope(tmp_path)
        checkpoint = Checkpoint("gs://acme-checkpoints", every=every, **saved)  # type: ignore[arg-type]
        training(scope, checkpoint=checkpoint, watch=Watch(metrics=Metrics(9400)))
        expr = _alerts(objects(scope)["PrometheusRule/train"])["TrainingCheckpointMissing"]["expr"]
        assert "train:saved{" in expr
        assert "[40m]) or" in expr
        assert " > 2400 and on" in expr


READ = Watch(metrics=Metrics(9400))
MISUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {"metric": "saved", "every": minutes(5)}, {},
        ("checkpoint.metric='saved' but nothing reads the metrics of this training; say where they are, as in "
        "watch=Watch(metrics=Metrics(9400)), or leave metric= away"),
    ),
    (
        {"metric": "saved", "every": minutes(5)}, {"watch": Watch(alerts=False, metrics=Metrics(9400))},
        "checkpoint.metric='saved' but Watch(alerts=False) lets nobody be told; leave one of the two away",
    ),
    (
        {"metric": "saved"}, {"watch": READ},
        ("checkpoint.metric='saved' but nothing says how often it saves; write every=minutes(15), or "
        "late_after=minutes(45)"),
    ),
    (
        {"metric": "saved", "every": minutes(5)}, {"watch": READ, "sweep": Sweep(grid={"lr": [1, 2]})},
        "checkpoint.metric='saved' but sweep= is given too, and each trial has checkpoints of its own; leave it away",
    ),
    (
        {"late_after": minutes(5)}, {"watch": READ},
        ("checkpoint.late_after=seconds(300) but without metric= nobody can see when the last one was complete; name "
        "the metric of the training that tells it, or leave late_after= away"),
    ),
    (
        {"metric": "saved", "every": minutes(5), "late_after": minutes(5)}, {"watch": READ},
        ("checkpoint.late_after=seconds(300) but it saves every 300 seconds, so one would be missed between any two; "
        "write a longer time, or leave it away for three times every="),
    ),
    (
        {"metric": "sum(saved)", "every": minutes(5)}, {"watch": READ},
        "checkpoint.metric='sum(saved)' but the name of a metric holds letters, digits, _ and : only; correct the value",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("checkpoint", "options", "text"), MISUSED)
def test_a_checkpoint_that_nobody_could_miss(
    tmp_path: Path, checkpoint: dict[str, Any], options: dict[str, Any], text: str
) -> None:
    """An alert that can never tell, or tells always, is refused."""
    scope = _scope(tmp_path)
    training(scope, checkpoint=Checkpoint("gs://acme-checkpoints", **checkpoint), **options)
    assert [f"{one.rule} {one.text}" for one in found(scope)] == [f"X11 test/train: {text}"]


def test_alerts_change_no_training(tmp_path: Path) -> None:
    """Who watches a run is no part of what it is; only a port of its own is."""
    names = []
    for options in ({}, {"watch": Watch(alerts=False)}, {"watch": Watch(metrics=Metrics(9400))}):
        scope = _scope(tmp_path)
        training(scope, **options)
        names.append(objects(scope)["Job/train"]["metadata"]["name"])

    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize(
    ("pod", "matched"),
    [
        ("api-7d4b9c6f5-x2v8k", True),
        ("api-canary-7d4b9c6f5-x2v8k", False),
        ("api-7d4b9c6f5", False),
        ("other-api-7d4b9c6f5-x2v8k", False),
    ],
)
def test_pods_are_matched_by_the_names_that_kubernetes_makes(pod: str, matched: bool) -> None:  # noqa: FBT001
    """Prometheus anchors an expression at both ends."""
    assert bool(re.fullmatch(pod_names("api"), pod)) is matched


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (service, {}),
        (service, {"watch": SCRAPED, "gpu": Gpu("l4")}),
        (service, {"scale": None, "replicas": 1}),
        (service, {"scale": CpuScale(min=1, max=3)}),
        (training, {}),
        (training, {"nodes": 2, "accept": {"J18": "a test"}}),
        (training, {"schedule": Schedule("30 3 * * *")}),
        (training, {"sweep": Sweep(grid={"lr": [1, 2]})}),
    ],
)
def test_prometheus_reads_every_expression(tmp_path: Path, make: Any, options: Any) -> None:
    """Not by eye: the parser is Prometheus' own."""
    scope = _scope(tmp_path)
    make(scope, **options)
    asked = [one for manifest in objects(scope).values() for one in expressions(manifest)]

    assert len(asked) > 5
    assert refused(asked) == {}


def test_the_reader_does_refuse() -> None:
    """A reader that takes everything would prove nothing."""
    assert refused(["up", "sum(up", 'up{a="b}']) == {
        "sum(up": "1:7: parse error: unclosed left parenthesis",
        'up{a="b}': "1:6: parse error: unterminated quoted string",
    }


def test_a_dashboard_is_drawn_for_this_workload_only(tmp_path: Path) -> None:
    """Every graph is of its own pods, and the address of the page does not change."""
    scope = _scope(tmp_path)
    service(scope, gpu=Gpu("l4"))
    manifest = objects(scope)["ConfigMap/api-dashboard"]
    drawn = _panels(manifest)
    (text,) = manifest["data"].values()

    assert list(manifest["data"]) == ["ml-test-api.json"]
    assert list(drawn) == ["Replicas", "Restarts in 15 minutes", "CPU", "Memory", "GPU"]
    assert all("ml-test" in expression for lines in drawn.values() for expression in lines)
    assert re.fullmatch("modelyard-[0-9a-f]{8}", json.loads(text)["uid"])
    assert others.dashboard(manifest)  # a plan knows it by how it begins
    assert at(manifest, "immutable") == MISSING
