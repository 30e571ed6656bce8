"""
Who refuses what each rule forbids: the API server as well, only modelyard, or nobody else, since it is about our files.

Data, and no imports of the cluster's: ``make test`` asks whether every rule stands here once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

OLDEST, NEWEST = "1.32", "1.37"
SEVERAL = "it is about several objects together, and admission looks at one"
CONTROLLER = "admission takes it, and its controller then fails or waits"
SCHEDULER = "admission takes it, and no node fits"
KUBELET = "admission takes it, and the kubelet or the container's process fails"
FLEET = "the cluster's owners decide it, and the fleet says what they decided"
WEBHOOK = "a webhook of its controller refuses it, and the API server by itself takes it"
GITOPS = "it is Argo CD or Flux that goes wrong, and both write what admission takes"
LATER = "admission takes it now, and refuses or undoes a later change"
WORSE = "it runs, and worse than it could: a disturbance, a repair or an attack shows it"


@attrs.frozen
class OnlyUs:
    """
    Why only modelyard refuses something.

    Args:
        why: What admission does not see.

        shown: The test in ``tests/cluster`` in which controllers do what the rule warns of. Default: none.

        needs: What is not in these clusters, and would have to be for the failure to be seen. Default: nothing.
    """

    why: str
    shown: str = ""
    needs: str = attrs.field(default="", kw_only=True)


SERVER: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (  # noqa: SIM905 # eighty quotes more say nothing
            "A01 A07 A09 A10 A13 C01 C03 C08 D01 D02 D05 D08 D14 D16 D17 J01 J02 J03 J04 J05 J06 J07 J08 J09 J10 J11 J14"
            " J19 J24 J26 N01 N02 N03 N04 N05 N16 N18 N19 N20 P02 P03 P04 P09 P11 P15 P16 P17 P20 P22 P26 P27 P30 P31 P32"
            " R01 R02 R05 R06 R08 R13 V06 V21 X04 X05"
        ).split(),
        (OLDEST, NEWEST),
    ),
    # From 1.37 on minReplicas may be 0, and what the server names is the metrics that this needs.
    "A02": (OLDEST,),
    # From 1.35 on every container can have its own restart policy.
    "P10": (OLDEST,),
}
"""Rules whose breaches the API server refuses, itself or in what a controller makes of them, by version."""

RUNTIME: Mapping[str, OnlyUs] = {
    "A05": OnlyUs(CONTROLLER, "test_rollouts.py::test_an_autoscaler_without_request_never_scales"),
    "A06": OnlyUs(CONTROLLER, "breaking/test_use.py::test_a_container_that_does_not_exist_is_never_measured"),
    "A08": OnlyUs(CONTROLLER, "breaking/test_use.py::test_an_aim_above_the_limit_is_never_exceeded"),
    "A11": OnlyUs(SEVERAL, "breaking/test_use.py::test_two_autoscalers_of_the_same_pods_both_stand_still"),
    "A12": OnlyUs(SEVERAL, "breaking/test_use.py::test_replicas_in_git_undo_what_an_autoscaler_did"),
    "A18": OnlyUs(WORSE, needs="a program that takes its time to load, under requests that come and go"),
    "A20": OnlyUs(SEVERAL, "breaking/test_use.py::test_an_autoscaler_without_a_target_scales_nothing"),
    "C02": OnlyUs(CONTROLLER, "breaking/test_trainings.py::test_a_day_that_does_not_exist_never_comes"),
    "C05": OnlyUs(WORSE, "breaking/test_trainings.py::test_a_run_that_is_late_is_left_out"),
    "C06": OnlyUs(WORSE, "breaking/test_trainings.py::test_runs_pile_up_beside_each_other"),
    "C09": OnlyUs(CONTROLLER, "breaking/test_trainings.py::test_a_run_does_not_know_of_its_schedules_queue"),
    "D03": OnlyUs(SCHEDULER, "test_rollouts.py::test_a_rollout_on_a_full_pool_ends_only_where_it_ends_a_pod_first"),
    "D04": OnlyUs(SEVERAL, "breaking/test_services.py::test_a_pod_of_two_budgets_is_never_evicted"),
    "D06": OnlyUs(WORSE, "breaking/test_services.py::test_a_budget_without_room_lets_no_pod_go[D06]"),
    "D07": OnlyUs(SEVERAL, "breaking/test_services.py::test_a_budget_without_room_lets_no_pod_go[D07]"),
    "D09": OnlyUs(SEVERAL, "breaking/test_services.py::test_a_service_leads_to_pods_that_do_not_serve"),
    "D10": OnlyUs(WORSE, "breaking/test_services.py::test_a_rollout_of_all_pods_at_once_leaves_none_that_serves"),
    "D11": OnlyUs(SEVERAL, needs="a kubelet, which mounts the ConfigMap or reads its key"),
    "D12": OnlyUs(SEVERAL, "breaking/test_services.py::test_a_service_and_a_budget_of_no_pods"),
    "D13": OnlyUs(SEVERAL, needs="a network plugin, which enforces a NetworkPolicy"),
    "D15": OnlyUs(SEVERAL, needs="a network, and a process that listens or not"),
    "G01": OnlyUs(GITOPS, "breaking/test_syncs.py::test_a_hook_is_run_with_every_sync"),
    "G02": OnlyUs(
        GITOPS,
        "breaking/test_syncs.py::test_a_sync_waits_for_what_waits_itself[G02]",
    ),
    "G03": OnlyUs(GITOPS, "test_argocd.py::test_a_sync_that_prunes_last_waits_for_a_training"),
    "G04": OnlyUs(GITOPS, "breaking/test_syncs.py::test_what_is_replaced_is_run_again"),
    "G05": OnlyUs(GITOPS, "breaking/test_syncs.py::test_a_claim_is_deleted_with_its_manifest[G05]"),
    "G06": OnlyUs(GITOPS, "breaking/test_syncs.py::test_a_claim_is_deleted_with_its_manifest[G06]"),
    "G07": OnlyUs(GITOPS, needs="Flux's kustomize-controller"),
    "G08": OnlyUs(GITOPS, "breaking/test_syncs.py::test_an_application_takes_everything_with_it"),
    "G09": OnlyUs(GITOPS, "breaking/test_syncs.py::test_labels_of_a_namespace_that_is_rendered_too_are_lost"),
    "G10": OnlyUs(GITOPS, "breaking/test_syncs.py::test_a_commit_is_tried_once"),
    "G11": OnlyUs(GITOPS, "test_argocd.py::test_what_the_project_allows_no_more_is_not_pruned"),
    "G12": OnlyUs(GITOPS, "breaking/test_services.py::test_a_selector_never_changes[G12]"),
    "G13": OnlyUs(LATER, "test_argocd.py::test_replicas_that_leave_git[alone]"),
    "G14": OnlyUs(LATER, "breaking/test_trainings.py::test_a_job_never_changes"),
    "J12": OnlyUs(CONTROLLER, "breaking/test_trainings.py::test_a_disruption_is_taken_for_a_failure"),
    "J13": OnlyUs(CONTROLLER, "breaking/test_trainings.py::test_ignored_failures_end_no_job"),
    "J15": OnlyUs(WORSE, "breaking/test_trainings.py::test_one_incident_uses_up_all_retries"),
    "J16": OnlyUs(CONTROLLER, "breaking/test_trainings.py::test_pods_that_are_waited_for_are_not_started"),
    "J17": OnlyUs(SEVERAL, "breaking/test_trainings.py::test_pods_without_their_service_have_no_names"),
    "J18": OnlyUs(SCHEDULER, "breaking/test_trainings.py::test_two_trainings_hold_half_of_the_nodes_each"),
    "J20": OnlyUs(WORSE, "breaking/test_trainings.py::test_a_deadline_ends_a_job_that_has_not_begun"),
    "J21": OnlyUs(GITOPS, "breaking/test_syncs.py::test_a_job_that_is_tidied_up_is_run_again"),
    "J22": OnlyUs(
        GITOPS,
        "breaking/test_syncs.py::test_a_sync_waits_for_what_waits_itself[J22]",
    ),
    "J23": OnlyUs(GITOPS, "breaking/test_syncs.py::test_a_job_that_a_queue_has_begun_is_suspended_again"),
    "K01": OnlyUs(WEBHOOK, needs="Kueue's webhook"),
    "K02": OnlyUs(WEBHOOK, needs="Kueue's webhook"),
    "K03": OnlyUs(WEBHOOK, needs="Kueue's webhook"),
    "K04": OnlyUs(WEBHOOK, needs="Kueue's webhook"),
    "K06": OnlyUs(WEBHOOK, needs="Kueue's webhook"),
    "K08": OnlyUs(WEBHOOK, needs="Kueue's webhook"),
    "K05": OnlyUs(CONTROLLER, needs="Kueue's controller, which counts requests"),
    "N06": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "N07": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "N13": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "N21": OnlyUs(KUBELET, needs="a shell in a container"),
    "N22": OnlyUs(KUBELET, "breaking/test_trainings.py::test_all_pods_take_themselves_for_the_first"),
    "N26": OnlyUs(KUBELET, needs="a kubelet, which sets the variables of Services, and a server that reads them"),
    "N27": OnlyUs(LATER, "breaking/test_services.py::test_a_selector_never_changes[N27]"),
    "P01": OnlyUs(LATER, needs="an image registry whose tags move, and a container runtime that pulls from it"),
    "P05": OnlyUs(KUBELET, needs="a kubelet, which probes"),
    "P06": OnlyUs(KUBELET, needs="a kubelet, which kills what its probe finds dead"),
    "P08": OnlyUs(CONTROLLER, "breaking/test_services.py::test_a_rollout_counts_as_failed_while_its_pod_starts"),
    "P13": OnlyUs(KUBELET, needs="a container runtime, which sends signals to a shell"),
    "P14": OnlyUs(WORSE, needs="a cloud, which takes a spot node away while a process saves"),
    "P19": OnlyUs(KUBELET, needs="a container runtime, which mounts a root file system to be read only"),
    "P21": OnlyUs(SCHEDULER, "breaking/test_pods.py::test_a_pod_waits_for_ever[P21]"),
    "P23": OnlyUs(SCHEDULER, "breaking/test_pods.py::test_a_pod_waits_for_ever[P23]"),
    "P24": OnlyUs(WORSE, "breaking/test_pods.py::test_replicas_of_one_hostname_share_one_name_in_dns"),
    "P25": OnlyUs(WORSE, "breaking/test_pods.py::test_a_pod_gets_a_token_that_it_has_no_use_for"),
    "P28": OnlyUs(KUBELET, needs="a kubelet, which runs the hook and kills the process"),
    "P29": OnlyUs(SCHEDULER, "breaking/test_pods.py::test_a_constraint_on_other_pods_spreads_none"),
    "P33": OnlyUs(KUBELET, needs="a container runtime, which looks the program up"),
    "R03": OnlyUs(KUBELET, "breaking/test_pods.py::test_a_pod_waits_for_ever[R03]"),
    "R09": OnlyUs(FLEET, "breaking/test_pods.py::test_a_pod_waits_for_ever[R09]"),
    "R10": OnlyUs(FLEET, "breaking/test_pods.py::test_a_pod_waits_for_ever[R10]"),
    "R11": OnlyUs(SCHEDULER, "breaking/test_pods.py::test_a_pod_waits_for_ever[R11]"),
    "R12": OnlyUs(SEVERAL, "breaking/test_pods.py::test_a_pod_waits_for_ever[R12]"),
    "R14": OnlyUs(WORSE, needs="a GPU in slices, and a CUDA process"),
    "R16": OnlyUs(KUBELET, needs="a kernel, which counts a container's memory"),
    "R23": OnlyUs(SCHEDULER, "breaking/test_pods.py::test_a_pod_waits_for_ever[R23]"),
    "R26": OnlyUs(FLEET, "breaking/test_pods.py::test_a_pod_waits_for_ever[R26]"),
    "R27": OnlyUs(SCHEDULER, needs="TPU slices, whose hosts work together"),
    "S01": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "S02": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "S04": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "S05": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "S08": OnlyUs(WEBHOOK, needs="JobSet's webhook"),
    "S03": OnlyUs(CONTROLLER, needs="JobSet's controller"),
    "S07": OnlyUs(CONTROLLER, needs="JobSet's webhook, and a kubelet that restarts a container in place"),
    "V01": OnlyUs(SEVERAL, "breaking/test_pods.py::test_a_claim_of_one_node_is_attached_to_no_other"),
    "V02": OnlyUs(SEVERAL, "breaking/test_pods.py::test_a_rollout_waits_for_a_claim_that_the_old_pod_holds"),
    "V03": OnlyUs(FLEET, "breaking/test_pods.py::test_a_pod_waits_for_ever[V03]"),
    "V07": OnlyUs(
        "admission drops the volume and its mounts, and takes the pod",
        "test_differential.py::test_an_older_server_drops_files_of_an_image[1.32]",
    ),
    "V10": OnlyUs(WORSE, needs="a process that saves, and a volume that keeps what it saved or not"),
    "V13": OnlyUs(LATER, needs="a hub or a registry whose branches and tags move, and a process that reads from it"),
    "V15": OnlyUs(KUBELET, needs="a process or a driver that opens the address"),
    "V17": OnlyUs(WORSE, needs="a kubelet, which reads Secrets"),
    "V18": OnlyUs(WORSE, needs="somebody who reads the repository"),
    "V19": OnlyUs(WORSE, needs="somebody who reads the repository"),
    "V20": OnlyUs(WORSE, "breaking/test_pods.py::test_a_pod_waits_for_ever[V20]"),
    "V22": OnlyUs(WORSE, needs="a process whose steps count, on nodes that are taken away"),
    "V23": OnlyUs(WORSE, needs="two processes that write into one volume"),
}
"""Rules that are about what happens after admission."""

OWN = frozenset(f"X{number:02}" for number in (2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18))
"""Rules about our own files and the user's Python: no server ever sees what breaks them."""

NULL = "the server reads null as if nothing stood there, and whoever wrote it meant something"
NOTHING = "the published schema demands it, and the server takes nothing for zero or empty"
ROUND = "the server reads a number that does not fit as another one, and says nothing"

PARTS: Mapping[str, Mapping[str, OnlyUs]] = {
    "A09": {"goes by the type": OnlyUs(CONTROLLER)},
    "D05": {"allows no eviction": OnlyUs(CONTROLLER)},
    "D08": {"port of this name": OnlyUs(SEVERAL)},
    "N01": {"every sync": OnlyUs("the API server makes up a name, another one at every sync")},
    "N16": {r"nodeSelectorTerms.*\.values\[": OnlyUs("no node has a label of such a value; later versions refuse it")},
    "P02": {"a repository": OnlyUs(KUBELET), "a digest": OnlyUs(KUBELET), "a tag ": OnlyUs(KUBELET)},
    "P03": {"no port of this name": OnlyUs(KUBELET)},
    "P15": {"procMount.*allows only Default": OnlyUs("1.32 drops procMount before anything looks at it")},
    "P17": {"0 is root": OnlyUs(KUBELET)},
    "X05": {
        "not null$": OnlyUs(NULL),
        "stringData.*the hidden value": OnlyUs(NULL),
        "misses the required field '(apiGroup|podSelector|rules|seconds|status|value)'": OnlyUs(NOTHING),
        r"onPodConditions\[\d+\]\.status: it must be .*, not ''": OnlyUs(
            "of a Job, and a CronJob makes Jobs of the same"
        ),
        "must be at most": OnlyUs(ROUND),
    },
}
"""Of the rules in SERVER, the breaches that only modelyard refuses: by rule, and by a pattern of field and words."""

OF_THIS_SERVER: Mapping[str, str] = {
    "is not in the valid range": "which addresses Services have is for each cluster to say",
}
"""What the server refuses for what it is itself and no other need be, by its words."""


def only_us(rule: str, field: str, because: str) -> OnlyUs | None:
    """Return why only modelyard refuses what breaks *rule* in these words, or None."""
    if rule in RUNTIME:
        return RUNTIME[rule]
    if rule in OWN:
        return OnlyUs("it is about our own files")
    said = f"{field}: {because}"
    return next((part for pattern, part in PARTS.get(rule, {}).items() if re.search(pattern, said)), None)
