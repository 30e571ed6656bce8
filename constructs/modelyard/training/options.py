"""The value types that options of trainings are made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import attrs

from modelyard.values.durations import hours
from modelyard.values.value import option, value

IfRunning = Literal["skip", "replace", "start"]


def _above_zero(duration: timedelta) -> str | None:
    return None if duration > timedelta(0) else "it is a length of time above zero"


def _not_negative(count: int) -> str | None:
    return None if count >= 0 else "it is a whole number of at least 0"


@value
class Schedule:
    """
    When a training runs, again and again, by a CronJob.

    Args:
        cron: Minute, hour, day of the month, month and weekday, for example ``30 3 * * *``.

        tz: The IANA time zone that *cron* means, for example ``Europe/Berlin``. Default: UTC.

        if_running: What happens when the time comes and the last run is still going on: ``skip`` the new one,
            ``replace`` the last one by it, or ``start`` it beside. Default: ``skip``.

        catch_up: How much later a run may still start: after an outage, or with ``skip`` when the last run ends.
            Default: 1 hour.

        keep_succeeded: How many runs that succeeded stay to be looked at, with their logs. Default: 3.

        keep_failed: How many that failed. Default: 3.

        suspend: Whether no new run starts; one that is going on is left alone. Default: they start.

    See Also:
        https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    """

    cron: str
    tz: str = "Etc/UTC"
    if_running: IfRunning = attrs.field(default="skip", kw_only=True)
    catch_up: timedelta = option(default=hours(1), check=_above_zero, kw_only=True)
    keep_succeeded: int = option(default=3, check=_not_negative, kw_only=True)
    keep_failed: int = option(default=3, check=_not_negative, kw_only=True)
    suspend: bool = attrs.field(default=False, kw_only=True)
