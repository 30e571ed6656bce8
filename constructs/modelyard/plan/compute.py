"""From two trees to a plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import attrs

from modelyard.plan.conceal import Hidden
from modelyard.plan.devices import compared
from modelyard.plan.effects import effects
from modelyard.plan.fates import all_go, keepers
from modelyard.plan.model import DELIVERED, ORDER, Effect, ObjectChange, Plan, Risk, WorkloadPlan, worst_first
from modelyard.plan.network import closes_none
from modelyard.plan.pairs import Pair, pairs
from modelyard.plan.rollouts import RUNS
from modelyard.plan.trees import Doc, Manifest, Trees, trees
from modelyard.render.base import base, known

HASH = re.compile(r"\0-[0-9a-f]{8}\b")
CREATED, REMOVED, CHANGED, REPLACED = "created", "removed", "changed", "replaced"


def plan(root: Path, ref: str | None = None, only: Iterable[str] = ()) -> Plan:
    """
    Return what ``dist/`` of the project at *root* does to a cluster that has what it was at *ref*.

    Args:
        root: The folder of ``main.py``.

        ref: A commit or branch; what counts is where HEAD and it parted. Default: the main branch.

        only: Environments. Default: all.

    Raises:
        UsageError: git cannot tell what was before, or a file is no YAML.
    """
    before = base(root, ref)
    changed = trees(root, before, only)
    runs = {doc.path: doc.identity[-1] for one in changed for doc in _new_runs(one)}
    past = known(root, before.commit, runs)
    found = [environment(one, dict.fromkeys(runs, "") if past is None else past) for one in changed]
    found.sort(key=lambda one: min((ORDER[each.risk] for each in one), default=len(ORDER)))
    return Plan(commit=before.commit, base=before.words, workloads=[each for one in found for each in one])


def _new_runs(one: Trees) -> Iterator[Doc]:
    """Yield the new objects that run once, and that a controller would have left in the cluster if they are not new."""
    old = {doc.identity for doc in one.old}
    for doc in one.new:
        if doc.identity not in old and doc.identity[1] in RUNS and keepers(doc.data) & one.controllers:
            yield doc


def environment(one: Trees, past: Mapping[str, str] = MappingProxyType({})) -> list[WorkloadPlan]:
    """Return the workloads of an environment that change, the worst first; *past* is, by path, what ran before."""
    if one.gone:
        return [_gone(one)]
    old, new = _by_workload(one.old), _by_workload(one.new)
    changed: dict[str, list[Pair]] = {}
    for pair in pairs(one):
        changed.setdefault(pair.place[1], []).append(attrs.evolve(pair, past=past.get(pair.doc.path)))
    renamed = _renamed(
        {name: docs for name, docs in old.items() if name not in new},
        {name: docs for name, docs in new.items() if name not in old},
    )
    found = [_workload(one, found, old.get(name, []), new.get(name, []), renamed) for name, found in changed.items()]
    return sorted(found, key=lambda each: (ORDER[each.risk], each.name))


def _by_workload(docs: Iterable[Doc]) -> dict[str, list[Doc]]:
    found: dict[str, list[Doc]] = {}
    for one in docs:
        found.setdefault(one.place[1], []).append(one)
    return found


def _workload(
    one: Trees, changed: Sequence[Pair], old: Sequence[Doc], new: Sequence[Doc], renamed: dict[str, str]
) -> WorkloadPlan:
    name = changed[0].place[1]
    real = name not in {"", DELIVERED}
    change = CREATED if real and not old else REMOVED if real and not new else CHANGED
    before, now = ([doc.data for doc in docs] for docs in (old, new))
    objects = [
        _object(
            pair,
            one.pruning(pair.old or pair.doc),
            now,
            with_workload=change == CREATED or closes_none(pair.doc.data, before, now),
        )
        for pair in changed
    ]
    objects.sort(key=lambda each: ORDER[each.effects[0].risk])
    devices = compared(before, now)
    told = [effect for each in objects for effect in each.effects]
    if change == CREATED:
        told = [effect for effect in told if effect.code != "made"]
        told.append(_created(name, objects, renamed))
    if change == REMOVED:
        told = list(all_go([each.manifest for each in objects], one.pruning(old[0])))
        if target := renamed.get(name):
            told.append(Effect("renamed", Risk.NOTE, f"it looks like its new name is {target}"))
    for resource, (former, later) in devices.items():
        more = later.rollout > former.rollout or later.most > former.most or later.least > former.least
        told.append(Effect("devices", Risk.CAUTION if more else Risk.NOTE, f"{resource} {former} -> {later}"))
    return WorkloadPlan(
        environment=one.name,
        name=name,
        change=change,
        effects=worst_first(told),
        objects=objects,
        devices=devices,
    )


def _created(name: str, objects: Sequence[ObjectChange], renamed: dict[str, str]) -> Effect:
    former = next((old for old, new in renamed.items() if new == name), None)
    if former is not None:
        text = f"it looks like a new name of {former}: everything is made anew, and nothing of {former} moves here"
        return Effect("renamed", Risk.DANGER, text)
    kinds = ", ".join(dict.fromkeys(each.kind for each in objects))
    return Effect("created", Risk.NOTE, f"new: {kinds}")


def _object(pair: Pair, controllers: frozenset[str], now: Sequence[Manifest], *, with_workload: bool) -> ObjectChange:
    found = effects(pair, controllers, with_workload=with_workload, now=now)
    doc, former = pair.doc, pair.old if pair.replaces else pair.former
    return ObjectChange(
        change=CREATED if pair.old is None else REMOVED if pair.new is None else REPLACED if former else CHANGED,
        manifest=doc.data,
        path=doc.path,
        fields=pair.fields,
        effects=found,
        was=None if former is None else _named(former, doc),
    )


def _named(former: Doc, now: Doc) -> str:
    *_, namespace, name = former.identity
    return name if namespace == now.identity[2] else f"{namespace}/{name}"


def _gone(one: Trees) -> WorkloadPlan:
    text = "the environment is gone: its controller finds no folder, reports that, and deletes nothing"
    effect = Effect("environment-removed", Risk.DANGER, text)
    left = Effect("left", Risk.NOTE, "it stays in the cluster, and nobody syncs it")
    objects = [ObjectChange(change=REMOVED, manifest=doc.data, path=doc.path, effects=[left]) for doc in one.old]
    return WorkloadPlan(environment=one.name, name="", change=REMOVED, effects=[effect], objects=objects)


def _renamed(old: dict[str, list[Doc]], new: dict[str, list[Doc]]) -> dict[str, str]:
    """Return the workloads of *old* that are in *new* under another name and otherwise the same."""
    if not old or not new:
        return {}
    known = {_print(name, [doc.data for doc in docs]): name for name, docs in old.items() if name}
    found: dict[str, str] = {}
    for name, docs in new.items():
        former = known.pop(_print(name, [doc.data for doc in docs]), None) if name else None
        if former is not None:
            found[former] = name
    return found


def _print(name: str, manifests: Iterable[Manifest]) -> str:
    """Return the *manifests* of a workload as text without its name."""
    return "\n".join(sorted(_without(name, manifests)))


def _without(name: str, manifests: Iterable[Manifest]) -> Iterator[str]:
    whole = re.compile(rf'(?<="){re.escape(name)}(?=["-])')
    for one in manifests:
        yield HASH.sub("\0", whole.sub("\0", json.dumps(one, sort_keys=True, ensure_ascii=False, default=_plain)))


def _plain(value: object) -> object:
    return value.text if isinstance(value, Hidden) else str(value)
