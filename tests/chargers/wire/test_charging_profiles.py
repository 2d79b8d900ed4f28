"""Charging profiles on the wire: one set of words for rows, two for chargers."""

import pytest

from chargers.wire import v16, v201, validation

pytestmark = pytest.mark.once

FULL = {
    "id": 7,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2026-03-01T12:00:00.000Z",
    "validTo": "2026-03-02T12:00:00.000Z",
    "transactionId": "4711",
    "chargingSchedule": [
        {
            "id": 7,
            "startSchedule": "2026-03-01T12:00:00.000Z",
            "duration": 3600,
            "chargingRateUnit": "A",
            "minChargingRate": 6.0,
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 16.0, "numberPhases": 1},
                {"startPeriod": 60, "limit": 0.0},
            ],
        }
    ],
}
SHORT = {
    "id": 8,
    "stackLevel": 0,
    "chargingProfilePurpose": "ChargingStationMaxProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [
        {"id": 8, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000.0}]}
    ],
}
VERSIONS = {validation.V16: v16, validation.V201: v201}
both = pytest.mark.parametrize("version", VERSIONS)


@pytest.mark.parametrize("profile", [FULL, SHORT], ids=["full", "short"])
def test_profile_survives_the_way_through_16(profile):
    """What was said in 2.0.1's words is said again after 1.6's."""
    assert v16.read_charging_profile(v16.charging_profile(profile)) == profile


def test_station_maximum_is_called_otherwise_in_16():
    """Charge points of 1.6 are no stations."""
    assert v16.charging_profile(SHORT)["chargingProfilePurpose"] == "ChargePointMaxProfile"


def test_what_16_does_not_know_is_left_out():
    """One schedule, and no phase to use."""
    period = {"startPeriod": 0, "limit": 10.0, "numberPhases": 1, "phaseToUse": 2}
    schedule = SHORT["chargingSchedule"][0] | {"chargingSchedulePeriod": [period]}
    told = v16.charging_profile(SHORT | {"chargingSchedule": [schedule, schedule]})
    assert told["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 10.0, "numberPhases": 1}
    ]


@pytest.mark.parametrize(("limit", "told"), [(16, 16.0), (32.3, 32.3), (9.99, 9.9), (1e7, 1e7), (0, 0.0)])
@both
def test_limits_have_one_decimal_and_allow_no_more(version, limit, told):
    """The schema of 1.6 knows tenths only."""
    schedule = SHORT["chargingSchedule"][0] | {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    profile = SHORT | {"chargingSchedule": [schedule]}
    action, payload = VERSIONS[version].set_charging_profile(profile)
    assert validation.problems(version, action, payload) == []
    read = payload.get("chargingProfile") or v16.read_charging_profile(payload["csChargingProfiles"])
    assert read["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == told


@pytest.mark.parametrize("profile", [FULL, SHORT], ids=["full", "short"])
@both
def test_setting_is_a_valid_request(version, profile):
    """On a connector or EVSE, and on the whole station."""
    for place in ({}, {"evse_id": 2, "connector_id": 1}):
        action, payload = VERSIONS[version].set_charging_profile(profile, **place)
        assert validation.problems(version, action, payload) == []


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"profile_id": 7},
        {"evse_id": 1, "connector_id": 1, "purpose": "ChargingStationMaxProfile", "stack_level": 0},
        {"evse_id": 0, "connector_id": 0},
    ],
)
@both
def test_clearing_is_a_valid_request(version, criteria):
    """By number, by what it is, or all."""
    action, payload = VERSIONS[version].clear_charging_profile(**criteria)
    assert validation.problems(version, action, payload) == []
    assert bool(payload) == bool(criteria)


@pytest.mark.parametrize("unit", [None, "A", "W"])
@both
def test_asking_for_a_composite_is_a_valid_request(version, unit):
    """In a unit, or in the station's own."""
    words = VERSIONS[version]
    action, payload = words.get_composite_schedule(600, unit=unit, evse_id=1, connector_id=1)
    assert validation.problems(version, action, payload) == []


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"evse_id": 0},
        {"profile_ids": [7]},
        {"sources": ["CSO"], "purpose": "TxProfile", "stack_level": 1},
    ],
)
def test_asking_for_profiles_is_a_valid_request(criteria):
    """Only 2.0.1 can be asked."""
    action, payload = v201.get_charging_profiles(1, **criteria)
    assert validation.problems(validation.V201, action, payload) == []


PERIODS = [{"startPeriod": 0, "limit": 16.0}]
COMPOSITE = {
    "evseId": 1,
    "scheduleStart": "2026-03-01T12:00:00Z",
    "duration": 600,
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": PERIODS,
}


def test_composites_read_alike():
    """The same schedule in both versions' answers."""
    schedule = {"duration": 600, "chargingRateUnit": "A", "chargingSchedulePeriod": PERIODS}
    told = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-03-01T12:00:00Z",
        "chargingSchedule": schedule,
    }
    assert v16.read_composite_schedule(told) == COMPOSITE
    assert v201.read_composite_schedule({"status": "Accepted", "schedule": COMPOSITE}) == COMPOSITE


@pytest.mark.parametrize("answer", [{}, {"chargingSchedule": 3}, {"schedule": []}])
@both
def test_composite_of_nothing_is_nothing(version, answer):
    """A station may accept and say nothing."""
    assert VERSIONS[version].read_composite_schedule(answer) == {}
