"""Secrets that the External Secrets operator makes from a store outside git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import attrs

from modelyard.findings import Breach
from modelyard.fleet.facilities import SecretStore
from modelyard.fleet.site import Site
from modelyard.values.durations import go_duration, hours
from modelyard.values.names import config_key, subdomain
from modelyard.values.value import option, required, source_of, value

API = "external-secrets.io/v1"


def _entry(key: str) -> str | None:
    return None if key.strip() else "an entry of a store has a name"


def _not_negative(duration: timedelta) -> str | None:
    return None if duration >= timedelta(0) else "a length of time is not negative; 0 fetches it once"


@value
class Remote:
    """
    One entry of a store of secrets.

    Args:
        key: Its name or path there.

        property: A field of it, where it is an object. Default: all of it.

        version: Default: the newest.
    """

    key: str = required(check=_entry)
    property: str | None = None
    version: str | None = None


@value
class ExternalSecret:
    """
    A Secret that the External Secrets operator makes and keeps up to date, so git holds only where it is from.

    `SecretKey` and `SecretFiles` refer to it by its name, in this workload and in others of the environment.

    Args:
        name: Of the Secret, and of the ExternalSecret.

        keys: Each key of the Secret, and which entry of the store it is from: a `Remote`, or the name of one.

        store: Where the entries lie. Default: the ``secret_store`` of the cluster.

        refresh: How often it is looked for new values; 0 for never. Default: 1 hour.

    See Also:
        https://external-secrets.io/latest/api/externalsecret/
    """

    name: str = required(check=subdomain)
    keys: Mapping[str, str | Remote]
    store: SecretStore | None = attrs.field(default=None, kw_only=True)
    refresh: timedelta = option(default=hours(1), check=_not_negative, kw_only=True)


def external_secrets(found: Sequence[ExternalSecret], site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and spec of the ExternalSecrets of a workload."""
    for secret in found:
        store = secret.store or site.cluster.secret_store
        if store is None:  # it is a finding, and nothing is rendered
            continue
        # What the API server would fill in is written out, so that Argo CD finds no difference.
        spec = {
            "refreshInterval": go_duration(secret.refresh),
            "secretStoreRef": {"kind": store.kind, "name": store.name},
            "target": {"name": secret.name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
            "data": [{"secretKey": key, "remoteRef": _remote(remote)} for key, remote in secret.keys.items()],
        }
        yield secret.name, spec


def _remote(remote: str | Remote) -> dict[str, Any]:
    entry = Remote(remote) if isinstance(remote, str) else remote
    return {
        "key": entry.key,
        **({} if entry.property is None else {"property": entry.property}),
        **({} if entry.version is None else {"version": entry.version}),
        "conversionStrategy": "Default",
        "decodingStrategy": "None",
        "metadataPolicy": "None",
    }


def secret_breaches(found: Sequence[ExternalSecret], site: Site) -> Iterator[Breach]:
    """Yield why ExternalSecrets cannot be made at *site*."""
    cluster = site.cluster
    if found and not cluster.has(API, "ExternalSecret"):
        because = f"the cluster {cluster.name} has no {API} ExternalSecret"
        do = "write Cluster(installed=[Crd.EXTERNAL_SECRETS]), or make the Secret another way and only refer to it"
        yield Breach("X04", "secrets", found[0].name, because, do, source_of(found[0]))
    seen: set[str] = set()
    for index, secret in enumerate(found):
        at, source = f"secrets[{index}]", source_of(secret)
        if secret.store is None and cluster.secret_store is None:
            because = f"neither it nor the cluster {cluster.name} names a store"
            do = 'write store=SecretStore("vault"), or Cluster(..., secret_store=SecretStore("vault"))'
            yield Breach("X11", f"{at}.store", None, because, do, source)
        if not secret.keys:
            yield Breach("X11", f"{at}.keys", None, "a Secret without keys holds nothing", "name a key", source)
        if secret.name in seen:
            yield Breach("X02", f"{at}.name", secret.name, "another one has this name", "put its keys together", source)
        seen.add(secret.name)
        for key, remote in secret.keys.items():
            if broken := config_key(key):
                yield Breach("N19", f"{at}.keys[{key!r}]", None, broken, "rename the key", source)
            name = remote if isinstance(remote, str) else remote.key
            if broken := _entry(name):
                yield Breach("X11", f"{at}.keys[{key!r}]", name, broken, "write its name in the store", source)
