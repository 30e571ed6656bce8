"""Argo CD: what the Application of an environment may do, and that it deletes nothing by accident."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from modelyard.delivery import addresses, parts
from modelyard.delivery.allowed import disallowed, namespaced
from modelyard.delivery.health import CUSTOMIZATIONS
from modelyard.delivery.ownership import identity
from modelyard.findings import Breach
from modelyard.fleet.cluster import Crd
from modelyard.fleet.delivery import Cargo, Delivery, Last
from modelyard.fleet.draft import Draft, Manifest
from modelyard.fleet.site import Site
from modelyard.schemas import CrdSchema
from modelyard.values import names
from modelyard.values.value import value

EVERYBODYS = "default"
"""The AppProject that every Argo CD has."""
SCHEMES = ("https://", "http://", "ssh://", "git://", "file://", addresses.OCI)
SSH = re.compile(r"[^@/:\s]+@[^@/:\s]+:[^\s]+")
"""An address as ssh alone writes it."""
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{40}")
"""A digest or a commit, which depends on every file that it stands for."""
IN_CLUSTER = "https://kubernetes.default.svc"
LOCAL = frozenset({IN_CLUSTER, "in-cluster"})
"""What an Argo CD calls the cluster that it runs in."""
API = "argoproj.io/v1alpha1"
NAMESPACE = "", "Namespace"
"""Never pruned, so that it need not be allowed when it is rendered no more."""
RETRY: dict[str, Any] = {
    "limit": 5,
    "refresh": True,  # a commit that mends the failure is not kept waiting
    "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"},
}


@value
class ArgoCD(Delivery):
    """
    Delivery by Argo CD: an AppProject, the Application of the environment, and one that keeps these two up to date.

    Args:
        repo: The address of the repository that ``dist/`` is committed to, as Argo CD knows it
            (``repoURL``); or of an OCI artifact of its content, ``oci://...``.

        path: The folder of the environment in it. Default: ``dist/<environment>``.

        revision: The branch or tag (``targetRevision``); a commit or digest only without ``bootstrap_project``.
            Default: ``HEAD``, the repository's default branch.

        destination: The cluster, as the address of its API server or as the name that Argo CD knows it by.
            Default: the one that Argo CD runs in, so each ``Cluster`` then needs an Argo CD of its own: one that read
            the environments of two would sync both into its own cluster.

        namespace: Where Argo CD runs. Default: ``argocd``.

        name: Of the Application and the AppProject, unique in that Argo CD. Default: the environment's namespace.

        allow: Kinds that may be synced besides those rendered, such as ``keda.sh/ScaledObject``. A kind of which
            nothing is rendered any more is needed here until the last object is deleted. Default: none.

        bootstrap_project: The AppProject of the Application ``<name>-delivery``, which syncs these objects themselves.
            None if another Application of yours syncs their folder. Default: ``default``, which every Argo CD has.

        prune_last: Whether what leaves git is deleted only when all that stays is healthy. A sync then lasts as long as
            its longest rollout, and no later commit is synced meanwhile; refused where Jobs run. Default: no.

        health: Whether a patch of ``argocd-cm`` is rendered, for people to apply, that tells Argo CD the health of
            Jobs which were suspended. Default: no.

    See Also:
        https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/
    """

    repo: str
    path: str | None = None
    revision: str = "HEAD"
    destination: str | None = None
    namespace: str = "argocd"
    name: str | None = None
    allow: Sequence[str] = ()
    bootstrap_project: str | None = "default"
    prune_last: bool = False
    health: bool = False

    controller: ClassVar[str] = "Argo CD"

    @property
    def schemas(self) -> tuple[CrdSchema, ...]:
        """The kinds of its objects."""
        return Crd.ARGO_CD.schemas

    def home(self, cluster: str) -> str | None:
        """Return the cluster that its objects live in, nobody's where Argo CD runs elsewhere; None if not said."""
        if self.destination is None:
            return None
        return "" if self.elsewhere else cluster

    @property
    def elsewhere(self) -> str:
        """The destination, where that is not the cluster of Argo CD itself."""
        return "" if self.destination is None or self.destination in LOCAL else self.destination

    def way(self, cluster: str) -> str:
        """Return from where the environment is brought into which cluster, in a few words."""
        return f"Argo CD to {self.elsewhere}" if self.elsewhere else f"Argo CD in {cluster}"

    def breaches(self, site: Site) -> Iterator[Breach]:
        """Yield what is wrong with the options."""
        yield from parts.options(self, site)
        yield from self._misaddressed()
        yield from addresses.misdirected(self.destination, IN_CLUSTER)
        if self._name(site) == EVERYBODYS:
            because = f"an AppProject {EVERYBODYS} would take the place of the one that every Argo CD has"
            yield Breach("X11", "delivery.name", EVERYBODYS, because, "write another name")
        yield from self._misbrought(site)
        yield from disallowed(self.allow, site.cluster.kubernetes)

    def _misaddressed(self) -> Iterator[Breach]:
        wrong = list(addresses.misaddressed(self.repo, option="revision"))
        if not wrong and not self.repo.startswith(SCHEMES) and not SSH.fullmatch(self.repo):
            because = f"Argo CD takes addresses that start with one of {', '.join(SCHEMES)}, and git@host:path"
            wrong = [Breach("X11", "delivery.repo", self.repo, because, f'write "https://{self.repo}"')]
        yield from wrong
        if self.repo.startswith(addresses.OCI) and self.revision == "HEAD" and not wrong:
            because = "an OCI artifact has tags and digests, and no HEAD"
            yield Breach("X11", "delivery.revision", self.revision, because, "name the revision to sync")
        yield from addresses.misnamed(self.repo, "delivery.revision", self.revision)
        if self.bootstrap_project is not None and FINGERPRINT.fullmatch(self.revision):
            because = "these objects lie in what it names: they can only name an older one, and Argo CD goes back to it"
            do = "name a branch or tag, or bring these objects by an Application of yours (bootstrap_project=None)"
            yield Breach("X11", "delivery.revision", self.revision, because, do)

    def _misbrought(self, site: Site) -> Iterator[Breach]:
        project, name = self.bootstrap_project, self._name(site)
        if project is None:
            return
        if project == name and project != EVERYBODYS:
            because = f"{name}{parts.SUFFIX} brings this AppProject itself, so it would never start"
            do = f'write the name of one that is there before, such as "{EVERYBODYS}"'
            yield Breach("X11", "delivery.bootstrap_project", project, because, do)
        elif broken := names.subdomain(project) if project else "it is empty":
            do = "write the name of an AppProject, or None where another Application of yours syncs these objects"
            yield Breach("N19", "delivery.bootstrap_project", project, broken, do)

    def drafts(self, site: Site, cargo: Cargo) -> list[Draft]:
        """Return the AppProject, the Application, and the Application of these two."""
        made = [self._project(site, cargo), self._application(site, cargo)]
        if self.bootstrap_project is not None:
            made.append(self._bootstrap(site, self.bootstrap_project))
        return [Draft(one) for one in made]

    def by_hand(self, site: Site, delivered: Sequence[Manifest]) -> Mapping[str, Sequence[Manifest]]:
        """Return the Application of these objects, and what ``argocd-cm`` is to say."""
        first = f"{self._name(site)}{parts.SUFFIX}"
        own = [one for one in delivered if (one["kind"], one["metadata"]["name"]) == ("Application", first)]
        return {**({"": own} if own else {}), **({"argocd-cm": [CUSTOMIZATIONS]} if self.health else {})}

    def gone(self, before: Iterable[str], last: Last, drafts: Sequence[Manifest]) -> Iterator[Breach]:
        """Yield the kinds that were rendered *before* and that the AppProject among *drafts* allows no more."""
        spec = next(one["spec"] for one in drafts if one["kind"] == "AppProject")
        allowed = {(one["group"], one["kind"]) for one in spec["namespaceResourceWhitelist"]}
        named = [(one["group"], one["kind"], one.get("name")) for one in spec.get("clusterResourceWhitelist", ())]
        allowed.update((group, kind) for group, kind, name in named if name is None)
        told = set()
        for what in before:
            api_version, kind, place = what.split(" ", 2)
            key = api_version.rpartition("/")[0], kind
            if key in allowed or (*key, place) in named or key in told or key == NAMESPACE:
                continue
            one = last(what)
            if one is not None and names.never_pruned(one["metadata"].get("annotations") or {}):
                continue  # such as a former run, which it would not delete in any case
            told.add(key)
            text = "/".join(filter(None, key))
            because = "nothing of it is rendered any more, and Argo CD does not delete what its project does not allow"
            do = f'write allow=["{text}"] until it is deleted'
            yield Breach("G11", "delivery.allow", text, because, do)

    def _name(self, site: Site) -> str:
        return self.name or site.namespace

    def _destination(self, namespace: str) -> dict[str, str]:
        destination = self.destination or IN_CLUSTER
        key = "server" if "://" in destination else "name"
        return {key: destination, "namespace": namespace}

    def _project(self, site: Site, cargo: Cargo) -> Manifest:
        project = parts.head(API, "AppProject", self._name(site), self.namespace, site)
        # Argo CD looks at an Application without project again only minutes later.
        project["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "-1"}
        everything = [identity(one) for one in cargo.manifests]
        namespaces = {site.namespace, *(namespace for _, _, namespace, _ in everything if namespace)}
        allowed = {self._kind(kind) for kind in self.allow}
        wide = sorted(
            {(group, kind, name) for group, kind, _, name in everything if (group, kind) in cargo.cluster_wide}
            | {(group, kind, "") for group, kind in allowed & cargo.cluster_wide}
        )
        project["spec"] = {
            "description": f"What the environment {site.environment} may bring into the cluster {site.cluster.name}.",
            "sourceRepos": [self.repo],
            "destinations": [self._destination(namespace) for namespace in sorted(namespaces)],
            **(
                {
                    "clusterResourceWhitelist": [
                        {"group": group, "kind": kind, **({"name": name} if name else {})} for group, kind, name in wide
                    ]
                }
                if wide
                else {}
            ),
            "namespaceResourceWhitelist": [
                {"group": group, "kind": kind} for group, kind in sorted(namespaced(cargo, allowed))
            ],
        }
        return project

    @staticmethod
    def _kind(text: str) -> tuple[str, str]:
        group, _, kind = text.rpartition("/")
        return group, kind

    def _application(self, site: Site, cargo: Cargo) -> Manifest:
        application = parts.head(API, "Application", self._name(site), self.namespace, site)
        options, ignored = ["ServerSideApply=true", "FailOnSharedResource=true"], cargo.owned
        if any(one.rendered for one in ignored):
            # It copies live values of ignored fields into what is applied: of those that git holds, and of no others.
            options.append("RespectIgnoreDifferences=true")
            ignored = [attrs.evolve(one, paths=one.rendered) for one in ignored if one.rendered]
        if self.prune_last:
            options.append("PruneLast=true")
        application["spec"] = {
            "project": self._name(site),
            "source": self._source(parts.folder(self.path, site)),
            "destination": self._destination(site.namespace),
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": options,
                "retry": RETRY,
            },
            **({"ignoreDifferences": [_ignored(one) for one in ignored]} if ignored else {}),
        }
        return application

    def _bootstrap(self, site: Site, project: str) -> Manifest:
        application = parts.head(API, "Application", f"{self._name(site)}{parts.SUFFIX}", self.namespace, site)
        application["spec"] = {
            "project": project,
            "source": self._source(parts.delivery_folder(self.path, site)),
            "destination": {"server": IN_CLUSTER, "namespace": self.namespace},
            "syncPolicy": {
                # What would be deleted here is an Application.
                "automated": {"prune": False, "selfHeal": True},
                "syncOptions": ["ServerSideApply=true"],
                "retry": RETRY,
            },
        }
        return application

    def _source(self, path: str) -> dict[str, Any]:
        return {
            "repoURL": self.repo,
            "targetRevision": self.revision,
            "path": path,
            "directory": {"recurse": True},
        }


def _ignored(one: Any) -> dict[str, Any]:  # an Ownership
    place = {"namespace": one.namespace} if one.namespace else {}
    group = {"group": one.group} if one.group else {}
    return {**group, "kind": one.kind, "name": one.name, **place, "jsonPointers": list(one.paths)}
