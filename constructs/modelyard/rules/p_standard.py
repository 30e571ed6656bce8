"""P: what the namespace of a pod enforces, and how a breach of it is told."""

from __future__ import annotations

from functools import lru_cache

import attrs

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod
from modelyard.values.versions import minor

ENFORCE = "pod-security.kubernetes.io/enforce"
ENFORCE_VERSION = "pod-security.kubernetes.io/enforce-version"
OWN_LEVER = 'Environment(pod_security="{}")'
STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

P15 = Rule(
    "P15",
    "A pod keeps to the Pod Security Standard that its namespace enforces.",
    why=(
        "The API server takes the Deployment or the Job, and then refuses each of its pods: the sync is green and "
        "nothing runs."
    ),
    fix="keep to the standard",
    see=STANDARDS,
)
P16 = Rule(
    "P16",
    "A container adds only capabilities that the Pod Security Standard of its namespace allows.",
    why=(
        "The API server refuses the pods. InfiniBand and EFA need IPC_LOCK, which neither baseline nor restricted "
        "allow, so such trainings need a namespace of their own."
    ),
    fix="remove the capability",
    see=STANDARDS,
)


@attrs.frozen(eq=False)
class Standard:
    """
    What a namespace enforces.

    Args:
        namespace: Its name.

        level: ``baseline`` or ``restricted``.

        minor: Of the Kubernetes version whose rules apply.

        lever: Where the level is chosen.

        restricted: Whether the level is the stricter of the two.
    """

    namespace: str
    level: str
    minor: int
    lever: str
    restricted: bool

    def breach(self, rule: Rule, field: str, value: object, demand: str, do: str, *, weaker: str) -> Breach:
        """Return a breach: the standard makes *demand*, and the level *weaker* does not."""
        because = f"{self.namespace} enforces the Pod Security Standard {self.level}, which {demand}"
        if value is None:
            because = f"it is not set, and {because}"
        return rule.breach(field, value, because, f"{do}, or set {self.lever.format(weaker)}")

    def baseline(self, field: str, value: object, demand: str, do: str) -> Breach:
        """Return a breach of what both levels demand."""
        return self.breach(P15, field, value, demand, do, weaker="privileged")

    def strict(self, field: str, value: object, demand: str, do: str) -> Breach:
        """Return a breach of what only ``restricted`` demands."""
        return self.breach(P15, field, value, demand, do, weaker="baseline")


def standard(pod: Pod, scope: Scope) -> Standard | None:
    """Return what the namespace of *pod* enforces, as far as it is known and more than nothing."""
    site = scope.site
    namespace = pod.object.namespace or site.namespace
    own = namespace == site.namespace
    level: str | None = site.pod_security if own else None
    version = site.cluster.kubernetes
    if (rendered := scope.find("Namespace", None, namespace)) is not None:
        labels = rendered.metadata.get("labels") or {}
        level = labels.get(ENFORCE)
        pinned = labels.get(ENFORCE_VERSION, "").removeprefix("v")
        version = pinned if minor(pinned) else version
    if level not in {"baseline", "restricted"}:
        return None
    lever = OWN_LEVER if own else f"{ENFORCE}: {{}}"
    return _standard(namespace, level, minor(version), lever, level == "restricted")


_standard = lru_cache(maxsize=256)(Standard)
