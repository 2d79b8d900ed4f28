"""A server that is asked to end finishes what chargers have sent, and says good-bye."""

import asyncio
import itertools
import json

import pytest

from tests.kit.chargers import until
from tests.kit.meters import BOOT, Fleet
from tests.kit.wire import Refused

pytestmark = pytest.mark.django_db


async def test_server_that_ends_answers_what_is_in_hand(station, plug):
    """Chargers are closed with 1012 when they are answered, and its exit code is 0."""
    server = station.serve()
    server.request("POST", "/api/v1/authorizations", {"token": "TAG"})
    fleet = Fleet(lambda: [server])
    # It never stops to talk, so that something of it is in hand at any time.
    talker = asyncio.create_task(talk(await plug(server, "TALKER")))

    async with fleet.at_work():
        await fleet.more()
        server.process.terminate()
        code = await asyncio.to_thread(server.process.wait, 15)
        fleet.abandon()

    assert code == 0, server.log
    fleet.check(station.rows)
    answered, close_code = await talker
    assert close_code == 1012
    stored = station.rows("SELECT message_id FROM chargers_message WHERE action = 'DataTransfer' ORDER BY id")
    assert [row[0] for row in stored] == answered


async def talk(wire):
    """Send one CALL after the other without waiting; return the ids of the answers and the close code."""

    async def pour():
        for number in itertools.count():
            await wire.send(json.dumps([2, str(number), "DataTransfer", {"vendorId": "V"}]))

    pouring = asyncio.create_task(pour())
    answered = []
    while (answer := await wire.receive()) is not None:
        answered.append(answer[1])
    pouring.cancel()
    await asyncio.gather(pouring, return_exceptions=True)
    return answered, wire.close_code


async def test_server_that_ends_lets_nobody_in(station, plug):
    """While it waits for an answer of a charger, /readyz and handshakes say 503."""
    server = station.serve()
    wire = await plug(server)
    await wire.call("BootNotification", BOOT)
    charger = server.request("GET", "/api/v1/chargers")[1]["results"][0]["id"]
    server.request("POST", f"/api/v1/chargers/{charger}/commands", {"action": "ClearCache"})
    call = await wire.receive()

    server.process.terminate()

    await until(lambda: server.readiness() == 503)
    with pytest.raises(Refused, match="503"):
        await plug(server, "CP-2")
    await wire.send(f'[3, "{call[1]}", {{"status": "Accepted"}}]')
    assert await wire.closed() == 1012
    assert await asyncio.to_thread(server.process.wait, 15) == 0
    assert station.rows("SELECT state FROM chargers_command") == [("completed",)]
