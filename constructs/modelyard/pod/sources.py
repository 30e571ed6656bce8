"""Where data and models come from, and how each gets to a pod."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod.options import Claim, EnvValue, SecretKey, amount
from modelyard.pod.volumes import Mount
from modelyard.values import image as references
from modelyard.values.image import Image
from modelyard.values.names import dns_label
from modelyard.values.value import option, required, source_of, value

FOLDER = "/data"
GCSFUSE = "gcsfuse.csi.storage.gke.io"
MOUNTABLE = {"gs": GCSFUSE}
"""The CSI drivers that mount a bucket for one pod, without a volume that somebody makes first, by scheme."""
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}")
COMMIT = re.compile(r"[0-9a-f]{40}")
REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,254}")
URL = re.compile(
    r"(?:(?:s3|gs)://[a-z0-9][a-z0-9._-]{1,220}|az://[a-z0-9]{3,24}/[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
    r"|abfss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]@[a-z0-9]{3,24}\.dfs\.core\.windows\.net)(?:/[\w!.*'()=+-]+)*/?"
)

DOWNLOAD = """\
import os
from huggingface_hub import snapshot_download
snapshot_download(
    os.environ["HF_REPO"],
    repo_type=os.environ["HF_KIND"],
    revision=os.environ["HF_REVISION"],
    local_dir=os.environ["HF_TARGET"],
    allow_patterns=os.environ.get("HF_FILES", "").split() or None,
)
"""
"""What is there already is not downloaded again, and pods that share a folder wait for each other's files."""
DOWNLOAD_MEMORY = "2Gi"


def repository(name: str) -> str | None:
    """Return why *name* is no repository of the Hugging Face Hub, or None."""
    return None if REPOSITORY.fullmatch(name) else "a repository of the Hub is an owner and a name, such as org/model"


def revision(text: str) -> str | None:
    """Return why *text* is no revision, or None."""
    return None if REVISION.fullmatch(text) else "a revision is a commit, or the name of a branch or tag"


def store_url(url: str) -> str | None:
    """Return why *url* is no place in an object store, or None."""
    if URL.fullmatch(url):
        return None
    return (
        "a place in an object store is s3://bucket/..., gs://bucket/..., az://account/container/... or"
        f" abfss://container@account.dfs.core.windows.net/..., without credentials, and {_unlike(url)}"
    )


def _unlike(url: str) -> str:
    scheme, colon, rest = url.partition("://")
    if not colon or scheme not in {"s3", "gs", "az", "abfss"}:
        return f"{scheme}:// is none of them" if colon else "this begins with none of them"
    if "@" in rest and scheme != "abfss":
        return "this has a login in it"
    return "this has a query behind its path" if "?" in rest else "the name of its bucket is missing or none"


def _words(words: Sequence[str]) -> str | None:
    return "a pattern has no spaces" if any(len(word.split()) != 1 for word in words) else None


@value
class HuggingFace:
    """
    A repository of the Hugging Face Hub at one revision, which an init container downloads before the start.

    The container is of the workload's own image, which has ``python3`` and ``huggingface_hub``.

    Args:
        repo: Owner and name, for example ``meta-llama/Llama-3.1-8B``.

        revision: The commit, 40 hexadecimal digits. A branch or a tag moves, and is an error in a strict environment.

        kind: ``model`` or ``dataset``. Default: ``model``.

        token: The Secret with a token, for repositories that ask for one. Default: none.

        files: Only files of these patterns, for example ``*.safetensors``. Default: all.

        cache: A claim that keeps the download for other pods and runs. Default: each pod downloads for itself.

        size: Without *cache*: the disk that the download takes at most. Default: not limited.

    See Also:
        https://huggingface.co/docs/huggingface_hub/guides/download
    """

    repo: str = required(check=repository)
    revision: str = required(check=revision, kw_only=True)
    kind: Literal["model", "dataset"] = attrs.field(default="model", kw_only=True)
    token: SecretKey | None = attrs.field(default=None, kw_only=True)
    files: Sequence[str] = option(default=(), check=_words, kw_only=True)
    cache: Claim | None = attrs.field(default=None, kw_only=True)
    size: str | None = option(default=None, check=amount, kw_only=True)

    @property
    def pinned(self) -> bool:
        """Whether the revision can never become another one."""
        return COMMIT.fullmatch(self.revision) is not None


@value
class OciImage:
    """
    The files of an image in a registry, mounted read-only; the kubelet pulls it as it pulls other images.

    Args:
        image: From ``env.image(...)`` or as a reference, with a digest in a strict environment.

    See Also:
        https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes/
    """

    image: str | Image = required(check=references.misreferred)


@value
class Bucket:
    """
    A place in an object store, which the program reads itself, by the identity of its service account.

    Args:
        url: ``s3://...``, ``gs://...``, ``az://account/container/...`` or ``abfss://...``.

        mount: Whether it is mounted as a folder, read-only, by a CSI driver that the cluster says it has.
            Default: the program is given the URL.

    See Also:
        https://cloud.google.com/kubernetes-engine/docs/how-to/cloud-storage-fuse-csi-driver-ephemeral
    """

    url: str = required(check=store_url)
    mount: bool = attrs.field(default=False, kw_only=True)

    @property
    def scheme(self) -> str:
        """What stands in front of ``://``."""
        return self.url.partition("://")[0]


DataSource = HuggingFace | OciImage | Bucket


@attrs.frozen(kw_only=True)
class Placed:
    """
    How sources get to a pod.

    Args:
        places: The path or the URL of each, by its name.

        mounts: Volumes of the main container.

        downloads: Init containers, as keywords of `starter`.

        annotations: Of the pod.
    """

    places: Mapping[str, str]
    mounts: Sequence[Mount]
    downloads: Sequence[Download]
    annotations: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Download:
    """An init container that downloads: its name, variables, disk, and where its volume is mounted."""

    name: str
    env: Mapping[str, EnvValue]
    mount: Mapping[str, Any]
    disk: str | None


def place(sources: Mapping[str, DataSource], folder: str = FOLDER) -> Placed:
    """Return how *sources* get to a pod, each to ``<folder>/<name>`` unless it is elsewhere already."""
    places: dict[str, str] = {}
    mounts: list[Mount] = []
    downloads: list[Download] = []
    annotations: dict[str, str] = {}
    for name, source in sources.items():
        places[name] = target = f"{folder}/{name}"
        volume = f"data-{name}"
        if isinstance(source, OciImage):
            image = {"reference": str(source.image), "pullPolicy": "IfNotPresent"}
            mounts.append((volume, {"image": image}, target, True))
        elif isinstance(source, Bucket):
            if source.mount:
                mounts.append((volume, {"csi": _fuse(source.url)}, target, True))
                annotations["gke-gcsfuse/volumes"] = "true"
            else:
                places[name] = source.url
        else:
            mount, places[name] = _kept(volume, source, target)
            if mount not in mounts:
                mounts.append(mount)
            downloads.append(_download(name, source, places[name], mount))
    return Placed(places=places, mounts=mounts, downloads=downloads, annotations=annotations)


def _fuse(url: str) -> dict[str, Any]:
    bucket, _, prefix = url.partition("://")[2].rstrip("/").partition("/")
    options = ["implicit-dirs", *([f"only-dir={prefix}"] if prefix else [])]
    attributes = {"bucketName": bucket, "mountOptions": ",".join(options)}
    return {"driver": GCSFUSE, "readOnly": True, "volumeAttributes": attributes}


def _kept(volume: str, source: HuggingFace, target: str) -> tuple[Mount, str]:
    """Return the volume that a download is kept in, and the folder in it."""
    if source.cache is None:
        size = {} if source.size is None else {"sizeLimit": source.size}
        return (volume, {"emptyDir": size}, target, True), target
    claim = source.cache
    # By its name, so that several sources in one claim are one volume.
    mount = (f"cache-{claim.name.replace('.', '-')}", {"persistentVolumeClaim": {"claimName": claim.name}}, claim.mount)
    # As the Hub itself writes addresses.
    folder = source.repo if source.kind == "model" else f"{source.kind}s/{source.repo}"
    return (*mount, True), f"{claim.mount.rstrip('/')}/{folder}/{source.revision.replace('/', '-')}"


def downloading(source: HuggingFace, target: str) -> dict[str, EnvValue]:
    """Return the variables by which `DOWNLOAD` brings *source* to the folder *target*."""
    env: dict[str, EnvValue] = {
        "HF_HOME": "/tmp/huggingface",  # noqa: S108 # an emptyDir of the pod
        "HF_REPO": source.repo,
        "HF_KIND": source.kind,
        "HF_REVISION": source.revision,
        "HF_TARGET": target,
    }
    if source.files:
        env["HF_FILES"] = " ".join(source.files)
    if source.token is not None:
        env["HF_TOKEN"] = source.token
    return env


def _download(name: str, source: HuggingFace, target: str, mount: Mount) -> Download:
    disk = source.size if source.cache is None else None
    env, at = downloading(source, target), {"name": mount[0], "mountPath": mount[2]}
    return Download(name=f"download-{name}", env=env, mount=at, disk=disk)


def variable(name: str) -> str:
    """Return the environment variable that says where the source *name* is."""
    return f"DATA_{name.upper().replace('-', '_')}"


def source_breaches(sources: Mapping[str, DataSource], site: Site, field: str = "data") -> Iterator[Breach]:
    """Yield what is wrong with *sources*, whose types and values are right, at *site*."""
    for name, source in sources.items():
        at = f"{field}[{name!r}]"
        if broken := dns_label(name, 40):
            do = "choose a name such as base-model"
            yield Breach("N19", at, None, broken, do)
        if isinstance(source, Bucket) and source.mount:
            yield from _mount(f"{at}.mount", source, site)
        if isinstance(source, HuggingFace) and source.cache is not None and source.size is not None:
            because = "cache= is given too, and the claim says its size itself"
            yield Breach("X11", f"{at}.size", source.size, because, "leave size= away", source_of(source))
    known: dict[str, Claim] = {}
    for name, source in sources.items():
        claim = source.cache if isinstance(source, HuggingFace) else None
        if claim is not None and known.setdefault(claim.name, claim) != claim:
            because = "another source is kept in this claim, and says otherwise what it is"
            do = "give both the same Claim(...)"
            yield Breach("X11", f"{field}[{name!r}].cache", claim.name, because, do, source_of(claim))


def _mount(at: str, source: Bucket, site: Site) -> Iterator[Breach]:
    driver, cluster = MOUNTABLE.get(source.scheme), site.cluster
    if driver is None:
        because = f"no driver mounts {source.scheme}:// without a volume that somebody makes first"
        do = "leave mount= away, or mount a Claim of such a volume"
        yield Breach("V15", at, value=True, because=because, do=do, source=source_of(source))
    elif driver not in cluster.csi_drivers:
        because = f"the cluster {cluster.name} does not say that it has the CSI driver {driver}"
        do = "leave mount= away, or add it to Cluster(csi_drivers={...})"
        yield Breach("X04", at, value=True, because=because, do=do, source=source_of(source))
