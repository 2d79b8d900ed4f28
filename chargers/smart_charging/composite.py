"""The composite schedule: what all the installed profiles together allow, second by second.

Theory of operation. A profile becomes steps: a Limit from each second on, None where it says
nothing. Of each purpose the profile with the highest stack level wins at each instant; a TxProfile
goes before a TxDefaultProfile; of what is left (that one, the station's maximum, external
constraints) the lowest holds. Limits in amps and in watts are two tracks of one Limit until a unit
is asked for; then the other track is converted, and the smaller one counts (OCPP 2.0.1 K01; 1.6
sections 3.13 and 5.7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from chargers.smart_charging import steps
from chargers.smart_charging.profiles import (
    AMPS,
    EXTERNAL,
    RECURRENCES,
    RECURRING,
    RELATIVE,
    STATION_MAX,
    TX,
    TX_DEFAULT,
    WATTS,
    Period,
    Schedule,
    tenths,
)

LONGEST = 31_536_000
# OCPP has no gaps in a composite schedule: this is told where nothing limits.
DEFAULTS: Mapping[str, float] = {AMPS: 48.0, WATTS: 33_120.0}
_SECOND = timedelta(seconds=1)
_FIRST_LOOK = 86_400


@dataclass(frozen=True, slots=True)
class Supply:
    """What stands behind a limit: the voltage of a phase, and how many there are; 0 for direct current."""

    volts: float = 230.0
    phases: int = 3

    def volts_of(self, phases):
        """Return by what amps are to be multiplied for watts, with at most `phases` in use."""
        return self.volts * (self.used(phases) or 1)

    def used(self, phases):
        """Return how many phases are in use where a limit allows `phases` (None: all)."""
        return self.phases if phases is None else min(phases, self.phases)


@dataclass(frozen=True, slots=True)
class Running:
    """The transaction at an EVSE: TxProfiles are for it, and relative schedules begin with it."""

    transaction_id: str
    started_at: object


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that may flow, on two tracks; None where a track, or the number of phases, is free."""

    amps: float | None = None
    watts: float | None = None
    phases: int | None = None

    def in_unit(self, unit, supply):
        """Return the limit in A or W, or None where there is none."""
        volts = supply.volts_of(self.phases)
        if unit == AMPS:
            return _lower(self.amps, None if self.watts is None else self.watts / volts)
        return _lower(self.watts, None if self.amps is None else self.amps * volts)


NO_LIMIT = Limit()


def composite(
    profiles,
    *,
    evse,
    at,
    seconds,
    unit=AMPS,
    evses=(1,),
    running=None,
    supply=Supply(),
    defaults=DEFAULTS,
    most=None,
):
    """Return the Schedule from `at` for `seconds` in `unit`; it has a period at least, and no gaps.

    `running` maps EVSEs to their Running. EVSE 0 is the whole station: the sum over `evses`, where one
    without a limit counts with the default, and within the station's own limits. Limits are in
    tenths, rounded down. With 0 seconds the one period says what holds now. Where there would be more
    than `most` periods, it ends sooner.
    """
    seconds, at = max(0, min(seconds, LONGEST)), at.replace(microsecond=0)

    def told(limit):
        return _told(limit, unit, supply, defaults[unit])

    for ahead in _looks(seconds, most):
        span = {"at": at, "seconds": ahead or 1, "running": running or {}}
        if evse:
            found = limits(profiles, evse=evse, **span)
        else:
            found = _whole(profiles, evses, unit, supply, defaults[unit], span)
        periods = tuple(replace(period, start=second) for second, period in steps.mapped(found, told))
        if most and len(periods) > most:
            return Schedule(unit, periods[:most], at, periods[most].start)
    return Schedule(unit, periods, at, seconds)


def _looks(seconds, most):
    """Yield how far to look ahead: ever farther where few periods are wanted, since a year may hold many."""
    ahead = _FIRST_LOOK
    while most and ahead < seconds:
        yield ahead
        ahead *= 4
    yield seconds


def limits(profiles, *, evse, at, seconds, running=None):
    """Return the steps (second, Limit) of what the profiles allow an EVSE, from `at` for `seconds`.

    For EVSE 0 it is what is said of the station as such, whatever its EVSEs may take.
    """
    at, transaction = at.replace(microsecond=0), (running or {}).get(evse)
    origin = (transaction.started_at.replace(microsecond=0) - at) // _SECOND if transaction else 0

    def holding(purpose):
        return _stacked(
            [each for each in profiles if _counts(each, purpose, evse, transaction)], at, seconds, origin
        )

    found = steps.merge(holding(TX_DEFAULT), holding(TX), _over) if evse else steps.laid([], seconds)
    for purpose in (STATION_MAX, EXTERNAL):
        found = steps.merge(found, holding(purpose), _lowest)
    return steps.mapped(found, lambda limit: limit or NO_LIMIT)


def _counts(profile, purpose, evse, transaction):
    if profile.purpose != purpose or profile.evse not in (0, evse):
        return False
    if purpose != TX:
        return True
    return transaction is not None and profile.transaction_id in ("", transaction.transaction_id)


def _whole(profiles, evses, unit, supply, default, span):
    found = steps.laid([], span["seconds"])
    for evse in evses:
        # In the unit asked for before the sum: tracks cannot be added where EVSEs differ in theirs.
        each = steps.mapped(
            limits(profiles, evse=evse, **span), lambda limit: _in_one_unit(limit, unit, supply, default)
        )
        found = steps.merge(found, each, _sum)
    return steps.merge(found, limits(profiles, evse=0, **span), _lowest)


def _in_one_unit(limit, unit, supply, default):
    value = limit.in_unit(unit, supply)
    value = default if value is None else value
    return Limit(value, None, limit.phases) if unit == AMPS else Limit(None, value, limit.phases)


def _told(limit, unit, supply, default):
    value = limit.in_unit(unit, supply)
    return Period(0, tenths(default if value is None else value), supply.used(limit.phases) or None)


# How limits go together; None is one that says nothing -------------------------------------------


def _over(low, high):
    return low if high is None else high


def _lowest(one, other):
    if one is None or other is None:
        return one or other
    return Limit(
        _lower(one.amps, other.amps), _lower(one.watts, other.watts), _lower(one.phases, other.phases)
    )


def _sum(one, other):
    if one is None:
        return other
    phases = None if None in (one.phases, other.phases) else max(one.phases, other.phases)
    return Limit(_plus(one.amps, other.amps), _plus(one.watts, other.watts), phases)


def _lower(one, other):
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _plus(one, other):
    return None if one is None or other is None else one + other


# One profile ----------------------------------------------------------------------------------


def _stacked(profiles, at, seconds, origin):
    """Return the steps of profiles of one purpose: the highest stack level that has something to say."""
    found = [(0, None)]
    # At the same level what was said of this very EVSE goes before what was said of all.
    for profile in sorted(profiles, key=lambda it: (it.stack_level, it.evse != 0, it.profile_id)):
        found = steps.merge(found, steps.laid(_stretches(profile, at, seconds, origin), seconds), _over)
    return found


def _stretches(profile, at, seconds, origin):
    """Yield (begin, end, Limit) for what a profile says within the span, in ascending order."""
    first = 0 if profile.valid_from is None else max(0, (profile.valid_from - at) // _SECOND)
    last = seconds if profile.valid_to is None else min(seconds, (profile.valid_to - at) // _SECOND)
    plan = _laid_out(profile.schedule)
    for begin, end in _occurrences(profile, at, last, origin):
        for offset, until, limit in plan:
            start = max(first, begin + offset)
            stop = min(last, end, last if until is None else begin + until)
            if start < stop:
                yield start, stop, limit


def _occurrences(profile, at, last, origin):
    """Yield (begin, end) of each run of the schedule that may reach into the span, up to `last`."""
    start, duration = profile.schedule.start, profile.schedule.duration
    # Without a startSchedule it is relative to the start of the charging (OCPP 1.6 section 7.13).
    is_relative = profile.kind == RELATIVE or start is None
    begin = origin if is_relative else (start - at) // _SECOND
    if profile.kind != RECURRING:
        yield begin, last if duration is None else begin + duration
        return
    every = RECURRENCES[profile.recurrency]
    begin += max(0, -begin // every) * every
    while begin < last:
        yield begin, begin + min(every, duration or every)
        begin += every


def _laid_out(schedule):
    """Return (offset, end or None, Limit) for each period."""
    ends = [period.start for period in schedule.periods[1:]] + [None]
    return [
        (period.start, end, _limit(schedule.unit, period))
        for period, end in zip(schedule.periods, ends, strict=True)
    ]


def _limit(unit, period):
    if unit == AMPS:
        return Limit(period.limit, None, period.phases)
    return Limit(None, period.limit, period.phases)
