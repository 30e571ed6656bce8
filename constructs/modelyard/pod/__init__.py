"""What pods of every kind share: options, checks, the template, companions, names by content."""

from modelyard.pod.checking import type_breaches, value_breaches, without
from modelyard.pod.cloud import Identity
from modelyard.pod.companions import KEPT, companions
from modelyard.pod.hardware import Where
from modelyard.pod.identity import REFERRED_TO, content_of, digest, named_by_content, references, seal
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
from modelyard.pod.sources import Bucket, DataSource, HuggingFace, OciImage, place, source_breaches, store_url, variable
from modelyard.pod.spec import PodSpec, pod_breaches
from modelyard.pod.template import Pod, downloader, manifest, object_labels, selector, starter, template
from modelyard.pod.volumes import Mount
from modelyard.pod.watching import Metrics, Watch

__all__ = [
    "KEPT",
    "REFERRED_TO",
    "Bucket",
    "Claim",
    "ConfigFiles",
    "DataSource",
    "EmptyDir",
    "EnvValue",
    "ExternalSecret",
    "FieldRef",
    "Gpu",
    "HuggingFace",
    "Identity",
    "Metrics",
    "Mount",
    "Network",
    "OciImage",
    "Peer",
    "Pod",
    "PodSpec",
    "Port",
    "Remote",
    "SecretFiles",
    "SecretKey",
    "Watch",
    "Where",
    "companions",
    "content_of",
    "digest",
    "downloader",
    "label_breaches",
    "manifest",
    "named_by_content",
    "object_labels",
    "place",
    "pod_breaches",
    "references",
    "seal",
    "selector",
    "source_breaches",
    "starter",
    "store_url",
    "template",
    "type_breaches",
    "value_breaches",
    "variable",
    "without",
]
