"""Where two manifests differ: every place once, items of lists by their merge key."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.plan.fields import MISSING, FieldChange, Item, differences
from tests.plan.trees import deployment, edited

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "1"])
NAMES = st.sampled_from(["a", "b", "c", "d"])


def _extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keyed = st.dictionaries(NAMES, st.dictionaries(NAMES, inner, max_size=2), max_size=4).map(
        lambda items: [{**item, "name": name} for name, item in items.items()]
    )
    return st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=4) | keyed


VALUES = st.recursive(SCALARS, _extend, max_leaves=20)
MANIFESTS = st.dictionaries(NAMES, VALUES, max_size=4)


def told(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Return path, value before and value now of every difference."""
    return [(change.text, change.before, change.after) for change in differences(old, new)]


@given(VALUES)
def test_the_same_has_no_difference(value: Any) -> None:
    """A plan of identical trees is empty."""
    assert told(value, copy.deepcopy(value)) == []


@given(MANIFESTS, MANIFESTS)
def test_no_place_is_told_twice(old: Any, new: Any) -> None:
    """Neither a path twice, nor a path and one below it."""
    paths = [change.path for change in differences(old, new) if not change.order]

    assert len(set(paths)) == len(paths)
    assert [(one, other) for one in paths for other in paths if one is not other and other[: len(one)] == one] == []


@given(MANIFESTS, MANIFESTS)
def test_all_that_is_told_makes_the_new_from_the_old(old: Any, new: Any) -> None:
    """Nothing is left out: whoever applies every change has the new manifest."""
    assert ordered(applied(old, list(differences(old, new)))) == ordered(new)


@given(MANIFESTS, MANIFESTS)
def test_what_is_told_forwards_is_told_backwards(old: Any, new: Any) -> None:
    """The way back has the same places, with before and now swapped."""
    forwards = {(one.text, repr(one.before), repr(one.after)) for one in differences(old, new)}

    assert {(one.text, repr(one.after), repr(one.before)) for one in differences(new, old)} == forwards


def applied(old: Any, changes: list[FieldChange]) -> Any:
    """Return *old* with *changes*; positions in lists are those of the longer of both."""
    found = copy.deepcopy(old)
    gone: list[tuple[list[Any], int]] = []
    for one in changes:
        if one.order:
            continue
        inner = found
        for step in one.path[:-1]:
            inner = inner[_place(inner, step)]
        _put(inner, one, gone)
    for items, index in reversed(gone):
        del items[index]
    return found


def _put(inner: Any, one: FieldChange, gone: list[tuple[list[Any], int]]) -> None:
    last = one.path[-1]
    if one.after is MISSING:
        if isinstance(inner, dict):
            del inner[last]
        else:
            gone.append((inner, _place(inner, last)))
    elif one.before is MISSING and isinstance(inner, list):
        inner.insert(last if isinstance(last, int) else len(inner), one.after)
    elif one.before is MISSING:
        inner[last] = one.after
    else:
        inner[_place(inner, last)] = one.after


def _place(inner: Any, step: Any) -> Any:
    if not isinstance(step, Item):
        return step
    return next(index for index, item in enumerate(inner) if all(item.get(key) == value for key, value in step.key))


def ordered(value: Any) -> Any:
    """Return *value* with the items of lists that have names in the order of these, and 1 another than true."""
    if isinstance(value, dict):
        return {key: ordered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        items = [ordered(inner) for inner in value]
        names = [item.get("name") if isinstance(item, dict) else None for item in value]
        keyed = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        return sorted(items, key=lambda item: str(item["name"])) if keyed else items
    return type(value).__name__, value


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "C", "value": "3"}, {"name": "A", "value": "9"}]},
            [
                ("env[name=A].value", "1", "9"),
                ("env[name=B]", {"name": "B", "value": "2"}, MISSING),
                ("env[name=C]", MISSING, {"name": "C", "value": "3"}),
            ],
        ),
        (
            {"env": [{"name": "A"}, {"name": "B"}]},
            {"env": [{"name": "B"}, {"name": "A"}]},
            [("env (order)", ["[name=A]", "[name=B]"], ["[name=B]", "[name=A]"])],
        ),
        (
            {"ports": [{"containerPort": 80}]},
            {"ports": [{"containerPort": 80, "protocol": "TCP"}]},
            [("ports[containerPort=80,protocol=TCP].protocol", MISSING, "TCP")],
        ),
        (
            {"volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "a", "mountPath": "/b"}]},
            {"volumeMounts": [{"name": "a", "mountPath": "/a"}]},
            [("volumeMounts[mountPath=/b]", {"name": "a", "mountPath": "/b"}, MISSING)],
        ),
        ({"args": ["a", "b", "c"]}, {"args": ["a", "x", "b", "c"]}, [("args[1]", MISSING, "x")]),
        ({"args": ["--lr", "1"]}, {"args": ["--lr", "2"]}, [("args[1]", "1", "2")]),
        ({"a": 1, "b": True, "c": "1"}, {"a": 1.0, "b": 1, "c": 1}, [("a", 1, 1.0), ("b", True, 1), ("c", "1", 1)]),
        ({"x.y/z": {"a": 1}}, {"x.y/z": {}}, [("['x.y/z'].a", 1, MISSING)]),
        ({"a": {"b": []}}, {"a": {"b": {}}}, [("a.b", [], {})]),
        ({"env": [{"name": "a b\n"}]}, {"env": []}, [("env[name='a b\\n']", {"name": "a b\n"}, MISSING)]),
    ],
)  # fmt: skip
def test_places_are_told_as_people_write_them(old: Any, new: Any, expected: list[tuple[str, Any, Any]]) -> None:
    """Kubernetes' own names of fields, and the key by which it merges a list."""
    assert told(old, new) == expected


def test_a_place_in_a_pod_template() -> None:
    """The path leads through the container by its name."""
    old = deployment()
    new = edited(old, "acme/api:2.0", "spec", "template", "spec", "containers", 0, "image")

    assert told(old, new) == [("spec.template.spec.containers[name=model].image", "acme/api:1.0", "acme/api:2.0")]
