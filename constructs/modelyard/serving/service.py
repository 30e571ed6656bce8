"""The construct for a model that serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from modelyard.fleet import Draft, Site, Workload, declared
from modelyard.pod import Claim, ConfigFiles, EmptyDir, ExternalSecret, Gpu, Identity, Network, Port, SecretFiles, Watch
from modelyard.pod.checking import without
from modelyard.pod.sources import Bucket, HuggingFace, OciImage
from modelyard.pod.spec import STAND_IN
from modelyard.serving.backends import KServe
from modelyard.serving.estimate import accelerators
from modelyard.serving.hosts import Host
from modelyard.serving.hosts import breaches as reached
from modelyard.serving.inference import breaches as inexpressible
from modelyard.serving.manifests import drafts
from modelyard.serving.models import Loader
from modelyard.serving.options import CpuScale, Drain, Exec, Grpc, HttpGet, LoadTime, TcpSocket
from modelyard.serving.runtimes import user_of
from modelyard.serving.scales import GpuScale, MetricScale, QueueScale
from modelyard.serving.scaling import breaches as keda
from modelyard.serving.servers import NIM, VLLM, MLServer, SGLang, Triton
from modelyard.serving.spec import STAND_IN_PORT, Rollout, ServiceSpec, breaches
from modelyard.serving.tracks import BlueGreen, Canary
from modelyard.serving.tracks import breaches as tracked

if TYPE_CHECKING:
    from constructs import Construct

    from modelyard.findings import Breach
    from modelyard.pod.options import EnvValue
    from modelyard.values.image import Image


class ScalableModelService(Workload):
    """
    A model that serves requests, behind one Service, with fixed replicas or as many as the load needs.

    Args:
        scope: The environment, or any construct inside it.

        id: Unique in the environment, a DNS label that starts with a letter; the Service is called so.

        image: The image that serves the model, from ``env.image(...)`` or as a reference.

        runtime: The model server in the image, for its command, ports, health, drain and metrics: `VLLM`,
            `SGLang`, `Triton`, `MLServer` or `NIM`. Default: a program of your own, and *port* is needed.

        model: What it serves: a path in the container, a `HuggingFace` repository, a `Bucket` or a
            `OciImage`; a program of your own finds the path in ``MODEL_PATH``. Default: none.

        loader: `Loader`, which loads the model once, for all replicas. Default: none; each server fetches it.

        nodes: Nodes that one replica runs on, by a LeaderWorkerSet. Default: 1, by a Deployment.

        port: The port that the container listens on, 1 to 65535, which the Service offers as port
            80, named ``http``; or several `Port` values, the main one first. Default: the runtime's.

        replicas: A fixed number of replicas, 1 or more; not with *scale*. Default: 1.

        scale: `CpuScale`, `QueueScale`, `GpuScale` or `MetricScale`, for as many replicas as the load needs.
            Default: *replicas*.

        route: A `Host` under which it is reached from outside, by the cluster's gateway; or one for HTTP and one for
            gRPC. Default: none.

        health: What tells that the process is well: an HTTP path, `HttpGet`, `TcpSocket`, `Grpc` or
            `Exec`; a process that fails it is restarted. Default: the runtime's; else the first port accepts
            connections, and nothing is restarted.

        ready: What tells that the process can take requests, as *health*. Default: *health*, or the runtime's.

        start_within: The longest a start may take, model loading included, or a `LoadTime` to work it out of.
            Default: the runtime's, from 2 to 30 minutes; else 1 minute.

        drain: How a pod leaves without losing requests. Default: ``Drain()``.

        rollout: ``surge`` adds a new pod before an old one goes, ``in-place`` removes one first,
            ``recreate`` removes all first; or a `Canary` or `BlueGreen`, by an Argo Rollout. Default:
            ``auto``, which is ``surge`` where the cluster has spare accelerators for it, else ``in-place``,
            or ``recreate`` where there is never more than one replica, and for a volume that only one
            node can mount.

        backend: `KServe`, for an InferenceService. Default: a Deployment, or with *nodes* a LeaderWorkerSet.

        command: What runs, one string a word. Default: the image's entry point.

        args: Words behind the command, or behind the image's entry point. Default: none.

        env: Environment variables: a string, a `SecretKey` or a `FieldRef` each. Default: none.

        config: Text files for the container. Default: none.

        cpu: CPU that is kept for the pod, as a quantity. Default: 1.

        memory: Memory that is kept for the pod, and by default its limit. Default: ``2Gi``.

        cpu_limit: Default: none, so idle CPU of the node can be used.

        memory_limit: Default: *memory*.

        ephemeral_storage: Disk of the node for logs and scratch files. Default: not limited.

        gpu: Accelerators, by class. Default: none.

        shared_memory: Size of ``/dev/shm``. Default: half of the memory limit, at most 64Gi, with
            *gpu*; else the runtime's 64Mi.

        volumes: `Claim`, `EmptyDir` and `SecretFiles`. Default: none.

        user: The user and group id of the process, never 0. Default: 10001, or the one that the image of the runtime
            is made for: 1000 with `MLServer`.

        read_only_root: Whether the image's files are read-only; ``/tmp`` is always writable. Default:
            yes without *gpu*, no with one, since device hooks write there.

        service_account: One that exists. Default: one of the workload's own.

        service_account_annotations: For the own account, for example an IAM role. Default: none.

        image_pull_secrets: Names of Secrets. Default: none.

        identity: Who the pods are to the cluster's cloud, without any key. Default: nobody.

        secrets: Secrets that the External Secrets operator makes; *env* and *volumes* refer to them by name.
            Default: none.

        watch: Its metrics, alerts and dashboard. Default: ``Watch()`` where the cluster has monitoring.

        labels: Put on every object and pod of this workload. Default: none.

        annotations: Put on the pod. Default: none.

        node_selector: Node labels, added to those of the accelerator class. Default: none.

        priority_class: Default: the cluster's default.

        network: Whom the pod may talk with. Default: DNS, its namespace, and HTTPS anywhere.

        accept: Findings that are right as they are, rule id to reason. Default: none.

    Raises:
        SpecError: *scope* lies in no environment, or the call lacks an option.

    See Also:
        https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
    """

    @declared
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 # the name that constructs gives it
        *,
        image: str | Image,
        runtime: VLLM | SGLang | Triton | MLServer | NIM | None = None,
        model: str | HuggingFace | Bucket | OciImage | None = None,
        loader: Loader | None = None,
        nodes: int = 1,
        port: int | Sequence[Port] | None = None,
        replicas: int | None = None,
        scale: CpuScale | QueueScale | GpuScale | MetricScale | None = None,
        route: Host | Sequence[Host] = (),
        health: str | HttpGet | TcpSocket | Grpc | Exec | None = None,
        ready: str | HttpGet | TcpSocket | Grpc | Exec | None = None,
        start_within: timedelta | LoadTime | None = None,
        drain: Drain | None = None,
        rollout: Rollout | Canary | BlueGreen = "auto",
        backend: KServe | None = None,
        command: Sequence[str] = (),
        args: Sequence[str] = (),
        env: Mapping[str, EnvValue] | None = None,
        config: ConfigFiles | None = None,
        cpu: str | int = "1",
        memory: str = "2Gi",
        cpu_limit: str | int | None = None,
        memory_limit: str | None = None,
        ephemeral_storage: str | None = None,
        gpu: Gpu | None = None,
        shared_memory: str | None = None,
        volumes: Sequence[EmptyDir | Claim | SecretFiles] = (),
        user: int | None = None,
        read_only_root: bool | None = None,
        service_account: str | None = None,
        service_account_annotations: Mapping[str, str] | None = None,
        image_pull_secrets: Sequence[str] = (),
        identity: Identity | None = None,
        secrets: Sequence[ExternalSecret] = (),
        watch: Watch | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        node_selector: Mapping[str, str] | None = None,
        priority_class: str | None = None,
        network: Network | None = None,
        accept: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.spec = ServiceSpec(
            image=image,
            runtime=runtime,
            model=model,
            loader=loader,
            nodes=nodes,
            port=port,
            replicas=replicas,
            scale=scale,
            route=route,
            health=health,
            ready=ready,
            start_within=start_within,
            drain=Drain() if drain is None else drain,
            rollout=rollout,
            backend=backend,
            command=command,
            args=args,
            env={} if env is None else env,
            config=config,
            cpu=cpu,
            memory=memory,
            cpu_limit=cpu_limit,
            memory_limit=memory_limit,
            ephemeral_storage=ephemeral_storage,
            gpu=gpu,
            shared_memory=shared_memory,
            volumes=volumes,
            user=user_of(runtime) if user is None else user,
            read_only_root=read_only_root,
            service_account=service_account,
            service_account_annotations={} if service_account_annotations is None else service_account_annotations,
            image_pull_secrets=image_pull_secrets,
            identity=identity,
            secrets=secrets,
            watch=watch,
            labels={} if labels is None else labels,
            annotations={} if annotations is None else annotations,
            node_selector={} if node_selector is None else node_selector,
            priority_class=priority_class,
            network=Network() if network is None else network,
            accept={} if accept is None else accept,
        )
        self.accepted = self.spec.accept

    def breaches(self, site: Site) -> list[Breach]:
        """Return what is wrong with the options, before anything is rendered from them."""
        found = list(breaches(self.id, self.spec, site))
        spec = without(self.spec, found, image=STAND_IN, port=STAND_IN_PORT)
        beside = (*keda(spec, site), *reached(self.id, spec, site), *tracked(spec, site), *inexpressible(spec, site))
        return [*found, *beside]

    def drafts(self, site: Site) -> list[Draft]:
        """Return the Deployment, its Service and what belongs to them, before patches."""
        return drafts(self.id, self.spec, site)

    def reason(self) -> str:
        """Return as what kind this service is rendered, where it is not the usual one."""
        return "It runs as an InferenceService: it is asked for (backend=)." if self.spec.backend else ""

    def summary(self) -> dict[str, object]:
        """Return what ``modelyard list`` shows of this workload."""
        spec = self.spec
        taken = accelerators(spec, self.environment.site)
        replicas = f"{spec.scale.min}-{spec.scale.max}" if spec.scale else str(spec.least)
        return {
            "kind": "ScalableModelService",
            "replicas": replicas,
            "gpus": str(taken),
            "accelerators": attrs.asdict(taken) if taken.name else None,
            "image": str(spec.image),
        }
