"""P: what containers may do on their node, and the Pod Security Standard of the namespace."""

from __future__ import annotations

from modelyard.rules.rule import Rule

P17 = Rule(
    "P17",
    "A container that must not run as root does not ask for user 0.",
    why="The kubelet refuses to start it: the pod stays in CreateContainerConfigError.",
    fix="set runAsUser to a number above 0, such as 10001",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
