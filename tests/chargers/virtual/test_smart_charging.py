"""Charging profiles at the virtual charge point: how it answers, and what it reports."""

import pytest

from chargers.wire import v16, v201
from tests.chargers.smart_charging.words import told
from tests.chargers.virtual.charging_profiles import STATION, TX, charge, composite, order, status_of, words
from tests.kit.scripted_csms import NOW

pytestmark = pytest.mark.once

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
TOKEN = {"idToken": "TAG1", "type": "Central"}


# Answers --------------------------------------------------------------------------------------


async def test_profile_is_set_and_told_as_composite_in_16(csms, start):
    await start(csms)
    profile = v16.charging_profile(told(periods="0:16 60:8", duration=120))

    finished = await csms.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
    asked = {"connectorId": 1, "duration": 600, "chargingRateUnit": "W"}
    answer = (await csms.call("GetCompositeSchedule", asked)).payload

    assert finished.payload == ACCEPTED
    assert answer == ACCEPTED | {
        "connectorId": 1,
        "scheduleStart": NOW,
        "chargingSchedule": {
            "duration": 600,
            "startSchedule": NOW,
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 11_040.0, "numberPhases": 3},
                {"startPeriod": 60, "limit": 5_520.0, "numberPhases": 3},
                {"startPeriod": 120, "limit": 33_120.0, "numberPhases": 3},
            ],
        },
    }


async def test_profile_is_set_and_told_as_composite_in_201(csms201, start):
    await start(csms201)

    finished = await csms201.call("SetChargingProfile", {"evseId": 1, "chargingProfile": told()})
    answer = (await csms201.call("GetCompositeSchedule", {"evseId": 1, "duration": 600})).payload

    assert finished.payload == ACCEPTED
    assert answer == ACCEPTED | {
        "schedule": {
            "evseId": 1,
            "scheduleStart": NOW,
            "duration": 600,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0, "numberPhases": 3}],
        }
    }


@pytest.mark.parametrize(
    ("profile", "number", "settings"),
    [
        (told(), 9, {}),
        (told(stackLevel=11), 1, {}),
        (told(stackLevel=2), 1, {"ChargeProfileMaxStackLevel": 1}),
        (told(periods="0:6 60:8"), 1, {"ChargingScheduleMaxPeriods": 1}),
        (told(), 1, {"MaxChargingProfilesInstalled": 0}),
        (
            told(unit="W"),
            1,
            {"ChargingScheduleAllowedChargingRateUnit": "Current", "SmartChargingCtrlr.RateUnit": "A"},
        ),
        (told(start=None), 1, {}),
        (told(periods="0:6 0:8"), 1, {}),
        (told(**TX), 1, {}),
        (told(**TX), 0, {}),
        (told(**STATION), 1, {}),
        (told(**STATION, chargingProfileKind="Relative", start=None), 0, {}),
        (told(chargingProfilePurpose="ChargingStationExternalConstraints"), 0, {}),
    ],
)
async def test_profile_is_rejected(csms201, start, profile, number, settings):
    """With the reason, and it changes nothing."""
    point = await start(csms201, configuration=settings)

    answer = await order(csms201, profile, number)

    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["additionalInfo"]
    assert point.smart_charging.held == ()


async def test_profile_is_rejected_without_a_reason_in_16(csms, start):
    point = await start(csms)

    assert await order(csms, told(), 9) == REJECTED
    assert await order(csms, told(**TX)) == REJECTED
    assert point.smart_charging.held == ()


async def test_profile_of_another_transaction_is_rejected(either, start):
    transaction = await charge(either, await start(either))

    assert await status_of(either, told(**TX, transactionId="99")) == "Rejected"
    assert await status_of(either, told(**TX, transactionId=transaction)) == "Accepted"


async def test_start_may_be_left_out_where_that_is_allowed(either, start):
    """Then it begins when it is set."""
    point = await start(either, configuration={"AllowChargingProfileWithoutStartSchedule": "true"})
    await point.clock.forward(100)

    assert await status_of(either, told(start=None, periods="0:6 60:8")) == "Accepted"

    await point.clock.forward(30)
    assert await composite(either) == [(0, 6.0), (30, 8.0)]


async def test_smart_charging_that_is_switched_off_takes_no_profiles(csms201, start):
    await start(csms201, configuration={"SmartChargingCtrlr.Enabled": "false"})

    assert (await order(csms201, told()))["statusInfo"]["reasonCode"] == "NotEnabled"


async def test_charge_point_without_the_feature_knows_no_profiles(csms, start):
    await start(csms, configuration={"SupportedFeatureProfiles": "Core"})

    assert (await csms.call("ClearChargingProfile", {})).code == "NotSupported"


@pytest.mark.parametrize(
    "asked", [{"number": 9}, {"unit": "W"}, {"seconds": -1}], ids=["connector", "unit", "duration"]
)
async def test_composite_is_rejected(either, start, asked):
    units = {"ChargingScheduleAllowedChargingRateUnit": "Current", "SmartChargingCtrlr.RateUnit": "A"}
    await start(either, configuration=units)
    place = {"evse_id": asked.get("number", 1), "connector_id": asked.get("number", 1)}

    answer = await either.call(
        *words(either).get_composite_schedule(asked.get("seconds", 600), unit=asked.get("unit"), **place)
    )

    assert answer.payload["status"] == "Rejected"


async def test_composite_of_the_station_is_the_sum(either, start):
    await start(either, connectors=2)
    await order(either, told(1, periods="0:6"), 1)
    await order(either, told(2, periods="0:8"), 2)

    assert await composite(either, 0) == [(0, 14.0)]


async def test_composite_goes_by_the_configured_defaults(either, start):
    settings = {"CompositeScheduleDefaultLimitAmps": 20, "MaxCompositeScheduleDuration": 60}
    point = await start(either, configuration=settings)

    assert await composite(either) == [(0, 20.0)]
    assert point.smart_charging.composite(1, 600).duration == 60


async def test_long_composite_is_cut(either, start):
    """What would not fit is left to the next question."""
    point = await start(either, configuration={"ChargingScheduleMaxPeriods": 100})
    periods = " ".join(f"{60 * number}:{6 + number % 2}" for number in range(100))
    await order(either, told(chargingProfileKind="Recurring", recurrencyKind="Daily", periods=periods))

    plan = await composite(either, seconds=31_536_000)

    assert len(plan) == 1024
    assert point.smart_charging.composite(1, 31_536_000).duration == 10 * 86_400 + 24 * 60


@pytest.mark.parametrize(
    ("criteria", "status", "left"),
    [
        ({"profile_id": 1}, "Accepted", [2, 3]),
        ({"profile_id": 9}, "Unknown", [1, 2, 3]),
        ({"purpose": "ChargingStationMaxProfile"}, "Accepted", [1, 2]),
        ({"evse_id": 1, "connector_id": 1, "stack_level": 2}, "Accepted", [1, 3]),
        ({}, "Accepted", []),
    ],
)
async def test_profiles_are_cleared(either, start, criteria, status, left):
    """The action is ClearChargingProfile in both versions."""
    point = await start(either)
    for profile, number in ((told(1), 1), (told(2, stackLevel=2), 1), (told(3, **STATION), 0)):
        await order(either, profile, number)
    action, payload = words(either).clear_charging_profile(**criteria)

    assert action == "ClearChargingProfile"
    assert (await either.call(action, payload)).payload == {"status": status}
    assert [each.profile_id for each in point.smart_charging.held] == left


# Reports --------------------------------------------------------------------------------------


async def test_profiles_are_reported_in_parts(csms201, start):
    """As they were told, by EVSE and by who laid them down."""
    point = await start(csms201, connectors=2)
    profiles = [told(number, stackLevel=number) for number in range(6)]
    for profile in profiles:
        await order(csms201, profile, 1)
    await order(csms201, told(9), 2)
    await point.external_limit(5000)

    finished = await csms201.call("GetChargingProfiles", {"requestId": 7, "chargingProfile": {}})
    await csms201.hears("ReportChargingProfiles", 4)

    parts = csms201.of("ReportChargingProfiles")
    assert finished.payload == ACCEPTED
    assert [(each["chargingLimitSource"], each["evseId"], each["tbc"]) for each in parts] == [
        ("CSO", 1, True),
        ("CSO", 1, True),
        ("CSO", 2, True),
        ("EMS", 0, False),
    ]
    assert parts[0]["chargingProfile"] + parts[1]["chargingProfile"] == profiles
    assert {each["requestId"] for each in parts} == {7}


@pytest.mark.parametrize(
    ("criteria", "status"),
    [
        ({"profile_ids": [1]}, "Accepted"),
        ({"sources": ["CSO"], "stack_level": 0}, "Accepted"),
        ({"sources": ["EMS"]}, "NoProfiles"),
        ({"evse_id": 0}, "NoProfiles"),
        ({"purpose": "TxProfile"}, "NoProfiles"),
    ],
)
async def test_only_what_was_asked_for_is_reported(csms201, start, criteria, status):
    await start(csms201)
    await order(csms201, told(1))

    finished = await csms201.call(*v201.get_charging_profiles(1, **criteria))

    assert finished.payload == {"status": status}


# Remote starts --------------------------------------------------------------------------------


async def test_remote_start_brings_a_profile(csms, start):
    point = await start(csms)
    profile = v16.charging_profile(told(periods="0:6", **TX))
    asked = {"idTag": "TAG1", "connectorId": 1, "chargingProfile": profile}

    finished = await csms.call("RemoteStartTransaction", asked)
    waiting = point.smart_charging.held
    await point.plug_in()

    assert (finished.payload, waiting) == (ACCEPTED, ())
    assert point.connectors[1].allowed_w == 4140


async def test_request_start_brings_a_profile(csms201, start):
    point = await start(csms201)
    asked = {"idToken": TOKEN, "remoteStartId": 1, "evseId": 1, "chargingProfile": told(periods="0:6", **TX)}

    finished = await csms201.call("RequestStartTransaction", asked)
    await point.plug_in()

    assert finished.payload == ACCEPTED
    assert point.smart_charging.held[0].told["transactionId"] == point.connectors[1].transaction.uid
    assert point.connectors[1].allowed_w == 4140


async def test_profile_of_a_start_that_never_came_is_forgotten(csms, start):
    point = await start(csms, configuration={"ConnectionTimeOut": 10})
    asked = {"idTag": "TAG1", "connectorId": 1, "chargingProfile": v16.charging_profile(told(**TX))}
    await csms.call("RemoteStartTransaction", asked)

    await point.clock.forward(10)
    await charge(csms, point)

    assert point.smart_charging.held == ()


async def test_profile_of_a_start_that_was_not_authorized_is_forgotten(csms, start):
    csms.script["Authorize"] = [{"idTagInfo": {"status": "Blocked"}}]
    point = await start(csms, configuration={"AuthorizeRemoteTxRequests": "true"})
    asked = {"idTag": "TAG1", "connectorId": 1, "chargingProfile": v16.charging_profile(told(**TX))}
    await csms.call("RemoteStartTransaction", asked)
    await csms.hears("Authorize")

    await charge(csms, point)

    assert point.smart_charging.held == ()


@pytest.mark.parametrize(
    "change",
    [{"connectorId": None}, {"chargingProfile": v16.charging_profile(told())}],
    ids=["without a connector", "of another purpose"],
)
async def test_remote_start_with_a_wrong_profile_is_rejected(csms, start, change):
    point = await start(csms)
    asked = {"idTag": "TAG1", "connectorId": 1, "chargingProfile": v16.charging_profile(told(**TX))} | change

    finished = await csms.call(
        "RemoteStartTransaction", {name: value for name, value in asked.items() if value is not None}
    )
    await point.plug_in()

    assert finished.payload == REJECTED
    assert point.connectors[1].transaction is None


async def test_request_start_with_a_wrong_profile_says_why(csms201, start):
    await start(csms201)
    asked = {
        "idToken": TOKEN,
        "remoteStartId": 1,
        "evseId": 1,
        "chargingProfile": told(transactionId="T", **TX),
    }

    answer = (await csms201.call("RequestStartTransaction", asked)).payload

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidProfile")
