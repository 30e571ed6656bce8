"""E: InferenceServices, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelyard import Cluster, Crd
from modelyard.rules import changes
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, autoscaler, budget, deployment, service

CLUSTER = Cluster("main", kubernetes="1.36", installed=[Crd.KSERVE, Crd.KEDA])
MODE, SCALER = "serving.kserve.io/deploymentMode", "serving.kserve.io/autoscalerClass"
HERE = "test: InferenceService chat "
RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
CONTAINER: Manifest = {
    "name": "kserve-container", "image": "ghcr.io/acme/chat:1", "resources": RESOURCES,
    "ports": [{"name": "http", "containerPort": 8000}],
}  # fmt: skip
MODEL: Manifest = {"modelFormat": {"name": "sklearn"}, "storageUri": "pvc://models/churn"}
CASES: list[Any] = []


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, manifests, [] if text is None else [HERE + text], id=f"{rule}-{name}"))


def inference(
    name: str = "chat",
    mode: str | None = "Standard",
    scaler: str | None = "none",
    parts: Manifest | None = None,
    **own: Any,
) -> Manifest:
    """Return an InferenceService with a predictor of its own container."""
    given = {MODE: mode, SCALER: scaler}
    metadata = {"name": name, "annotations": {key: text for key, text in given.items() if text is not None}}
    predictor = own if {"model", "sklearn", "containers"} & own.keys() else {"containers": [CONTAINER], **own}
    spec = {"predictor": predictor, **(parts or {})}
    return {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": metadata, "spec": spec}


def custom(**fields: Any) -> list[Manifest]:
    """Return the one container of a predictor, with other *fields*."""
    return [{**CONTAINER, **fields}]


def scaled(name: str = "chat-predictor") -> Manifest:
    """Return a HorizontalPodAutoscaler of the Deployment that KServe makes."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return autoscaler("own", scaleTargetRef=target)


ROOM = "shorten the name, and begin it with a letter"
case("E01", "as long as it may be", inference("c" * 48))
CASES.append(
    pytest.param(
        "E01",
        (inference("c" * 49),),
        [
            (
                f"test: InferenceService {'c' * 49} metadata.name='{'c' * 49}' but its pods are labelled"
                f" isvc.{'c' * 49}-predictor, with 64 characters, and a label has 63; {ROOM}"
            )
        ],
        id="E01-too-long",
    )
)
CASES.append(
    pytest.param(
        "E01",
        (inference("4chat"),),
        [
            (
                "test: InferenceService 4chat metadata.name='4chat' but it is not lower case letters, digits and -, a letter"
                f" first; {ROOM}"
            )
        ],
        id="E01-a-digit-first",
    )
)
case("E02", "a short name", inference())
CASES.append(
    pytest.param(
        "E02",
        ({**inference("c" * 48), "metadata": {"name": "c" * 48, "namespace": "n" * 15}},),
        [
            (
                f"test: InferenceService {'c' * 48} metadata.name='{'c' * 48}' but its host begins with {'c' * 48}-{'n' * 15},"
                " with 64 characters, and a host's label has 63; shorten the name, or accept E02 where KServe's domainTemplate"
                " is another"
            )
        ],
        id="E02-with-its-namespace",
    )
)
AT_MODE = f"metadata.annotations['{MODE}']"
case("E03", "the word of today", inference())
case("E03", "Knative", inference(mode="Knative", scaler=None))
case(
    "E03",
    "none",
    inference(mode=None),
    text=(
        f'{AT_MODE} but it is not said, so the cluster\'s configuration decides; write {MODE}: "Standard", or accept E03'
        " where an older KServe runs"
    ),
)
case(
    "E03",
    "a word of before",
    inference(mode="RawDeployment"),
    text=(
        f"{AT_MODE}='RawDeployment' but KServe's webhook rewrites it to Standard, and every sync back; write \"Standard\","
        " or accept E03 where an older KServe runs"
    ),
)
case(
    "E03",
    "no word of KServe's",
    inference(mode="standard"),
    text=f'{AT_MODE}=\'standard\' but there is no such mode; write "Standard" or "Knative"',
)
AT_SCALER = f"metadata.annotations['{SCALER}']"
case("E04", "bounds", inference(scaler="hpa", minReplicas=1, maxReplicas=4, scaleMetric="cpu", scaleTarget=70))
case("E04", "no most", inference(scaler="hpa", minReplicas=2, maxReplicas=0))
case(
    "E04",
    "no class",
    inference(scaler="kpa"),
    text=f"{AT_SCALER}='kpa' but there is no such class; they are external, hpa, keda, none; write one of them",
)
case(
    "E04",
    "more at the fewest",
    inference(scaler="hpa", minReplicas=4, maxReplicas=2),
    text=(
        "spec.predictor.minReplicas=4 but spec.predictor.maxReplicas is 2, and the fewest replicas are at most the most;"
        " lower it, or raise maxReplicas"
    ),
)
case(
    "E04",
    "fewer than none",
    inference(minReplicas=-1),
    text="spec.predictor.minReplicas=-1 but it is 0 or more; correct it",
)
case(
    "E04",
    "a metric of Knative",
    inference(scaler="hpa", scaleMetric="rps"),
    text="spec.predictor.scaleMetric='rps' but what scales it follows cpu or memory; write one of the two",
)
case(
    "E04",
    "a metric of Kubernetes",
    inference(mode="Knative", scaler=None, scaleMetric="cpu"),
    text="spec.predictor.scaleMetric='cpu' but what scales it follows concurrency or rps; write one of the two",
)
case(
    "E04",
    "more than all",
    inference(scaler="hpa", scaleTarget=120),
    text="spec.predictor.scaleTarget=120 but it is a percentage from 1 to 100; write one",
)
case(
    "E04",
    "a metric for KEDA",
    inference(scaler="keda", scaleMetric="cpu"),
    text=(
        "spec.predictor.scaleMetric='cpu' but KServe takes it for a HorizontalPodAutoscaler only, and the class is keda;"
        " write autoScaling.metrics in its place"
    ),
)
QUERY = {
    "type": "External",
    "external": {"metric": {"backend": "prometheus"}, "target": {"type": "Value", "value": "1"}},
}
case("E04", "a query for KEDA", inference(scaler="keda", autoScaling={"metrics": [QUERY]}))
case(
    "E04",
    "a query for Kubernetes",
    inference(scaler="hpa", autoScaling={"metrics": [QUERY]}),
    text=(
        "spec.predictor.autoScaling.metrics[0].type='External' but a HorizontalPodAutoscaler of KServe follows CPU and"
        " memory; write the class keda, or a metric of type Resource"
    ),
)
case("E05", "of Knative", inference(mode="Knative", scaler=None, canaryTrafficPercent=10, containerConcurrency=4))
case("E05", "of Kubernetes", inference(deploymentStrategy={"type": "Recreate"}))
case(
    "E05",
    "a share",
    inference(canaryTrafficPercent=10),
    text=(
        "spec.predictor.canaryTrafficPercent=10 but the mode is Standard, and only Knative shares requests between"
        " revisions; leave it away"
    ),
)
case(
    "E05",
    "a number of requests",
    inference(containerConcurrency=4),
    text=(
        "spec.predictor.containerConcurrency=4 but the mode is Standard, and only Knative counts the requests of a"
        " container; leave it away"
    ),
)
case(
    "E05",
    "down to none",
    inference(scaler="hpa", minReplicas=0),
    text=(
        "spec.predictor.minReplicas=0 but a HorizontalPodAutoscaler of KServe keeps 1 replica at least; write 1, or scale by"
        " KEDA"
    ),
)
case(
    "E05",
    "a strategy",
    inference(mode="Knative", scaler=None, deploymentStrategy={"type": "Recreate"}),
    text=(
        "spec.predictor.deploymentStrategy but the mode is Knative, whose revisions are replaced by Knative; leave it away"
    ),
)
case("E06", "all four", inference())
case("E06", "a runtime's own", inference(model=MODEL))
case(
    "E06",
    "no limit of CPU",
    inference(containers=custom(resources={**RESOURCES, "limits": {"memory": "1Gi"}})),
    text=(
        "spec.predictor.containers[0].resources.limits.cpu but KServe fills in 1, unless it is configured otherwise; write it"
        " (cpu_limit=, for the limit of CPU), or accept E06 where KServe's configuration fills in nothing"
    ),
)
case("E07", "a container", inference())
case("E07", "a container by another name", inference(containers=custom(name="main")))
case("E07", "a model with a helper", inference(model=MODEL, containers=custom(name="helper")))
case("E07", "what it speaks", inference(containers=custom(env=[{"name": "PROTOCOL", "value": "v2"}])))
case(
    "E07",
    "two",
    inference(model=MODEL, containers=custom()),
    text="spec.predictor but it has model and kserve-container, and one serves; keep one of them",
)
case(
    "E07",
    "none",
    inference(containers=[]),
    text=(
        "spec.predictor but nothing is said to serve; write model, or containers with one that is called kserve-container"
    ),
)
case(
    "E07",
    "a name",
    inference(model={**MODEL, "name": "churn"}),
    text="spec.predictor.model.name='churn' but KServe names its container itself; remove it",
)
BLOCKED = "but KServe lets nobody set it, since it decides what code is run; remove it, and set it in the image"
case(
    "E07",
    "a path of Python",
    inference(containers=custom(env=[{"name": "PYTHONPATH", "value": "/app"}])),
    text=f"spec.predictor.containers[0].env[0].name='PYTHONPATH' {BLOCKED}",
)
case(
    "E07",
    "a path of Python for a model",
    inference(model={**MODEL, "env": [{"name": "PYTHONPATH", "value": "/app"}]}),
    text=f"spec.predictor.model.env[0].name='PYTHONPATH' {BLOCKED}",
)
case(
    "E07",
    "a protocol",
    inference(containers=custom(env=[{"name": "PROTOCOL", "value": "https"}])),
    text=(
        "spec.predictor.containers[0].env[0].value='https' but KServe reads from it what the server speaks; write v1 or v2,"
        " or call the variable otherwise"
    ),
)
case(
    "E07",
    "a model for what transforms",
    inference(
        containers=[
            *custom(),
            {**CONTAINER, "name": "transformer-container", "env": [{"name": "STORAGE_URI", "value": "pvc://a/b"}]},
        ]
    ),
    text=(
        "spec.predictor.containers[1].env[0].name='STORAGE_URI' but the model is loaded for the container that serves; set"
        " it there"
    ),
)
WORKERS: Manifest = {"pipelineParallelSize": 2, "tensorParallelSize": 1}
case("E08", "two", inference(model=MODEL, workerSpec=WORKERS))
case(
    "E08",
    "none",
    inference(model=MODEL, workerSpec={**WORKERS, "pipelineParallelSize": 0}),
    text="spec.predictor.workerSpec.pipelineParallelSize=0 but it is 1 or more; correct the field",
)
case(
    "E08",
    "two containers",
    inference(model=MODEL, workerSpec={"containers": [{"name": "a", "image": "b:1"}, {"name": "c", "image": "b:1"}]}),
    text="spec.predictor.workerSpec.containers but a worker has one container; keep one",
)
case(
    "E08",
    "from the hub",
    inference(model={**MODEL, "storageUri": "hf://acme/chat"}, workerSpec=WORKERS),
    text=(
        "spec.predictor.model.storageUri='hf://acme/chat' but all nodes read the model, from a claim or an image; write"
        " pvc://... or oci://..."
    ),
)
case(
    "E08",
    "scaled",
    inference(scaler="hpa", model=MODEL, workerSpec=WORKERS),
    text=f"{AT_SCALER}='hpa' but KServe scales no service of several nodes; write \"none\"",
)
case(
    "E08",
    "a size twice",
    inference(model={**MODEL, "env": [{"name": "TENSOR_PARALLEL_SIZE", "value": "2"}]}, workerSpec=WORKERS),
    text="spec.predictor.model.env[0].name='TENSOR_PARALLEL_SIZE' but KServe sets it from workerSpec; remove it",
)
case("E09", "a model", inference(model=MODEL))
case(
    "E09",
    "a framework",
    inference(sklearn={"storageUri": "pvc://models/churn"}),
    text=(
        "spec.predictor.sklearn but KServe's webhook moves it to spec.predictor.model; write model: {modelFormat: {name:"
        " sklearn}}"
    ),
)
case("E10", "other names", inference(), deployment("chat"), service("chat"))
case("E10", "nothing is made", inference(mode="Knative", scaler=None), deployment("chat-predictor"))
for kind, other in (("Deployment", deployment("chat-predictor")), ("Service", service("chat-predictor"))):
    case(
        "E10",
        f"a {kind}",
        inference(),
        other,
        text=(
            f"metadata.name='chat' but KServe makes a {kind} chat-predictor of it, and one is rendered here; rename one of"
            " the two"
        ),
    )
case("A11", "its own", inference(scaler="hpa"))
case("A11", "ours", inference(scaler="external"), scaled())
case(
    "A11",
    "two",
    inference(scaler="hpa"),
    scaled(),
    text=(
        f"{AT_SCALER}='hpa' but KServe makes an autoscaler then, and HorizontalPodAutoscaler own scales the same pods; write"
        ' "external", or remove the other'
    ),
)
case(
    "A12",
    "a number",
    inference(minReplicas=2),
    scaled(),
    text=(
        f"{AT_SCALER}='none' but HorizontalPodAutoscaler own owns the number of replicas, and KServe sets it back; write"
        ' "external", or remove the autoscaler'
    ),
)
SLOW = custom(startupProbe={"tcpSocket": {"port": 8000}, "failureThreshold": 90, "periodSeconds": 10})
case("A18", "one replica", inference(scaler="hpa", containers=SLOW))
case(
    "A18",
    "a long start",
    inference(scaler="hpa", maxReplicas=4, containers=SLOW),
    text=(
        f"{AT_SCALER}='hpa' but KServe's autoscaler waits 300 seconds before it ends pods, and a start may take 900, in which"
        " the pod is missed; scale by KEDA, or accept A18 where load is even"
    ),
)
case("D01", "one at a time", inference(deploymentStrategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}))
case(
    "D01",
    "neither",
    inference(deploymentStrategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
    text=(
        "spec.predictor.deploymentStrategy.rollingUpdate.maxUnavailable=0 but maxSurge is 0, so that a rollout could neither"
        " add a pod nor end one; set maxSurge or maxUnavailable to 1"
    ),
)
case("D10", "two replicas", inference(minReplicas=2, deploymentStrategy={"rollingUpdate": {"maxUnavailable": 1}}))
case("D10", "of Knative", inference(mode="Knative", scaler=None, minReplicas=1))
case("P26", "kept running", inference(restartPolicy="Always"))
case(
    "P26",
    "ended",
    inference(restartPolicy="OnFailure"),
    text=(
        "spec.predictor.restartPolicy='OnFailure' but an InferenceService keeps its pods running; run what ends as a Job"
        " (TrainingJob), or write restartPolicy: Always"
    ),
)


@pytest.mark.parametrize(("rule", "manifests", "expected"), CASES)
def test_an_inference_service_is_judged(
    rule: str, manifests: tuple[Mapping[str, Any], ...], expected: list[str]
) -> None:
    """Exactly the breach that is there."""
    found = judged(rule, *manifests, cluster=CLUSTER)
    assert [text for one, text in found if one == rule] == expected


def test_d10_knows_the_service_that_kserve_makes() -> None:
    """A single pod that ends first is missed by those who call it."""
    recreate = inference(deploymentStrategy={"type": "Recreate"})
    (found,) = judged("D10", recreate, cluster=CLUSTER)
    assert found[1].startswith(
        f"{HERE}spec.predictor.deploymentStrategy.type='Recreate' but a rollout ends its pod before a new one starts, and"
        " Service chat-predictor leads nowhere meanwhile"
    )


def test_d12_knows_the_pods_that_kserve_makes() -> None:
    """By its labels, whatever runs in them; other labels are found missing."""
    labels = {"serving.kserve.io/inferenceservice": "chat", "component": "predictor"}
    right = budget("chat", selector={"matchLabels": labels})
    wrong = budget("chat", selector={"matchLabels": {**labels, "component": "predict"}})
    assert judged("D12", inference(), right, cluster=CLUSTER) == []
    assert judged("D12", inference(model=MODEL), right, cluster=CLUSTER) == []
    assert [rule for rule, _ in judged("D12", inference(), wrong, cluster=CLUSTER)] == ["D12"]


def test_v18_finds_a_credential_once() -> None:
    """Where it stands, in the words of the InferenceService."""
    secret = custom(args=["--password", "hunter2hunter2"])
    (found,) = judged("V18", inference(containers=secret), cluster=CLUSTER)
    assert found[1].startswith(f"{HERE}spec.predictor.containers[0].args[1] but it looks like")


def test_g14_keeps_the_mode() -> None:
    """A change between the modes is refused; a new word for the same mode is none."""
    (found,) = changes(inference(), inference(mode="Knative"))
    assert (found.rule, found.field, found.because, found.do) == (
        "G14",
        AT_MODE,
        "it was Standard, and KServe's webhook lets nobody change it",
        "give the InferenceService a new name",
    )
    assert list(changes(inference(mode="RawDeployment"), inference())) == []
