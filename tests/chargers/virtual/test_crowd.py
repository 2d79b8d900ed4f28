"""Many charge points in one process."""

import asyncio

import pytest

from chargers.virtual import crowd, fleet

pytestmark = pytest.mark.once

BRISK = fleet.Habit(away=(0.01, 0.02), minutes=(0.5, 1), first=(0, 0.01))


@pytest.fixture
async def three(csms, build, monkeypatch):
    """A crowd of three whose drivers are in a hurry, and the list of what it reports."""
    monkeypatch.setattr(fleet, "UNHOOK", (0.01, 0.02))
    monkeypatch.setattr(crowd, "HABIT", BRISK)
    told = []
    three = crowd.Crowd([build(csms) for _ in range(3)], "TAG1", told.append, per_second=1000)
    three.told = told
    return three


@pytest.fixture
async def living(three):
    """It lives."""
    life = asyncio.create_task(three.live())
    yield three
    life.cancel()


async def test_everyone_charges_now_and_then(csms, living):
    await csms.hears("StartTransaction", 9)

    assert csms.connections == 3
    assert len(csms.of("StopTransaction")) >= 5


async def test_tally_counts_who_is_there(csms, living):
    await csms.hears("StopTransaction")
    await csms.until(lambda: living.tally.sessions)

    living.tell()

    assert (living.told[0]["count"], living.told[0]["accepted"], living.told[0]["refused"]) == (3, 3, 0)


async def test_stop_ends_what_charges(csms, living):
    await csms.hears("StartTransaction", 3)

    await living.stop()
    living.tell()

    assert (living.told[0]["connected"], living.told[0]["charging"]) == (0, 0)
    assert len(csms.of("StopTransaction")) == len(csms.of("StartTransaction"))


async def test_refused_starts_are_told(csms, three):
    csms.script["StartTransaction"] = [{"transactionId": 7, "idTagInfo": {"status": "ConcurrentTx"}}]

    assert await three.charge(0.01) is False

    assert (three.tally.refused, three.tally.failed, three.tally.sessions) == (1, 1, 3)
    await three.stop()


async def test_unreachable_server_is_told(three, csms):
    await csms.__aexit__()

    life = asyncio.create_task(three.live())
    await csms.until(lambda: three.tally.refused >= 3)
    life.cancel()

    three.tell()
    assert three.told[0]["connected"] == 0
    assert three.told[0]["problem"]
