"""Credentials, known by their format or by the name in front of them."""

from __future__ import annotations

import base64
import re
from functools import lru_cache

import attrs

SHORTEST = 9
LONGEST_REMEMBERED = 512
FEWEST_CHARACTERS = 6
"""A body of fewer different characters is a placeholder, such as xxxx."""
SHORTEST_SECRET = 16
SHORTEST_RANDOM = 12
SHORTEST_PASSWORD = 4
AWS_SECRET_LENGTH = 40


@attrs.frozen
class Format:
    """
    How one kind of credential looks.

    Args:
        needle: A text that is part of each, and rare elsewhere.

        pattern: All of it; a group ``body`` is what a placeholder would stand in for.

        words: What it is, with an article.
    """

    needle: str
    pattern: re.Pattern[str]
    words: str


def _format(needle: str, pattern: str, words: str) -> Format:
    return Format(needle, re.compile(pattern), words)


_ALNUM = "[A-Za-z0-9]"
_WORD = "[A-Za-z0-9_-]"
_KEPT = r"(?![$<{%*\[])"
"""What does not follow where a reference or a placeholder stands: $(NAME), ${name}, <password>, {{ name }}, ***."""

FORMATS = (
    _format("PRIVATE KEY", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", "a private key"),
    _format("hf_", rf"\bhf_(?P<body>{_ALNUM}{{30,}})\b", "a Hugging Face token"),
    _format("api_org_", rf"\bapi_org_(?P<body>{_ALNUM}{{30,}})\b", "a Hugging Face token"),
    _format("AKIA", r"\bAKIA(?P<body>[A-Z2-7]{16})\b", "an AWS access key"),
    _format("ASIA", r"\bASIA(?P<body>[A-Z2-7]{16})\b", "an AWS access key"),
    _format("gh", rf"\bgh[pousr]_(?P<body>{_ALNUM}{{36,}})\b", "a GitHub token"),
    _format("github_pat_", rf"\bgithub_pat_(?P<body>{_ALNUM}{{22}}_{_ALNUM}{{40,}})\b", "a GitHub token"),
    _format("gl", rf"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-(?P<body>{_WORD}{{20,}})", "a GitLab token"),
    _format("sk-ant-", rf"\bsk-ant-(?P<body>{_WORD}{{32,}})", "an Anthropic API key"),
    _format("sk-", rf"\bsk-(?:proj|svcacct|admin|or-v1|lf)-(?P<body>{_WORD}{{32,}})", "an API key"),
    _format("sk-", rf"\bsk-(?P<body>(?={_ALNUM}*[0-9]){_ALNUM}{{32,}})\b", "an API key"),
    _format("nvapi-", rf"\bnvapi-(?P<body>{_WORD}{{40,}})", "an NVIDIA API key"),
    _format("xox", r"\bxox[abeoprs]-(?P<body>[A-Za-z0-9-]{20,})", "a Slack token"),
    _format("xapp-", r"\bxapp-(?P<body>[A-Za-z0-9-]{20,})", "a Slack token"),
    _format(
        "hooks.slack.com",
        rf"hooks\.slack\.com/services/T{_ALNUM}+/B{_ALNUM}+/(?P<body>{_ALNUM}{{16,}})",
        "a Slack webhook, whose address is its password",
    ),
    _format("AIza", rf"\bAIza(?P<body>{_WORD}{{35}})(?!{_WORD})", "a Google API key"),
    _format("npm_", rf"\bnpm_(?P<body>{_ALNUM}{{36}})\b", "an npm token"),
    _format("pypi-", rf"\bpypi-AgE(?P<body>{_WORD}{{40,}})", "a PyPI token"),
    _format("dckr_pat_", rf"\bdckr_pat_(?P<body>{_WORD}{{20,}})", "a Docker Hub token"),
    _format("dapi", r"\bdapi(?P<body>[0-9a-f]{32})\b", "a Databricks token"),
    _format("hvs.", rf"\bhvs\.(?P<body>{_WORD}{{24,}})", "a Vault token"),
    _format("sig=", r"[?&]sig=(?P<body>[A-Za-z0-9%+/=]{40,})", "the signature of an Azure URL"),
    _format("X-Amz-Signature=", r"[?&]X-Amz-Signature=(?P<body>[0-9a-f]{64})\b", "the signature of an AWS URL"),
    _format("X-Goog-Signature=", r"[?&]X-Goog-Signature=(?P<body>[0-9a-f]{64,})\b", "the signature of a Google URL"),
    _format("AccountKey=", r"\bAccountKey=(?P<body>[A-Za-z0-9+/]{40,})", "the key of an Azure account"),
    _format(
        "eyJ", rf"\beyJ{_WORD}{{8,}}\.eyJ(?P<body>{_WORD}{{8,}})\.{_WORD}{{16,}}", "a JSON Web Token, such as a login"
    ),
    _format('"auth"', r'"auth"\s*:\s*"(?P<body>[A-Za-z0-9+/=]{8,})"', "the login of a registry"),
    # Not the digest behind the @ of an image.
    _format(
        "://",
        rf"(?<=[A-Za-z0-9])://[^/\s:@\"']{{0,128}}:{_KEPT}[^/\s@\"']{{1,256}}@(?!sha(?:256|384|512):)[A-Za-z0-9\[]",
        "a password in an address",
    ),
)


def _in_base64(plain: bytes) -> list[str]:
    """Return what stands in base64 where *plain* is encoded, for each of the three places where it can begin."""
    found = []
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + plain).decode()
        first, last = -(-before * 8 // 6), (before + len(plain)) * 8 // 6
        found.append(encoded[first:last])
    return found


ENCODED = {
    **dict.fromkeys(_in_base64(b" PRIVATE KEY-----"), "a private key in base64"),
    **dict.fromkeys(_in_base64(b'"service_account"'), "the key of a Google service account in base64"),
}
SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|API_?KEY|(?:ACCESS|SECRET|PRIVATE|ENCRYPTION|SIGNING|ACCOUNT|LICENSE)_KEY|CREDENTIALS?)$"
)
KEY_OPTION = re.compile(r"(?:^|_)API_?KEY$")
"""An argument, of which every value is a key, however short; a variable may be meant for a server without keys."""
STAND_INS = frozenset({"dummy", "empty"})
PASSWORD_NAME = re.compile(r"(?:PASSWORD|PASSWD|PASSPHRASE|_PWD)$")
RANDOM = re.compile(r"[A-Za-z0-9+/=_.~-]+")
RUN = re.compile(r"[A-Za-z0-9]+")
REFERENCE = re.compile(r"[$<{%*/.\[@]|[a-z][a-z0-9+.-]*:")
SETTINGS = frozenset(
    {
        "disabled", "enabled", "false", "none", "null", "optional", "prompt", "required", "true", "unset", "basic",
        "auto", "default",
    }
)  # fmt: skip


def credential(text: str) -> str | None:
    """Return what kind of credential is in *text*, or None: only known formats, so no digest or id is taken for one."""
    if len(text) < SHORTEST:
        return None
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _search(text)


@lru_cache(maxsize=65536)
def _remembered(text: str) -> str | None:
    return _search(text)


def _search(text: str) -> str | None:
    for one in FORMATS:
        if one.needle in text:
            for match in one.pattern.finditer(text):
                body = match.groupdict().get("body")
                if body is None or len(set(body)) >= FEWEST_CHARACTERS:
                    return one.words
    return next((words for needle, words in ENCODED.items() if needle in text), None)


@lru_cache(maxsize=65536)
def credential_by_name(name: str, text: str) -> str | None:
    """Return what a value *text* under the *name* of a variable, option or key is, if that is a credential."""
    upper = name.lstrip("-").replace("-", "_").replace(".", "_").upper()
    if PASSWORD_NAME.search(upper):
        settings = len(text) < SHORTEST_PASSWORD or text.lower() in SETTINGS or text.isdecimal()
        return None if settings or REFERENCE.match(text) else "a password"
    if name.startswith("--") and KEY_OPTION.search(upper):
        settings = text.lower() in SETTINGS | STAND_INS
        return None if settings or not text or REFERENCE.match(text) else "an API key"
    if not SECRET_NAME.search(upper) or len(text) < SHORTEST_SECRET or not RANDOM.fullmatch(text):
        return None
    if upper.endswith("AWS_SECRET_ACCESS_KEY") and len(text) == AWS_SECRET_LENGTH:
        return "an AWS secret access key"
    path = "/" in text and text == text.lower()
    if path or REFERENCE.match(text) or not any(map(_random, RUN.findall(text))):
        return None
    return "a secret"


def _random(run: str) -> bool:
    """Return whether *run* is long and mixed as no word of a name is."""
    return len(run) >= SHORTEST_RANDOM and not run.isdecimal() and not run.isalpha()
