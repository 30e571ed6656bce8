"""A spec on one version of Kubernetes: what modelyard says to it, and to the object that it would have made."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonpatch

from modelyard import Environment, Severity
from modelyard.render.objects import gather
from tests.cluster.differential.ours import Found, Judge, enforced
from tests.cluster.differential.server import Question, Refusal
from tests.cluster.differential.specs import Spec
from tests.support import CLUSTER, but, environment, found


class Tried:
    """
    A spec that is tried.

    Args:
        spec: What a user writes, and its object.

        version: The minor version of Kubernetes.

        root: A folder for the environments that are made.
    """

    def __init__(self, spec: Spec, version: str, root: Path) -> None:
        self.spec = spec
        wrong, right = (_environment(root, version, given) for given in (spec.given, spec.fine))
        spec.wrong(wrong)
        spec.right(right)
        self._said = {one.rule for one in found(wrong) if one.severity is Severity.ERROR}
        manifests = [one.data for one in gather(right).objects]
        index = next(place for place, one in enumerate(manifests) if one["kind"] == spec.kind)
        made = jsonpatch.apply_patch(copy.deepcopy(manifests[index]), [dict(one) for one in spec.operations])
        judge = Judge(right.site, manifests, version)
        self._refused = judge.refused
        self._found: list[Found] = judge.instead(index, made)[0]
        self.right, self.wrong = (
            Question(one, enforced(right.site, manifests, one)) for one in (manifests[index], made)
        )

    def problems(self, answer: Refusal | None) -> Iterator[str]:
        """Yield where the three do not agree, of which the server says *answer* to what would have been made."""
        spec = self.spec
        fields = [one.field for one in self._found if one.rule == spec.rule and one.error]
        if self._refused:
            yield f"{spec.name}: modelyard refuses the workload without it"
        if spec.said not in self._said:
            yield f"{spec.name}: it breaks {sorted(self._said)}, and not {spec.said}"
        if not fields:
            yield f"{spec.name}: the object does not break {spec.rule}"
        if answer is None:
            yield f"{spec.name}: the server takes the {spec.kind}"
        elif not (spec.words in answer.message if spec.words else any(map(answer.names, fields))):
            yield f"{spec.name}: the server says {answer.message}, and we say it of {fields}"


def _environment(root: Path, version: str, options: Mapping[str, Any]) -> Environment:
    """Return an environment with *options*, whose cluster has *version* of Kubernetes."""
    return environment(root, **{**options, "cluster": but(options.get("cluster", CLUSTER), kubernetes=version)})
