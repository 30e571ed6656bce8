"""P: who pods are to the cloud."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.pod.cloud import FORMS
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import called

P40 = Rule(
    "P40",
    "The identity that a ServiceAccount names has the form of its cloud.",
    why="Nobody checks the annotation before a pod asks for a token, and then the training or service fails.",
    fix="write the full name of the identity",
    see="https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html",
)
P41 = Rule(
    "P41",
    "Pods of an account that stands for an identity carry the label by which they are given it.",
    why="Without the label the webhook passes the pod over, and it has no token for the cloud.",
    fix="add the label to the pod",
    see="https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html",
)


@P40.objects("ServiceAccount")
def formed(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the names of identities."""
    annotations = one.metadata.get("annotations") or {}
    for form in FORMS.values():
        name = annotations.get(form.annotation)
        if name is not None and (because := form.wrong(name)):
            field = f"metadata.annotations[{form.annotation!r}]"
            yield P40.breach(field, name, because, f'write one such as "{form.example}"')


@P41.pods
def marked(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look for the labels of pods whose account has an identity."""
    account = scope.find("ServiceAccount", pod.object.namespace, str(pod.spec.get("serviceAccountName")))
    annotations = (account.metadata.get("annotations") or {}) if account is not None else {}
    for form in FORMS.values() if annotations else ():
        for key, value in form.pod_labels if form.annotation in annotations else ():
            if account is not None and pod.labels.get(key) != value:
                because = f"{called(account)} has {form.annotation}, and pods without this label get no token"
                yield P41.breach(pod.at(f"metadata.labels[{key!r}]"), pod.labels.get(key), because, f'write "{value}"')
