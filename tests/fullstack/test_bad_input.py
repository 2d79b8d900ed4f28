"""What broken and hostile chargers send to a live server: a clear error or close code, and no harm."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.kit.meters import BOOT
from tests.kit.wire import BINARY, CLOSE, CONTINUATION, PING, TEXT, Refused, Wire, frame

pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def station(install):
    """An installation for all tests of this module: what one sends must not harm the next."""
    station = install()
    station.serve()
    return station


@pytest.fixture(scope="module")
def live(station):
    """Its server."""
    return station.servers[0]


@pytest.fixture(autouse=True)
def _unharmed(live):
    """After each test the server lives and has logged no traceback."""
    yield
    assert live.process.poll() is None
    assert live.readiness() == 200
    assert "Traceback" not in live.log


@pytest.fixture
async def wire(live, plug):
    """A charger that has booted."""
    wire = await plug(live)
    await wire.call("BootNotification", BOOT)
    return wire


def heartbeat(message_id="h"):
    return json.dumps([2, message_id, "Heartbeat", {}])


def stored(station, identifier):
    """Return how many messages of a charger are in the log."""
    log = "chargers_message m JOIN chargers_charger c ON c.id = m.charger_id"
    return station.rows(f"SELECT count(*) FROM {log} WHERE identifier = '{identifier}'")[0][0]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b" " * 5 * MEGABYTE), 1009),
        (frame(TEXT, b"[" * MEGABYTE, fin=False) + frame(CONTINUATION, b"[" * MEGABYTE), 1009),
        (frame(TEXT, b'[2,"\xff","Heartbeat",{}]'), 1007),
        (frame(TEXT, heartbeat().encode(), masked=False), 1002),
        (frame(CONTINUATION, b"no beginning"), 1002),
        (frame(TEXT, b"[2", fin=False) + frame(TEXT, b"another"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(3, b"reserved"), 1002),
        (bytes([0xC1, 0x80]) + bytes(4), 1002),
        (frame(CLOSE, b"\x00\x01"), 1002),
    ],
    ids="5MB two-fragments utf8 unmasked continuation interleaved ping opcode compressed close".split(),
)
async def test_broken_frame_closes_with_its_code(wire, sent, code):
    """What cannot be a message of OCPP-J ends the socket, as RFC 6455 says."""
    # The server need not read to the end of what it refuses.
    writing = asyncio.create_task(wire.write(sent))

    assert await wire.closed() == code

    await asyncio.gather(writing, return_exceptions=True)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("[" * 100_000, [4, "-1", "FormationViolation"]),
        ('[2, "1", "Heartbeat", ' + '{"a":' * 5000 + "1" + "}" * 5001, [4, "1", "FormationViolation"]),
        ('[2, "1", "DataTransfer", {"vendorId": NaN}]', [4, "1", "FormationViolation"]),
        ('[2, "1", "DataTransfer", {"vendorId": 1e999}]', [4, "1", "FormationViolation"]),
        ("", [4, "-1", "FormationViolation"]),
        ("{}", [4, "-1", "FormationViolation"]),
        ("[2]", [4, "-1", "FormationViolation"]),
        ('[2, "1", "Heartbeat"', [4, "1", "FormationViolation"]),
        ('[2, "1", "\\u0000", {}]', [4, "1", "NotImplemented"]),
        ('[2, {"a": 1}, "Heartbeat", {}]', [4, "-1", "FormationViolation"]),
    ],
    ids="brackets nested nan infinity empty object short cut nul-action id".split(),
)
async def test_unreadable_message_is_answered(wire, text, answer):
    """With a CALLERROR, and the socket goes on."""
    await wire.send(text)
    assert (await wire.receive())[:3] == answer
    assert (await wire.call("Heartbeat", {}))["currentTime"]


@pytest.mark.parametrize(
    "value", ["\\u0000", "\\ud800", "\\udfff\\u0000", "x" * 900_000], ids="nul high low long".split()
)
async def test_text_that_no_database_takes_is_taken(station, live, plug, value, request):
    """NUL and half surrogate pairs are replaced; what was said is stored and answered."""
    identifier = f"TEXT-{request.node.callspec.id}"
    wire = await plug(live, identifier)
    await wire.send(f'[2, "{value[:6]}", "DataTransfer", {{"vendorId": "V", "data": "{value}"}}]')
    answer = await wire.receive()
    assert (answer[0], answer[2]) == (3, {"status": "UnknownVendorId"})
    assert stored(station, identifier) == 1


async def test_huge_numbers_are_taken(live, plug, station):
    """In ids, registers and transaction numbers, beyond what any column holds."""
    wire = await plug(live, "HUGE")
    huge = 10**400
    await wire.send(f'[2, {huge}, "Heartbeat", {{}}]')
    assert (await wire.receive())[0] == 3
    sample = {"value": str(huge), "measurand": "Energy.Active.Import.Register"}
    value = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sample]}
    values = {"connectorId": huge, "transactionId": huge, "meterValue": [value]}
    assert await wire.call("MeterValues", values) == {}
    stop = {"transactionId": 2**63, "meterStop": -(2**70), "timestamp": "x"}
    assert await wire.call("StopTransaction", stop) == {}
    assert stored(station, "HUGE") == 3


async def test_binary_frame_that_holds_a_message_is_understood(wire):
    """Some chargers do not know the difference."""
    await wire.write(frame(BINARY, heartbeat("b").encode()))
    assert (await wire.receive())[:2] == [3, "b"]
    await wire.write(frame(BINARY, bytes(range(256))))
    assert (await wire.receive())[:2] == [4, "-1"]


async def test_message_in_many_fragments_is_understood(wire):
    """A byte a frame, with a ping in between."""
    first, *rest = heartbeat("f").encode()
    parts = [frame(TEXT, bytes([first]), fin=False), frame(PING, b"?")]
    parts += [frame(CONTINUATION, bytes([byte]), fin=False) for byte in rest]
    await wire.write(b"".join(parts) + frame(CONTINUATION))
    assert (await wire.receive())[:2] == [3, "f"]


@pytest.mark.parametrize("length", [5000, 9000, 70_000, 1_000_000])
async def test_overlong_path_is_refused(live, length):
    """With a status of the 400s, wherever it became too much."""
    with pytest.raises(Refused, match=r" (400|404|414|431) "):
        await Wire.open(live.port, "/ocpp/" + "x" * length)


async def test_overlong_header_is_refused(live):
    """As the path."""
    with pytest.raises(Refused, match=r" (400|431) "):
        await Wire.open(live.port, protocol="x" * 20_000)


async def test_overlong_path_of_a_page_is_refused(live):
    """Without a websocket as with one."""
    assert (await live.ask("GET", "/" + "x" * 60_000))[0] == 404


@pytest.mark.parametrize("pieces", [5, 100])
async def test_body_without_end_is_refused(live, pieces):
    """Without a key nobody fills the disk; who sent a little too much reads why."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    head = b"POST /solaruser/api/v1/sec/user/ocpp/chargers HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
    writer.writelines([b"100000\r\n" + b"x" * MEGABYTE + b"\r\n"] * pieces)

    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.transport.abort()


async def test_header_without_end_is_refused(live):
    """Before it has filled the memory."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"x" * 100_000)

    answer = await asyncio.wait_for(reader.read(), 10)

    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_flood_on_one_socket_harms_nobody(station, live, plug, count):
    """Messages without waiting: all are answered in order, others meanwhile, memory stays flat."""
    identifier = f"FLOOD-{count}"
    flooding, other = await plug(live, identifier), await plug(live, "OTHER")
    await other.call("BootNotification", BOOT)
    before = live.memory()

    async def pour():
        for number in range(count):
            await flooding.send(json.dumps([2, number, "DataTransfer", {"vendorId": "V"}]))

    async def drink():
        return [(await flooding.receive())[1] for _ in range(count)]

    pouring, drinking = asyncio.create_task(pour()), asyncio.create_task(drink())
    for _ in range(20):
        await other.call("BootNotification", BOOT)

    assert not drinking.done()
    assert await drinking == list(range(count))
    await pouring
    assert stored(station, identifier) == count
    assert live.memory() - before < 16 * MEGABYTE


async def test_client_that_never_reads_is_read_no_more(live, plug):
    """Its pings are not answered into memory without end."""
    deaf = await plug(live, "DEAF")
    pings = frame(PING, b"x" * 125) * 10_000

    assert await taken(deaf, pings, most=40) < 40


async def taken(wire, data, *, most):
    """Write `data` until a second passes without anyone reading it; return how often that went well."""
    for count in range(most):
        try:
            async with asyncio.timeout(1):
                await wire.write(data)
        except TimeoutError:
            return count
    return most


async def test_peer_that_dies_is_noticed_by_the_kernel(live, plug):
    """The accepted socket has a keepalive timer, also while nothing is sent."""
    port = (await plug(live, "IDLE")).port

    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = {(line[1][-4:], line[2][-4:]): line[5] for line in lines}
    assert ends[f"{live.port:04X}", f"{port:04X}"].startswith("02:")  # 02 is the keepalive timer
