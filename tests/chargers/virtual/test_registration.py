"""Booting, beating, and staying connected."""

import base64
import random

import pytest

from chargers.virtual.client import Backoff
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import NOW, SILENCE

SOON = {"boot_retry_seconds": 0.01}


def test_backoff_doubles_and_then_stays():
    waits = Backoff(minimum=3, spread=0, repeats=3).waits(random.Random(1))

    assert [next(waits) for _ in range(6)] == [3, 6, 12, 24, 24, 24]


def test_backoff_adds_chance_to_each_wait():
    waits = Backoff(minimum=3, spread=10, repeats=0).waits(random.Random(1))

    assert all(3 <= next(waits) <= 13 for _ in range(20))


async def test_connects_as_the_standard_says(csms, build):
    await ready(build(csms, password="a:b"), csms)

    assert csms.path == "/ocpp/CP-1"
    assert csms.headers["Sec-WebSocket-Protocol"] == "ocpp1.6"
    assert base64.b64decode(csms.headers["Authorization"].removeprefix("Basic ")) == b"CP-1:a:b"


async def test_boots_first_and_then_tells_every_status(csms, build):
    await ready(build(csms, connectors=2), csms)
    await csms.hears("StatusNotification", 3)

    assert csms.heard[0].action == "BootNotification"
    assert [each["connectorId"] for each in csms.of("StatusNotification")] == [0, 1, 2]


@pytest.mark.parametrize(
    "first",
    [
        {"status": "Pending", "currentTime": NOW, "interval": 0},
        {"status": "Rejected", "currentTime": NOW, "interval": 0},
        ("InternalError", ""),
        SILENCE,
    ],
)
async def test_boots_again_until_accepted(csms, build, first):
    csms.script["BootNotification"] = [first]

    point = await ready(build(csms, call_timeout=0.05, **SOON), csms)

    assert [heard.action for heard in csms.heard][:3] == [
        "BootNotification",
        "BootNotification",
        "StatusNotification",
    ]
    assert point.is_online


async def test_interval_of_the_boot_becomes_the_heartbeat(csms, build):
    csms.script["BootNotification"] = [{"status": "Accepted", "currentTime": NOW, "interval": 77}]

    point = await ready(build(csms), csms)

    assert point.configuration["HeartbeatInterval"] == "77"


async def test_beats(csms, build):
    csms.script["BootNotification"] = [{"status": "Accepted", "currentTime": NOW, "interval": 1}]
    await ready(build(csms), csms)

    assert await csms.hears("Heartbeat") == {}


async def test_reconnects_without_booting_again(csms, point):
    told = []
    point.subscribe("is_connected", told.append)

    await csms.hang_up()
    await csms.until(lambda: [heard.connection for heard in csms.heard].count(2) == 2)

    assert [heard.action for heard in csms.heard if heard.connection == 2] == ["StatusNotification"] * 2
    assert told == [False, True]


async def test_offline_stays_offline(csms, point):
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)

    await point.go_online()
    await csms.until(lambda: point.is_connected)

    assert csms.connections == 2


async def test_power_cycle_boots_again(csms, point):
    await point.power_cycle()

    await csms.hears("BootNotification", 2)


async def test_stop_and_start_boot_again(csms, point):
    outcomes = [await point.stop(), await point.stop(), await point.start(), await point.start()]

    await csms.hears("BootNotification", 2)
    assert outcomes == [True, False, True, False]


async def test_refused_handshake_is_told(csms, build):
    point, told = build(csms), []
    point.client.version = "ocpp9"
    point.subscribe("connection_refused", told.append)

    await point.start()
    await csms.until(lambda: told)

    assert told[0]["cause"]


async def test_unanswered_call_does_not_hold_up_the_next(csms, build):
    csms.script["Authorize"] = [SILENCE]
    point = await ready(build(csms, call_timeout=0.05), csms)
    await point.plug_in()

    assert await point.present_tag("TAG1") == "Invalid"
    assert await point.present_tag("TAG1") == "Accepted"
