"""An environment's objects, gathered from its workloads, itself and foreign constructs, all findings at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import attrs

from modelyard import trace
from modelyard.exact_yaml import InexactError, dotted, dump
from modelyard.findings import Breach, Finding, Severity, Source
from modelyard.fleet import Draft, Environment, Workload
from modelyard.pod import KEPT, seal, type_breaches, value_breaches
from modelyard.render.foreign import foreign
from modelyard.render.layout import path_of
from modelyard.rules import RULES, Object, Scope, breaches, finding, settle
from modelyard.schemas import SUPPORTED, Catalog, catalog
from modelyard.values import names


@attrs.define
class Gathered:
    """
    What an environment comes to, before it is written.

    Args:
        objects: In the order of the environment's Python.

        findings: All of them, errors and warnings.
    """

    objects: list[Object]
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether a finding stops the synthesis."""
        return any(one.severity is Severity.ERROR for one in self.findings)


def gather(environment: Environment, *, complete: bool = True, known: frozenset[str] = frozenset()) -> Gathered:
    """
    Return the objects of *environment* and everything there is to say about them.

    Args:
        environment: As its function left it.

        complete: Whether that function ran to its end. Default: it did.

        known: Hashes of texts that passed the same schemas before. Default: none.
    """
    found: list[Finding] = list(_notes(environment))
    if wrong := list(_site_breaches(environment)):
        here = [finding(breach, environment.name, environment.source) for breach in wrong]
        return Gathered([], _relative([*found, *here], environment))
    schemas = catalog(environment.site.cluster.kubernetes, environment.site.cluster.crd_schemas)
    objects: list[Object] = []
    by_owner: dict[str | None, list[Finding]] = {None: []}
    rendered: list[Workload] = []
    patched: dict[int, Source | None] = {}
    for workload in filter(_named, environment.workloads):
        by_owner.setdefault(workload.id, [])
        if own := list(_unrenderable(workload)):
            found.extend(own)
            continue
        drafts = workload.drafts(environment.site)
        for breach in workload.patches.apply(drafts):
            by_owner[workload.id].append(finding(breach, _where(environment, workload.id), workload.source))
        seal(drafts)
        rendered.append(workload)
        for draft in drafts:
            objects.append(Object(draft.manifest, workload.id, workload.source))
            patched[id(draft.manifest)] = draft.patched
    objects.extend(_own(environment, by_owner[None]))
    for one, broken in foreign(environment, schemas):
        objects.extend([one] if one is not None else [])
        by_owner[None].extend(
            _on(one, breach, environment) if one is not None else finding(breach, environment.name, environment.source)
            for breach in broken
        )
    valid: list[Object] = []
    halved: set[str | None] = set()
    for one in objects:
        if wrong := list(_invalid(one, schemas, known)):
            halved.add(one.owner)
            line = patched.get(id(one.data))
            by_owner[one.owner].extend(_on(one, attrs.evolve(breach, source=line), environment) for breach in wrong)
        else:
            one.path = path_of(one.data, environment.name, one.owner, environment.site.namespace)
            valid.append(one)
    for one, breach in breaches(Scope(environment.site, valid)):
        # What is missing for a workload's other objects is the one that is told of already.
        if one.owner is None or one.owner not in halved:
            by_owner[one.owner].append(_on(one, breach, environment))
    for workload in rendered:
        settled = settle(
            by_owner[workload.id],
            {} if workload.id in halved else workload.accepted,
            _where(environment, workload.id),
            workload.source,
        )
        found.extend(settled)
    accepted = environment.accepted if complete else {}
    found.extend(settle(by_owner[None], accepted, environment.name, environment.source))
    found.extend(_collisions(valid, environment))
    return Gathered(valid, _relative(found, environment))


def refused(environment: Environment) -> list[Finding]:
    """Return what keeps *environment*, or a workload of it, from being rendered at all."""
    found = list(_notes(environment))
    if wrong := list(_site_breaches(environment)):
        found.extend(finding(breach, environment.name, environment.source) for breach in wrong)
    else:
        found.extend(one for workload in filter(_named, environment.workloads) for one in _unrenderable(workload))
    return _relative(found, environment)


def _named(workload: Workload) -> bool:
    return isinstance(workload.id, str) and workload.id != "" and not workload.duplicate


def _where(environment: Environment, owner: str | None) -> str:
    return environment.name if owner is None else f"{environment.name}/{owner}"


def _notes(environment: Environment) -> Iterator[Finding]:
    for workload, breach in environment.notes:
        if workload is None:
            yield finding(breach, environment.name, environment.source)
        else:
            yield finding(breach, _where(environment, str(workload.id)), workload.source)


def _site_breaches(environment: Environment) -> Iterator[Breach]:
    site = environment.site
    wrong_types = list(type_breaches(site))
    if wrong_types:
        yield from wrong_types
        return
    yield from value_breaches(site.cluster, "cluster.")
    if broken := names.dns_label(site.namespace):
        yield Breach("N19", "namespace", site.namespace, broken, 'choose a name such as "ml-prod"')
    if site.cluster.kubernetes not in SUPPORTED:
        yield Breach(
            "X04", "kubernetes", site.cluster.kubernetes,
            f"modelyard knows Kubernetes {SUPPORTED[0]} to {SUPPORTED[-1]}",
            f'write one of them, such as kubernetes="{SUPPORTED[-1]}"', trace_of(site.cluster, "kubernetes"),
        )  # fmt: skip
    for key, value in site.labels.items():
        if broken := names.qualified_name(key) or names.label_value(value):
            yield Breach(
                "N16",
                f"labels[{key!r}]",
                value,
                broken,
                "shorten it, or keep to the characters of a label",
            )


def trace_of(value: object, field: str) -> Source | None:
    """Return the line that wrote *field* of a value type."""
    source = getattr(value, "__source__", None)
    return trace.argument(source, field) if isinstance(source, Source) else None


def _unrenderable(workload: Workload) -> Iterator[Finding]:
    environment = workload.environment
    where = _where(environment, str(workload.id))
    for breach in workload.breaches(environment.site):
        yield finding(breach, where, workload.source)


def _own(environment: Environment, findings: list[Finding]) -> Iterator[Object]:
    site = environment.site
    if not environment.manage_namespace:
        return
    labels = {
        "app.kubernetes.io/part-of": site.environment,
        "app.kubernetes.io/managed-by": "modelyard",
        **{f"pod-security.kubernetes.io/{mode}": site.pod_security for mode in ("enforce", "audit", "warn")},
        **site.labels,
    }
    draft = Draft(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": site.namespace, "labels": labels, "annotations": dict(KEPT)},
        }
    )
    findings.extend(
        finding(breach, environment.name, environment.source) for breach in environment.patches.apply([draft])
    )
    yield Object(draft.manifest, None, environment.source)


def _invalid(one: Object, schemas: Catalog, known: frozenset[str]) -> Iterator[Breach]:
    """Write *one* as text, and yield why it cannot be written, or does not fit its schema."""
    try:
        one.text = dump(one.data)
    except InexactError as error:
        do = "write a value that JSON can hold"
        yield Breach("X08", dotted(error.path) or one.kind, None, error.because, do)
        return
    one.sha256 = hashlib.sha256(one.text.encode()).hexdigest()
    if one.sha256 not in known:
        yield from _schema_breaches(one, schemas)


def _schema_breaches(one: Object, schemas: Catalog) -> Iterator[Breach]:
    if schemas.valid(one.data):
        errors = schemas.duplicates(one.data)
        rule = "X05"
    else:
        errors = schemas.errors(one.data)
        known = schemas.kind(str(one.data.get("apiVersion")), str(one.data.get("kind")))
        rule = "X05" if known is not None else "X04"
    for error in errors:
        because, _, do = error.message.partition("; ")
        field = dotted(error.path) or one.kind
        yield Breach(rule, field, None, f"it {because}", do or RULES[rule].fix)


def _on(one: Object, breach: Breach, environment: Environment) -> Finding:
    """Return a breach in one object as a finding that says which object, and where it comes from."""
    source = one.source
    if source is None:
        source = trace.constant(environment.fleet.root / "environments", one.name) or environment.source
    field = breach.field if breach.field.startswith(one.kind) else f"{one.kind} {one.name} {breach.field}"
    strict = environment.site.strict
    return finding(attrs.evolve(breach, field=field), _where(environment, one.owner), source, strict=strict)


def _collisions(objects: Iterable[Object], environment: Environment) -> Iterator[Finding]:
    identities: dict[tuple[str, str, str | None, str], Object] = {}
    paths: dict[str, Object] = {}
    for one in objects:
        group = one.api_version.rpartition("/")[0]
        identity = (group, one.kind, one.namespace, one.name)
        first = identities.setdefault(identity, one)
        if first is not one:
            place = f"{_where(environment, first.owner)}" + (
                f" ({trace.relative(first.source, environment.fleet.root)})" if first.source else ""
            )
            because = f"{place} renders the object of this name already"
            yield _on(
                one,
                Breach("X02", "metadata.name", one.name, because, "give one of the two another name"),
                environment,
            )
            continue
        other = paths.setdefault(one.path.lower(), one)
        if other is not one:
            because = f"{other.kind} {other.name} is written to a path that differs only in case, if at all"
            yield _on(
                one,
                Breach("X17", "path", one.path, because, "rename one of the two objects"),
                environment,
            )


def _relative(findings: Iterable[Finding], environment: Environment) -> list[Finding]:
    root = environment.fleet.root
    return [
        attrs.evolve(one, source=trace.relative(one.source, root)) if one.source is not None else one
        for one in findings
    ]
