"""Processes that die without warning: what was acknowledged is there, and no transaction is there twice."""

import asyncio

import pytest

from tests.kit.meters import Fleet

pytestmark = pytest.mark.django_db


@pytest.mark.spec("design", "4: nothing is acknowledged that is not durable")
async def test_killed_under_load_loses_nothing_acknowledged(station):
    """kill -9 in the middle of commits; the chargers send again what was not answered."""
    running = [station.serve()]
    running[0].request("POST", "/api/v1/authorizations", {"token": "TAG"})
    fleet = Fleet(lambda: running)

    async with fleet.at_work():
        await fleet.more()
        running[0].kill()
        running[0] = await asyncio.to_thread(station.serve)
        await fleet.more()

    fleet.check(station.rows)
