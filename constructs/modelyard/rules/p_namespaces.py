"""P: the labels of Namespaces by which Pod Security is enforced."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.p_standard import STANDARDS
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object

P32 = Rule(
    "P32",
    "The Pod Security labels of a Namespace name a level, and a version of Kubernetes.",
    why="The API server refuses the Namespace, and with it everything that is to go into it.",
    fix="write privileged, baseline or restricted",
    see=STANDARDS,
)

PREFIX = "pod-security.kubernetes.io/"
MODES = ("audit", "enforce", "warn")
LEVELS = frozenset({"privileged", "baseline", "restricted"})
VERSION = re.compile(r"latest|v1\.(?:0|[1-9][0-9]*)")


@P32.objects("Namespace")
def labelled(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the level and the version of every mode."""
    labels = one.metadata.get("labels") or {}
    for mode in MODES:
        key = PREFIX + mode
        if (level := labels.get(key)) is not None and level not in LEVELS:
            yield P32.breach(f"metadata.labels[{key!r}]", level, "there is no such level")
        key += "-version"
        if (version := labels.get(key)) is not None and not VERSION.fullmatch(version):
            do = "write latest, or a version such as v1.34"
            yield P32.breach(f"metadata.labels[{key!r}]", version, "it is no version of the standards", do)
