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
        why: What admission does not see. Which test shows it is in ``shown.py``.
    """

    why: str


SERVER: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (  # noqa: SIM905 # eighty quotes more say nothing
            "A01 A07 A09 A10 A13 C01 C03 C08 D01 D02 D05 D08 D14 D16 D17 H12 J01 J02 J03 J04 J05 J06 J07 J08 J09 J10 J11 J14"
            " J19 J24 J26 N01 N02 N03 N04 N05 N16 N18 N19 N20 P02 P03 P04 P09 P11 P15 P16 P17 P20 P22 P26 P27 P30 P31 P32"
            " R01 R02 R05 R06 R08 V06 V21 X04 X05"
        ).split(),
        (OLDEST, NEWEST),
    ),
    # From 1.37 on minReplicas may be 0, and what the server names is the metrics that this needs.
    "A02": (OLDEST,),
    # From 1.35 on every container can have its own restart policy.
    "P10": (OLDEST,),
    # Before 1.34 the gate DynamicResourceAllocation is off, and the server drops claims of devices.
    "R13": (NEWEST,),
}
"""Rules whose breaches the API server refuses, itself or in what a controller makes of them, by version."""

RUNTIME: Mapping[str, OnlyUs] = {
    "A05": OnlyUs(CONTROLLER),
    "A06": OnlyUs(CONTROLLER),
    "A08": OnlyUs(CONTROLLER),
    "A11": OnlyUs(SEVERAL),
    "A12": OnlyUs(SEVERAL),
    "A17": OnlyUs(SEVERAL),
    "A18": OnlyUs(WORSE),
    "A20": OnlyUs(SEVERAL),
    "C05": OnlyUs(WORSE),
    "C06": OnlyUs(WORSE),
    "C09": OnlyUs(CONTROLLER),
    "D03": OnlyUs(SCHEDULER),
    "D04": OnlyUs(SEVERAL),
    "D06": OnlyUs(WORSE),
    "D07": OnlyUs(SEVERAL),
    "D09": OnlyUs(SEVERAL),
    "D10": OnlyUs(WORSE),
    "D11": OnlyUs(SEVERAL),
    "D12": OnlyUs(SEVERAL),
    "D13": OnlyUs(SEVERAL),
    "D15": OnlyUs(SEVERAL),
    "D18": OnlyUs(CONTROLLER),
    "D19": OnlyUs(SEVERAL),
    **dict.fromkeys(("E01", "E02", "E04", "E05", "E06", "E07", "E08"), OnlyUs(WEBHOOK)),
    **dict.fromkeys(("E03", "E09"), OnlyUs(GITOPS)),
    "E10": OnlyUs(SEVERAL),
    **dict.fromkeys((f"G{number:02}" for number in range(1, 13)), OnlyUs(GITOPS)),
    **dict.fromkeys(("G13", "G14", "G17"), OnlyUs(LATER)),
    "J12": OnlyUs(CONTROLLER),
    "J13": OnlyUs(CONTROLLER),
    "J15": OnlyUs(WORSE),
    "J16": OnlyUs(CONTROLLER),
    "J17": OnlyUs(SEVERAL),
    "J18": OnlyUs(SCHEDULER),
    "J27": OnlyUs(CONTROLLER),
    "J20": OnlyUs(WORSE),
    **dict.fromkeys(("G15", "G16", "J21", "J22"), OnlyUs(GITOPS)),
    "J23": OnlyUs(GITOPS),
    **dict.fromkeys(("L01", "L02"), OnlyUs(WEBHOOK)),
    "L03": OnlyUs(SEVERAL),
    "L04": OnlyUs(KUBELET),
    "N10": OnlyUs(CONTROLLER),
    **dict.fromkeys((f"K{number:02}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17)), OnlyUs(WEBHOOK)),
    **dict.fromkeys(("K05", "K15", "K16", "K18"), OnlyUs(CONTROLLER)),
    **dict.fromkeys(("N06", "N07", "N08", "N09", "N13"), OnlyUs(WEBHOOK)),
    **dict.fromkeys(("M01", "M02", "M03", "M05"), OnlyUs(SEVERAL)),
    "M04": OnlyUs(CONTROLLER),
    "M06": OnlyUs(WORSE),
    **dict.fromkeys(("A03", "A04", "A19"), OnlyUs(WORSE)),
    "A14": OnlyUs(WEBHOOK),
    **dict.fromkeys(("A15", "N11"), OnlyUs(CONTROLLER)),
    **dict.fromkeys(("H01", "H06", "H08", "H10"), OnlyUs(SEVERAL)),
    **dict.fromkeys(("H02", "H04", "H05", "H07", "H09", "H11"), OnlyUs(CONTROLLER)),
    "P40": OnlyUs(KUBELET),
    "P41": OnlyUs(SEVERAL),
    "V30": OnlyUs(SEVERAL),
    "V31": OnlyUs(SEVERAL),
    "N21": OnlyUs(KUBELET),
    "N22": OnlyUs(KUBELET),
    "N26": OnlyUs(KUBELET),
    "N27": OnlyUs(LATER),
    "P01": OnlyUs(LATER),
    "P05": OnlyUs(KUBELET),
    "P06": OnlyUs(KUBELET),
    "P08": OnlyUs(CONTROLLER),
    "P12": OnlyUs(KUBELET),
    "P13": OnlyUs(KUBELET),
    "P14": OnlyUs(WORSE),
    "P19": OnlyUs(KUBELET),
    "P21": OnlyUs(SCHEDULER),
    "P23": OnlyUs(SCHEDULER),
    "P24": OnlyUs(WORSE),
    "P25": OnlyUs(WORSE),
    "P28": OnlyUs(KUBELET),
    "P29": OnlyUs(SCHEDULER),
    "P33": OnlyUs(KUBELET),
    "R03": OnlyUs(KUBELET),
    "R09": OnlyUs(FLEET),
    "R10": OnlyUs(FLEET),
    "R11": OnlyUs(SCHEDULER),
    "R12": OnlyUs(SEVERAL),
    "R14": OnlyUs(WORSE),
    "R22": OnlyUs(WORSE),
    "R16": OnlyUs(KUBELET),
    "R17": OnlyUs(KUBELET),
    "R23": OnlyUs(SCHEDULER),
    "R26": OnlyUs(FLEET),
    "R27": OnlyUs(SCHEDULER),
    "R28": OnlyUs(WORSE),
    **dict.fromkeys(("S01", "S02", "S04", "S05", "S06", "S08", "Y01", "Y02", "Y03"), OnlyUs(WEBHOOK)),
    **dict.fromkeys(("S03", "S07"), OnlyUs(CONTROLLER)),
    "S09": OnlyUs(WORSE),
    "V01": OnlyUs(SEVERAL),
    "V02": OnlyUs(SEVERAL),
    "V03": OnlyUs(FLEET),
    "V07": OnlyUs("admission drops the volume and its mounts, and takes the pod"),
    "V10": OnlyUs(WORSE),
    "V13": OnlyUs(LATER),
    "V15": OnlyUs(KUBELET),
    "V17": OnlyUs(WORSE),
    "V18": OnlyUs(WORSE),
    "V19": OnlyUs(WORSE),
    "V20": OnlyUs(WORSE),
    "V22": OnlyUs(WORSE),
    "V24": OnlyUs(WORSE),
    "V23": OnlyUs(WORSE),
}
"""Rules that are about what happens after admission."""

OWN = frozenset(f"X{number:02}" for number in (2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18))
"""Rules about our own files and the user's Python: no server ever sees what breaks them."""

DROPPED = "before 1.34 the server drops claims of devices, unless a gate is on"
NULL = "the server reads null as if nothing stood there, and whoever wrote it meant something"
NOTHING = "the published schema demands it, and the server takes nothing for zero or empty"
ROUND = "the server reads a number that does not fit as another one, and says nothing"

PARTS: Mapping[str, Mapping[str, OnlyUs]] = {
    "A09": {"goes by the type": OnlyUs(CONTROLLER)},
    "C01": {"no such day": OnlyUs(CONTROLLER)},
    "D05": {"allows no eviction": OnlyUs(CONTROLLER)},
    "D08": {"port of this name": OnlyUs(SEVERAL)},
    "N01": {"every sync": OnlyUs("the API server makes up a name, another one at every sync")},
    "N16": {
        r"(nodeSelectorTerms|preference).*\.values\[": OnlyUs(
            "no node has a label of such a value; later versions refuse it"
        )
    },
    "P02": {"a repository": OnlyUs(KUBELET), "a digest": OnlyUs(KUBELET), "a tag ": OnlyUs(KUBELET)},
    "P03": {"no port of this name": OnlyUs(KUBELET)},
    "P15": {"procMount.*allows only Default": OnlyUs("1.32 drops procMount before anything looks at it")},
    "R13": {"": OnlyUs(DROPPED)},
    "P17": {"0 is root": OnlyUs(KUBELET)},
    "X05": {
        "not null$": OnlyUs(NULL),
        r"resourceClaims\[\d+\]: it misses the required field 'name'": OnlyUs(DROPPED),
        "stringData.*the hidden value": OnlyUs(NULL),
        "misses the required field '(apiGroup|podSelector|preference|rules|seconds|status|value)'": OnlyUs(NOTHING),
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
