"""The composite schedule against one that is worked out second by second, from the same profiles."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.smart_charging.composite import Running, composite
from chargers.smart_charging.profiles import Profile, tenths
from tests.chargers.smart_charging.words import NOON, later, told

pytestmark = pytest.mark.once

SECONDS, VOLTS = 60, 230
EVSES = (1, 2)
RUNNING = {1: Running("T1", later(-20))}
OFFSETS = st.integers(-70, 70)
EVERY = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}


@st.composite
def profiles(draw):
    """Return a profile whose every edge lies near the hour that is asked for."""
    purpose = draw(
        st.sampled_from(
            [
                "ChargingStationMaxProfile",
                "TxDefaultProfile",
                "TxProfile",
                "ChargingStationExternalConstraints",
            ]
        )
    )
    kind = draw(st.sampled_from(["Absolute", "Recurring", "Relative"]))
    starts = [0, *sorted(draw(st.sets(st.integers(1, 90), max_size=4)))]
    limits = st.integers(0, 400).map(lambda tenth: tenth / 10)
    unit = draw(st.sampled_from("AW"))
    periods = [
        {"startPeriod": start, "limit": draw(limits) * (1 if unit == "A" else 500)}
        | draw(st.sampled_from([{}, {"numberPhases": 1}, {"numberPhases": 3}]))
        for start in starts
    ]
    members = {"chargingProfileKind": kind, "chargingProfilePurpose": purpose}
    if kind == "Recurring":
        members["recurrencyKind"] = draw(st.sampled_from(list(EVERY)))
        start = draw(OFFSETS) - draw(st.integers(-1, 3)) * int(
            EVERY[members["recurrencyKind"]].total_seconds()
        )
    else:
        start = None if kind == "Relative" else draw(OFFSETS)
    validity = sorted(draw(st.lists(OFFSETS, min_size=2, max_size=2, unique=True)))
    members |= draw(
        st.sampled_from([{}, {"validFrom": validity[0]}, {"validFrom": validity[0], "validTo": validity[1]}])
    )
    payload = told(
        draw(st.integers(1, 99)),
        stackLevel=draw(st.integers(0, 2)),
        start=start,
        duration=draw(st.none() | st.integers(1, 120)),
        unit=unit,
        **members,
    )
    payload["chargingSchedule"][0]["chargingSchedulePeriod"] = periods
    return Profile.read(payload, evse=draw(st.sampled_from(_places(purpose))))


def _places(purpose):
    return {"TxProfile": EVSES, "ChargingStationMaxProfile": (0,)}.get(purpose, (0, *EVSES))


def sets():
    """Return profiles of which no two share their place, purpose and level, as a station keeps them."""
    return st.lists(profiles(), max_size=8, unique_by=lambda it: (it.evse, it.purpose, it.stack_level))


# The oracle -----------------------------------------------------------------------------------


def said(profile, second, evse):
    """Return the period of one profile that holds at a second, or None."""
    now = later(second)
    if profile.valid_from and now < profile.valid_from:
        return None
    if profile.valid_to and now >= profile.valid_to:
        return None
    start = profile.schedule.start
    if profile.kind == "Relative":
        start = RUNNING[evse].started_at if evse in RUNNING else NOON
    since, duration = now - start, profile.schedule.duration
    if since < timedelta(0):
        return None
    if profile.kind == "Recurring":
        since %= EVERY[profile.recurrency]
    elapsed = int(since.total_seconds())
    if duration is not None and elapsed >= duration:
        return None
    return [each for each in profile.schedule.periods if each.start <= elapsed][-1]


def winning(held, purpose, second, evse):
    able = [
        (profile.stack_level, profile.evse, profile.schedule.unit, period)
        for profile in held
        if profile.purpose == purpose and profile.evse in (0, evse)
        if (period := said(profile, second, evse))
    ]
    return max(able, key=lambda each: each[:2])[2:] if able else None


def holding(held, second, evse):
    """Return the (unit, period) pairs of which the lowest holds at an EVSE."""
    found = [winning(held, "ChargingStationMaxProfile", second, evse)]
    found.append(winning(held, "ChargingStationExternalConstraints", second, evse))
    if evse:
        of_transaction = winning(held, "TxProfile", second, evse) if evse in RUNNING else None
        found.append(of_transaction or winning(held, "TxDefaultProfile", second, evse))
    return [each for each in found if each]


def lowest(pairs, unit):
    """Return the lowest limit in a unit, or None; and on how many phases."""
    phases = min([period.phases or 3 for _, period in pairs], default=3)
    factor = VOLTS * phases
    values = [
        period.limit if its == unit else period.limit * factor if unit == "W" else period.limit / factor
        for its, period in pairs
    ]
    return min(values, default=None), phases


def expected(held, second, evse, unit):
    default = {"A": 48.0, "W": 33_120.0}[unit]
    if evse:
        value, phases = lowest(holding(held, second, evse), unit)
        return default if value is None else value, phases
    each = [lowest(holding(held, second, one), unit) for one in EVSES]
    total = sum(default if value is None else value for value, _ in each)
    phases = max(number for _, number in each)
    station = holding(held, second, 0)
    sum_of_evses = (unit, _Sum(total, phases))
    return lowest([*station, sum_of_evses], unit)


class _Sum:
    def __init__(self, limit, phases):
        self.limit, self.phases = limit, phases


def at(schedule, second):
    return [each for each in schedule.periods if each.start <= second][-1]


# The properties -------------------------------------------------------------------------------


@given(sets(), st.sampled_from([0, *EVSES]), st.sampled_from("AW"))
def test_composite_is_what_each_second_says(held, evse, unit):
    """Never above the lowest valid limit, and no lower than it must be."""
    plan = composite(held, evse=evse, at=NOON, seconds=SECONDS, unit=unit, evses=EVSES, running=RUNNING)

    wanted = [expected(held, second, evse, unit) for second in range(SECONDS)]
    got = [(at(plan, second).limit, at(plan, second).phases) for second in range(SECONDS)]
    assert got == [(tenths(limit), phases) for limit, phases in wanted]


@given(sets(), st.sampled_from([0, *EVSES]), st.sampled_from("AW"))
def test_composite_is_well_formed(held, evse, unit):
    """It begins at 0, ascends within the span, and neighbours differ."""
    plan = composite(held, evse=evse, at=NOON, seconds=SECONDS, unit=unit, evses=EVSES, running=RUNNING)

    starts = [each.start for each in plan.periods]
    pairs = list(zip(plan.periods, plan.periods[1:], strict=False))
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert starts[-1] < SECONDS
    assert all((one.limit, one.phases) != (other.limit, other.phases) for one, other in pairs)
