"""Redis comes and goes; commands arrive all the same, since rows are the truth."""

import asyncio

import pytest
from django.db import connection  # noqa: F401  (the condition below)

from tests import services
from tests.kit.gate import Gate
from tests.kit.installation import free_port

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.redis,
    pytest.mark.slow,
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="Redis is the same beside both databases"),
]

# A wake-up that is lost costs up to a beat of 5 s: of two commands in a row one would take longer than this.
WITHIN = 4


@pytest.fixture
async def gate():
    """A closed gate before Redis."""
    gate = Gate(services.REDIS_URL, free_port())
    yield gate
    await gate.close()


@pytest.fixture
def pair(install, gate):
    """Two servers that reach Redis through the gate."""
    return install(REDIS_URL=gate.url).serve_many(2)


@pytest.fixture
async def obedient(pair, plug):
    """A charger on the second server that answers every command."""
    wire = await plug(pair[1])

    async def obey():
        while (call := await wire.receive()) is not None:
            await wire.send(f'[3, "{call[1]}", {{"status": "Accepted"}}]')

    obeying = asyncio.create_task(obey())
    yield
    obeying.cancel()
    await asyncio.gather(obeying, return_exceptions=True)


async def order(server, wait):
    """Post a command to `server` and return the status of the answer."""
    charger = (await server.ask("GET", "/api/v1/chargers"))[1]["results"][0]["id"]
    body = {"action": "ClearCache", "wait": wait}
    return (await server.ask("POST", f"/api/v1/chargers/{charger}/commands", body))[0]


async def woken(server):
    """Wait until commands come by wake-ups: two in a row arrive sooner than beats could bring them."""
    async with asyncio.timeout(40):
        while [await order(server, WITHIN), await order(server, WITHIN)] != [200, 200]:
            pass


@pytest.mark.timeout(150)
async def test_commands_arrive_whatever_redis_does(pair, gate, obedient):
    """Absent from the start, there, silent for longer than its clients' time-out, gone, there again."""
    assert await order(pair[0], 20) == 200

    await gate.open()
    await woken(pair[0])
    await asyncio.sleep(8)
    assert [await order(pair[0], WITHIN), await order(pair[0], WITHIN)] == [200, 200]

    await gate.close()
    assert await order(pair[0], 20) == 200

    await gate.open()
    await woken(pair[0])
