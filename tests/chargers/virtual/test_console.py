"""Commands and events as JSON lines."""

import asyncio
import json

import pytest

from chargers.virtual.commands import COMMANDS, PLAY, Commands
from chargers.virtual.console import Console
from chargers.virtual.everest import OcppChargePoint
from tests.chargers.virtual.conftest import ready


async def typed(point, *lines, **options):
    """Type lines at a charge point and return what was printed."""
    printed, queue = [], asyncio.Queue()
    console = Console(Commands(OcppChargePoint(point)), printed.append, **options)
    for line in [*lines, None]:
        queue.put_nowait(line if isinstance(line, bytes | None) else json.dumps(line).encode())
    await console.run(queue)
    return [json.loads(text) for text in printed]


def answers(printed):
    return [line for line in printed if "id" in line]


async def test_commands_are_carried_out_in_their_order(csms, point):
    printed = await typed(
        point,
        {"id": "a", "command": "plug_in"},
        {"id": "b", "command": "present_tag", "args": {"token": "TAG1"}},
        {"id": 3, "command": "unplug", "args": {"connector": 1}},
    )

    assert answers(printed) == [
        {"id": "a", "result": None},
        {"id": "b", "result": "Accepted"},
        {"id": 3, "result": None},
    ]
    states = [line["value"]["state"] for line in printed if line.get("event") == "transaction"]
    assert states == ["started", "ended"]


async def test_call_that_nobody_can_write_holds_nothing_up(csms, point):
    """Nesting without end, for which there is no text."""
    csms.script["DataTransfer"] = [{"status": "Accepted"}]
    deep = b'{"a":' * 300 + b"1" + b"}" * 300

    async with asyncio.timeout(5):
        printed = await typed(
            point,
            b'{"id": 1, "command": "send", "args": {"action": "DataTransfer", "payload": %s}}' % deep,
            {"id": 2, "command": "data_transfer", "args": {"vendor_id": "us"}},
        )

    assert "send failed" in next(line["error"] for line in printed if line.get("id") == 1)
    assert {"id": 2, "result": {"status": "Accepted"}} in printed


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{nonsense", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "a command is an object"),
        ({"id": "a"}, "unknown command None"),
        ({"id": "a", "command": "fly"}, "unknown command 'fly'"),
        ({"id": "a", "command": "_connector"}, "unknown command"),
        ({"id": "a", "command": "plug_in", "argz": {}}, "unknown member 'argz'"),
        ({"id": "a", "command": "plug_in", "args": [1]}, "args is an object"),
        ({"id": "a", "command": "plug_in", "args": {"where": 1}}, "no argument 'where': it takes connector"),
        ({"id": "a", "command": "plug_in", "args": {"connector": "1"}}, "'connector' must be a whole number"),
        ({"id": "a", "command": "plug_in", "args": {"connector": True}}, "must be a whole number"),
        ({"id": "a", "command": "plug_in", "args": {"connector": 9}}, "there is no connector 9"),
        ({"id": "a", "command": "present_tag"}, "present_tag needs 'token'"),
        ({"id": "a", "command": "present_tag", "args": {"token": ""}}, "a tag has at least one character"),
        ({"id": "a", "command": "raise_fault", "args": {"code": ""}}, "code says what is broken"),
        ({"id": "a", "command": "set_power", "args": {"watts": "x"}}, "'watts' must be a number"),
        ({"id": "a", "command": "set_power", "args": {"watts": -1}}, "watts must be 0 or more"),
        ({"id": "a", "command": "send", "args": {"action": "Heartbeat", "payload": 1}}, "must be an object"),
        ({"id": "a", "command": "unplug"}, "has no cable in it"),
        ({"id": "a", "command": "get_configuration_key", "args": {"keys": "x"}}, "must be a list of texts"),
        ({"id": "a", "command": "get_configuration_key", "args": {"keys": [1]}}, "must be a list of texts"),
        ({"id": "a", "command": "set_configuration_key", "args": {"key": "x"}}, "needs 'value'"),
    ],
)
async def test_bad_line_is_told_what_is_wrong(csms, point, line, says):
    (answer,) = answers(await typed(point, line))

    assert answer["id"] == ("a" if isinstance(line, dict) else None)
    assert says in answer["error"]


async def test_send_returns_the_answer(csms, point):
    line = {"id": "a", "command": "send", "args": {"action": "Heartbeat", "payload": {}}}

    (answer,) = answers(await typed(point, line))

    assert "currentTime" in answer["result"]


async def test_send_tells_of_an_error(csms, point):
    csms.script["Heartbeat"] = [("InternalError", "busy")]
    line = {"id": "a", "command": "send", "args": {"action": "Heartbeat", "payload": {}}}

    (answer,) = answers(await typed(point, line))

    assert answer["error"] == "error InternalError busy"


async def test_variables_of_the_interface_are_printed(csms, point):
    printed = await typed(
        point,
        {"id": "a", "command": "monitor_configuration_keys", "args": {"keys": ["HeartbeatInterval"]}},
        {"id": "b", "command": "set_configuration_key", "args": {"key": "heartbeatinterval", "value": "9"}},
    )

    assert answers(printed)[1] == {"id": "b", "result": "Accepted"}
    (told,) = [line["value"] for line in printed if line.get("variable") == "configuration_key"]
    assert told == {"key": "HeartbeatInterval", "read_only": False, "value": "9"}


async def test_state_describes_everything(csms, point):
    (answer,) = answers(await typed(point, {"id": "a", "command": "state"}))

    assert answer["result"]["is_connected"] is True
    assert answer["result"]["connectors"][0]["status"] == "Available"


@pytest.mark.parametrize("trace", [True, False])
async def test_frames_are_printed_when_asked_for(csms, build, trace):
    point = await ready(build(csms), csms)
    line = {"id": "a", "command": "send", "args": {"action": "Heartbeat", "payload": {}}}

    printed = await typed(point, line, trace=trace)

    assert any(line.get("event") == "ocpp_message" for line in printed) is trace


def test_every_command_is_documented():
    from chargers.virtual.charge_point import ChargePoint

    assert all(getattr(ChargePoint if name in PLAY else OcppChargePoint, name).__doc__ for name in COMMANDS)
