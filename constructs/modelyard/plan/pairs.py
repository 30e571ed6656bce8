"""Which manifest of before became which of now."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from modelyard.plan.fields import FieldChange, differences
from modelyard.plan.trees import Doc, Identity, Manifest, Place, Trees
from modelyard.values.at import mapping
from modelyard.values.names import LOGICAL_NAME

UNCHANGED = ("name", "namespace")


@attrs.frozen(kw_only=True)
class Pair:
    """
    One object before and now.

    Args:
        old: None where it is new.

        new: None where it is gone.

        fields: Where the two differ, name and namespace left aside where one object replaces another.

        former: The object that a new one follows and that is still in git, if there is one.

        past: The commit that took out one of the same name; None where there was none, empty where git cannot tell.
    """

    old: Doc | None = None
    new: Doc | None = None
    fields: tuple[FieldChange, ...] = ()
    former: Doc | None = None
    past: str | None = None

    @property
    def doc(self) -> Doc:
        """The object as it is now, or as it was."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 # a pair has at least one
        return found

    @property
    def place(self) -> Place:
        """The environment and workload it belongs to."""
        return self.doc.place

    @property
    def replaces(self) -> bool:
        """Whether the object of before goes, and one of another name takes its place."""
        return self.old is not None and self.new is not None and self.old.identity != self.new.identity


def pairs(trees: Trees) -> list[Pair]:
    """Return the objects of an environment that are different, each once, in the order of their paths."""
    old = {one.identity: one for one in trees.old}
    new = {one.identity: one for one in trees.new}
    gone = {identity: one for identity, one in old.items() if identity not in new}
    found = [*_kept(old, new), *_made(old, new, gone)]
    found.extend(Pair(old=one) for one in gone.values())
    return sorted(found, key=lambda one: one.doc.path)


def _kept(old: dict[Identity, Doc], new: dict[Identity, Doc]) -> Iterator[Pair]:
    for identity, after in new.items():
        before = old.get(identity)
        if before is None or before.data is after.data:
            continue
        if fields := tuple(differences(before.data, after.data)):
            yield Pair(old=before, new=after, fields=fields)


def _made(old: dict[Identity, Doc], new: dict[Identity, Doc], gone: dict[Identity, Doc]) -> Iterator[Pair]:
    """Yield what is new, with what it follows; that is taken out of *gone*."""
    at_path = {(one.path, one.identity[:2]): one for one in old.values()}
    by_name = {(one.place, one.identity[:2], _logical(one)): one for one in gone.values() if _logical(one)}
    for identity, after in new.items():
        if identity in old:
            continue
        former = at_path.get((after.path, identity[:2])) or by_name.get((after.place, identity[:2], _logical(after)))
        if former is None:
            yield Pair(new=after)
        elif gone.pop(former.identity, None) is not None:
            fields = tuple(one for one in differences(former.data, after.data) if not _is_name(one))
            yield Pair(old=former, new=after, fields=fields)
        else:
            yield Pair(new=after, former=former)


def _is_name(one: FieldChange) -> bool:
    return len(one.path) > 1 and one.path[0] == "metadata" and one.path[1] in UNCHANGED


def _logical(doc: Doc) -> str | None:
    name = mapping(doc.data, "metadata", "annotations").get(LOGICAL_NAME)
    return None if name is None else str(name)


def manifest(doc: Doc | None) -> Manifest:
    """Return the manifest of *doc*, empty where there is none."""
    return {} if doc is None else doc.data
