"""Connectors that are kept for somebody."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.virtual.charging import NotPossible
from chargers.wire import clock
from tests.fullstack.scenarios.versions import both
from tests.kit.chargers import in_thread
from tokens.models import Authorization

pytestmark = pytest.mark.once
ids = itertools.count(1)


async def reserves(scene, connector=1, *, token="TAG1", parent="", seconds=3600, number=None):
    """Ask for a reservation; return (status, its id)."""
    number = number or next(ids)
    expires = clock.text(timezone.now() + timedelta(seconds=seconds))
    if scene.is_201:
        order = {"id": number, "expiryDateTime": expires, "idToken": {"idToken": token, "type": "ISO14443"}}
        order |= {"evseId": connector} if connector else {}
        order |= {"groupIdToken": {"idToken": parent, "type": "Central"}} if parent else {}
    else:
        order = {"reservationId": number, "expiryDate": expires, "idTag": token, "connectorId": connector}
        order |= {"parentIdTag": parent} if parent else {}
    return await scene.orders("ReserveNow", order), number


@both
@pytest.mark.acceptance("reservation, local start")
async def test_holder_of_the_tag_may_charge(play, version):
    """Nobody else may, and the transaction names the reservation."""
    scene = await play(version)
    status, number = await reserves(scene)
    assert status == "Accepted"
    await scene.shows("Reserved")

    with pytest.raises(NotPossible):
        await scene.point.present_tag("TAG2")
    await scene.charges("TAG1")

    (stored,) = await scene.transactions()
    assert (stored.reservation_id, stored.id_token) == (number, "TAG1")
    await scene.point.unplug()
    await scene.shows("Available")


@both
@pytest.mark.acceptance("reservation, remote start")
async def test_holder_may_be_started_from_afar(play, version):
    scene = await play(version)
    _, number = await reserves(scene)
    await scene.shows("Reserved")

    assert await scene.starts("TAG2") == "Rejected"
    assert await scene.starts("TAG1") == "Accepted"
    await scene.point.plug_in()

    await scene.shows("Charging")
    await scene.delivers()
    assert [stored.reservation_id for stored in await scene.transactions()] == [number]


@both
@pytest.mark.acceptance("reservation expired")
async def test_reservation_ends_with_its_time(play, version):
    scene = await play(version)

    assert (await reserves(scene, seconds=2))[0] == "Accepted"
    await scene.went("Reserved", "Available")

    await scene.shows("Available")
    await scene.charges("TAG2")
    if scene.is_201:
        assert scene.sent("ReservationStatusUpdate")[0]["reservationUpdateStatus"] == "Expired"


@both
@pytest.mark.acceptance("reservation faulted")
async def test_faulted_connector_cannot_be_reserved(play, version):
    scene = await play(version)
    await scene.point.raise_fault()
    await scene.shows("Faulted")

    assert (await reserves(scene))[0] == "Faulted"


@both
@pytest.mark.acceptance("reservation occupied")
async def test_occupied_connector_cannot_be_reserved(play, version):
    scene = await play(version)
    await scene.point.plug_in()
    await scene.shows("Preparing")

    assert (await reserves(scene))[0] == "Occupied"


@both
@pytest.mark.acceptance("reservation unavailable")
async def test_connector_out_of_service_cannot_be_reserved(play, version):
    scene = await play(version)
    await scene.asks("availability", False, connector=1)
    await scene.shows("Unavailable")

    assert (await reserves(scene))[0] == "Unavailable"


@both
@pytest.mark.acceptance("reservation rejected")
async def test_connector_zero_may_not_be_reservable(play, version):
    scene = await play(version, configuration={"ReserveConnectorZeroSupported": "false"})

    assert (await reserves(scene, connector=0))[0] == "Rejected"

    await scene.shows("Available")


@both
@pytest.mark.acceptance("reservation of connector zero")
async def test_any_connector_is_kept(play, version):
    """Others may charge while one is left for the holder."""
    scene = await play(version, connectors=2, configuration={"ReserveConnectorZeroSupported": "true"})
    status, number = await reserves(scene, connector=0)
    assert status == "Accepted"

    await scene.charges("TAG2", connector=1)
    await scene.shows("Reserved", connector=2)
    await scene.charges("TAG1", connector=2)

    assert [stored.reservation_id for stored in await scene.transactions()] == [None, number]


@both
@pytest.mark.acceptance("reservation cancelled")
async def test_cancelled_reservation_keeps_nothing(play, version):
    scene = await play(version)
    _, number = await reserves(scene)
    await scene.shows("Reserved")

    assert await scene.orders("CancelReservation", {"reservationId": number}) == "Accepted"

    await scene.shows("Available")
    assert await scene.orders("CancelReservation", {"reservationId": number}) == "Rejected"


@both
@pytest.mark.acceptance("reservation by parent id")
async def test_family_may_use_it(play, version):
    """Whoever has the parent that was named with the reservation may charge."""
    scene = await play(version)
    token = f"CHILD-{scene.charger.pk}"
    await in_thread(
        Authorization.objects.create, owner=scene.server.owner, token=token, parent_token="FAMILY"
    )
    _, number = await reserves(scene, parent="FAMILY")
    await scene.shows("Reserved")

    await scene.charges(token)

    assert [(stored.reservation_id, stored.id_token) for stored in await scene.transactions()] == [
        (number, token)
    ]
