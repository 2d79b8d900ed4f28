"""A composite schedule as chargers tell it: read whatever its mistakes, and compared. Pure."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from chargers.wire import clock, tolerance

UNITS = ("A", "W")
MOST_PERIODS = 1000
LARGEST_LIMIT = 1e7
LONGEST_SECONDS = 31_536_000
# The charger's clock, and the time that an answer takes, move the borders of periods by so much.
SLACK = timedelta(seconds=3)


class Unusable(ValueError):
    """There is no schedule in it; the text says why."""


@dataclass(frozen=True, slots=True)
class Composite:
    """What limits a connector from a moment on. `periods`: dicts of start (seconds), limit, phases or None.

    They are sorted, and the first begins at 0. The last one goes on to the end.
    """

    unit: str
    starts_at: datetime
    duration: int | None
    periods: list
    min_rate: float | None = None

    def period_at(self, moment):
        """Return the period in force at `moment`; the first before the start, the last after the end."""
        second = (moment - self.starts_at).total_seconds()
        return self.periods[max(bisect_right(self.periods, second, key=lambda each: each["start"]) - 1, 0)]

    def tells_the_same(self, other):
        """Say whether `other`, fetched later, holds nothing new: the same limits at the same times."""
        if self.unit != other.unit:
            return False
        return all(
            _limits(self.period_at(moment)) == _limits(other.period_at(moment))
            for moment in _moments(self, other)
        )


def read(told, *, now, unit=None, duration=None):
    """Return the Composite in a CompositeSchedule of 2.0.1's words; raises Unusable.

    What is left out is as it was asked for (`unit`, `duration`), and begins now. Periods without a number
    are left out, the others are put in order; of two that begin together the later one counts.
    """
    periods = _periods(told.get("chargingSchedulePeriod"))
    if not periods:
        raise Unusable("without a limit that can be read")
    given = _unit(told.get("chargingRateUnit")) or unit
    if given not in UNITS:
        raise Unusable("without a unit")
    starts_at, _ = clock.read(told.get("scheduleStart"), now)
    seconds = _number(told.get("duration"), LONGEST_SECONDS)
    return Composite(
        unit=given,
        starts_at=starts_at,
        duration=int(seconds) if seconds else duration,
        periods=periods,
        min_rate=_number(told.get("minChargingRate"), LARGEST_LIMIT),
    )


def _periods(told):
    told = [told] if isinstance(told, dict) else told
    if not isinstance(told, list):
        return []
    found = {}
    for each in told[:MOST_PERIODS]:
        if period := _period(each):
            found[period["start"]] = period
    ordered = [found[start] for start in sorted(found)]
    # Nothing is told of the time before the first: its limit is taken to hold.
    return [ordered[0] | {"start": 0}, *ordered[1:]] if ordered else []


def _period(told):
    if not isinstance(told, dict):
        return None
    start = _number(told.get("startPeriod", 0), LONGEST_SECONDS)
    limit = _number(told.get("limit"), LARGEST_LIMIT)
    if start is None or limit is None:
        return None
    phases = tolerance.index(told.get("numberPhases"))
    return {"start": int(start), "limit": limit, "phases": phases if phases in (1, 2, 3) else None}


def _number(told, most):
    """Return a number from 0 to `most`, be it written as text; None for all else."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        number = float(told)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None


def _unit(told):
    return told.strip().upper()[:1] if isinstance(told, str) else ""


def _limits(period):
    return period["limit"], period["phases"]


def _moments(old, new):
    """Return a moment inside of every stretch of `new` in which neither changes."""
    begin, end = new.starts_at, new.starts_at + timedelta(seconds=new.duration or LONGEST_SECONDS)
    changes = {
        each.starts_at + timedelta(seconds=period["start"]) for each in (old, new) for period in each.periods
    }
    borders = [begin, *sorted(change for change in changes if begin < change < end), end]
    return [begun + (ended - begun) / 2 for begun, ended in pairwise(borders) if ended - begun > SLACK]
