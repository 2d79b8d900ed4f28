"""Booting, beating, and staying connected."""

import base64
import random
from datetime import UTC, datetime, timedelta

import pytest

from chargers.virtual.charging import NotPossible
from chargers.virtual.client import Backoff
from chargers.virtual.clock import Clock
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import NOW, SILENCE

pytestmark = pytest.mark.once
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


async def test_order_right_behind_the_acceptance_is_answered(csms, build):
    """They may come in one packet: who is accepted is accepted before it looks at what comes next."""
    csms.orders["BootNotification"] = "TriggerMessage", {"requestedMessage": "Heartbeat"}

    await ready(build(csms), csms)
    await csms.until(lambda: csms.ends)

    assert [end.payload for end in csms.ends] == [{"status": "Accepted"}]
    await csms.hears("Heartbeat")


async def test_boot_that_was_asked_for_and_refused_is_tried_again(csms, build):
    """As the first one is; or nobody could ever speak to it again."""
    point = await ready(build(csms, **SOON), csms)
    csms.script["BootNotification"] = [{"status": "Rejected", "currentTime": NOW, "interval": 0}]

    await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"})
    await csms.hears("BootNotification", 3)

    await csms.until(lambda: point.is_online)


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


async def test_network_that_is_back_at_once_is_tried_at_once(csms, build):
    point = await ready(build(csms, backoff=Backoff(minimum=60)), csms)

    await point.go_offline()
    await point.go_online()

    await csms.until(lambda: csms.connections == 2)


async def test_subscriber_that_fails_costs_nothing_but_itself(csms, build):
    point, told = build(csms), []

    def fail(value):
        raise ValueError("it is broken")

    for event in ("is_connected", "boot_notification_response", "ocpp_message", "status"):
        point.subscribe(event, fail)
    point.subscribe("is_connected", told.append)

    await ready(point, csms)

    assert told == [True]


async def test_battery_is_of_no_use_without_a_network(csms, point):
    """The stop is kept, and told after the boot."""
    await point.plug_in()
    await point.present_tag("TAG1")
    await csms.hears("StartTransaction")
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)

    await point.power_cycle(battery_seconds=60)
    await point.go_online()

    assert (await csms.hears("StopTransaction"))["reason"] == "PowerLoss"
    assert len(csms.of("BootNotification")) == 2


async def test_battery_lasts_for_no_negative_time(point):
    with pytest.raises(NotPossible):
        await point.power_cycle(battery_seconds=-1)


async def test_status_after_the_power_is_published(csms, point):
    await point.plug_in()
    await point.present_tag("TAG1")
    told = []
    point.subscribe("status", told.append)

    await point.power_cycle()

    assert told[-1]["status"] == point.connectors[1].status == "Preparing"


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


async def test_clock_is_set_by_the_csms(csms, build):
    csms.script["BootNotification"] = [
        {"status": "Accepted", "currentTime": "2026-11-21T02:00:00Z", "interval": 300}
    ]
    point = await ready(build(csms), csms)

    assert abs((point.clock.now() - datetime(2026, 11, 21, 2, tzinfo=UTC)).total_seconds()) < 5


def test_clock_does_not_jump_for_the_delay_of_a_message():
    clock = Clock()
    clock.set(datetime.now(UTC) + timedelta(seconds=1))

    assert clock.now() - datetime.now(UTC) < timedelta(seconds=0.5)


async def test_start_is_told_to_the_guards_once(either, build):
    point = await ready(build(either), either)
    await either.hears("SecurityEventNotification")

    await either.hang_up()
    await either.until(lambda: either.connections == 2 and point.is_online)
    await point.power_cycle()
    await either.hears("SecurityEventNotification", 2)

    assert [each["type"] for each in either.of("SecurityEventNotification")] == ["StartupOfTheDevice"] * 2


async def test_reset_is_told_to_the_guards(csms, build):
    await ready(build(csms), csms)

    await csms.call("Reset", {"type": "Hard"})

    assert (await csms.hears("SecurityEventNotification", 2))["type"] == "ResetOrReboot"


async def test_backoff_follows_its_keys(csms, build):
    keys = {"RetryBackoffWaitMinimum": 0, "RetryBackoffRandomRange": 0}
    await ready(build(csms, backoff=None, configuration=keys), csms)

    await csms.hang_up()

    await csms.until(lambda: csms.connections == 2)


async def test_pending_point_answers_but_starts_and_stops_nothing_from_afar(csms, build):
    csms.script["BootNotification"] = [{"status": "Pending", "currentTime": NOW, "interval": 300}]
    point = build(csms)
    await point.start()
    await csms.until(lambda: point.registration.status == "Pending")

    configuration = await csms.call("GetConfiguration", {})
    start = await csms.call("RemoteStartTransaction", {"idTag": "TAG1"})
    stop = await csms.call("RemoteStopTransaction", {"transactionId": -1})
    trigger = await csms.call("TriggerMessage", {"requestedMessage": "StatusNotification"})
    await csms.hears("StatusNotification")

    assert configuration.payload["configurationKey"]
    assert [each.payload["status"] for each in (start, stop, trigger)] == ["Rejected", "Rejected", "Accepted"]


async def test_unanswered_boot_obeys_nobody(csms, build):
    csms.script["BootNotification"] = [SILENCE]
    point = build(csms)
    await point.start()
    await csms.hears("BootNotification")

    with pytest.raises(TimeoutError):
        await csms.call("GetConfiguration", {}, seconds=0.1)


async def test_pings_follow_their_key_at_once(csms, build):
    await ready(build(csms, configuration={"WebSocketPingInterval": 0}), csms)
    before = csms.pings

    await csms.call("ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "1"})

    await csms.until(lambda: csms.pings > before)


async def test_address_that_is_none_is_told(csms, build):
    point = build(csms)
    point.client.url = "ws://a..b/ocpp/CP-1"
    told = []
    point.subscribe("connection_refused", told.append)

    await point.start()
    await csms.until(lambda: len(told) > 1)

    assert "label empty" in told[0]["cause"]


async def test_network_stays_away_over_a_stop(csms, build, point):
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)
    await point.stop()
    await point.start()

    await build(csms).start()
    await csms.hears("BootNotification", 2)  # by then it would have come too

    assert (csms.connections, point.is_connected) == (2, False)
