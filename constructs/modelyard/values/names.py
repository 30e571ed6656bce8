"""The grammars of Kubernetes names, as checks that answer with the rule that is broken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
LABEL_1035 = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes the random parts of names from."""
LABEL_LENGTH = 63
SUBDOMAIN_LENGTH = 253
PORT_NAME_LENGTH = 15
LOGICAL_NAME = "modelyard.dev/name"
"""The annotation that holds the name which an object with a hash in its name is known by."""
HOOK = "modelyard.dev/hook"
"""The annotation of an object that is compared, which changes with the content of the hook of the same name."""
ARGO_HOOK = "argocd.argoproj.io/hook"
"""Argo CD's own, on an object that it runs in a phase of its syncs."""
HOOKS = (ARGO_HOOK, "helm.sh/hook")
"""What Argo CD takes for a hook."""
SKIPPED = "Skip"
"""The phase of an object that Argo CD leaves as it is."""
PROVENANCE = "modelyard.dev/source"
"""The annotation that holds the line of Python which an object comes from."""


def hook_phase(annotations: Mapping[str, object]) -> str | None:
    """Return the phase of Argo CD's syncs that an object with *annotations* is a hook of, or None where it is none."""
    phase = annotations.get(ARGO_HOOK, SKIPPED)
    return None if phase is None or phase == SKIPPED else str(phase)


def never_pruned(annotations: Mapping[str, object]) -> bool:
    """Return whether Argo CD leaves an object with *annotations* in the cluster when git has it no more."""
    options = str(annotations.get("argocd.argoproj.io/sync-options", "")).split(",")
    return "Prune=false" in [option.strip() for option in options]


@lru_cache(maxsize=65536)
def dns_label(text: str, longest: int = LABEL_LENGTH) -> str | None:
    """Return how *text* breaks the DNS label grammar of RFC 1123, or None."""
    if len(text) > longest:
        return f"a name has at most {longest} characters here and this one has {len(text)}"
    if not LABEL.fullmatch(text):
        return 'a name holds a-z, 0-9 and "-" only, and starts and ends with a letter or digit'
    return None


@lru_cache(maxsize=65536)
def dns_label_1035(text: str, longest: int = LABEL_LENGTH) -> str | None:
    """Return how *text* breaks the DNS label grammar of RFC 1035 (Service names), or None."""
    if len(text) > longest:
        return f"a name has at most {longest} characters here and this one has {len(text)}"
    if not LABEL_1035.fullmatch(text):
        return 'a name holds a-z, 0-9 and "-" only, starts with a letter and ends with no "-"'
    return None


@lru_cache(maxsize=65536)
def subdomain(text: str) -> str | None:
    """Return how *text* breaks the grammar of most object names (RFC 1123 subdomain), or None."""
    if len(text) > SUBDOMAIN_LENGTH:
        return f"a name has at most {SUBDOMAIN_LENGTH} characters and this one has {len(text)}"
    if not SUBDOMAIN.fullmatch(text):
        return 'a name holds a-z, 0-9, "-" and "." only, and starts and ends with a letter or digit'
    return None


@lru_cache(maxsize=4096)
def path_segment(text: str) -> str | None:
    """Return why *text* cannot stand in the path of a request, or None; nothing else is asked of some names."""
    if text in {".", ".."} or "/" in text or "%" in text:
        return 'a name is part of a path, so it is neither "." nor ".." and has no "/" and no "%"'
    return None


@lru_cache(maxsize=65536)
def label_value(text: str) -> str | None:
    """Return how *text* breaks the grammar of label values, or None."""
    if len(text) > LABEL_LENGTH:
        return f"a label value has at most {LABEL_LENGTH} characters and this one has {len(text)}"
    if text and not QUALIFIED.fullmatch(text):
        return 'a label value holds letters, digits, "-", "_", "." and starts and ends with a letter or digit'
    return None


@lru_cache(maxsize=65536)
def qualified_name(text: str) -> str | None:
    """Return how *text* breaks the grammar of label and annotation keys, or None."""
    prefix, slash, name = text.rpartition("/")
    if slash and (broken := subdomain(prefix)):
        return f"the part before the slash is a DNS name: {broken}"
    if not 1 <= len(name) <= LABEL_LENGTH:
        return f"a key's name has 1 to {LABEL_LENGTH} characters and this one has {len(name)}"
    if not QUALIFIED.fullmatch(name):
        return 'a key holds letters, digits, "-", "_", "." and starts and ends with a letter or digit'
    return None


@lru_cache(maxsize=65536)
def label(key: str, value: str) -> str | None:
    """Return how a label's *key* or *value* breaks its grammar, or None."""
    return qualified_name(key) or label_value(value)


def labels(given: Mapping[str, str]) -> str | None:
    """Return how a key or value of the labels *given* breaks its grammar, or None."""
    return next((f"of {key!r}: {broken}" for key, text in given.items() if (broken := label(key, text))), None)


@lru_cache(maxsize=4096)
def port_name(text: str) -> str | None:
    """Return how *text* breaks the grammar of port names (IANA service names), or None."""
    if len(text) > PORT_NAME_LENGTH:
        return f"a port name has at most {PORT_NAME_LENGTH} characters and this one has {len(text)}"
    if not LABEL.fullmatch(text) or "--" in text or not any(character.isalpha() for character in text):
        return 'a port name holds a-z, 0-9 and single "-" only, with at least one letter'
    return None


@lru_cache(maxsize=4096)
def env_name(text: str) -> str | None:
    """Return how *text* breaks the grammar of environment variable names that shells read, or None."""
    if not ENV_NAME.fullmatch(text):
        return "an environment variable's name holds letters, digits and _ and starts with no digit"
    return None


@lru_cache(maxsize=4096)
def config_key(text: str) -> str | None:
    """Return how *text* breaks the grammar of the keys of ConfigMaps and Secrets, or None."""
    if len(text) > SUBDOMAIN_LENGTH or not CONFIG_KEY.fullmatch(text):
        return 'a key holds letters, digits, "-", "_" and "." only and has at most 253 characters'
    if text == "." or text.startswith(".."):
        return 'a key is not "." and does not start with ".."'
    return None
