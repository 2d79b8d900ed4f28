"""Resets: one restart for one cause, and nothing begins on the way to it."""

import pytest

from chargers.virtual.charging import NotPossible
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import SILENCE

pytestmark = pytest.mark.once


async def charging(server, point):
    await point.plug_in()
    await point.present_tag("TAG1")
    await server.until(lambda: point.connectors[1].transaction and not point.delivery)


def resets(point):
    """Return what will be told of resets."""
    told = []
    point.subscribe("reset", told.append)
    return told


@pytest.fixture
async def resetting(csms, build):
    """A charge point with two connectors that resets, and waits for the answer to its StopTransaction."""
    point = await ready(build(csms, connectors=2, call_timeout=0.3), csms)
    await charging(csms, point)
    csms.script["StopTransaction"] = [SILENCE]
    await point.plug_in(2)
    await csms.call("Reset", {"type": "Soft"})
    await csms.hears("StopTransaction")
    return point


async def test_nothing_begins_on_the_way_to_a_reset(csms, resetting):
    """It could not be ended properly any more."""
    start = await csms.call("RemoteStartTransaction", {"idTag": "TAG2", "connectorId": 2})
    with pytest.raises(NotPossible):
        await resetting.present_tag("TAG2", 2)
    await csms.hears("BootNotification", 2)

    assert start.payload == {"status": "Rejected"}
    assert len(csms.of("StartTransaction")) == 1


async def test_tag_that_waits_for_its_cable_is_forgotten_by_a_reset(csms, build):
    point = await ready(build(csms, connectors=2, call_timeout=0.3), csms)
    await charging(csms, point)
    csms.script["StopTransaction"] = [SILENCE]
    await point.present_tag("TAG2", 2)

    await csms.call("Reset", {"type": "Soft"})
    await point.plug_in(2)
    await csms.hears("BootNotification", 2)

    assert len(csms.of("StartTransaction")) == 1


async def test_power_cycle_does_for_a_reset_that_was_on_its_way(csms, resetting):
    told = resets(resetting)

    await resetting.power_cycle()
    await csms.until(lambda: resetting.is_online and not resetting.operations.is_resetting)
    await csms.until(lambda: not resetting.delivery)

    assert told == [{"reason": "PowerLoss"}]
    assert len(csms.of("BootNotification")) == 2


async def test_power_cycle_does_for_a_reset_that_waits_for_the_driver(csms201, point201):
    told = resets(point201)
    await charging(csms201, point201)
    await csms201.call("Reset", {"type": "OnIdle"})

    await point201.power_cycle()
    await csms201.hears("BootNotification", 2)

    assert told == [{"reason": "PowerLoss"}]
    assert csms201.of("BootNotification")[1]["reason"] == "PowerUp"


async def test_reset_that_waits_for_the_driver_ends_with_a_stop(csms201, point201):
    """The next start boots anyway."""
    told = resets(point201)
    await charging(csms201, point201)
    await csms201.call("Reset", {"type": "OnIdle"})

    await point201.stop()

    assert (told, csms201.connections) == ([], 1)
