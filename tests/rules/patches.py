"""Ways to break a rule: patches of the stock workloads and of plain manifests, and what is then found."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonpatch

from modelyard import Environment
from modelyard.fleet import Workload
from tests.support import environment, found, raw, service, training

Operation = Mapping[str, Any]
Setup = Callable[[Environment], object]
POD = "/spec/template/spec"
MAIN = f"{POD}/containers/0"
HASH = re.compile(r"\btrain-[0-9a-f]{8}\b")


def put(path: str, value: object) -> Operation:
    """Return the operation that writes *value* at *path*."""
    return {"op": "add", "path": path, "value": value}


def remove(path: str) -> Operation:
    """Return the operation that removes what is at *path*."""
    return {"op": "remove", "path": path}


def deployment(*operations: Operation, **options: Any) -> Setup:
    """Return what adds the stock service, with *options*, and patches its Deployment."""
    return lambda scope: _patched(service(scope, **options), "Deployment", operations)


def job(*operations: Operation, **options: Any) -> Setup:
    """Return what adds the stock training, with *options*, and patches its Job."""
    return lambda scope: _patched(training(scope, **options), "Job", operations)


def _patched(workload: Workload, kind: str, operations: Sequence[Operation]) -> None:
    if operations:
        workload.add_json_patch(kind, *operations)


def foreign(manifest: Mapping[str, Any], *operations: Operation) -> Setup:
    """Return what adds *manifest*, patched, as a user of plain cdk8s does."""
    patched = jsonpatch.apply_patch(copy.deepcopy(dict(manifest)), [dict(one) for one in operations])
    return lambda scope: raw(scope, patched)


def texts(root: Path, rule: str, setup: Setup, **options: Any) -> list[str]:
    """Return the findings of *rule* on an environment that *setup* fills; Jobs are called by their plain name."""
    scope = environment(root, **options)
    setup(scope)
    return [HASH.sub("train", one.text) for one in found(scope) if one.rule == rule]
