"""What pods of every kind share: options, checks, the template, companions, names by content."""

from modelyard.pod.cloud import Identity
from modelyard.pod.companions import KEPT, companions
from modelyard.pod.identity import digest, seal
from modelyard.pod.labels import label_breaches
from modelyard.pod.options import (
    Claim,
    ConfigFiles,
    EmptyDir,
    EnvValue,
    FieldRef,
    Gpu,
    Network,
    Peer,
    Port,
    SecretFiles,
    SecretKey,
)
from modelyard.pod.secrets import ExternalSecret, Remote
from modelyard.pod.spec import PodSpec, pod_breaches, type_breaches, value_breaches, without
from modelyard.pod.template import Pod, manifest, object_labels, selector, starter, template
from modelyard.pod.watching import Metrics, Watch

__all__ = [
    "KEPT",
    "Claim",
    "ConfigFiles",
    "EmptyDir",
    "EnvValue",
    "ExternalSecret",
    "FieldRef",
    "Gpu",
    "Identity",
    "Metrics",
    "Network",
    "Peer",
    "Pod",
    "PodSpec",
    "Port",
    "Remote",
    "SecretFiles",
    "SecretKey",
    "Watch",
    "companions",
    "digest",
    "label_breaches",
    "manifest",
    "object_labels",
    "pod_breaches",
    "seal",
    "selector",
    "starter",
    "template",
    "type_breaches",
    "value_breaches",
    "without",
]
