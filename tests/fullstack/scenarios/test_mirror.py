"""EVerest's variables and commands, seen from the server's side of a real connection."""

import pytest

from tests.fullstack.scenarios.test_profiles import profile, sets
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
async def test_connection_is_mirrored(play, version):
    scene = await play(version)
    _, mirror = await scene.ask("GET", "mirror/")
    assert (mirror["is_connected"], mirror["disconnected_at"]) == (True, None)

    await scene.goes_offline()

    away = await scene.stored(lambda: scene.presence().filter(token=None).first())
    _, mirror = await scene.ask("GET", "mirror/")
    assert mirror["is_connected"] is False
    assert away.disconnected_at is not None


@both
async def test_stopped_charge_point_stays_away_until_it_is_restarted(play, version):
    """EVerest's stop and restart, as the operator's."""
    scene = await play(version)

    assert await scene.ask("POST", "stop/") == (200, {"result": True})
    await scene.until(lambda: scene.told["connection_refused"])
    assert not scene.point.is_connected
    assert await scene.ask("POST", "stop/") == (200, {"result": False})
    assert await scene.ask("POST", "restart/") == (200, {"result": True})

    await scene.comes_online()


@both
async def test_schedules_show_the_profiles(play, version):
    """Of the connector and, as its sum, of the whole; where it has no more than the one."""
    scene = await play(version)
    assert await sets(scene, profile(1, 10)) == "Accepted"

    for place in ({}, {"evse_id": 1} if scene.is_201 else {"connector_id": 1}):
        status, told = await scene.ask("POST", "schedules", place | {"wait": 5})
        assert (status, told["state"], told["unit"]) == (200, "known", "A")

    _, mirror = await scene.ask("GET", "mirror/?shape=seed")
    limits = {
        number: [period["limit"] for period in schedule["chargingSchedulePeriod"]]
        for number, schedule in mirror["charging_schedules"].items()
    }
    assert limits == {"0": [10], "1": [10]}


@both
async def test_vendors_message_goes_by_the_api(play, version):
    scene = await play(version)
    scene.point.register_data_transfer("org.example", "ping", lambda data: ("Accepted", "pong"))

    order = {"vendor_id": "org.example", "message_id": "ping", "data": "hello", "wait": 5}
    status, answer = await scene.ask("POST", "data-transfer/", order)

    assert (status, answer["status"], answer["data"]) == (200, "Accepted", "pong")


@both
async def test_vendors_message_is_answered_by_a_handler(play, version):
    scene = await play(version)

    answer = await scene.point.data_transfer("org.stationmaster", "Ping", "are you there?")

    assert answer == {"status": "Accepted", "data": "are you there?"}
    (event,) = await scene.events("charger.data_transfer")
    assert event.data["status"] == "Accepted"
