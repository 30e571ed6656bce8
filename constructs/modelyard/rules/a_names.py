"""A: the names of the metrics that autoscalers and alerts ask for."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.a import target
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import running
from modelyard.values import image
from modelyard.values.versions import Version, parsed

A17 = Rule(
    "A17",
    "An autoscaler, an alert or an analysis asks for metrics that the model server exports, at the version that runs.",
    why=(
        "Names change from version to version. A query for a name that nobody tells answers with nothing: no replica is"
        " ever added, no alert ever comes, and no new version is ever found worse."
    ),
    fix="ask for the name that this version has, or accept A17 where another program tells it",
    see="https://docs.vllm.ai/en/stable/usage/metrics/",
    acceptable=True,
)

PREFIXES = ("vllm:", "vllm_", "sglang:", "sglang_", "nv_inference_", "rest_server_", "model_infer_request_")
"""By which queries are chosen that are worth a look."""
LACKS = " does not export it"
SERVERS = {"vllm": "vLLM", "sglang": "SGLang", "tritonserver": "Triton", "mlserver": "MLServer"}


@A17.objects("ScaledObject")
def followed(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at the queries that KEDA goes by."""
    found = scope.find(*_target(one))
    for index, trigger in enumerate(one.spec.get("triggers") or ()):
        query = str((trigger.get("metadata") or {}).get("query") or "")
        at = f"spec.triggers[{index}].metadata.query"
        if _named(query):
            yield from _asked(at, query, [found.pod] if found is not None and found.pod is not None else [])


@A17.objects("PrometheusRule")
def told(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at the expressions of alerts, beside the pods of the same workload."""
    for outer, group in enumerate(one.spec.get("groups") or ()):
        for inner, rule in enumerate(group.get("rules") or ()):
            at = f"spec.groups[{outer}].rules[{inner}].expr"
            if _named(query := str(rule.get("expr", ""))):
                yield from _asked(at, query, _of_owner(one, scope))


@A17.objects("AnalysisTemplate")
def analysed(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at the queries that a new version is judged by, beside the pods of the same workload."""
    for at, query in analyses(one):
        if _named(query):
            yield from _asked(at, query, _of_owner(one, scope))


def analyses(one: Object) -> Iterator[tuple[str, str]]:
    """Yield the queries to Prometheus of the AnalysisTemplate *one*, each with its place."""
    for index, metric in enumerate(one.spec.get("metrics") or ()):
        asked = (metric.get("provider") or {}).get("prometheus")
        if asked is not None:
            yield f"spec.metrics[{index}].provider.prometheus.query", str(asked.get("query") or "")


def _target(one: Object) -> tuple[str, str | None, str]:
    kind, name = target(one)
    return kind, one.namespace, name


def _of_owner(one: Object, scope: Scope) -> list[Pod]:
    if "owners" not in scope.memo:
        found: dict[str, list[Pod]] = {}
        for other in scope.objects:
            if other.owner is not None and other.pod is not None:
                found.setdefault(other.owner, []).append(other.pod)
        scope.memo["owners"] = found
    pods: list[Pod] = scope.memo["owners"].get(one.owner or "", [])
    return pods


def _named(query: str) -> bool:
    return any(prefix in query for prefix in PREFIXES)


def _asked(at: str, query: str, pods: list[Pod]) -> Iterator[Breach]:
    from modelyard.values import exported  # noqa: PLC0415 # most synths need no names

    server, version = next((known for pod in pods if (known := _server(pod))), (None, None))
    for one in exported.missing(query, server, version):
        # Of the runtime that the user names nothing is left in a manifest.
        because = one.because.replace(LACKS, f", by the tag of its image,{LACKS}")
        yield A17.breach(at, one.name, because, one.do)


def _server(pod: Pod) -> tuple[str, Version | None] | None:
    """Return which model server *pod* runs, by its image or its command, and the version that the tag tells."""
    for container in running(pod):
        one = image.parse(str(container.data.get("image") or ""))
        named = one.repository.rpartition("/")[2]
        words = " ".join([named, *map(str, (container.data.get("command") or ())[:3])])
        for word, title in SERVERS.items():
            if word in words:
                # The tag of an image with a name of its own may count something else.
                return title, parsed(one.tag) if word in named else None
    return None
