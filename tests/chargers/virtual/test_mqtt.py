"""The charge point on a real MQTT broker, which may go away and come back."""

import asyncio
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from functools import partial

import aiomqtt
import pytest

from chargers.virtual import mqtt as bridging
from chargers.virtual.commands import Commands
from chargers.virtual.everest import OcppChargePoint
from csms import mqtt
from tests.chargers.virtual.conftest import ready
from tests.kit import broker as brokers
from tests.kit import program

pytestmark = [pytest.mark.once, pytest.mark.mqtt]

ROOT = "ocpp_1_6_charge_point/CP-1"


class Driver:
    """A program on the broker that steers the charge point and keeps what it hears, by topic."""

    def __init__(self, client):
        self.client, self._heard = client, defaultdict(list)

    async def hears(self, name):
        """Return the next message on a topic of the charge point's."""
        async with asyncio.timeout(10):
            while not self._heard[name]:
                message = await anext(self.client.messages)
                self._heard[message.topic.value.removeprefix(f"{ROOT}/")].append(message)
        return self._heard[name].pop(0)

    async def reads(self, name):
        return json.loads((await self.hears(name)).payload)

    async def orders(self, command, payload=b"", **options):
        """Send a command and return the answer to it."""
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self.client.publish(f"{ROOT}/cmd/{command}", text, qos=1, **options)
        return await self.reads(f"result/{command}")


@asynccontextmanager
async def driving(broker):
    async with mqtt.client(broker.url) as client:
        await client.subscribe(f"{ROOT}/result/+", qos=1)
        await client.subscribe(f"{ROOT}/var/+", qos=1)
        await client.subscribe(f"{ROOT}/event/+", qos=1)
        yield Driver(client)


@pytest.fixture
def broker(tmp_path):
    """A broker that may be stopped."""
    if not brokers.PROGRAM:
        pytest.skip("needs mosquitto's program, to stop and start it")
    broker = brokers.Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


class Changes(list):
    """What was told of the broker: whether it is there, each time."""

    def __call__(self, is_connected, cause):
        self.append(is_connected)


@pytest.fixture
def changes():
    return Changes()


@pytest.fixture
async def quiet_point(csms, build):
    """A charge point that has not started yet."""
    return build(csms)


@pytest.fixture
async def bridge(quiet_point, broker, changes, monkeypatch):
    """A bridge for it that does not run yet."""
    monkeypatch.setattr(bridging, "FIRST_PAUSE", 0.02)
    commands = Commands(OcppChargePoint(quiet_point))
    return bridging.Bridge(commands, partial(mqtt.client, broker.url), on_change=changes)


@asynccontextmanager
async def running(bridge):
    """Have the bridge on its broker."""
    task = asyncio.create_task(bridge.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
async def point(csms, quiet_point, bridge):
    """The charge point, booted, and on the broker."""
    async with running(bridge):
        yield await ready(quiet_point, csms)


@pytest.fixture
async def alone(csms, broker, changes, point):
    """The charge point after its broker has gone."""
    await csms.until(lambda: changes)
    broker.stop()
    await csms.until(lambda: changes[-1] is False)
    return point


async def test_command_is_carried_out_and_answered(broker, point):
    async with driving(broker) as driver:
        plugged = await driver.orders("plug_in", {"id": "a", "args": {"connector": 1, "soc": 20}})
        tagged = await driver.orders("present_tag", {"id": 2, "args": {"token": "TAG1"}})
        ended = await driver.orders("unplug")

    assert plugged == {"id": "a", "result": None}
    assert tagged == {"id": 2, "result": "Accepted"}
    assert ended == {"id": None, "result": None}


async def test_commands_of_the_interface_are_taken(broker, point):
    async with driving(broker) as driver:
        asked = {"id": 1, "args": {"keys": ["heartbeatinterval"]}}
        answer = await driver.orders("get_configuration_key", asked)

    (found,) = answer["result"]["configuration_keys"]
    assert (found["key"], found["read_only"]) == ("HeartbeatInterval", False)


async def test_variables_are_published(csms, broker, point):
    async with driving(broker) as driver:
        await driver.orders("monitor_configuration_keys", {"args": {"keys": ["ConnectionTimeOut"]}})
        await csms.call("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "9"})

        told = await driver.reads("var/configuration_key")

    assert told == {"key": "ConnectionTimeOut", "read_only": False, "value": "9"}


async def test_events_are_published(broker, point):
    async with driving(broker) as driver:
        await driver.orders("plug_in")

        assert (await driver.reads("event/status"))["status"] == "Preparing"


async def test_who_comes_late_knows_what_holds(broker, point, bridge):
    await bridge.drained(5)

    async with driving(broker) as driver:
        message = await driver.hears("var/is_connected")

    assert (message.payload, message.retain) == (b"true", True)


async def test_dead_program_is_not_connected(csms, broker):
    """The broker says so."""
    async with driving(broker) as driver, program.started(csms.url, "--mqtt", broker.url) as process:
        await program.until_printed(process, "boot_notification_response")
        assert await driver.reads("var/is_connected") is True
        process.kill()

        assert await driver.reads("var/is_connected") is False


async def test_program_says_goodbye(csms, broker):
    """What happens at the end is published before it ends."""
    async with driving(broker) as driver, program.started(csms.url, "--mqtt", broker.url) as process:
        await program.until_printed(process, "boot_notification_response")
        await driver.reads("var/boot_notification_response")
        await driver.orders("plug_in")
        await driver.orders("present_tag", {"args": {"token": "TAG1"}})
        code, _, complaints = await program.lines_of(process)

        states = [(await driver.reads("event/transaction"))["state"] for _ in range(3)]
        assert (code, complaints) == (0, "")
        assert states == ["started", "confirmed", "ended"]
        assert await driver.reads("event/is_running") is True
        assert await driver.reads("event/is_running") is False


@pytest.mark.parametrize(
    ("command", "payload", "says"),
    [
        ("plug_in", b"{nonsense", "not JSON"),
        ("plug_in", b"\xff\xfe", "not JSON"),
        ("plug_in", b"[1]", "a command is an object"),
        ("plug_in", b'{"command": "unplug"}', "a command is an object"),
        ("plug_in", b'{"args": {"where": 1}}', "no argument 'where'"),
        ("plug_in", b'{"args": {"connector": 9}}', "there is no connector 9"),
        ("fly", b"", "unknown command 'fly'"),
        ("_connector", b"", "unknown command"),
        ("send", b'{"args": {"action": "x", "payload": {}, "y": "' + b"x" * 1024 * 1024 + b'"}}', "at most"),
    ],
)
async def test_nonsense_is_answered(broker, point, command, payload, says):
    async with driving(broker) as driver:
        answer = await driver.orders(command, payload)

    assert says in answer["error"]


async def test_name_that_no_topic_can_hold_is_answered_by_another(broker, point):
    async with driving(broker) as driver:
        await driver.client.publish(f"{ROOT}/cmd/Fly away!", b"", qos=1)

        assert "unknown command" in (await driver.reads("result/_ly_away_"))["error"]


async def test_retained_command_is_refused(csms, broker, bridge, quiet_point):
    """Each new connection would carry it out once more."""
    async with driving(broker) as driver:
        await driver.client.publish(f"{ROOT}/cmd/plug_in", b"{}", qos=1, retain=True)
        async with running(bridge):
            answer = await driver.reads("result/plug_in")

    assert "must not be retained" in answer["error"]
    assert not quiet_point.connectors[1].is_plugged


async def test_charge_point_lives_without_a_broker(csms, alone):
    await alone.plug_in()

    assert await alone.present_tag("TAG1") == "Accepted"
    await csms.hears("StartTransaction")


async def test_what_a_broker_missed_is_sent_when_it_is_back(csms, broker, changes, bridge, alone):
    for _ in range(3):
        alone.publish("is_connected", False)
        alone.publish("is_connected", True)
    await alone.plug_in()
    broker.start()

    async with driving(broker) as driver:
        await csms.until(lambda: changes[-1] is True)
        await bridge.drained(5)
        latest = await driver.hears("var/is_connected")

        assert latest.payload == b"true"
        assert (await driver.orders("state"))["result"]["is_connected"] is True


async def test_event_that_a_broker_missed_is_sent(broker, bridge, quiet_point):
    quiet_point.publish("status", {"connector": 1, "status": "Preparing", "error_code": "NoError"})

    async with driving(broker) as driver, running(bridge):
        told = await driver.reads("event/status")

    assert told["status"] == "Preparing"


async def test_queue_for_a_broker_that_is_away_is_bounded(bridge, alone):
    for _ in range(2 * bridging.LONGEST_QUEUE):
        alone.publish("reset", {"reason": "x"})

    assert len(bridge) == bridging.LONGEST_QUEUE


async def test_broker_that_stays_away_is_told_of_once(csms, broker, bridge, changes):
    broker.stop()

    async with running(bridge):
        await csms.until(lambda: changes)
        broker.start()
        await csms.until(lambda: changes[-1] is True)

    assert changes == [False, True]


class Leaving:
    """A connection that lives, and fails when it is closed."""

    def __init__(self, **_):
        self.messages = self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        raise aiomqtt.MqttError("gone")

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.Event().wait()

    async def subscribe(self, *_, **__):
        """Taken."""

    async def publish(self, *_, **__):
        """Taken."""


async def test_bridge_ends_though_its_broker_fails_at_that_moment(quiet_point, changes):
    bridge = bridging.Bridge(Commands(OcppChargePoint(quiet_point)), Leaving, on_change=changes)
    task = asyncio.create_task(bridge.run())
    async with asyncio.timeout(5):
        while not changes:
            await asyncio.sleep(0)

    task.cancel()
    ended, _ = await asyncio.wait([task], timeout=5)

    assert task in ended
