"""Limits that the operator asks for in amps, and what charge points tell of limits, profiles and cars."""

import pytest

from chargers.models import ChargingLimit, ChargingNeeds, ChargingProfile, Connector, ExternalLimit
from chargers.wire.validation import V201
from tests.fullstack.scenarios.test_profiles import composite, draws, power, profile, sets
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


async def connector_of(scene):
    place = {"evse_id": 1, "connector_id": 1} if scene.is_201 else {"connector_id": 1}
    return await scene.stored(Connector.objects.filter(charger=scene.charger, **place).first)


async def limits(scene, **order):
    """Limit connector 1 by the API; return the limit's row once the charge point has accepted."""
    connector = await connector_of(scene)
    status, limit = await scene.ask_for(f"connectors/{connector.pk}/limit/", "POST", order | {"wait": 5})
    assert status in (200, 202), limit
    taken = ChargingLimit.objects.filter(pk=limit["id"], accepted_at__isnull=False)
    return await scene.stored(taken.first)


@both
async def test_limit_is_accepted_and_seen_in_the_composite_schedule(play, version):
    scene = await play(version)
    await scene.charges()

    limit = await limits(scene, amps=10)

    await draws(scene, 10)
    verified = ChargingLimit.objects.filter(pk=limit.pk, composite_verified=True)
    await scene.stored(verified.first)
    (told,) = await composite(scene)
    assert told == (0, 10.0)


@both
async def test_lifted_limit_limits_nothing(play, version):
    scene = await play(version)
    await scene.charges()
    limit = await limits(scene, watts=6900)
    await draws(scene, 10)

    connector = await connector_of(scene)
    status, _ = await scene.ask_for(f"connectors/{connector.pk}/limit/", "DELETE")

    assert status in (200, 202, 204)
    await scene.until(lambda: power(scene, 1) > 10_000)
    ended = ChargingLimit.objects.filter(pk=limit.pk, ended_at__isnull=False)
    assert (await scene.stored(ended.first)).state == ChargingLimit.State.ENDED


@both
async def test_limit_outlives_a_reboot(play, version):
    scene = await play(version)
    await limits(scene, amps=10)

    await scene.point.power_cycle()
    await scene.sends("BootNotification", count=2)
    await scene.comes_online()
    await scene.charges()

    await draws(scene, 10)


async def test_profiles_are_reported(play):
    """GetChargingProfiles, ReportChargingProfiles: what is installed there is known here."""
    scene = await play(V201)
    await sets(scene, profile(41, 16))
    await sets(scene, profile(42, 20, "ChargingStationMaxProfile"), connector=0)

    order = {"requestId": 5, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}}
    assert await scene.orders("GetChargingProfiles", order) == "Accepted"

    told = await scene.sends("ReportChargingProfiles")
    assert [each["id"] for each in told["chargingProfile"]] == [41]
    reported = ChargingProfile.objects.filter(charger=scene.charger, profile_id=41, reported_at__isnull=False)
    row = await scene.stored(reported.first)
    assert (row.state, row.purpose, row.evse_id) == ("installed", "TxDefaultProfile", 1)


async def test_nothing_to_report(play):
    scene = await play(V201)

    order = {"requestId": 6, "chargingProfile": {"stackLevel": 3}}
    assert await scene.orders("GetChargingProfiles", order) == "NoProfiles"

    assert scene.sent("ReportChargingProfiles") == []


async def test_limit_from_outside_is_told(play):
    """NotifyChargingLimit, ClearedChargingLimit: a manager at the site lowers the power for a while."""
    scene = await play(V201)
    await scene.charges()

    await scene.point.external_limit(4000, "EMS")
    await scene.until(lambda: abs(power(scene, 1) - 4000) < 1)
    told = ExternalLimit.objects.filter(charger=scene.charger, source="EMS")
    row = await scene.stored(told.filter(cleared_at=None).first)
    assert row.schedules[0]["chargingSchedulePeriod"][0]["limit"] == 4000
    await scene.point.external_limit(None)

    await scene.stored(told.filter(cleared_at__isnull=False).first)
    await scene.until(lambda: power(scene, 1) > 10_000)


async def test_car_tells_what_it_needs_and_how_it_will_charge(play):
    """NotifyEVChargingNeeds at the cable, NotifyEVChargingSchedule after a profile for its transaction."""
    scene = await play(V201)
    await scene.point.plug_in(needs_wh=20_000)
    needs = ChargingNeeds.objects.filter(charger=scene.charger, evse_id=1)
    row = await scene.stored(needs.first)
    assert row.needs["acChargingParameters"]["energyAmount"] == 20_000

    assert await scene.point.present_tag("TAG1") == "Accepted"
    await scene.delivers()
    (started,) = await scene.transactions()
    told = profile(1, 12, "TxProfile", transactionId=started.transaction_id)
    assert await sets(scene, told) == "Accepted"

    row = await scene.stored(needs.filter(schedule_at__isnull=False).first)
    assert row.schedule["chargingSchedulePeriod"][0]["limit"] == 12
