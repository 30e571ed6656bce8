"""L: replicas that run on several nodes."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.demand import most
from modelyard.rules.fields import given
from modelyard.rules.n import LONGEST_STATEFUL_SET, REVISION
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.rules.workloads import share
from modelyard.values.names import dns_label_1035

MOST = 2**31 - 1
PAGE = "https://lws.sigs.k8s.io/docs/concepts/"

L01 = Rule(
    "L01",
    "The groups of a LeaderWorkerSet have at least one pod, and there are not too many.",
    why="The webhook of LeaderWorkerSet refuses the object.",
    fix="write a size of 1 or more",
    see=PAGE,
)
L02 = Rule(
    "L02",
    "A rollout of a LeaderWorkerSet may add a group or end one.",
    why="The webhook of LeaderWorkerSet refuses the object, since no rollout could get on.",
    fix="write maxUnavailable: 1",
    see="https://lws.sigs.k8s.io/docs/concepts/rollout-strategy/",
)
L03 = Rule(
    "L03",
    "No Service takes the name under which the pods of a LeaderWorkerSet find each other.",
    why=(
        "Its controller takes the Service for the headless one that it would make itself. Then the pods have no names, "
        "LWS_LEADER_ADDRESS leads nowhere, and the workers wait for their leader for ever."
    ),
    fix="write networkConfig: {subdomainPolicy: UniquePerReplica}, or give the Service another name",
    see="https://lws.sigs.k8s.io/docs/concepts/#headless-service-configuration",
)
L04 = Rule(
    "L04",
    "The accelerators of a replica are those that its model is divided over.",
    why="The server ends at its start where it finds fewer, and leaves accelerators idle where it finds more.",
    fix="leave tensor_parallel= and pipeline_parallel= away, so that they are worked out",
    see="https://docs.vllm.ai/en/stable/serving/parallelism_scaling/",
)
N10 = Rule(
    "N10",
    "The name of a LeaderWorkerSet leaves room for what its StatefulSets and their pods add to it.",
    why=(
        "Its leaders are pods of a StatefulSet of its name, and the workers of each group are pods of one that is"
        " called after their leader. A StatefulSet writes its name and a hash into a label of its pods. Where that is"
        " longer than a label can be, the API server refuses the pods, and the group never starts."
    ),
    fix="choose a shorter name",
    see=PAGE,
)


@L01.objects("LeaderWorkerSet")
def _size(one: Object, _scope: Scope) -> Iterator[Breach]:
    template = one.spec.get("leaderWorkerTemplate") or {}
    size, replicas = (1 if given is None else given for given in (template.get("size"), one.spec.get("replicas")))
    if size < 1:
        yield L01.breach("spec.leaderWorkerTemplate.size", size, "a group has at least 1 pod")
    elif replicas < 0:
        yield L01.breach("spec.replicas", replicas, "there are at least 0 groups", "write 0 or more")
    elif size * replicas > MOST:
        because = f"that makes {size * replicas} pods of {replicas} groups, and there are at most {MOST}"
        yield L01.breach("spec.replicas", replicas, because, "write fewer")


@L02.objects("LeaderWorkerSet")
def _rollout(one: Object, _scope: Scope) -> Iterator[Breach]:
    rolling = (one.spec.get("rolloutStrategy") or {}).get("rollingUpdateConfiguration")
    if rolling is None or given(one.spec, "replicas", 1) == 0:
        return
    surge, unavailable = given(rolling, "maxSurge", 0), given(rolling, "maxUnavailable", 1)
    if surge in {0, "0%"} and unavailable in {0, "0%"}:
        field = "spec.rolloutStrategy.rollingUpdateConfiguration.maxUnavailable"
        yield L02.breach(field, unavailable, "maxSurge is 0 too, and a rollout has to begin somewhere")


@L03.objects("LeaderWorkerSet")
def _domain(one: Object, scope: Scope) -> Iterator[Breach]:
    policy = (one.spec.get("networkConfig") or {}).get("subdomainPolicy", "Shared")
    service = scope.find("Service", one.namespace, one.name)
    if policy == "Shared" and service is not None and service.spec.get("clusterIP") != "None":
        because = f"Service {service.name} is not headless, and all pods of the set have their names from it"
        yield L03.breach("spec.networkConfig.subdomainPolicy", policy, because)


@N10.objects("LeaderWorkerSet")
def _names(one: Object, scope: Scope) -> Iterator[Breach]:
    size = given(one.spec.get("leaderWorkerTemplate") or {}, "size", 1)
    groups = max(1, most(scope, one, one.pods[0])[0] // max(size, 1))
    rolling = (one.spec.get("rolloutStrategy") or {}).get("rollingUpdateConfiguration") or {}
    groups += min(groups, share(given(rolling, "maxSurge", 0), groups, up=True))
    longest = f"{one.name}-{groups - 1}" if size > 1 else one.name
    if len(longest) > LONGEST_STATEFUL_SET:
        because = (
            f"its last StatefulSet is called {longest}, and its pods carry that in a label with {REVISION} more"
            f" characters, so it has at most {LONGEST_STATEFUL_SET} and this one has {len(longest)}"
        )
        yield N10.breach("metadata.name", one.name, because)
    elif broken := dns_label_1035(one.name):
        yield N10.breach("metadata.name", one.name, broken, "choose a name without dots, that begins with a letter")
