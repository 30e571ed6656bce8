"""The construct for a run that ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from modelyard.fleet import Draft, Site, Workload, declared
from modelyard.pod import Claim, ConfigFiles, EmptyDir, ExternalSecret, Gpu, Identity, Network, SecretFiles, Watch
from modelyard.training.backends import Backend, choice
from modelyard.training.hook import ArgoHook
from modelyard.training.manifests import drafts
from modelyard.training.options import Checkpoint, Schedule, Step, Sweep, Topology
from modelyard.training.queues import Queue
from modelyard.training.spec import MISCONFIGURED, TrainingSpec, breaches

if TYPE_CHECKING:
    from constructs import Construct

    from modelyard.findings import Breach
    from modelyard.pod.options import EnvValue
    from modelyard.pod.sources import DataSource
    from modelyard.training.options import Spot
    from modelyard.values.image import Image


class TrainingJob(Workload):
    """
    A training that runs once, or on a schedule, until it succeeds, fails for good or reaches its deadline.

    It becomes a Job whose name ends with a hash of its content: a change makes a new run, and one
    that is still running lives on. With *schedule*, it becomes a CronJob of its plain name.

    On several nodes, its pods find each other by what torchrun reads (``PET_MASTER_ADDR``,
    ``PET_NODE_RANK``, ...), so the command is the same. Where the cluster has JobSet, they are a JobSet.

    Args:
        scope: The environment, or any construct inside it.

        id: Unique in the environment, a DNS label of at most 54 characters, a few less with *nodes*,
            *schedule*, *sweep* or steps.

        image: The image that has the training code, from ``env.image(...)`` or as a reference.

        command: What runs, one string a word, for example ``["python", "train.py"]``.

        args: Words behind the command, or behind the image's entry point. Default: none.

        env: Environment variables: a string, a `SecretKey` or a `FieldRef` each. Default: none.

        config: Text files for the container. Default: none.

        cpu: CPU that is kept for the pod, as a quantity. Default: 1.

        memory: Memory that is kept for the pod, and by default its limit. Default: ``2Gi``.

        cpu_limit: Default: none, so idle CPU of the node can be used.

        memory_limit: Default: *memory*.

        ephemeral_storage: Disk of the node for logs and scratch files. Default: not limited.

        gpu: Accelerators of each node, by class. Default: none.

        nodes: How many pods of this size train together, 1 or more. Default: 1.

        backend: What runs it: a `Job`, `JobSet`, `TrainJob`, `RayJob` or `VolcanoJob`. Default: with *nodes* or steps
            a JobSet, where the cluster has ``Crd.JOBSET``; with *nodes*, or a *queue* that is not Kueue's, a
            VolcanoJob, where it has ``Crd.VOLCANO``; else a Job.

        before: Steps that are done before the training starts, one after the other. Default: none.

        after: Steps that follow when it has succeeded. Default: none.

        queue: The queue in which it waits until there is room for all of it. Default: none.

        schedule: When it runs again and again, instead of once. Default: once, when it is synced.

        hook: Runs it with every sync of Argo CD, which waits for it, instead of once. Default: once, when it is synced.

        sweep: The settings of many trials, instead of one training; *retries* then hold for each. Default: one.

        shared_memory: Size of ``/dev/shm``. Default: half of the memory limit, at most 64Gi, with
            *gpu*; else the runtime's 64Mi.

        volumes: `Claim`, `EmptyDir` and `SecretFiles`. Default: none.

        data: What it reads from elsewhere, by name: `HuggingFace`, `OciImage` or `Bucket`. The variable ``DATA_<NAME>``
            says where each is. Default: none.

        checkpoint: Where it saves its state, and goes on from when it is started again. Default: nowhere.

        retries: How often the training is started again after a failure, 0 or more. On one node, disruptions
            do not count. Default: 3.

        deadline: The longest a whole run may take, retries included. Default: no limit, with a warning.

        fatal_exit_codes: Exit codes, 1 to 255, after which a retry is useless. Default: 2, 126 and 127.

        keep_runs: How many former runs stay in ``dist/`` when a change makes a new one, 0 or more. No controller
            starts them again. Default: none; one that is still running is left alone in any case.

        grace: From SIGTERM to SIGKILL, to save a checkpoint. Default: 120 seconds, or with *spot* the cluster's
            ``SpotNodes(notice=...)`` where that is less.

        spot: ``prefer`` or ``require`` nodes that the cloud may take back, as the cluster's ``SpotNodes`` describes
            them. With ``prefer`` the training runs on others where none is free. Default: only where nodes of
            this kind carry no taint.

        topology: How near to each other the pods of *nodes* are. Default: anywhere.

        evictable: Whether autoscalers may move the pod to save a node. Default: they may not.

        user: The user and group id of the process, never 0. Default: 10001.

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
        https://kubernetes.io/docs/concepts/workloads/controllers/job/
    """

    @declared
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 # the name that constructs gives it
        *,
        image: str | Image,
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
        nodes: int = 1,
        backend: Backend | None = None,
        before: Sequence[Step] = (),
        after: Sequence[Step] = (),
        queue: Queue | None = None,
        schedule: Schedule | None = None,
        hook: ArgoHook | None = None,
        sweep: Sweep | None = None,
        shared_memory: str | None = None,
        volumes: Sequence[EmptyDir | Claim | SecretFiles] = (),
        data: Mapping[str, DataSource] | None = None,
        checkpoint: Checkpoint | None = None,
        retries: int = 3,
        deadline: timedelta | None = None,
        fatal_exit_codes: Sequence[int] = MISCONFIGURED,
        keep_runs: int = 0,
        grace: timedelta | None = None,
        evictable: bool = False,
        spot: Spot | None = None,
        topology: Topology | None = None,
        user: int = 10001,
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
        self.spec = TrainingSpec(
            image=image,
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
            nodes=nodes,
            backend=backend,
            before=before,
            after=after,
            queue=queue,
            schedule=schedule,
            hook=hook,
            sweep=sweep,
            shared_memory=shared_memory,
            volumes=volumes,
            data={} if data is None else data,
            checkpoint=checkpoint,
            retries=retries,
            deadline=deadline,
            fatal_exit_codes=fatal_exit_codes,
            keep_runs=keep_runs,
            grace=grace,
            evictable=evictable,
            spot=spot,
            topology=topology,
            user=user,
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
        self.keep_runs = keep_runs if schedule is None and hook is None else None

    def breaches(self, site: Site) -> list[Breach]:
        """Return what is wrong with the options, before anything is rendered from them."""
        return list(breaches(self.id, self.spec, site))

    def drafts(self, site: Site) -> list[Draft]:
        """Return the Job and the companions of its pod, before patches."""
        return drafts(self.id, self.spec, site)

    def reason(self) -> str:
        """Return as what kind this training is rendered, and why."""
        chosen = choice(self.spec, self.environment.site)
        return f"It runs as a {chosen.kind}: {chosen.because}."

    def summary(self) -> dict[str, object]:
        """Return what ``modelyard list`` shows of this workload."""
        gpu, pods, trials = self.spec.gpu, self.spec.at_once, self.spec.indexes
        times = f"{pods} x " if pods > 1 else ""
        return {
            "kind": "TrainingJob",
            "runs_as": choice(self.spec, self.environment.site).kind,
            "replicas": str(pods) if pods == trials else f"{pods} of {trials}",
            "gpus": f"{times}{gpu.count} x {gpu.accelerator}" if gpu else "",
            "image": str(self.spec.image),
        }
