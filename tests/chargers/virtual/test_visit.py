"""One session, and why it may not come about."""

import asyncio

import pytest

from chargers.virtual import visit
from tests.chargers.virtual.conftest import ready


async def test_session_is_heard_to_its_end(csms, build):
    point = await ready(build(csms), csms)

    transaction = await visit.charge(point, "TAG1", seconds=0.05)

    assert csms.of("StopTransaction")[0]["transactionId"] == transaction.number


async def test_session_is_heard_after_an_outage(csms, build):
    """It ends while the CSMS is away, which comes back later."""
    point = await ready(build(csms), csms)
    point.subscribe("transaction", lambda told: told["state"] == "confirmed" and point.client.cut())
    playing = asyncio.ensure_future(visit.charge(point, "TAG1", seconds=0.05))
    await csms.until(lambda: point.connectors[1].status == "Available" and point.delivery)

    await point.go_online()

    assert (await playing).number == (await csms.hears("StopTransaction"))["transactionId"]


async def test_stop_from_afar_ends_the_visit(csms, build):
    point = await ready(build(csms), csms)
    point.subscribe("transaction", lambda told: told["state"] == "confirmed" and end(point))

    transaction = await visit.charge(point, "TAG1", seconds=30)

    assert transaction.reason == "Remote"


def end(point):
    point.charging.end(point.connectors[1], "Remote")


async def test_unreachable_server_is_told(csms, build, monkeypatch):
    monkeypatch.setattr(visit, "REACH_SECONDS", 0.2)
    point = build(csms)
    point.client.url = "ws://127.0.0.1:9/"
    await point.start()

    with pytest.raises(visit.Refused, match="cannot be reached"):
        await visit.charge(point, "TAG1")
