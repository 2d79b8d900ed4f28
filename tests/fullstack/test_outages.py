"""A database that goes away or is full under load: nothing acknowledged is lost, and answers resume."""

import asyncio

import pytest
from django.db import connection  # noqa: F401  (the conditions below)

from tests.kit.chargers import until
from tests.kit.cluster import Cluster
from tests.kit.installation import Installation
from tests.kit.meters import Fleet

pytestmark = pytest.mark.django_db

# Of what chargers asked; what the server asks them, these never answer.
ANSWERED = "SELECT DISTINCT outcome FROM chargers_message WHERE origin = 'charger'"


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's files are the server's own")
async def test_full_disk_loses_nothing_acknowledged(station):
    """Small writes may still go through; nobody is answered what was not stored."""
    server = station.serve()
    server.request("POST", "/api/v1/authorizations", {"token": "TAG"})
    fleet = Fleet(lambda: [server])

    async with fleet.at_work():
        await fleet.more()
        server.limit_files(64 * 1024)
        await fleet.halt()
        server.limit_files(None)
        await fleet.more()

    fleet.check(station.rows)
    assert "database.away" in server.log
    assert station.rows(ANSWERED) == [("result",)]


@pytest.fixture
def cluster(request):
    """A PostgreSQL server of our own."""
    try:
        made = Cluster(**getattr(request, "param", {}))
    except PermissionError as problem:
        pytest.skip(str(problem))
    yield made
    made.drop()


@pytest.fixture
def clustered(cluster, tmp_path):
    """A server on it, with a token that may charge."""
    station = Installation(tmp_path, cluster)
    station.manage("migrate", "-v0")
    server = station.serve()
    server.request("POST", "/api/v1/authorizations", {"token": "TAG"})
    yield server
    server.kill()


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.postgres  # in one of the two runs
@pytest.mark.timeout(120)
async def test_restart_of_postgresql_loses_nothing_acknowledged(cluster, clustered):
    """An orderly one, one as after a power cut, and one that takes so long that chargers are sent away."""
    fleet = Fleet(lambda: [clustered])

    async with fleet.at_work():
        for mode in ("fast", "immediate"):
            await fleet.more()
            await asyncio.to_thread(cluster.stop, mode)
            await asyncio.to_thread(cluster.start)
        await fleet.more()
        assert fleet.close_codes == set()  # a short one goes unnoticed

        await asyncio.to_thread(cluster.stop)
        await until(lambda: clustered.readiness() == 503)
        await until(lambda: 503 in fleet.refusals, 30)
        await asyncio.to_thread(cluster.start)
        await fleet.more()
        await until(lambda: clustered.readiness() == 200)

    assert 1013 in fleet.close_codes
    fleet.check(cluster.rows)

    await asyncio.to_thread(cluster.stop)
    assert await asyncio.to_thread(clustered.end, 40) == 0  # also without its database


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.postgres  # in one of the two runs
@pytest.mark.timeout(120)
@pytest.mark.parametrize("cluster", [{"disk": 300 * 1024 * 1024}], indirect=True)
async def test_full_disk_of_postgresql_loses_nothing_acknowledged(cluster, clustered):
    """No table can grow; what waits is stored as soon as there is room."""
    fleet = Fleet(lambda: [clustered])

    async with fleet.at_work():
        await fleet.more()
        await asyncio.to_thread(cluster.fill_disk)
        await fleet.halt()
        await asyncio.to_thread(cluster.clear_disk)
        await fleet.more()

    fleet.check(cluster.rows)
    assert "database.away" in clustered.log
