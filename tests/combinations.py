"""What options drawn at random come to: rendered objects that kubeconform judges, or findings."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import attrs

from modelyard import Cluster, Environment
from modelyard.render.objects import gather
from tests.cluster.differential.classes import SERVER
from tests.test_kubeconform import judged


@attrs.define
class Combinations:
    """
    Environments that were filled with drawn options.

    Args:
        rendered: The kinds of all objects, by their text.

        refused: The rules by which others were refused.
    """

    rendered: dict[str, str] = attrs.field(factory=dict, init=False)
    refused: set[str] = attrs.field(factory=set, init=False)

    def take(self, environment: Environment) -> None:
        """Render *environment*; what options answer for is told in the user's words, and names no object."""
        gathered = gather(environment)
        errors = [one for one in gathered.findings if one.severity == "error"]
        self.refused.update(one.rule for one in errors)
        late = [one for one in gathered.findings if one.rule in SERVER and one.field[:1].isupper()]
        assert [str(one) for one in late] == []
        if not errors:
            self.rendered.update({one.text: one.kind for one in gathered.objects})


def all_valid(texts: Collection[str], cluster: Cluster, scratch: Path) -> int:
    """Have kubeconform judge *texts* as *cluster* would, below the empty folder *scratch*, and return their number."""
    folder, count = scratch / "objects", len(texts)
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
    assert judged(folder, cluster.kubernetes, scratch / "schemas", cluster.crd_schemas) == (count, count, 0, 0, 0)
    return count
