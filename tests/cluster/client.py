"""Requests to the API server, on the standard library: what it answers is what the tests are about."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Manifest = dict[str, Any]
Word = str | int | bool | None
Query = Mapping[str, Word]
MANAGER = "argocd-controller"
"""The field manager that Argo CD applies as."""
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
TIMEOUT = 60.0
NOT_FOUND = 404
BUSY = frozenset({http.client.TOO_MANY_REQUESTS, http.client.GATEWAY_TIMEOUT})
ATTEMPTS = 6
"""How often a server on a very busy machine is asked what it had no time for."""
RETRY_AFTER = 1.0
"""Seconds that it wants to be left alone meanwhile."""


class ApiError(Exception):
    """
    The API server said no.

    Args:
        code: The HTTP status.

        status: The ``Status`` object of its answer.
    """

    def __init__(self, code: int, status: Mapping[str, Any]) -> None:
        super().__init__(f"{code} {status.get('reason', '')}: {status.get('message', '')}")
        self.code = code
        self.reason: str = status.get("reason", "")
        self.message: str = status.get("message", "")
        self.causes: list[Mapping[str, str]] = (status.get("details") or {}).get("causes", [])


@dataclass(frozen=True)
class Kind:
    """Where the objects of one kind are."""

    path: str
    plural: str
    namespaced: bool

    def at(self, namespace: str | None, name: str | None = None) -> str:
        """Return the path of the collection in *namespace* (None: all), or of the object *name* in it."""
        parts = [self.path]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", quote(namespace)]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name))
        return "/".join(parts)


@dataclass
class Answer:
    """
    What the API server answered.

    Args:
        body: The JSON.

        warnings: The texts of its warnings, of Pod Security for example.
    """

    body: Manifest
    warnings: list[str] = field(default_factory=list)


class Client:
    """
    One API server, as one user.

    Args:
        server: Its address.

        ca: The certificate of the authority that its own is checked by.

        cert: The certificate that says who we are.

        key: The key of that.
    """

    def __init__(self, server: str, *, ca: Path, cert: Path, key: Path) -> None:
        self.server = server
        self._host = urlsplit(server).netloc
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.load_cert_chain(cert, key)
        self._local = threading.local()
        self._connections: list[http.client.HTTPSConnection] = []
        self._kinds: dict[tuple[str, str], Kind] = {}

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._connections:
            connection.close()

    # Requests

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        **query: Word,
    ) -> Answer:
        """Send one request and return the answer, or raise what the server did not like."""
        payload = None if body is None else json.dumps(body)
        words = (method, with_query(path, query), payload, {"Content-Type": content_type, "Accept": accept})
        # What is asked, tried or applied twice is the same as once; what is made, evicted or deleted is not.
        again = method == "GET" or content_type == APPLY or query.get("dryRun") is not None
        response, content = self._sent(*words)
        for _ in range(ATTEMPTS - 1 if again else 0):
            if response.status not in BUSY:
                break
            time.sleep(RETRY_AFTER)
            response, content = self._sent(*words)
        warnings = [_warning(text) for text in response.headers.get_all("Warning", [])]
        if response.status >= http.client.BAD_REQUEST:
            raise ApiError(response.status, status_of(content))
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(json.loads(content) if is_json else {"text": content.decode()}, warnings)

    def _sent(self, *words: Any) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            return self._send(*words)
        except (ConnectionError, ssl.SSLEOFError):
            # The server may close a connection that was idle just when it is used again.
            return self._send(*words)

    def _send(self, *words: Any) -> tuple[http.client.HTTPResponse, bytes]:
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect(TIMEOUT)
            self._connections.append(self._local.connection)
        connection: http.client.HTTPSConnection = self._local.connection
        try:
            connection.request(*words)
            response = connection.getresponse()
            return response, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, context=self._tls, timeout=timeout)

    def served(self, api_version: str) -> dict[str, Kind]:
        """Ask the server where objects of *api_version* are, by their kind; nothing where it does not know that."""
        path = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
        try:
            resources = self.request("GET", path).body["resources"]
        except ApiError as error:
            if error.code != NOT_FOUND:
                raise
            return {}
        return {one["kind"]: Kind(path, one["name"], one["namespaced"]) for one in resources if "/" not in one["name"]}

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return where objects of *kind* are, for which the server is asked once."""
        if (api_version, kind) not in self._kinds:
            self._kinds.update({(api_version, one): where for one, where in self.served(api_version).items()})
        if (api_version, kind) not in self._kinds:
            raise ApiError(NOT_FOUND, {"reason": "NotFound", "message": f"no matches for {api_version} {kind}"})
        return self._kinds[api_version, kind]

    def path(self, manifest: Mapping[str, Any], *, named: bool = True) -> str:
        """Return the path of the object that *manifest* is about, or of its collection."""
        metadata = manifest["metadata"]
        kind = self.kind(manifest["apiVersion"], manifest["kind"])
        return kind.at(metadata.get("namespace", "default"), metadata["name"] if named else None)

    # Verbs

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        manager: str = MANAGER,
        force: bool = False,
        dry_run: bool = False,
    ) -> Answer:
        """Apply *manifest* on the server's side; unknown, duplicate and misplaced fields are errors."""
        return self.request(
            "PATCH",
            self.path(manifest),
            manifest,
            content_type=APPLY,
            fieldManager=manager,
            fieldValidation="Strict",
            force=force,
            dryRun="All" if dry_run else None,
        )

    def create(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> Manifest:
        """Create the object, which must not exist."""
        path = self.path(manifest, named=False)
        return self.request("POST", path, manifest, fieldValidation="Strict", dryRun="All" if dry_run else None).body

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Return the object."""
        return self.request("GET", self.kind(api_version, kind).at(namespace, name)).body

    def current(self, manifest: Mapping[str, Any]) -> Manifest:
        """Return the object that *manifest* is about, as it is now."""
        return self.request("GET", self.path(manifest)).body

    def all(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        name: str | None = None,
    ) -> list[Manifest]:
        """Return all objects of *kind*."""
        path = self.kind(api_version, kind).at(namespace)
        listed = self.request("GET", path, labelSelector=labels, fieldSelector=called(name)).body
        return [{"apiVersion": api_version, "kind": kind, **item} for item in listed["items"]]

    def patch(self, manifest: Mapping[str, Any], change: Mapping[str, Any], *, subresource: str = "") -> Manifest:
        """Change the object that *manifest* is about by a JSON merge patch."""
        path = self.path(manifest) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, change, content_type=MERGE).body

    def delete(self, manifest: Mapping[str, Any], **options: Any) -> None:
        """Delete the object that *manifest* is about; it may be gone already."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", **options}
        try:
            self.request("DELETE", self.path(manifest), body)
        except ApiError as error:
            if error.code != NOT_FOUND:
                raise

    def may(self, user: str, **attributes: str) -> bool:
        """Tell whether *user* may do what *attributes* say."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {"user": user, "resourceAttributes": attributes},
        }
        allowed: bool = self.create(review)["status"]["allowed"]
        return allowed

    def evict(self, pod: Mapping[str, Any]) -> None:
        """Ask for the eviction of *pod*, as a drain of its node does."""
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]},
        }
        self.request("POST", f"{self.path({'apiVersion': 'v1', 'kind': 'Pod', **pod})}/eviction", eviction)


def called(name: str | None) -> str | None:
    """Return the selector of the object *name*, or None."""
    return f"metadata.name={name}" if name else None


def with_query(path: str, query: Query) -> str:
    """Return *path* with those words of *query* that say something."""
    words = {key: str(value).lower() if value is True else str(value) for key, value in query.items() if value}
    return f"{path}?{urlencode(words)}" if words else path


def status_of(content: bytes) -> Mapping[str, Any]:
    try:
        status: Mapping[str, Any] = json.loads(content)
    except ValueError:
        return {"message": content.decode(errors="replace")}
    return status


def _warning(header: str) -> str:
    """Return the text of a Warning header: a number, an agent and a quoted string."""
    found = re.fullmatch(r'\d+ \S+ "(.*)"', header, re.DOTALL)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else header
