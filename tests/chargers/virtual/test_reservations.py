"""Connectors that are kept for somebody, in both versions."""

from datetime import UTC, datetime, timedelta

import pytest

from chargers.virtual.charging import NotPossible
from chargers.wire import clock
from chargers.wire.validation import V16
from tests.chargers.virtual.conftest import ready
from tests.kit.steered_clock import START, SteeredClock

pytestmark = pytest.mark.once
HOUR = timedelta(hours=1)


def order(server, number=1, *, connector=1, token="TAG1", group="", until=None):
    """Return the payload of a ReserveNow, for an hour if nothing is said; connector 0 is any."""
    until = until or START + HOUR
    if server.version == V16:
        payload = {"connectorId": connector, "expiryDate": clock.text(until), "idTag": token}
        return payload | {"reservationId": number} | ({"parentIdTag": group} if group else {})
    payload = {"id": number, "expiryDateTime": clock.text(until), "idToken": id_token(token)}
    payload |= {"evseId": connector} if connector else {}
    return payload | ({"groupIdToken": id_token(group)} if group else {})


def id_token(token):
    return {"idToken": token, "type": "ISO14443"}


async def reserve(server, *args, **kwargs):
    return (await server.call("ReserveNow", order(server, *args, **kwargs))).payload["status"]


def statuses(point):
    return [each.status for each in point.connectors.values()]


def first_of_transaction(server):
    actions = ("StartTransaction", "TransactionEvent")
    return server.of(*actions)[0]


async def test_reserved_connector_is_for_its_token(either, build):
    point = await ready(build(either), either)

    finished = await either.call("ReserveNow", order(either, 7))
    with pytest.raises(NotPossible, match="reserved for another"):
        await point.present_tag("TAG2")
    reserved = statuses(point)
    await point.plug_in()
    await point.present_tag("tag1")
    await either.until(lambda: either.of("StartTransaction", "TransactionEvent"))

    assert finished.payload == {"status": "Accepted"}
    assert reserved == ["Reserved"]
    assert first_of_transaction(either)["reservationId"] == 7
    assert len(point.reservations) == 0


async def test_reservation_is_told_as_a_status(either, build):
    await ready(build(either), either)
    name = "status" if either.version == V16 else "connectorStatus"

    await reserve(either)

    await either.until(lambda: either.of("StatusNotification")[-1][name] == "Reserved")


async def test_somebody_of_the_group_may_use_it(either, build):
    info = {"status": "Accepted"}
    answers = {
        "idTagInfo": info | {"parentIdTag": "Family"},
        "idTokenInfo": info | {"groupIdToken": id_token("Family")},
    }
    name = "idTagInfo" if either.version == V16 else "idTokenInfo"
    either.script["Authorize"] = [{name: answers[name]}]
    point = await ready(build(either), either)
    await reserve(either, token="TAG1", group="FAMILY")
    await point.plug_in()

    assert await point.present_tag("TAG2") == "Accepted"
    assert point.connectors[1].transaction.reservation_id == 1


async def test_cancelled_reservation_is_gone(either, build):
    point = await ready(build(either), either)
    await reserve(either, 7)

    answers = [await either.call("CancelReservation", {"reservationId": number}) for number in (8, 7, 7)]

    assert [each.payload["status"] for each in answers] == ["Rejected", "Accepted", "Rejected"]
    assert statuses(point) == ["Available"]


async def run_out(server, build):
    steered = SteeredClock()
    point = await ready(build(server, clock=steered), server)
    await reserve(server, 7, until=START + HOUR)
    await steered.forward(3601)
    return point


async def test_reservation_that_is_over_is_gone(either, build):
    point = await run_out(either, build)

    assert statuses(point) == ["Available"]
    assert len(point.reservations) == 0


async def test_end_of_a_reservation_is_told_in_201(csms201, build):
    await run_out(csms201, build)

    told = await csms201.hears("ReservationStatusUpdate")
    assert told == {"reservationId": 7, "reservationUpdateStatus": "Expired"}


async def test_same_number_replaces(either, build):
    point = await ready(build(either), either)
    await reserve(either, 7, token="TAG1")

    status = await reserve(either, 7, token="TAG2")
    await point.plug_in()

    assert (status, len(point.reservations)) == ("Accepted", 1)
    assert await point.present_tag("TAG2") == "Accepted"


async def test_reserved_connector_is_occupied_for_others(either, build):
    await ready(build(either), either)
    await reserve(either, 7)

    assert await reserve(either, 8) == "Occupied"


@pytest.mark.parametrize("status", ["Occupied", "Faulted", "Unavailable"])
async def test_connector_that_is_not_free_is_not_reserved(either, build, status):
    point = await ready(build(either), either)
    if status == "Occupied":
        await point.plug_in()
    elif status == "Faulted":
        await point.raise_fault()
    else:
        point.operations.change_availability([point.connectors[1]], is_operative=False)

    assert await reserve(either) == status


@pytest.mark.parametrize("wrong", [{"connector": 9}, {"until": datetime(2020, 1, 1, tzinfo=UTC)}])
async def test_reservation_that_cannot_be_is_rejected(either, build, wrong):
    point = await ready(build(either), either)

    assert await reserve(either, **wrong) == "Rejected"
    assert statuses(point) == ["Available"]


async def test_reservation_of_any_needs_support(either, build):
    await ready(build(either, configuration={"ReserveConnectorZeroSupported": "false"}), either)

    assert await reserve(either, connector=0) == "Rejected"


async def test_switched_off_reservations_are_rejected(csms201, build):
    await ready(build(csms201, configuration={"ReservationCtrlr.Enabled": "false"}), csms201)

    assert await reserve(csms201) == "Rejected"


async def test_type_of_connector_must_be_there(csms201, point201):
    wanted = [order(csms201) | {"connectorType": kind} for kind in ("cCCS1", "cType2")]

    answers = [await csms201.call("ReserveNow", each) for each in wanted]

    assert [each.payload["status"] for each in answers] == ["Rejected", "Accepted"]


async def test_one_connector_is_kept_free_for_who_reserved_any(either, build):
    """While two are free anybody may charge; then the last one is Reserved."""
    point = await ready(build(either, connectors=2), either)
    status = await reserve(either, connector=0)
    before = statuses(point)

    await point.plug_in(1)
    await point.present_tag("TAG2", 1)
    with pytest.raises(NotPossible, match="reserved for another"):
        await point.present_tag("TAG3", 2)

    assert (status, before) == ("Accepted", ["Available", "Available"])
    assert statuses(point) == ["Charging", "Reserved"]
    assert await point.present_tag("TAG1", 2) == "Accepted"


async def test_no_more_than_there_are_can_be_reserved(either, build):
    await ready(build(either, connectors=2), either)

    assert [await reserve(either, number, connector=0) for number in (1, 2, 3)] == [
        "Accepted",
        "Accepted",
        "Occupied",
    ]


async def test_remote_start_for_another_token_is_rejected(csms, point):
    await reserve(csms)

    answers = [
        await csms.call("RemoteStartTransaction", {"idTag": tag, "connectorId": 1})
        for tag in ("TAG2", "TAG1")
    ]

    assert [each.payload["status"] for each in answers] == ["Rejected", "Accepted"]


async def test_fault_removes_a_reservation_in_201(csms201, point201):
    await reserve(csms201, 7)

    await point201.raise_fault()

    told = await csms201.hears("ReservationStatusUpdate")
    assert told == {"reservationId": 7, "reservationUpdateStatus": "Removed"}


async def test_reservation_outlives_a_fault_in_16(csms, point):
    await reserve(csms)

    await point.raise_fault()
    await point.clear_fault()

    assert statuses(point) == ["Reserved"]


async def test_who_came_too_late_leaves_the_reservation(csms, build):
    point = await ready(build(csms, configuration={"ConnectionTimeOut": 10}), csms)
    await reserve(csms)

    await point.present_tag("TAG1")
    preparing = statuses(point)
    await csms.until(lambda: statuses(point) != preparing)

    assert (preparing, statuses(point)) == (["Preparing"], ["Reserved"])
