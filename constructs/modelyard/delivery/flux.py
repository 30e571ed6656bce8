"""Flux: what the Kustomization of an environment waits for, and that it deletes nothing by accident."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal

from modelyard.delivery import addresses, parts
from modelyard.delivery.declared import unknown
from modelyard.delivery.ownership import identity, queued
from modelyard.delivery.policies import FluxPolicy, annotate, mispoliced, once
from modelyard.findings import Breach
from modelyard.fleet.cluster import Crd
from modelyard.fleet.delivery import Cargo, Delivery, Last, Ownership
from modelyard.fleet.draft import Draft, Manifest
from modelyard.fleet.site import Site
from modelyard.schemas import CrdSchema
from modelyard.values import names
from modelyard.values.at import mapping
from modelyard.values.durations import minutes, whole_seconds
from modelyard.values.value import value

KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1"
SOURCE = "source.toolkit.fluxcd.io/v1"
ADDRESSES = ("http://", "https://", "ssh://", addresses.OCI)
Provider = Literal["aws", "azure", "gcp"]
USUAL_DEADLINE = 600
"""Kubernetes' own default for the progress of a rollout, in seconds."""


@value
class Flux(Delivery):
    """
    Delivery by Flux: a source, the Kustomization of the environment, and one that keeps these up to date.

    Args:
        repo: The address of the repository that ``dist/`` is committed to (``https://``, ``ssh://``), or of an OCI
            artifact of its content (``oci://``).

        path: The folder of the environment in it. Default: ``dist/<environment>``.

        branch: The branch; of an artifact, the tag. Default: ``main``.

        secret: The Secret with the credentials for it. Default: it is public.

        provider: The cloud whose registry the artifact lies in, which Flux signs in to as itself (``aws``, ``azure``,
            ``gcp``), without a Secret. Default: none.

        namespace: Where Flux runs. Default: ``flux-system``.

        name: Of the source and the Kustomization, unique in that namespace. Default: the environment's namespace.

        timeout: How long Flux waits for what it applied. A Deployment that may take longer to start is not
            waited for; Kubernetes tells how it fares. Default: 5 minutes.

        service_account: The ServiceAccount in that namespace that Flux acts as in the environment.
            Default: Flux's own, which may do everything.

        depends_on: Kustomizations that must be ready first, such as one that installs operators. Default: none.

        policies: How Flux treats single objects. Default: all alike.

    See Also:
        https://fluxcd.io/flux/components/kustomize/kustomizations/
    """

    repo: str
    path: str | None = None
    branch: str = "main"
    secret: str | None = None
    namespace: str = "flux-system"
    name: str | None = None
    timeout: timedelta = minutes(5)
    service_account: str | None = None
    depends_on: Sequence[str] = ()
    policies: Sequence[FluxPolicy] = ()
    provider: Provider | None = None

    controller: ClassVar[str] = "Flux"

    @property
    def schemas(self) -> tuple[CrdSchema, ...]:
        """The kinds of its objects."""
        return Crd.FLUX.schemas

    def home(self, cluster: str) -> None:
        """Return None: it lives in the environment's own cluster."""

    def way(self, cluster: str) -> str:
        """Return from where the environment is brought into which cluster, in a few words."""
        return f"Flux in {cluster}"

    def breaches(self, site: Site) -> Iterator[Breach]:
        """Yield what is wrong with the options."""
        yield from parts.options(self, site)
        wrong = list(addresses.misaddressed(self.repo, option="branch"))
        if not wrong and not self.repo.startswith(ADDRESSES):
            because = f"Flux takes addresses that start with one of {', '.join(ADDRESSES)}"
            wrong = [Breach("X11", "delivery.repo", self.repo, because, "write git@host:path as ssh://git@host/path")]
        yield from wrong
        yield from addresses.misnamed(self.repo, "delivery.branch", self.branch)
        yield from self._misidentified()
        if self.timeout < minutes(1):
            because = "pulling an image alone may take a minute"
            yield Breach("X11", "delivery.timeout", self.timeout, because, "write timeout=minutes(5)")
        given = [("secret", self.secret), ("service_account", self.service_account)]
        given += [(f"depends_on[{index}]", name) for index, name in enumerate(self.depends_on)]
        for field, name in given:
            if name is not None and (broken := names.subdomain(name)):
                yield Breach("N19", f"delivery.{field}", name, broken, "write the name of the object")
        if (own := self._name(site)) in self.depends_on:
            because = "this Kustomization would wait for itself, and never be ready"
            place = list(self.depends_on).index(own)
            yield Breach("X11", f"delivery.depends_on[{place}]", own, because, "leave it out")
        yield from mispoliced(self.policies)

    def _misidentified(self) -> Iterator[Breach]:
        if self.provider is None:
            return
        if self.secret is not None:
            because = f"with a Secret, {self.secret}, Flux does not sign in as itself"
            yield Breach("X11", "delivery.provider", self.provider, because, "leave out one of secret= and provider=")
        elif self._kind != "OCIRepository":
            because = "this is how Flux signs in to a registry, and repo= is a git repository"
            yield Breach("X11", "delivery.provider", self.provider, because, "leave it out, and name a Secret: secret=")

    def adapt(self, manifest: Manifest) -> None:
        """Annotate *manifest* as the policies say."""
        # Flux tries a whole manifest before it ignores anything, and a Job that Kueue has placed refuses its own.
        placed = [FluxPolicy(manifest["kind"], ssa="IfNotPresent")] if any(queued(manifest)) else []
        annotate(manifest, [*placed, *self.policies])

    def unmatched(self, manifests: Sequence[Manifest]) -> Iterator[Breach]:
        """Yield the policies about objects that are not there."""
        yield from unknown("delivery.policies", self.policies, manifests)

    def drafts(self, site: Site, cargo: Cargo) -> list[Draft]:
        """Return the source, the Kustomization, and the Kustomization of these two."""
        return [Draft(one) for one in (self._source(site), self._environment(site, cargo), self._bootstrap(site))]

    def by_hand(self, site: Site, delivered: Sequence[Manifest]) -> Mapping[str, Sequence[Manifest]]:
        """Return the source and the Kustomization of these objects, which brings the environment's own."""
        own = "Kustomization", self._name(site)
        return {"": [one for one in delivered if (one["kind"], one["metadata"]["name"]) != own]}

    def gone(self, before: Iterable[str], last: Last, drafts: Sequence[Manifest]) -> Iterator[Breach]:  # noqa: ARG002 # as all
        """Yield nothing: Flux remembers in its inventory what it has applied."""
        yield from ()

    def _name(self, site: Site) -> str:
        return self.name or site.namespace

    def _delivery_name(self, site: Site) -> str:
        return f"{self._name(site)}{parts.SUFFIX}"

    @property
    def _kind(self) -> str:
        return "OCIRepository" if self.repo.startswith(addresses.OCI) else "GitRepository"

    def _source(self, site: Site) -> Manifest:
        source = parts.head(SOURCE, self._kind, self._name(site), self.namespace, site)
        source["spec"] = {
            "url": self.repo,
            "ref": {"tag" if self._kind == "OCIRepository" else "branch": self.branch},
            **({"secretRef": {"name": self.secret}} if self.secret is not None else {}),
            **({"provider": self.provider} if self.provider is not None else {}),
            "interval": "1m",
            "timeout": "60s",
        }
        return source

    def _environment(self, site: Site, cargo: Cargo) -> Manifest:
        checks = [_reference(one) for one in cargo.manifests if self._waited_for(one)]
        made = self._kustomization(self._name(site), parts.folder(self.path, site), site)
        made["spec"].update(
            {
                "timeout": f"{whole_seconds(self.timeout)}s",
                "prune": True,
                "deletionPolicy": "Orphan",
                # It would wait for Jobs too, and a training takes longer than any timeout.
                "wait": False,
                **({"healthChecks": checks} if checks else {}),
                **({"ignore": ignored} if (ignored := list(_ignored(cargo))) else {}),
                **({"serviceAccountName": self.service_account} if self.service_account is not None else {}),
                # With a commit that removes a service, it would else wait for the Deployment that it has just deleted.
                "dependsOn": [{"name": name} for name in dict.fromkeys((self._delivery_name(site), *self.depends_on))],
            }
        )
        return made

    def _bootstrap(self, site: Site) -> Manifest:
        made = self._kustomization(self._delivery_name(site), parts.delivery_folder(self.path, site), site)
        # What would be deleted here is a Kustomization.
        made["spec"].update({"timeout": "60s", "prune": False, "wait": False})
        return made

    def _kustomization(self, name: str, path: str, site: Site) -> Manifest:
        made = parts.head(KUSTOMIZE, "Kustomization", name, self.namespace, site)
        made["spec"] = {
            "sourceRef": {"kind": self._kind, "name": self._name(site)},
            "path": f"./{path}",
            "interval": "10m",
            "retryInterval": "1m",
        }
        return made

    def _waited_for(self, manifest: Manifest) -> bool:
        if identity(manifest)[:2] != ("apps", "Deployment"):
            return False
        deadline = mapping(manifest, "spec").get("progressDeadlineSeconds", USUAL_DEADLINE)
        return isinstance(deadline, int) and deadline - USUAL_DEADLINE < whole_seconds(self.timeout)


def _reference(manifest: Manifest) -> dict[str, Any]:
    _, kind, namespace, name = identity(manifest)
    return {"apiVersion": manifest["apiVersion"], "kind": kind, "name": name, "namespace": namespace}


def _ignored(cargo: Cargo) -> Iterator[dict[str, Any]]:
    """Yield a rule for each object that others write in, but for those that Flux makes and never changes."""
    made_once = {identity(one) for one in cargo.manifests if once(one)}
    for one in cargo.owned:
        if (one.group, one.kind, one.namespace, one.name) not in made_once:
            yield _rule(one)


def _rule(one: Ownership) -> dict[str, Any]:
    """Return the rule for one object; without a target it would hold for all, and each name is a pattern."""
    target = {
        **({"group": re.escape(one.group)} if one.group else {}),
        "kind": one.kind,
        "name": _exactly(one.name),
        **({"namespace": one.namespace} if one.namespace else {}),
    }
    return {"paths": list(one.paths), "target": target}


def _exactly(name: str) -> str:
    return name.replace(".", r"\.")
