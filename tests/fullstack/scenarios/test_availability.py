"""In and out of service."""

import pytest

from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


async def changes(scene, operative, connector=None):
    return await scene.asks("availability", operative, connector=connector)


@both
@pytest.mark.acceptance("availability of a connector")
async def test_connector_out_of_and_into_service(play, version):
    scene = await play(version, connectors=2)

    assert await changes(scene, False, 1) == "Accepted"
    await scene.shows("Unavailable", 1)
    await scene.shows("Available", 2)
    told = len(scene.sent("StatusNotification"))
    assert await changes(scene, False, 1) == "Accepted"
    assert len(scene.sent("StatusNotification")) == told
    assert await changes(scene, True, 1) == "Accepted"

    await scene.shows("Available", 1)


@both
@pytest.mark.acceptance("availability of the charge point")
async def test_charge_point_out_of_and_into_service(play, version):
    scene = await play(version, connectors=2)

    assert await changes(scene, False) == "Accepted"
    places = (1, 2) if scene.is_201 else (0, 1, 2)
    for connector in places:
        await scene.shows("Unavailable", connector)
    assert await changes(scene, True) == "Accepted"

    for connector in places:
        await scene.shows("Available", connector)


@both
@pytest.mark.acceptance("availability scheduled, transaction running")
async def test_driver_may_finish_first(play, version):
    scene = await play(version)
    started = await scene.charges()

    assert await changes(scene, False, 1) == "Scheduled"
    assert await scene.transactions(ended_at=None) == [started]
    await scene.point.unplug()

    await scene.ended(started)
    await scene.shows("Unavailable")
    assert await scene.starts() == "Rejected"


@both
@pytest.mark.acceptance("availability scheduled, cable in")
async def test_driver_who_is_about_to_begin_may(play, version):
    """Who has plugged in keeps the connector until the cable is out; the other goes at once."""
    scene = await play(version, connectors=2)
    await scene.point.plug_in(1)
    await scene.shows("Preparing", 1)

    assert await changes(scene, False) == "Scheduled"
    await scene.shows("Unavailable", 2)
    await scene.shows("Preparing", 1)
    await scene.point.unplug(1)

    await scene.shows("Unavailable", 1)


@both
async def test_there_is_no_such_connector(play, version):
    scene = await play(version)

    assert await changes(scene, False, 9) == "Rejected"

    await scene.shows("Available")
