"""An environment's objects, gathered from its workloads, itself and foreign constructs, all findings at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

import attrs

from modelyard.delivery import Taken, adapt, cargo, misowned, unmatched
from modelyard.findings import Breach, Finding, Severity, Source
from modelyard.fleet import Environment, Manifest, Workload
from modelyard.pod import seal
from modelyard.render import beside, generations, hashes
from modelyard.render.blame import Key, key, unowned, unpatched
from modelyard.render.byhand import by_hand
from modelyard.render.collisions import collisions, identity, on
from modelyard.render.foreign import foreign
from modelyard.render.generations import Current, Past
from modelyard.render.layout import delivery_path, path_of
from modelyard.render.namespace import namespace
from modelyard.render.provenance import annotate
from modelyard.render.refusals import named, notes, refused, relative, renderable, unrenderable, where
from modelyard.rules import Object, Scope, breaches, changes, finding, settle
from modelyard.schemas import catalog
from modelyard.values.value import source_of

Before = Callable[[Object], Iterator[Manifest]]
Moved = Callable[[str, Collection[str]], Iterator[Breach]]


@attrs.define
class Gathered:
    """
    What an environment comes to, before it is written.

    Args:
        objects: In the order of the environment's Python.

        delivery: What the GitOps controller itself reads, to bring these into the cluster.

        by_hand: What people apply once, so that it does. Files, and no objects besides these.

        findings: All of them, errors and warnings.

        seal: Stands for everything the checks depend on, where they found nothing; else empty.

        former: What stays rendered of each workload's former objects, as it was.

        known: Whether the seal is that of the last time; then nothing was checked, and no text written.
    """

    objects: list[Object]
    findings: list[Finding]
    delivery: list[Object] = attrs.field(factory=list)
    by_hand: list[Object] = attrs.field(factory=list)
    seal: str = ""
    former: dict[str, tuple[Manifest, ...]] = attrs.field(factory=dict)
    known: bool = False

    @property
    def failed(self) -> bool:
        """Whether a finding stops the synthesis."""
        return any(one.severity is Severity.ERROR for one in self.findings)


def gather(
    environment: Environment,
    *,
    complete: bool = True,
    passed: str = "",
    before: Before | None = None,
    past: Past | None = None,
    moved: Moved | None = None,
) -> Gathered:
    """
    Return the objects of *environment* and everything there is to say about them.

    Args:
        environment: As its function left it.

        complete: Whether that function ran to its end. Default: it did.

        passed: The seal of the last time, so that the same objects need not be checked again. Default: none.

        before: Answers with what an object was, where it was another: a change is wrong if it is from all of these.
            Default: nothing was.

        past: Answers with what workloads rendered last and do no more. Default: nothing.

        moved: Answers with what it means that the environment is in a namespace, and has objects. Default: nothing.
    """
    if not renderable(environment):
        return Gathered([], refused(environment))
    environment.settle()
    work = _Work(environment, complete=complete)
    work.take_workloads()
    work.take_foreign()
    work.take_former(past)
    work.take_own()
    if environment.site.provenance:
        annotate((one for one in work.objects if id(one) not in work.frozen), environment)
    seal = work.seal()
    known = bool(seal) and seal == passed
    valid, clean = (work.objects, True) if known else work.checked(before)
    if moved is not None and not known:
        work.found(moved(environment.site.namespace, {identity(one) for one in valid}))
    clashes = [] if known else list(collisions(valid, environment))
    findings = [*notes(environment), *work.refused, *work.settled(), *clashes]
    delivered = {id(one) for one in work.delivery}
    delivery = [one for one in valid if id(one) in delivered]
    return Gathered(
        objects=[one for one in valid if id(one) not in delivered],
        findings=relative(findings, environment),
        delivery=delivery,
        by_hand=[] if known else by_hand(environment, delivery),
        seal=seal if clean else "",
        former=work.former,
        known=known,
    )


class _Work:
    """
    An environment's objects while they are gathered, and what is found on the way.

    Args:
        environment: Its cluster and options are known to be right.

        complete: Whether its function ran to its end.
    """

    def __init__(self, environment: Environment, *, complete: bool) -> None:
        cluster = environment.site.cluster
        self.environment = environment
        self.complete = complete
        self.schemas = catalog(cluster.kubernetes, cluster.crd_schemas)
        delivery = environment.site.delivery
        self.delivery_schemas = catalog(cluster.kubernetes, () if delivery is None else delivery.schemas)
        self.objects: list[Object] = []
        self.delivery: list[Object] = []
        self.sealed: list[Current] = []
        self.former: dict[str, tuple[Manifest, ...]] = {}
        self.standing: dict[str, Manifest] = {}
        self.frozen: set[int] = set()
        self.patched: dict[int, Source | None] = {}
        self.taken: list[Taken] = []
        self.refused: list[Finding] = []
        self.rendered: list[Workload] = []
        self.halved: set[str | None] = set()
        self.findings: dict[str | None, list[Finding]] = {None: []}

    def take_workloads(self) -> None:
        """Render and patch what can be rendered."""
        for workload in filter(named, self.environment.workloads):
            if wrong := list(unrenderable(workload)):
                self.refused.extend(wrong)
                continue
            drafts = workload.drafts(self.environment.site)
            self.findings[workload.id] = [
                finding(breach, where(self.environment, workload.id), workload.source)
                for breach in workload.patches.apply(drafts)
            ]
            taken = [(draft, one) for draft in drafts for one in adapt(draft.manifest, self.environment.site)]
            seal(drafts)
            self.taken.extend(attrs.evolve(one, manifest=draft.manifest) for draft, one in taken)
            self.rendered.append(workload)
            for draft in drafts:
                one = Object(draft.manifest, workload.id, workload.source)
                self.objects.append(one)
                self.patched[id(draft.manifest)] = draft.patched
                if draft.sealed:
                    self.sealed.append(Current(workload, one.data["kind"], one.name, identity(one)))

    def take_own(self) -> None:
        """Render what belongs to the environment itself, and what brings all of it into the cluster."""
        environment, site = self.environment, self.environment.site
        own = [namespace(site)] if environment.manage_namespace else []
        manifests = [*(one.data for one in self.objects), *(draft.manifest for draft in own)]
        if self.complete and not self.refused:
            self.found(unmatched(manifests, site))
        delivery = [] if site.delivery is None else site.delivery.drafts(site, cargo(site, manifests, self.schemas))
        self.found(environment.patches.apply([*own, *delivery]))
        for draft in own:
            self.taken.extend(adapt(draft.manifest, site))
        self.objects.extend(Object(draft.manifest, None, environment.source) for draft in own)
        source = source_of(site.delivery) or environment.source
        for draft in delivery:
            self.delivery.append(Object(draft.manifest, None, source, delivery_path(draft.manifest, site.environment)))
        self.objects.extend(self.delivery)

    def take_former(self, past: Past | None) -> None:
        """Take what is kept of former generations: it was checked when it was made, and is not applied anew."""
        site = self.environment.site
        self.found(generations.damaged(self.environment))
        self.former = generations.kept(self.sealed, self.environment, past, self._present)
        sources = {workload.id: workload.source for workload in self.environment.workloads if self.former}
        for owner, manifests in self.former.items():
            for manifest in manifests:
                again = generations.rendered(manifest)
                one = Object(again, owner, sources[owner], generations.former_path(again, owner, site))
                self.objects.append(one)
                self.frozen.add(id(one))

    def _present(self, former: Manifest, name: str) -> Manifest | None:
        """Return what is rendered under *name* of the kind of *former*."""
        if not self.standing:
            self.standing = {identity(one): one.data for one in self.objects if one.kind in beside.KINDS}
        metadata = {**former["metadata"], "name": name}
        return self.standing.get(identity(Object({**former, "metadata": metadata}, None, None)))

    def take_foreign(self) -> None:
        """Take what constructs that are not modelyard's stand for."""
        for one, broken, whose in foreign(self.environment, self.schemas):
            if one is None:
                self.findings[None].extend(finding(breach, whose.name, whose.source) for breach in broken)
                continue
            self.taken.extend(adapt(one.data, self.environment.site))
            self.objects.append(one)
            self.findings[None].extend(on(one, breach, self.environment) for breach in broken)

    def found(self, broken: Iterable[Breach]) -> None:
        """Note what is wrong with the environment itself."""
        environment = self.environment
        self.findings[None].extend(finding(breach, environment.name, environment.source) for breach in broken)

    def seal(self) -> str:
        """Return a hash of everything that checks and texts depend on: where the objects are for, and what they are."""
        known = self.complete and not self.refused
        return hashes.whole(self.environment.site, self.objects) if known else ""

    def checked(self, before: Before | None) -> tuple[list[Object], bool]:
        """Return the objects that are right, and whether nothing was found in any."""
        from modelyard.render.single import schema_breaches, write  # noqa: PLC0415 # where nothing has changed, nothing is

        delivered = {id(one) for one in self.delivery}
        manifests = [one.data for one in self.objects if id(one) not in delivered]
        self.found(misowned(manifests, self.taken, self.environment.site, self.schemas))
        written = self._kept(self.objects, write)

        def breaches_of(one: Object) -> Iterator[Breach]:
            if id(one) in self.frozen:
                return iter(())
            return schema_breaches(one, self.delivery_schemas if id(one) in delivered else self.schemas)

        valid = self._kept(written, breaches_of)
        site = self.environment.site
        for one in valid:
            one.path = one.path or path_of(one.data, site.environment, one.owner, site.namespace)
        if before is not None:
            self._changed(valid, before)
        whole = self.complete and not self.refused and len(valid) == len(self.objects)
        ruled = [one for one in valid if id(one) not in self.frozen] if self.frozen else valid
        scope = Scope(site, ruled, complete=whole)
        broken = list(breaches(scope))
        clean = scope.complete and not broken
        apart = self._apart(ruled) if any(self.patched.get(id(one.data)) for one, _ in broken) else frozenset()
        for one, breach in unowned(broken, self.taken, ruled, site):
            # What is missing for a workload's other objects is the one that is told of already.
            if one.owner is None or one.owner not in self.halved:
                patch = self.patched.get(id(one.data)) if key(one, breach) not in apart else None
                line = breach.source or patch
                self.findings[one.owner].append(on(one, attrs.evolve(breach, source=line), self.environment))
        return valid, clean

    def _apart(self, ruled: Iterable[Object]) -> frozenset[Key]:
        """Return the breaches that no patch has made."""
        others = [one for one in ruled if one.owner not in {workload.id for workload in self.rendered}]
        return unpatched(self.rendered, others, self.environment.site, self.schemas)

    def _changed(self, objects: Iterable[Object], before: Before) -> None:
        """Look at what became of objects that were rendered before."""
        for one in (one for one in objects if id(one) not in self.frozen):
            found: list[Breach] = []
            for old in before(one):
                found = list(changes(old, one.data))
                if not found:
                    break
            self.findings[one.owner].extend(on(one, breach, self.environment) for breach in found)

    def _kept(self, objects: Iterable[Object], check: Callable[[Object], Iterator[Breach]]) -> list[Object]:
        kept: list[Object] = []
        for one in objects:
            if wrong := list(check(one)):
                self.halved.add(one.owner)
                line = self.patched.get(id(one.data))
                self.findings[one.owner].extend(
                    on(one, attrs.evolve(breach, source=line), self.environment) for breach in wrong
                )
            else:
                kept.append(one)
        return kept

    def settled(self) -> Iterator[Finding]:
        """Yield what is found, less what its owner accepts, and what is wrong with the acceptances."""
        for workload in self.rendered:
            accepted = {} if workload.id in self.halved else workload.accepted
            place = where(self.environment, workload.id)
            yield from settle(self.findings[workload.id], accepted, place, workload.source)
        accepted = self.environment.accepted if self.complete else {}
        yield from settle(self.findings[None], accepted, self.environment.name, self.environment.source)
