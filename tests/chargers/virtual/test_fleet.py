"""The drivers of the demo fleet."""

import asyncio

import pytest

from chargers.virtual import fleet

ONE = {"identifier": "CP-1", "password": "", "version": "1.6", "connectors": 1, "kind": "ac"}
BRISK = fleet.Habit(away=(0.01, 0.02), minutes=(0.5, 1), first=(0, 0.01))


@pytest.fixture
async def run(csms, monkeypatch):
    """Return a function that starts the fleet in a hurry, against the scripted CSMS."""
    monkeypatch.setattr(fleet, "UNHOOK", (0.01, 0.02))
    monkeypatch.setattr(fleet, "ARRIVE", 0.01)
    stop, tasks = asyncio.Event(), []

    def start(habit, **charger):
        monkeypatch.setitem(fleet.HABITS, "ac", habit)
        tasks.append(
            asyncio.create_task(fleet.run(csms.url, [ONE | charger], "TAG1", stop, speed=1000, seed=1))
        )

    yield start
    stop.set()
    await asyncio.gather(*tasks)


async def test_first_driver_comes_at_once(csms, run):
    run(fleet.Habit(away=(600, 600), minutes=(20, 30), first=(600, 600)))

    assert (await csms.hears("StartTransaction"))["idTag"] == "TAG1"


async def test_last_driver_stays_while_nobody_else_charges(csms, run):
    """With one connector, that is for ever: something charges at any moment."""
    run(BRISK)
    await csms.hears("MeterValues", 5)

    assert not csms.of("StopTransaction")


async def test_drivers_take_turns(csms, run):
    run(BRISK, connectors=2)

    await csms.hears("StartTransaction", 4)
    assert len(csms.of("StopTransaction")) >= 2


async def test_start_from_afar_brings_a_car(csms, run):
    run(fleet.Habit(away=(600, 600), minutes=(20, 30), first=(600, 600)), connectors=2)
    await csms.hears("StartTransaction")

    await csms.call("RemoteStartTransaction", {"idTag": "STAFF", "connectorId": 2})
    second = await csms.hears("StartTransaction", 2)

    assert (second["idTag"], second["connectorId"]) == ("STAFF", 2)


async def test_stop_from_afar_sends_the_driver_away(csms, run):
    run(fleet.Habit(away=(600, 600), minutes=(600, 600), first=(600, 600)))
    await csms.hears("MeterValues")

    await csms.call("RemoteStopTransaction", {"transactionId": 100})

    await csms.until(lambda: csms.of("StatusNotification")[-1]["status"] == "Available")


def test_every_kind_of_the_demo_has_its_habit():
    assert set(fleet.HABITS) == {"ac", "dc", "faulty", "idle"}
