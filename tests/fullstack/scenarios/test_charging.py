"""Sessions that drivers begin and end: cables, tags, and whoever loses patience."""

import pytest

from chargers.virtual.charging import NotPossible
from tests.fullstack.scenarios.versions import both
from tests.kit.chargers import in_thread
from tokens.models import Authorization

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("charging by plug first")
async def test_cable_then_tag(play, version):
    scene = await play(version)

    await scene.point.plug_in()
    await scene.shows("Preparing")
    assert await scene.point.present_tag("TAG1") == "Accepted"

    await scene.shows("Charging")
    await scene.delivers()
    (stored,) = await scene.transactions()
    assert (stored.id_token, stored.authorization_status, stored.ended_at) == ("TAG1", "Accepted", None)


@both
@pytest.mark.acceptance("charging by tag first")
async def test_tag_then_cable(play, version):
    scene = await play(version)

    assert await scene.point.present_tag("TAG1") == "Accepted"
    await scene.shows("Preparing")
    assert await scene.transactions() == []
    await scene.point.plug_in()

    await scene.shows("Charging")
    await scene.delivers()
    assert [stored.id_token for stored in await scene.transactions()] == ["TAG1"]


@both
@pytest.mark.acceptance("connection time-out")
async def test_nobody_plugs_in(play, version):
    """A tag without a cable is forgotten; who then plugs in does not charge."""
    scene = await play(version, configuration={"ConnectionTimeOut": 60})

    await scene.point.present_tag("TAG1")
    await scene.went("Preparing", "Available")
    await scene.shows("Available")
    await scene.point.plug_in()

    await scene.shows("Preparing")
    assert await scene.transactions() == []


@both
@pytest.mark.acceptance("stop by same tag")
async def test_same_tag_ends_it(play, version):
    scene = await play(version)
    started = await scene.charges("TAG1")

    assert await scene.point.present_tag("tag1") == "Accepted"

    stored = await scene.ended(started)
    assert (stored.stop_reason, stored.end_id_token.upper()) == ("Local", "TAG1")
    await scene.shows("Finishing")
    await scene.point.unplug()
    await scene.shows("Available")


@both
@pytest.mark.acceptance("stop by parent")
async def test_tag_of_the_same_parent_ends_it(play, server, version):
    scene = await play(version)
    for token in (first := f"A-{scene.charger.pk}", second := f"B-{scene.charger.pk}"):
        await in_thread(Authorization.objects.create, owner=server.owner, token=token, parent_token="FAMILY")
    started = await scene.charges(first)

    assert await scene.point.present_tag(second) == "Accepted"

    stored = await scene.ended(started)
    assert (stored.id_token, stored.end_id_token) == (first, second)


@both
async def test_another_tag_does_not_end_it(play, version):
    """It may charge, but not here and now."""
    scene = await play(version)
    started = await scene.charges("TAG1")

    with pytest.raises(NotPossible):
        await scene.point.present_tag("TAG2")

    assert await scene.transactions(ended_at=None) == [started]


@both
@pytest.mark.acceptance("EV-side disconnect")
async def test_departure_ends_it(play, version):
    scene = await play(version)
    started = await scene.charges()

    await scene.point.unplug()

    stored = await scene.ended(started)
    assert stored.stop_reason == "EVDisconnected"
    assert stored.energy_wh == stored.end_wh - stored.start_wh > 0
    await scene.shows("Available")
