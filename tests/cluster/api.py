"""The API server, asked and watched."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.cluster.client import (
    BUSY,
    MANAGER,
    RETRY_AFTER,
    Answer,
    ApiError,
    Client,
    Manifest,
    Query,
    called,
    status_of,
    with_query,
)

__all__ = ["MANAGER", "Answer", "Api", "ApiError", "Manifest", "NotSeen", "Stop", "condition", "is_true", "wait_until"]

PATIENCE = 120.0
"""Seconds after which what a test waits for is taken for lost; on an idle machine little takes ten."""
PAUSE = 0.02
"""Seconds between two times that a server is asked for what no watch tells."""
GONE = 410


class NotSeen(AssertionError):  # noqa: N818 # it is what happened
    """What a test waited for has not come."""


class Stop(threading.Event):
    """Ends a watch that another thread is waiting in."""

    def __init__(self) -> None:
        super().__init__()
        self._socket: socket.socket | None = None

    def cuts(self, connection: http.client.HTTPSConnection) -> None:
        """Have *connection* end when this is set."""
        self._socket = connection.sock
        if self.is_set():
            self.set()

    def set(self) -> None:
        """End the watch."""
        super().set()
        if self._socket is not None:
            # Past TLS, whose own shutdown pulls the ground from under the thread that reads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Api(Client):
    """A client that can wait: it watches, so what it waits for is seen when it comes, and however short it lasts."""

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        name: str | None = None,
        seconds: float = PATIENCE,
        stop: Stop | None = None,
    ) -> Iterator[dict[str, Manifest]]:
        """
        Yield all objects by ``namespace/name``, first as they are and then after each single change.

        Every change is seen, however short it lasts: the server sends them one by one. Ends after *seconds*, or when
        *stop* is set.
        """
        kind_of = self.kind(api_version, kind)
        path = kind_of.at(namespace)
        until = time.monotonic() + seconds
        fields = called(name)
        stop = stop or Stop()
        while (left := until - time.monotonic()) > 0 and not stop.is_set():
            listed = self.request("GET", path, labelSelector=labels, fieldSelector=fields).body
            objects = {_key(item): {"apiVersion": api_version, "kind": kind, **item} for item in listed["items"]}
            yield dict(objects)
            version = listed["metadata"]["resourceVersion"]
            query = {"labelSelector": labels, "fieldSelector": fields, "watch": True, "resourceVersion": version}
            for event in self._events(path, query, left, stop):
                if event["type"] == "ERROR":
                    # The server has forgotten that version: begin anew.
                    break
                if event["type"] == "DELETED":
                    objects.pop(_key(event["object"]), None)
                else:
                    objects[_key(event["object"])] = event["object"]
                yield dict(objects)

    def _events(self, path: str, query: Query, seconds: float, stop: Stop) -> Iterator[Manifest]:
        connection = self._connect(seconds)
        until = time.monotonic() + seconds
        try:
            connection.request("GET", with_query(path, {**query, "timeoutSeconds": max(1, int(seconds))}))
            stop.cuts(connection)
            response = connection.getresponse()
            if response.status >= http.client.BAD_REQUEST:
                if response.status in {GONE, *BUSY}:
                    # It has forgotten that version, or begins to keep such objects in mind: begin anew.
                    time.sleep(RETRY_AFTER)
                    return
                raise ApiError(response.status, status_of(response.read()))
            while not stop.is_set() and (left := until - time.monotonic()) > 0:
                if connection.sock is not None:
                    connection.sock.settimeout(left)
                line = response.readline()
                if not line:
                    return
                yield json.loads(line)
        except TimeoutError:
            return
        except (OSError, http.client.HTTPException):
            if not stop.is_set():
                raise
        finally:
            connection.close()

    def until(
        self,
        seen: Callable[[list[Manifest]], object],
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        what: str,
        labels: str | None = None,
        name: str | None = None,
        seconds: float = PATIENCE,
    ) -> list[Manifest]:
        """Watch until *seen* is content with the objects, and return them; *what* says what that is."""
        objects: list[Manifest] = []
        for state in self.watch(api_version, kind, namespace, labels=labels, name=name, seconds=seconds):
            objects = list(state.values())
            if seen(objects):
                return objects
        shown = json.dumps([_brief(one) for one in objects], indent=1)
        message = f"not seen in {seconds:.0f} s: {what}; {kind} in {namespace} at the end:\n{shown}\n"
        raise NotSeen(message + self._pods(namespace))

    def _pods(self, namespace: str | None) -> str:
        """Tell where the pods of *namespace* are: that is mostly why something has not come."""
        lines = []
        for pod in self.all("v1", "Pod", namespace) if namespace else []:
            place = pod["spec"].get("nodeName") or condition(pod, "PodScheduled").get("message", "not scheduled yet")
            lines.append(f"pod {pod['metadata']['name']}: {pod['status'].get('phase')}, {place}")
        return "\n".join(lines)

    def until_one(
        self,
        seen: Callable[[Manifest], object],
        manifest: Mapping[str, Any],
        *,
        what: str,
        seconds: float = PATIENCE,
    ) -> Manifest:
        """Watch the object that *manifest* is about until *seen* is content with it."""
        metadata = manifest["metadata"]
        found = self.until(
            lambda objects: any(map(seen, objects)),
            manifest["apiVersion"],
            manifest["kind"],
            metadata.get("namespace"),
            name=metadata["name"],
            what=what,
            seconds=seconds,
        )
        return found[0]


def wait_until(so: Callable[[], object], *, what: str, seconds: float = PATIENCE) -> None:
    """
    Ask again and again until it is *so*.

    An API server says that it has stored an object, and a moment later its own parts that watch such objects know:
    those that serve the kind of a definition, that ask a webhook, that say who may do what. No watch of ours tells that.
    """
    until = time.monotonic() + seconds
    while not so():
        if time.monotonic() > until:
            message = f"not seen in {seconds:.0f} s: {what}"
            raise NotSeen(message)
        time.sleep(PAUSE)


def condition(manifest: Mapping[str, Any], kind: str) -> Mapping[str, str]:
    """Return the condition of type *kind* in the status of *manifest*, empty where there is none."""
    conditions: Sequence[Mapping[str, str]] = manifest.get("status", {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})


def is_true(manifest: Mapping[str, Any], kind: str) -> bool:
    """Tell whether *manifest* has the condition of type *kind*."""
    return condition(manifest, kind).get("status") == "True"


def _key(item: Mapping[str, Any]) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _brief(item: Mapping[str, Any]) -> Manifest:
    status = {key: value for key, value in item.get("status", {}).items() if key != "images"}
    return {"name": item["metadata"]["name"], "status": status}
