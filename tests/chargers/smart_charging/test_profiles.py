"""What is read of a charging profile, and what is refused by the member's name."""

from datetime import UTC, datetime

import pytest

from chargers.smart_charging.profiles import BadProfile, Period, Profile, tenths
from tests.chargers.smart_charging.words import told

pytestmark = pytest.mark.once


def test_profile_is_read():
    """Seconds are whole, and it keeps what it was told."""
    payload = told(7, periods="0:16 60:8:1", duration=3600, transactionId="4711")
    payload["validFrom"] = "2026-11-21T13:00:00.999+01:00"

    read = Profile.read(payload, evse=2)

    assert (read.profile_id, read.evse, read.transaction_id) == (7, 2, "4711")
    assert read.valid_from == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert read.schedule.periods == (Period(0, 16.0), Period(60, 8.0, 1))
    assert read.told == payload


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("chargingProfilePurpose", {"chargingProfilePurpose": "Fun"}),
        ("recurrencyKind", {"chargingProfileKind": "Recurring"}),
        ("recurrencyKind", {"chargingProfileKind": "Recurring", "recurrencyKind": "Yearly"}),
        ("validTo", {"validFrom": 60, "validTo": 60}),
        ("chargingSchedule.duration", {"duration": 0}),
        ("chargingSchedulePeriod.startPeriod", {"periods": ""}),
        ("chargingSchedulePeriod.startPeriod", {"periods": "1:16"}),
        ("chargingSchedulePeriod.startPeriod", {"periods": "0:16 60:8 60:4"}),
        ("chargingSchedulePeriod.startPeriod", {"periods": "0:16 60:8 30:4"}),
        ("chargingSchedulePeriod.limit", {"periods": "0:-1"}),
        ("chargingSchedulePeriod.limit", {"periods": "0:nan"}),
        ("chargingSchedulePeriod.limit", {"periods": "0:inf"}),
        ("chargingSchedulePeriod.numberPhases", {"periods": "0:16:4"}),
    ],
)
def test_nonsense_is_named(member, change):
    with pytest.raises(BadProfile) as refusal:
        Profile.read(told(**change), evse=1)

    assert refusal.value.member == member


@pytest.mark.parametrize("text", ["yesterday", "", "0001-01-01T00:00:00+14:00", 5])
def test_times_that_are_none_are_named(text):
    payload = told()
    payload["chargingSchedule"][0]["startSchedule"] = text

    with pytest.raises(BadProfile, match="startSchedule is no time"):
        Profile.read(payload, evse=1)


def test_profile_without_a_schedule_is_refused():
    with pytest.raises(BadProfile, match="chargingSchedule is empty"):
        Profile.read(told() | {"chargingSchedule": []}, evse=1)


@pytest.mark.parametrize(("limit", "carried"), [(16, 16), (16.1, 16.1), (9.99, 9.9), (0.05, 0), (1e8, 1e8)])
def test_tenths_are_never_more(limit, carried):
    assert tenths(limit) == carried
