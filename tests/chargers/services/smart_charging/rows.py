"""How tests look at what was sent, and at rows."""


def sent_profile(payload):
    """Return (place, profile, schedule) of a SetChargingProfile of either version, in its own words."""
    profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
    schedule = profile["chargingSchedule"]
    place = payload.get("connectorId", payload.get("evseId"))
    return place, profile, schedule[0] if isinstance(schedule, list) else schedule


def fresh(row):
    """Return a row as it is now."""
    return type(row).objects.get(pk=row.pk)


def is_state(wish, state, profile=None):
    row = fresh(wish)
    assert row.state == state, row.reason
    assert profile is None or row.profile.state == profile
    return row
