"""The thinnest whole: a server that an operator started, and a charger that connects to it."""

import asyncio

import pytest

from tests.kit.chargers import until
from tests.kit.wire import Refused

# The migrated database is copied; nothing else of it is used.
pytestmark = pytest.mark.django_db

PROCESSES = "SELECT kind FROM csms_serverprocess"
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


async def test_charger_connects_and_boots(station, plug):
    """The process is known before; what the charger said is stored when it is answered."""
    server = station.serve()
    await until(lambda: station.rows(PROCESSES) == [("web",)])

    wire = await plug(server)

    assert (await wire.call("BootNotification", BOOT))["status"] == "Accepted"

    assert station.rows("SELECT identifier, vendor FROM chargers_charger") == [("CP-1", "V")]


@pytest.mark.once
async def test_charger_connects_to_daphne(station, plug):
    """Degraded: refusals are 403 only, and it ends without a drain; but it ends well."""
    server = station.serve("--server", "daphne")
    await until(lambda: station.rows(PROCESSES) == [("web",)])
    wire = await plug(server)

    assert (await wire.call("BootNotification", BOOT))["status"] == "Accepted"
    with pytest.raises(Refused, match="403"):
        await plug(server, "")
    assert await asyncio.to_thread(server.end) == 0
    assert await wire.closed() in (1000, 1001, 1006)


@pytest.mark.slow
@pytest.mark.once
async def test_charger_connects_to_runserver(station, plug):
    """For those who work on the code."""
    station.manage("createsuperuser", "--noinput", "--username=admin", "--email=admin@example.org")
    server = station.start("runserver", "--noreload", "{port}")
    server.await_ready()
    wire = await plug(server)

    assert (await wire.call("BootNotification", BOOT))["status"] == "Accepted"
