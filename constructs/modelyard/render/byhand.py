"""What people apply by hand, once, so that a controller does the rest: files that no controller reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from modelyard.fleet import Environment
from modelyard.render.layout import bootstrap_path
from modelyard.rules import Object


def by_hand(environment: Environment, delivered: Sequence[Object]) -> list[Object]:
    """Return the files for *environment*, whose *delivered* objects are checked and written."""
    delivery = environment.site.delivery
    if delivery is None:
        return []
    from modelyard.exact_yaml import dump  # noqa: PLC0415 # not needed where nothing has changed

    texts = {id(one.data): one.text for one in delivered}
    found = []
    for part, contents in delivery.by_hand(environment.site, [one.data for one in delivered]).items():
        text = "---\n".join(texts.get(id(one)) or dump(one) for one in contents)
        path = bootstrap_path(environment.name, part)
        made = Object({}, None, environment.source, path, text, hashlib.sha256(text.encode()).hexdigest())
        found.append(made)
    return found
