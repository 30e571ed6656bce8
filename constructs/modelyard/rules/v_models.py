"""V: models that servers fetch themselves."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container
from modelyard.rules.v_data import COMMIT, V13

FLAG = "--revision="


@V13.containers
def fetched(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the revision of the Hub that a server is started with."""
    for index, word in enumerate(container.data.get("args") or ()):
        if word.startswith(FLAG) and not COMMIT.fullmatch(word.removeprefix(FLAG)):
            because = "a branch or a tag can come to mean another commit, and replicas would serve both"
            yield V13.breach(container.at(f"args[{index}]"), word, because, "write the 40 digits of the commit")
