"""Charging profiles, and power that follows them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingProfile
from chargers.services import remote
from chargers.wire import clock
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once
WATTS_PER_AMP = 3 * 230
NO_LIMIT = [(0, 48.0)]


def profile(number, limit, purpose="TxDefaultProfile", **members):
    """Return a profile from a minute ago on; `limit` in A, or a list of (second, A)."""
    periods = limit if isinstance(limit, list) else [(0, limit)]
    schedule = {
        "id": number,
        "chargingRateUnit": "A",
        "startSchedule": clock.text(timezone.now().replace(microsecond=0) - timedelta(minutes=1)),
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": float(amps)} for start, amps in periods],
    }
    schedule |= members.pop("schedule", {})
    words = {"id": number, "stackLevel": 0, "chargingProfilePurpose": purpose}
    return words | {"chargingProfileKind": "Absolute", "chargingSchedule": [schedule]} | members


def number_of(transaction):
    return transaction.transaction_id or str(transaction.pk)


async def sets(scene, told, connector=1):
    return await scene.asks("set_charging_profile", told, connector=connector)


async def composite(scene, connector=1, seconds=600):
    """Return the composite schedule as [(second, A)]."""
    words = remote.words(scene.charger)
    asked = words.get_composite_schedule(seconds, unit="A", **scene.place(connector))
    answer = (await scene.order(*asked))["result"]
    schedule = words.read_composite_schedule(answer)
    return [(each["startPeriod"], each["limit"]) for each in schedule["chargingSchedulePeriod"]]


async def draws(scene, amps, connector=1):
    """Wait until a connector draws that much, as its meter and the server's readings tell."""
    watts = amps * WATTS_PER_AMP
    await scene.until(lambda: abs(power(scene, connector) - watts) < 1)
    message = "TransactionEvent" if scene.is_201 else "MeterValues"
    assert await scene.asks("trigger", message, connector=connector) == "Accepted"
    await scene.delivers()
    *_, latest = await scene.readings(context="Trigger")
    assert latest.power_w == pytest.approx(watts, abs=2)


def power(scene, connector):
    return scene.point.read(scene.point.connectors[connector]).power_w


@both
@pytest.mark.acceptance("default profile")
async def test_default_profile_limits_every_session(play, version):
    scene = await play(version)

    assert await sets(scene, profile(1, 10)) == "Accepted"
    await scene.charges()

    await draws(scene, 10)
    await scene.point.unplug()
    assert await composite(scene) == [(0, 10.0)]


@both
@pytest.mark.acceptance("tx profile")
async def test_tx_profile_ends_with_its_transaction(play, version):
    scene = await play(version)
    started = await scene.charges()

    told = profile(1, 8, "TxProfile", transactionId=number_of(started))
    assert await sets(scene, told) == "Accepted"

    await draws(scene, 8)
    await scene.point.unplug()
    await scene.delivers()
    assert await composite(scene) == NO_LIMIT


@both
@pytest.mark.acceptance("no-transaction profile")
async def test_tx_profile_needs_a_transaction(play, version):
    scene = await play(version)

    told = profile(1, 8, "TxProfile", transactionId="1")
    assert await sets(scene, told) == "Rejected"

    assert await composite(scene) == NO_LIMIT


@both
@pytest.mark.acceptance("profile for a wrong transaction")
async def test_tx_profile_of_another_transaction_is_rejected(play, version):
    scene = await play(version)
    started = await scene.charges()

    told = profile(1, 8, "TxProfile", transactionId=str(started.pk + 1000))
    assert await sets(scene, told) == "Rejected"

    await draws(scene, 11_000 / WATTS_PER_AMP)


@both
@pytest.mark.acceptance("profile stacking")
async def test_highest_level_counts(play, version):
    """And when it is gone, the next one."""
    scene = await play(version)

    assert await sets(scene, profile(1, 14)) == "Accepted"
    assert await sets(scene, profile(2, 6, stackLevel=1)) == "Accepted"
    await scene.charges()
    await draws(scene, 6)
    assert await scene.asks("clear_charging_profile", profile_id=2) == "Accepted"

    await draws(scene, 14)


@both
@pytest.mark.acceptance("composite schedule")
async def test_composite_of_three_purposes(play, version):
    """EVerest's first vector: the station, the default and the transaction together."""
    scene = await play(version)
    started = await scene.charges()
    start = {"startSchedule": clock.text(timezone.now().replace(microsecond=0))}

    station = profile(1, 10, "ChargingStationMaxProfile", schedule=start | {"duration": 86_400})
    periods = [(0, 6), (60, 10), (120, 8), (180, 25), (260, 8)]
    default = profile(2, periods, schedule=start | {"duration": 300})
    periods = [(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)]
    of_transaction = profile(
        3,
        periods,
        "TxProfile",
        schedule=start | {"duration": 240},
        transactionId=number_of(started),
    )
    assert await sets(scene, station, connector=0) == "Accepted"
    assert await sets(scene, default) == "Accepted"
    assert await sets(scene, of_transaction) == "Accepted"

    told = await composite(scene, seconds=400)
    assert [amps for _, amps in told] == [8, 10, 6, 10, 8, 10]
    # Seconds have passed since the schedules began.
    late = 50 - told[1][0]
    assert 0 <= late <= 5
    assert [second + late for second, _ in told[1:]] == [50, 200, 240, 260, 300]
    assert await composite(scene, connector=0, seconds=30) == [(0, 8.0)]


@both
@pytest.mark.acceptance("clear profile")
async def test_cleared_profile_limits_nothing(play, version):
    scene = await play(version)
    await sets(scene, profile(1, 10))
    await scene.charges()
    await draws(scene, 10)

    assert await scene.asks("clear_charging_profile", profile_id=1) == "Accepted"

    await draws(scene, 11_000 / WATTS_PER_AMP)
    assert await scene.asks("clear_charging_profile", profile_id=1) == "Unknown"


@both
async def test_profiles_are_cleared_by_what_they_are_for(play, version):
    scene = await play(version)
    await sets(scene, profile(1, 10))
    await sets(scene, profile(2, 20, "ChargingStationMaxProfile"), connector=0)

    assert await scene.asks("clear_charging_profile", purpose="ChargingStationMaxProfile") == "Accepted"

    assert await composite(scene) == [(0, 10.0)]


@both
@pytest.mark.acceptance("remote start with profile")
async def test_remote_start_brings_a_limit(play, version):
    scene = await play(version)
    await scene.point.plug_in()
    words = remote.words(scene.charger)
    action, payload = words.start("TAG1", evse_id=1, connector_id=1, remote_start_id=7)
    told = words.charging_profile(profile(1, 9, "TxProfile"))

    assert await scene.orders(action, payload | {"chargingProfile": told}) == "Accepted"

    await scene.shows("Charging")
    await scene.delivers()
    await draws(scene, 9)
    rows = ChargingProfile.objects.filter(purpose="TxProfile", evse_id=1 if scene.is_201 else 0)
    bound = await scene.stored(rows.filter(transaction__isnull=False).select_related("transaction").first)
    assert [bound.transaction] == await scene.transactions(ended_at=None)


@both
async def test_limit_of_nothing_suspends(play, version):
    """0 A is a limit: the transaction goes on, and nothing flows."""
    scene = await play(version)
    started = await scene.charges()

    assert await sets(scene, profile(1, 0)) == "Accepted"

    await scene.shows("SuspendedEVSE")
    assert power(scene, 1) == 0
    assert await scene.transactions(ended_at=None) == [started]
