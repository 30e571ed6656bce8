"""Which changes are not made: what no option renders, and whose rules are somebody else's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.cluster.differential.changes import Change

LEFT_OUT: Mapping[str, str] = {
    r"ResourceQuota\.spec\.hard.*": "a quota is the cluster owner's, and no option renders one",
    r"RoleBinding\.(?:roleRef|subjects\[\])\.name": "an account's rights are the platform team's; no option renders them",
    r"Job\.spec\.selector.*": "with manualSelector, which no option renders and J26 refuses but where it is said",
    r"ResourceClaim(?:Template)?\..*\.cel\.expression": "a program, which the API server compiles",
    r"pod\.spec\.tolerations\[\]\.operator: the text '(?:Gt|Lt)'": "a gate decides, which is off until somebody turns it on",
}
"""By a pattern of field and change: why not."""

OF_OTHERS = ("batch.volcano.sh/", "serving.kserve.io/")
"""Groups whose kinds have the names of Kubernetes' own, or pods without a template, and of which no change is made."""


def left_out(change: Change) -> str | None:
    """Return why *change* is not made, or None where it is."""
    said = f"{change.field}: {change.name}"
    return next(
        (
            why
            for pattern, why in LEFT_OUT.items()
            if re.fullmatch(pattern, change.field) or re.fullmatch(pattern, said)
        ),
        None,
    )
