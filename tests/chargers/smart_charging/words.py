"""Charging profiles in few words, for the tests of what becomes of them."""

from datetime import UTC, datetime, timedelta

from chargers.smart_charging.profiles import Profile

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def later(seconds):
    return NOON + timedelta(seconds=seconds)


def told(profile_id=1, *, periods="0:16", unit="A", start=0, duration=None, **members):
    """Return a `chargingProfile`; periods are "second:limit" or "second:limit:phases", times seconds after noon."""
    schedule = {
        "id": 1,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [_period(each) for each in periods.split()],
    }
    if start is not None:
        schedule["startSchedule"] = later(start).isoformat()
    if duration is not None:
        schedule["duration"] = duration
    usual = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
    for name in ("validFrom", "validTo"):
        if name in members:
            members[name] = later(members[name]).isoformat()
    return {"id": profile_id} | usual | members | {"chargingSchedule": [schedule]}


def profile(profile_id=1, *, evse=1, purpose="TxDefaultProfile", level=0, **members):
    """Return a Profile; the words are those of `told`."""
    named = {"chargingProfilePurpose": purpose, "stackLevel": level}
    return Profile.read(told(profile_id, **named, **members), evse=evse)


def _period(text):
    second, limit, *phases = text.split(":")
    period = {"startPeriod": int(second), "limit": float(limit)}
    return period | ({"numberPhases": int(phases[0])} if phases else {})


def shown(schedule):
    """Return the periods of a Schedule as `told` takes them; phases only where they are not three."""
    return " ".join(
        f"{each.start}:{each.limit:g}" + ("" if each.phases in (3, None) else f":{each.phases}")
        for each in schedule.periods
    )
