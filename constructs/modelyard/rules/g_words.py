"""G: delivery: annotations that Argo CD and Flux read, spelt as they read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.g import ARGO, FLUX, SYNC_PAGE, annotated, at, options
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.similar import did_you_mean

G06 = Rule(
    "G06",
    "Annotations for Argo CD and Flux are spelt as these read them.",
    why=(
        "What they do not know they pass over in silence: an object that is to be kept is deleted, because the"
        " annotation says Prune=False."
    ),
    fix="correct the spelling",
    see=SYNC_PAGE,
)

SWITCH = ("true", "false")
ARGO_OPTIONS = {
    "ApplyOutOfSyncOnly": SWITCH,
    "ClientSideApplyMigration": SWITCH,
    "Delete": ("false", "confirm"),
    "Force": ("true",),
    "Prune": ("false", "confirm"),
    "PruneLast": ("true",),
    "Replace": SWITCH,
    "ServerSideApply": SWITCH,
    "SkipDryRunOnMissingResource": ("true",),
    "Validate": ("false",),
}
COMPARE_OPTIONS = ("IgnoreExtraneous", "IncludeMutationWebhook=true", "ServerSideDiff=false", "ServerSideDiff=true")
WORDS: dict[str, tuple[str, ...]] = {
    f"{ARGO}sync-options": tuple(f"{name}={value}" for name, values in ARGO_OPTIONS.items() for value in values),
    f"{ARGO}compare-options": COMPARE_OPTIONS,
    f"{ARGO}hook": ("PostDelete", "PostSync", "PreDelete", "PreSync", "Skip", "Sync", "SyncFail"),
    f"{ARGO}hook-delete-policy": ("BeforeHookCreation", "HookFailed", "HookSucceeded"),
}
"""Annotation of Argo CD to the words it may list."""
FLUX_WORDS = {
    f"{FLUX}force": ("enabled", "disabled"),
    f"{FLUX}prune": ("enabled", "disabled"),
    f"{FLUX}reconcile": ("enabled", "disabled"),
    f"{FLUX}ssa": ("IfNotPresent", "Ignore", "Merge", "Override"),
    f"{FLUX}substitute": ("enabled", "disabled"),
}
"""Annotation of Flux to its values, in any case."""
WAVE = f"{ARGO}sync-wave"
NUMBER = re.compile(r"[+-]?[0-9]+")
KEYS = (*WORDS, WAVE, *FLUX_WORDS)


@G06.objects("*")
def spelt(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Compare keys and values of the annotations with those that are known."""
    for key, text in annotated(one).items():
        if key.startswith((ARGO, FLUX)):
            yield from _spelt(key, str(text))


def _spelt(key: str, text: str) -> Iterator[Breach]:
    if key in WORDS:
        for word in options(text):
            if word not in WORDS[key]:
                yield _unknown(key, word, WORDS[key], "Argo CD")
    elif key in FLUX_WORDS:
        if text.lower() not in map(str.lower, FLUX_WORDS[key]):
            yield _unknown(key, text, FLUX_WORDS[key], "Flux")
    elif key == WAVE:
        if not NUMBER.fullmatch(text.strip()):
            yield G06.breach(at(key), text, "a wave is a whole number", 'write a number, such as "1"')
    else:
        prefix, who = (ARGO, "Argo CD") if key.startswith(ARGO) else (FLUX, "Flux")
        known = [one.removeprefix(prefix) for one in KEYS if one.startswith(prefix)]
        if hint := did_you_mean(key.removeprefix(prefix), known):
            yield G06.breach(at(key), text, f"{who} reads no annotation of this name", hint)


def _unknown(key: str, word: str, known: tuple[str, ...], who: str) -> Breach:
    by_case = {each.lower(): each for each in known}
    meant = by_case.get(word.lower())
    hint = f"did you mean {meant}?" if meant else did_you_mean(word, known) or f"it knows {', '.join(known)}"
    return G06.breach(at(key), word, f"{who} does not know this word, and passes over it", hint)
