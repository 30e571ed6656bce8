"""E: InferenceServices of KServe: their names, their mode, what scales them, and what KServe makes beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.a import A11, A12, A18, USUAL_WINDOW, start_of
from modelyard.rules.kserve import KIND, MODE, PARTS, SCALER, WITH_SCALER, annotation, deployed, part, standard
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.rules.workloads import called, running
from modelyard.values.names import LABEL_LENGTH

MODES_PAGE = "https://kserve.github.io/website/docs/admin-guide/overview"
SCALING_PAGE = "https://kserve.github.io/website/docs/model-serving/predictive-inference/autoscaling/hpa-autoscaler"
FIELDS = "https://kserve.github.io/website/docs/reference/crd-api"

E01 = Rule(
    "E01",
    "An InferenceService's name begins with a letter, and leaves room for what KServe adds to it.",
    why=(
        "KServe's webhook refuses a name without a letter at its beginning, and a label of all its pods is"
        " isvc.<name>-predictor: one that is too long is refused with the Deployment, and nothing ever runs."
    ),
    fix="shorten the name, and begin it with a letter",
    see=MODES_PAGE,
)
E02 = Rule(
    "E02",
    "Name and namespace of an InferenceService fit one label of a host name.",
    why=(
        "KServe calls the host <name>-<namespace> unless its configuration has another domainTemplate. Where that is no"
        " host name it gives up, and the InferenceService never gets ready, though its pods run."
    ),
    fix="shorten the name, or accept E02 where KServe's domainTemplate is another",
    see=FIELDS,
    acceptable=True,
)
E03 = Rule(
    "E03",
    "An InferenceService says in which mode KServe runs it, by the word of today.",
    why=(
        "Without the annotation KServe's configuration decides, which is not in git. An older word is rewritten by"
        " KServe's webhook, so that Argo CD and Flux find a difference for ever."
    ),
    fix='write serving.kserve.io/deploymentMode: "Standard", or accept E03 where an older KServe runs',
    see=MODES_PAGE,
    acceptable=True,
)
E04 = Rule(
    "E04",
    "What scales an InferenceService is known to KServe, and its numbers fit.",
    why="KServe's webhook refuses the InferenceService, or its autoscaler follows something else than is written.",
    fix="correct it",
    see=SCALING_PAGE,
)
E05 = Rule(
    "E05",
    "An InferenceService asks for nothing that its mode passes over.",
    why="The field is accepted and changes nothing, or KServe's webhook refuses it: only the other mode knows it.",
    fix="leave it away",
    see=MODES_PAGE,
    acceptable=True,
)
E06 = Rule(
    "E06",
    "The container of an InferenceService asks for CPU and memory itself, and limits both.",
    why=(
        "KServe's webhook fills in what is not there, as it is shipped 1 CPU and 2Gi: the container is held to 1 CPU,"
        " or the Deployment is refused, since a request is above the limit."
    ),
    fix="write it (cpu_limit=, for the limit of CPU), or accept E06 where KServe's configuration fills in nothing",
    see=FIELDS,
    acceptable=True,
)
E09 = Rule(
    "E09",
    "An InferenceService says its framework in spec.predictor.model.",
    why="KServe's webhook moves it there, so that Argo CD and Flux find a difference for ever.",
    fix="write model: {modelFormat: {name: ...}} in its place",
    see=FIELDS,
    acceptable=True,
)
E10 = Rule(
    "E10",
    "Nothing else has the name of what KServe makes of an InferenceService.",
    why="Each takes the object for its own: KServe and the sync undo each other's work, or KServe gives up.",
    fix="rename one of the two",
    see=MODES_PAGE,
)

NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
FORMER = {"RawDeployment": "Standard", "Serverless": "Knative"}
MODES = frozenset({"Standard", "Knative", "ModelMesh"})
CLASSES = ("external", "hpa", "keda", "none")
OF_HPA, OF_KNATIVE = ("cpu", "memory"), ("concurrency", "rps")
KNATIVE_CLASS, KNATIVE_HPA = "autoscaling.knative.dev/class", "hpa.autoscaling.knative.dev"
PERCENT = 100
IGNORED = {
    "canaryTrafficPercent": "only Knative shares requests between revisions",
    "containerConcurrency": "only Knative counts the requests of a container",
}
FRAMEWORKS = {
    "huggingface": "huggingface", "lightgbm": "lightgbm", "onnx": "onnx", "paddle": "paddle", "pmml": "pmml",
    "pytorch": "pytorch", "sklearn": "sklearn", "tensorflow": "tensorflow", "triton": "triton", "xgboost": "xgboost",
}  # fmt: skip
MADE = ("Deployment", "Service", "HorizontalPodAutoscaler")


def parts(one: Object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parts of an InferenceService by their paths."""
    return ((f"spec.{name}", part(one, name)) for name in PARTS if one.spec.get(name))


def _scaler(one: Object) -> str:
    return annotation(one, SCALER) or "hpa"


@E01.objects(KIND)
def named(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the name, and what it becomes."""
    if not NAME.fullmatch(one.name):
        yield E01.breach("metadata.name", one.name, "it is not lower case letters, digits and -, a letter first")
        return
    longest = max((name for name in PARTS if one.spec.get(name)), key=len, default=PARTS[0])
    label = f"isvc.{one.name}-{longest}"
    if standard(one) and len(label) > LABEL_LENGTH:
        because = f"its pods are labelled {label}, with {len(label)} characters, and a label has {LABEL_LENGTH}"
        yield E01.breach("metadata.name", one.name, because)
    elif len(host := f"{one.name}-{one.namespace}") > LABEL_LENGTH:
        because = f"its host begins with {host}, with {len(host)} characters, and a host's label has {LABEL_LENGTH}"
        yield E02.breach("metadata.name", one.name, because)


@E03.objects(KIND)
def moded(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the mode, and at what it does not know."""
    mode, field = annotation(one, MODE), f"metadata.annotations[{MODE!r}]"
    if mode is None:
        yield E03.breach(field, None, "it is not said, so the cluster's configuration decides")
    elif mode in FORMER:
        because = f"KServe's webhook rewrites it to {FORMER[mode]}, and every sync back"
        yield E03.breach(field, mode, because, f'write "{FORMER[mode]}", or accept E03 where an older KServe runs')
    elif mode not in MODES:
        yield E03.breach(field, mode, "there is no such mode", 'write "Standard" or "Knative"')
    for path, given in parts(one):
        if standard(one):
            for key, because in IGNORED.items():
                if given.get(key) is not None:
                    yield E05.breach(f"{path}.{key}", given[key], f"the mode is {mode}, and {because}")
            if given.get("minReplicas") == 0 and _scaler(one) == "hpa":
                because = "a HorizontalPodAutoscaler of KServe keeps 1 replica at least"
                yield E05.breach(f"{path}.minReplicas", 0, because, "write 1, or scale by KEDA")
        elif mode in {"Knative", "Serverless"} and given.get("deploymentStrategy") is not None:
            because = f"the mode is {mode}, whose revisions are replaced by Knative"
            yield E05.breach(f"{path}.deploymentStrategy", None, because)


@E04.objects(KIND)
def scaled(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at what scales it, and at its numbers."""
    scaler = annotation(one, SCALER)
    if scaler is not None and scaler not in CLASSES:
        because = f"there is no such class; they are {', '.join(CLASSES)}"
        yield E04.breach(f"metadata.annotations[{SCALER!r}]", scaler, because, "write one of them")
    for path, given in parts(one):
        yield from _bounds(path, given)
        yield from _metric(path, given, one)
    if standard(one):
        yield from _beside(one, scope)


def _bounds(path: str, given: dict[str, Any]) -> Iterator[Breach]:
    least, most = given.get("minReplicas"), given.get("maxReplicas") or 0
    for key in ("minReplicas", "maxReplicas", "containerConcurrency"):
        if (given.get(key) or 0) < 0:
            yield E04.breach(f"{path}.{key}", given[key], "it is 0 or more")
    if most > 0 and (1 if least is None else least) > most:
        because = f"{path}.maxReplicas is {most}, and the fewest replicas are at most the most"
        yield E04.breach(f"{path}.minReplicas", least, because, "lower it, or raise maxReplicas")


def _metric(path: str, given: dict[str, Any], one: Object) -> Iterator[Breach]:
    metric, target, scaler = given.get("scaleMetric"), given.get("scaleTarget"), _scaler(one)
    if standard(one):
        if scaler == "keda" and metric is not None:
            because = "KServe takes it for a HorizontalPodAutoscaler only, and the class is keda"
            yield E04.breach(f"{path}.scaleMetric", metric, because, "write autoScaling.metrics in its place")
        if scaler != "hpa":
            return
        known = OF_HPA
    else:
        known = OF_HPA if annotation(one, KNATIVE_CLASS) == KNATIVE_HPA else OF_KNATIVE
    if metric is not None and metric not in known:
        because = f"what scales it follows {' or '.join(known)}"
        yield E04.breach(f"{path}.scaleMetric", metric, because, "write one of the two")
    elif known == OF_HPA and target is not None and not 1 <= target <= PERCENT:
        yield E04.breach(f"{path}.scaleTarget", target, "it is a percentage from 1 to 100", "write one")
    for index, source in enumerate((given.get("autoScaling") or {}).get("metrics") or ()):
        if known == OF_HPA and source["type"] != "Resource":
            field = f"{path}.autoScaling.metrics[{index}].type"
            because = "a HorizontalPodAutoscaler of KServe follows CPU and memory"
            yield E04.breach(field, source["type"], because, "write the class keda, or a metric of type Resource")


def _beside(one: Object, scope: Scope) -> Iterator[Breach]:
    """Yield what scales the Deployment of *one* beside KServe, and what KServe's own autoscaler cannot do."""
    scaler, field = _scaler(one), f"metadata.annotations[{SCALER!r}]"
    for other in scope.scalers_of(one)[:1]:
        if scaler in WITH_SCALER:
            because = f"KServe makes an autoscaler then, and {called(other)} scales the same pods"
            yield A11.breach(field, annotation(one, SCALER), because, 'write "external", or remove the other')
        elif scaler == "none":
            because = f"{called(other)} owns the number of replicas, and KServe sets it back"
            yield A12.breach(field, scaler, because, 'write "external", or remove the autoscaler')
    start = min(max(map(start_of, running(one.pod)), default=0), 3600) if one.pod is not None else 0
    if scaler == "hpa" and start > USUAL_WINDOW and (part(one).get("maxReplicas") or 0) > 1:
        because = (
            f"KServe's autoscaler waits {USUAL_WINDOW} seconds before it ends pods, and a start may take {start},"
            " in which the pod is missed"
        )
        yield A18.breach(field, annotation(one, SCALER), because, "scale by KEDA, or accept A18 where load is even")


@E06.objects(KIND)
def limited(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for what KServe would fill in, in the container that it fills it in."""
    predictor = part(one)
    for container in (predictor.get("containers") or ())[:1]:
        resources = container.get("resources") or {}
        for kind in ("requests", "limits"):
            for resource in ("cpu", "memory"):
                if (resources.get(kind) or {}).get(resource) is None:
                    field = f"spec.predictor.containers[0].resources.{kind}.{resource}"
                    filled = "1" if resource == "cpu" else "2Gi"
                    because = f"KServe fills in {filled}, unless it is configured otherwise"
                    yield E06.breach(field, None, because)


@E09.objects(KIND)
def framed(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for frameworks that KServe moves, and for names that it takes."""
    for key, name in FRAMEWORKS.items():
        if part(one).get(key) is not None:
            because = "KServe's webhook moves it to spec.predictor.model"
            yield E09.breach(f"spec.predictor.{key}", None, because, f"write model: {{modelFormat: {{name: {name}}}}}")
    made = deployed(one)
    for kind in MADE if made is not None else ():
        other = scope.find(kind, one.namespace, made or "")
        if other is not None and other is not one and other not in scope.made:
            yield E10.breach("metadata.name", one.name, f"KServe makes a {kind} {made} of it, and one is rendered here")
