"""Two server processes that share a database and Redis behave as one."""

import asyncio

import pytest

from tests import services
from tests.kit.chargers import until
from tests.kit.meters import BOOT

pytestmark = [pytest.mark.django_db, pytest.mark.redis]


@pytest.fixture(scope="module")
def pair(install):
    """Two servers of one installation."""
    station = install(REDIS_URL=services.REDIS_URL)
    servers = station.serve_many(2)
    servers[0].request("POST", "/api/v1/authorizations", {"token": "TAG"})
    return servers


async def charger_of(server, identifier):
    """Return the charger as the API of `server` shows it."""
    status, page = await server.ask("GET", f"/api/v1/chargers?identifier={identifier}")
    assert status == 200, page
    return page["results"][0]


async def order(server, identifier, **options):
    """Post a ClearCache by the API of `server`."""
    charger = await charger_of(server, identifier)
    body = {"action": "ClearCache", "payload": {}, **options}
    return await server.ask("POST", f"/api/v1/chargers/{charger['id']}/commands", body)


async def obey(wire):
    """Answer the next CALL of the server."""
    call = await wire.receive()
    await wire.send(f'[3, "{call[1]}", {{"status": "Accepted"}}]')
    return call[2]


async def test_command_reaches_a_charger_on_the_other_process(pair, plug):
    """Whoever waits for the answer hears it where the command was posted."""
    wire = await plug(pair[1], "ACROSS")

    (status, command), action = await asyncio.gather(order(pair[0], "ACROSS", wait=20), obey(wire))

    assert (status, action) == (200, "ClearCache")
    assert (command["state"], command["result"]) == ("completed", {"status": "Accepted"})


async def test_charger_removed_at_one_process_is_hung_up_by_the_other(pair, plug):
    """Its socket does not outlive it, whoever holds it."""
    wire = await plug(pair[1], "REMOVED")
    charger = await charger_of(pair[0], "REMOVED")

    assert (await pair[0].ask("DELETE", f"/api/v1/chargers/{charger['id']}"))[0] == 204

    assert await wire.closed() == 1008


@pytest.mark.parametrize("what", ["settings", "chargers/settings", "connectors"])
async def test_saves_and_deletes_of_one_row_take_turns(pair, plug, what):
    """Whoever comes between finds a row or none; nobody meets an error of ours."""
    await plug(pair[0], "SHARED")
    number = (await charger_of(pair[0], "SHARED"))["id"]
    ours = "/solaruser/api/v1/sec/user/ocpp"
    body = {
        "chargePointId": number,
        "connectorId": 1,
        "sourceIdTemplate": "/x",
        "info": {"status": "Faulted"},
    }
    one = {"settings": "settings", "chargers/settings": f"chargers/{number}/settings"}.get(
        what, f"connectors/{number}/1"
    )
    asked = [("POST", f"{ours}/{what}", body), ("POST", f"{ours}/{what}", body), ("DELETE", f"{ours}/{one}")]

    answers = await asyncio.gather(*(pair[turn % 2].ask(*asked[turn % 3]) for turn in range(60)))

    assert {status for status, _ in answers} <= {200, 404}


async def test_charger_that_moves_keeps_its_truth(pair, plug):
    """The old socket is closed, presence is with the new one, the transaction runs on."""
    before = await plug(pair[0], "MOVING")
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
    await before.call("BootNotification", BOOT)
    number = (await before.call("StartTransaction", start))["transactionId"]

    after = await plug(pair[1], "MOVING")

    assert await before.closed() == 1000
    assert (await after.call("StartTransaction", start))["transactionId"] == number
    charger = await charger_of(pair[0], "MOVING")
    assert charger["is_online"]
    page = (await pair[0].ask("GET", f"/api/v1/transactions?charger={charger['id']}"))[1]
    assert [(row["id"], row["ended_at"]) for row in page["results"]] == [(number, None)]
    (status, _), _ = await asyncio.gather(order(pair[0], "MOVING", wait=20), obey(after))
    assert status == 200


@pytest.mark.slow
async def test_chargers_of_a_killed_process_are_offline_soon(station, plug):
    """15 s after its last beat; and a charger that found the living process is online there."""
    dying, living = station.serve_many(2)
    await plug(dying, "LOST")
    await plug(dying, "FOUND")
    dying.kill()
    await plug(living, "FOUND")

    async def is_online(identifier):
        return (await charger_of(living, identifier))["is_online"]

    assert await is_online("LOST")
    async with asyncio.timeout(15.5):
        while await is_online("LOST"):
            await asyncio.sleep(0.1)
    assert await is_online("FOUND")
    ended = "SELECT identifier FROM chargers_presence JOIN chargers_charger c ON c.id = charger_id WHERE token IS NULL"
    await until(lambda: station.rows(ended) == [("LOST",)], 12)
