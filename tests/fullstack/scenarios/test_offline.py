"""Networks that go and come back: nothing that money hangs on is lost, and nothing is stored twice.

These scenarios are played on every database.
"""

import pytest

from chargers.wire.validation import V16
from tests.fullstack.scenarios.versions import both

REMEMBERS = {"LocalAuthorizeOffline": "true", "AuthorizationCacheEnabled": "true"}


@both
@pytest.mark.acceptance("idle")
async def test_idle_charge_point_comes_back(play, version):
    """It does not boot again, and its heart beats on."""
    scene = await play(version, charger={"heartbeat_interval": 10})

    await scene.goes_offline()
    await scene.comes_back()
    beats = len(scene.sent("Heartbeat"))

    await scene.sends("Heartbeat", count=beats + 1)
    assert len(scene.sent("BootNotification")) == 1
    await scene.shows("Available")


@both
@pytest.mark.acceptance("connection loss during transaction")
async def test_it_charges_on_without_a_network(play, version):
    """What was sampled meanwhile is delivered, in order, and the operator can stop it."""
    scene = await play(version, configuration={"MeterValueSampleInterval": 200})
    started = await scene.charges()

    await scene.goes_offline()
    sampled = len(scene.told["meter"])
    await scene.until(lambda: len(scene.told["meter"]) >= sampled + 3)
    assert scene.point.connectors[1].transaction is not None
    await scene.comes_back()
    assert await scene.stops(started) == "Accepted"

    stored = await scene.ended(started)
    readings = await scene.readings(transaction=stored, context="Sample.Periodic")
    # What was under way when the network went may have come twice.
    assert {reading.register_wh for reading in readings} == {
        each["register_wh"] for each in scene.told["meter"]
    }
    assert stored.flags == []
    assert len(await scene.transactions()) == 1


async def remembering(play, version):
    """Return a scene whose charge point remembers TAG1 and has no network."""
    scene = await play(version, configuration=REMEMBERS)
    await scene.charges()
    await scene.point.unplug()
    await scene.delivers()
    await scene.goes_offline()
    return scene


@both
@pytest.mark.acceptance("offline start")
async def test_start_is_told_later(play, version):
    """It runs on under the number that it is given then."""
    scene = await remembering(play, version)

    await scene.point.plug_in()
    assert await scene.point.present_tag("TAG1") == "Accepted"
    await scene.comes_back()

    await scene.shows("Charging")
    _, stored = await scene.transactions()
    assert (stored.ended_at, stored.id_token, stored.is_refused) == (None, "TAG1", False)
    assert await scene.stops(stored) == "Accepted"
    await scene.ended(stored)


@both
@pytest.mark.acceptance("offline stop")
async def test_stop_is_told_later(play, version):
    scene = await play(version)
    started = await scene.charges()
    await scene.goes_offline()

    assert await scene.point.present_tag("TAG1") == "Accepted"
    ended = scene.told["transaction"][-1]
    await scene.comes_back()

    stored = await scene.ended(started)
    assert (stored.stop_reason, stored.end_id_token) == ("Local", "TAG1")
    assert stored.energy_wh == ended["energy_wh"]


@both
@pytest.mark.acceptance("offline transaction")
async def test_whole_session_is_told_later(play, version):
    scene = await remembering(play, version)

    await scene.point.plug_in()
    await scene.point.present_tag("TAG1")
    await scene.point.present_tag("TAG1")
    await scene.point.unplug()
    await scene.comes_back()

    _, stored = await scene.transactions()
    assert (stored.ended_at is not None, stored.stop_reason) == (True, "Local")
    assert len(await scene.transactions()) == 2


async def test_stop_carries_the_number_that_the_start_was_given(play):
    """Offline a transaction of 1.6 has a negative number; none of those leaves the house."""
    scene = await remembering(play, V16)

    await scene.point.plug_in()
    await scene.point.present_tag("TAG1")
    assert scene.told["transaction"][-1]["transaction_id"] < 0
    await scene.point.present_tag("TAG1")
    await scene.comes_back()

    numbers = [stored.pk for stored in await scene.transactions()]
    assert [stop["transactionId"] for stop in scene.sent("StopTransaction")] == numbers


@both
async def test_unknown_tag_does_not_start_offline(play, version):
    scene = await play(version, configuration={"AllowOfflineTxForUnknownId": "false"})
    await scene.goes_offline()
    await scene.point.plug_in()

    assert await scene.point.present_tag("NOBODY") == "Invalid"

    await scene.comes_back()
    assert await scene.transactions() == []


@both
async def test_unknown_tag_that_started_offline_is_stopped(play, version):
    """AllowOfflineTxForUnknownId lets it begin; the answer to the start ends it."""
    scene = await play(version, configuration={"AllowOfflineTxForUnknownId": "true"})
    await scene.goes_offline()
    await scene.point.plug_in()
    assert await scene.point.present_tag("NOBODY") == "Accepted"

    await scene.comes_back()

    await scene.until(lambda: "ended" in scene.states())
    await scene.delivers()
    (stored,) = await scene.transactions()
    assert (stored.authorization_status, stored.ended_at is not None) == ("Invalid", True)
