"""Instructions between two server processes that share a database and Redis, and past the death of one."""

import asyncio

import pytest

from tests import services
from tests.fullstack.test_processes import charger_of, obey
from tests.kit.instructions import BASE
from tests.kit.meters import BOOT

pytestmark = [pytest.mark.django_db, pytest.mark.redis]

SECONDS = 20


@pytest.fixture(scope="module")
def pair(install):
    """Two servers of one installation."""
    return install(REDIS_URL=services.REDIS_URL).serve_many(2)


@pytest.fixture
def mortals(install):
    """Two servers of another installation, for a test that kills one."""
    return install(REDIS_URL=services.REDIS_URL).serve_many(2)


async def instruct(server, identifier, action="ClearCache", *, verb="add", **fields):
    """Post an instruction at `server`; return it."""
    params = {"chargerIdentifier": identifier, "action": action}
    status, answer = await server.ask(
        "POST", f"{BASE}/{verb}/OCPP_v16", {"nodeId": 1, "params": params, **fields}
    )
    assert status == 200, answer
    return answer["data"]


async def cancel(server, row):
    """Return the status of the answer."""
    return (await server.ask("POST", f"{BASE}/updateState?id={row['id']}&state=Declined"))[0]


async def ended(server, row):
    """Return the instruction once it has ended."""
    async with asyncio.timeout(SECONDS):
        while row["state"] not in ("Completed", "Declined"):
            await asyncio.sleep(0.05)
            row = await view(server, row)
    return row


async def _offline(server, identifier):
    async with asyncio.timeout(SECONDS):
        while (await charger_of(server, identifier))["is_online"]:
            await asyncio.sleep(0.05)


async def view(server, row):
    return (await server.ask("GET", f"{BASE}/view?id={row['id']}"))[1]["data"]


async def test_exec_hears_a_charger_on_the_other_process(pair, plug):
    """Whoever waits gets the answer where the instruction was posted."""
    wire = await plug(pair[1], "ACROSS")

    row, action = await asyncio.gather(instruct(pair[0], "ACROSS", verb="exec"), obey(wire))

    assert (row["state"], row["resultParameters"], action) == (
        "Completed",
        {"status": "Accepted"},
        "ClearCache",
    )


async def test_instruction_that_waited_is_sent_by_whoever_gets_the_charger(pair, plug):
    """It was offline when one process took the instruction, and connects to the other."""
    wire = await plug(pair[0], "LATE")
    await wire.call("BootNotification", BOOT)
    wire.abort()
    await _offline(pair[0], "LATE")
    row = await instruct(pair[0], "LATE")
    assert row["state"] == "Received"

    wire = await plug(pair[1], "LATE")
    await wire.call("BootNotification", BOOT)
    assert await obey(wire) == "ClearCache"

    assert (await ended(pair[0], row))["state"] == "Completed"


async def test_what_waits_behind_another_can_be_cancelled_elsewhere(pair, plug):
    """What was sent cannot be; the charger never hears of the cancelled one."""
    wire = await plug(pair[1], "BUSY")
    first = await instruct(pair[0], "BUSY")
    call = await wire.receive()
    second, third = [
        await instruct(pair[0], "BUSY", action) for action in ("GetLocalListVersion", "GetConfiguration")
    ]
    assert [(await view(pair[0], row))["state"] for row in (first, second)] == ["Executing", "Received"]

    statuses = [await cancel(pair[0], row) for row in (first, second)]
    await wire.send(f'[3, "{call[1]}", {{"status": "Accepted"}}]')

    assert statuses == [422, 200]
    assert (await wire.receive())[2] == "GetConfiguration"
    assert [(await ended(pair[0], row))["state"] for row in (first, second)] == ["Completed", "Declined"]
    assert (await view(pair[0], third))["state"] == "Executing"


async def test_charger_of_a_killed_process_takes_instructions_at_another(mortals, plug):
    """What the dead one had sent stays Executing, for nobody knows what became of it; it holds up nothing."""
    dying, living = mortals
    wire = await plug(dying, "LOST")
    lost = await instruct(dying, "LOST")
    assert (await wire.receive())[2] == "ClearCache"
    dying.kill()
    wire = await plug(living, "LOST")

    row, action = await asyncio.gather(instruct(living, "LOST", "GetConfiguration", verb="exec"), obey(wire))

    assert (action, row["state"]) == ("GetConfiguration", "Completed")
    assert (await view(living, lost))["state"] == "Executing"
    assert await cancel(living, lost) == 422
