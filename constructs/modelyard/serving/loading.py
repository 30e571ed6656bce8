"""Models that are loaded once, by a Job for each revision, onto a claim that every replica reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import Claim, EnvValue, Network, Pod, PodSpec, companions, manifest, object_labels, starter, template
from modelyard.pod.sources import DOWNLOAD, Bucket, HuggingFace, downloading
from modelyard.pod.template import service_account_name
from modelyard.serving.models import Loader
from modelyard.serving.placing import LOADED, beside, claim_name, folder, marker, to_load
from modelyard.serving.spec import ServiceSpec
from modelyard.values.durations import whole_seconds

COMPONENT = "loader"
WAITS = "wait-for-model"
RETRIES = 3
GRACE = 30

FROM_HUB = f"""\
import os
if os.path.exists(os.environ["MARKER"]):
    raise SystemExit
{DOWNLOAD}open(os.environ["MARKER"], "w").close()
"""
"""As trainings download, and then the marker; what servers may read by now is left alone."""
FROM_BUCKET = """\
trap 'exit 1' TERM
[ -e "$3" ] || { rclone copy "$1" "$2" && touch "$3"; }
"""
WAIT = """\
trap 'exit 1' TERM
end=$(($(date +%s) + $1)); shift
for marker in "$@"; do
  until [ -e "$marker" ]; do
    [ "$(date +%s)" -lt "$end" ] || { echo "$marker is not there: see the Jobs that load" >&2; exit 1; }
    sleep 2
  done
done
"""
"""A model that is loaded half way would be served half way."""


def drafts(name: str, spec: ServiceSpec, site: Site) -> Iterator[Draft]:
    """Yield what loads the models of the service *name*: claim, policy, and a Job for each."""
    if spec.loader is None:
        return
    own = f"{name}-{COMPONENT}"
    for suffix, source in (*to_load(spec), *beside(spec)):
        pods = _pod_spec(name, spec, spec.loader, source)
        job = manifest("batch/v1", "Job", own + suffix, object_labels(own, COMPONENT, pods, site), site)
        job["spec"] = _job(own, spec.loader, pods, site)
        yield Draft(job, sealed=True)
    yield from companions(own, COMPONENT, _pod_spec(name, spec, spec.loader, None), site, ports=())


def wait(spec: ServiceSpec, loader: Loader, site: Site) -> dict[str, Any]:
    """Return the init container that holds a server back until its models are there."""
    markers = [marker(source) for _, source in to_load(spec)]
    command = ["sh", "-c", WAIT, "wait", str(whole_seconds(loader.deadline)), *markers]
    return {
        **starter(WAITS, command, {}, spec, site),
        "volumeMounts": [{"name": "models", "mountPath": LOADED, "readOnly": True}],
    }


def _job(own: str, loader: Loader, spec: PodSpec, site: Site) -> dict[str, Any]:
    pod = Pod(name=own, component=COMPONENT, container=COMPONENT, restart_policy="Never", grace=GRACE)
    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "backoffLimit": RETRIES,
        "completions": 1,
        "parallelism": 1,
        "activeDeadlineSeconds": whole_seconds(loader.deadline),
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [disrupted]},
        "template": template(pod, spec, site),
    }


def _pod_spec(name: str, spec: ServiceSpec, loader: Loader, source: HuggingFace | Bucket | None) -> PodSpec:
    variables: dict[str, EnvValue] = {}
    command: Sequence[str] = ()
    if isinstance(source, HuggingFace):
        command = ["python3", "-c", FROM_HUB]
        variables = {**downloading(source, folder(source)), "MARKER": marker(source)}
    elif source is not None:
        remote, variables = _remote(source.url)
        command = ["sh", "-c", FROM_BUCKET, "load", remote, folder(source), marker(source)]
    claim = Claim(
        claim_name(name, spec),
        LOADED,
        size=loader.size,
        storage_class=loader.storage_class,
        access_mode="ReadWriteMany" if loader.size is not None else None,
    )
    return PodSpec(
        image=loader.image,
        command=command,
        env={**variables, **loader.env},
        cpu=loader.cpu,
        memory=loader.memory,
        volumes=[claim],
        user=spec.user,
        service_account=service_account_name(name, spec),
        service_account_annotations=spec.service_account_annotations,
        image_pull_secrets=spec.image_pull_secrets,
        identity=spec.identity,
        labels=spec.labels,
        network=Network(egress=spec.network.egress),
    )


def _remote(uri: str) -> tuple[str, dict[str, EnvValue]]:
    """Return *uri* as rclone writes it, and the variables by which it uses the pod's own identity."""
    scheme, _, rest = uri.partition("://")
    if scheme == "s3":
        return f":s3:{rest}", {"RCLONE_S3_PROVIDER": "AWS", "RCLONE_S3_ENV_AUTH": "true"}
    if scheme == "gs":
        return f":gcs:{rest}", {"RCLONE_GCS_ENV_AUTH": "true"}
    if scheme == "abfss":
        container, _, host = rest.partition("@")
        account, path = host.partition(".")[0], f"{container}/{host.partition('/')[2]}"
    else:
        account, _, path = rest.partition("/")
    return f":azureblob:{path}", {"RCLONE_AZUREBLOB_ACCOUNT": account, "RCLONE_AZUREBLOB_ENV_AUTH": "true"}
