"""Starts and stops from afar."""

import pytest

from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("remote start, cable first")
async def test_cable_then_remote_start(play, version):
    scene = await play(version)
    await scene.point.plug_in()

    assert await scene.starts() == "Accepted"

    await scene.shows("Charging")
    await scene.delivers()
    (stored,) = await scene.transactions()
    assert (stored.id_token, stored.ended_at) == ("TAG1", None)
    assert scene.sent("Authorize") == []


@both
@pytest.mark.acceptance("remote start, remote first")
async def test_remote_start_then_cable(play, version):
    scene = await play(version)

    assert await scene.starts() == "Accepted"
    await scene.shows("Preparing")
    await scene.point.plug_in()

    await scene.shows("Charging")
    await scene.delivers()
    assert [stored.id_token for stored in await scene.transactions()] == ["TAG1"]


@both
@pytest.mark.acceptance("remote start with time-out")
async def test_nobody_plugs_in_after_a_remote_start(play, version):
    scene = await play(version, configuration={"ConnectionTimeOut": 60})

    assert await scene.starts() == "Accepted"
    await scene.went("Preparing", "Available")
    await scene.shows("Available")

    assert await scene.transactions() == []
    assert [each["connector"] for each in scene.told["remote_start"]] == [1]


@both
@pytest.mark.acceptance("remote start without connector")
async def test_remote_start_goes_where_the_cable_is(play, version):
    scene = await play(version, connectors=2)
    await scene.point.plug_in(2)

    assert await scene.starts(connector=None) == "Accepted"

    await scene.shows("Charging", connector=2)
    await scene.shows("Available", connector=1)


@both
@pytest.mark.acceptance("remote start doubled")
async def test_second_remote_start_is_rejected(play, version):
    scene = await play(version)
    await scene.point.plug_in()
    await scene.starts()
    await scene.shows("Charging")
    await scene.delivers()

    assert await scene.starts("TAG2") == "Rejected"

    assert [stored.id_token for stored in await scene.transactions()] == ["TAG1"]


@both
async def test_remote_start_may_have_to_be_authorized(play, version):
    """With AuthorizeRemoteTxRequests the charge point asks first, and the token must be known."""
    scene = await play(version, configuration={"AuthorizeRemoteTxRequests": "true"})
    await scene.point.plug_in()

    assert await scene.starts("NOBODY") == "Accepted"
    await scene.sends("Authorize")
    assert await scene.starts("TAG1") == "Accepted"

    await scene.shows("Charging")
    await scene.delivers()
    assert [stored.id_token for stored in await scene.transactions()] == ["TAG1"]


@both
async def test_remote_stop_ends_it(play, version):
    scene = await play(version)
    started = await scene.charges()

    assert await scene.stops(started) == "Accepted"

    assert (await scene.ended(started)).stop_reason == "Remote"
    await scene.shows("Finishing")


@both
@pytest.mark.acceptance("remote stop rejected")
async def test_remote_stop_of_what_does_not_run_is_rejected(play, version):
    scene = await play(version)
    started = await scene.charges()

    number = "no such transaction" if scene.is_201 else started.pk + 1000
    assert await scene.asks("stop", number) == "Rejected"

    assert await scene.transactions(ended_at=None) == [started]
    assert scene.point.connectors[1].transaction is not None
