"""SolarUser's sessions: found, shown, and ended by hand."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from chargers.models import Charger, Command, Presence, Transaction
from csms.models import ServerProcess

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _session(charger, hours=0, **attributes):
    return Transaction.objects.create(
        owner=charger.owner,
        charger=charger,
        **{"protocol": "ocpp1.6", "started_at": NOON + timedelta(hours=hours), "id_token": "TAG"}
        | attributes,
    )


@pytest.fixture
def ended(charger):
    return _session(
        charger,
        connector_id=1,
        ended_at=NOON + timedelta(hours=1),
        stop_reason="Local",
        end_id_token="TAG2",
        uuid=uuid.UUID(int=1),
    )


@pytest.fixture
def running(charger):
    return _session(
        charger,
        hours=2,
        evse_id=1,
        connector_id=2,
        protocol="ocpp2.0.1",
        transaction_id="abc",
        uuid=uuid.UUID(int=2),
    )


def test_session_is_shown_in_their_words(read, ended):
    """The number that an OCPP 1.6 charger was told is its transaction."""
    shown = read(f"/sessions/{ended.uuid}")

    assert list(shown.items()) == [
        ("id", str(ended.uuid)),
        ("created", "2026-03-01T12:00:00Z"),
        ("authId", "TAG"),
        ("chargePointId", ended.charger_id),
        ("evseId", 0),
        ("connectorId", 1),
        ("transactionId", str(ended.pk)),
        ("ended", "2026-03-01T13:00:00Z"),
        ("endAuthId", "TAG2"),
        ("endReason", "Local"),
    ]


def test_sessions_of_ocpp_16_are_found_by_their_number(read, ended, running):
    """A number that a station uses as its own name means that station's."""
    shown = read(f"/sessions?transactionIds={ended.pk},{running.pk}")

    assert [row["id"] for row in shown["results"]] == [str(ended.uuid)]


def test_running_session_has_no_end(read, running):
    """A station that has an id of its own for it is asked by that."""
    shown = read(f"/sessions/{running.uuid}")

    assert (shown["transactionId"], list(shown)[-1]) == ("abc", "transactionId")


@pytest.mark.parametrize(
    ("reason", "shown"),
    [("EVDisconnected", "EVDisconnected"), ("ReqEnergyTransferRejected", "Other"), ("", None)],
)
def test_reasons_they_have_no_word_for_are_other(read, charger, reason, shown):
    """And none is left out."""
    row = _session(charger, ended_at=NOON, stop_reason=reason)

    assert read(f"/sessions/{row.uuid}").get("endReason") == shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "21"),
        ("active=true", "2"),
        ("active=false", "1"),
        ("connectorId=1", "1"),
        ("connectorIds=1,2", "21"),
        ("evseIds=1", "2"),
        ("transactionId=abc", "2"),
        ("transactionIds=abc,nothing", "2"),
        (f"chargeSessionId={uuid.UUID(int=1)}", "1"),
        ("endReasons=Local,Remote", "1"),
        ("endReason=Remote", ""),
        ("endReason=Other", ""),
        ("identifier=CP-1", "21"),
        ("identifiers=CP-2", ""),
        ("startDate=2026-03-01T14:00:00Z", "2"),
        ("endDate=2026-03-01 14:00:00Z", "1"),
        ("startDate=2026-03-01&endDate=2026-03-02", "21"),
        ("max=1", "2"),
        ("max=1&offset=1", "1"),
        ("sorts[0].sortKey=DATE", "12"),
        ("sorts[0].sortKey=CONNECTOR", "12"),
        ("sorts[0].sortKey=EVSE&sorts[0].descending=true", "21"),
    ],
)
def test_sessions_are_found(read, ended, running, query, found):
    """Newest first, unless an order is given."""
    page = read(f"/sessions?{query}")

    assert "".join(row["id"][-1] for row in page["results"]) == found
    assert page["returnedResultCount"] == len(found)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("transactionIds=" + "1," * 1001, "Illegal argument: transactionId has more than 1000 values"),
        ("active=maybe", 'Illegal argument: Failed to convert "active" with value: "maybe"'),
        ("chargeSessionId=1", 'Illegal argument: Invalid UUID string in "chargeSessionId": 1'),
        ("endReason=Boredom", 'Illegal argument: No enum constant for endReason: "Boredom"'),
        ("startDate=soon", 'Malformed date string: "soon" in startDate'),
    ],
)
def test_bad_queries_are_refused(call, query, message):
    """The text names the parameter."""
    assert call("get", f"/sessions?{query}") == (422, {"success": False, "message": message})


def test_incomplete_sessions_of_a_charger(read, owner, ended, running):
    """Those that have not ended, of that charger."""
    other = Charger.objects.create(owner=owner, identifier="CP-2")
    _session(other)

    assert [row["id"] for row in read(f"/sessions/incomplete/{running.charger_id}")] == [str(running.uuid)]


# Ending -----------------------------------------------------------------------------------------------


def _start(tell):
    answer = tell(
        "StartTransaction",
        {"connectorId": 1, "idTag": "TAG1", "meterStart": 100, "timestamp": "2026-11-21T12:00:00Z"},
    )
    return Transaction.objects.get(pk=answer["transactionId"])


def test_session_ends_at_once(client, call, tell, driver):
    """The row has an end, its reason and who ended it; a second time there is nothing to end."""
    session = _start(tell)
    path = f"/sessions/end?id={session.uuid}&endReason=Remote&endAuthId=DESK"

    assert call("post", path) == (200, {"success": True, "data": True})
    assert call("post", path) == (200, {"success": True, "data": False})

    session.refresh_from_db()
    assert (session.stop_reason, session.end_id_token, session.end_wh) == ("Remote", "DESK", 100)
    assert session.ended_at is not None


@pytest.mark.parametrize("form", ["json", "multipart"])
def test_parameters_may_come_in_a_body(client, tell, driver, form):
    """As a form or an object."""
    session = _start(tell)
    path = "/solaruser/api/v1/sec/user/ocpp/sessions/end"

    assert client.post(path, {"id": str(session.uuid)}, format=form).json()["data"] is True
    session.refresh_from_db()
    assert session.stop_reason == "Unknown"


def test_stop_that_the_charger_reports_later_is_taken(call, tell, driver):
    """An end by hand is an assumption; what was measured wins."""
    session = _start(tell)
    call("post", f"/sessions/end?id={session.uuid}&endReason=Other")

    stop = {
        "transactionId": session.pk,
        "meterStop": 900,
        "timestamp": "2026-11-21T13:00:00Z",
        "reason": "Local",
    }
    tell("StopTransaction", stop)

    session.refresh_from_db()
    assert (session.end_wh, session.energy_wh, session.stop_reason) == (900, 800, "Local")
    assert session.ended_at == datetime(2026, 11, 21, 13, tzinfo=UTC)


def test_charger_that_is_offline_is_not_asked(call, tell, driver):
    """Nothing is left for it: a stop much later would be for nobody."""
    session = _start(tell)

    call("post", f"/sessions/end?id={session.uuid}")

    assert not Command.objects.exists()


def _online(charger):
    Presence.objects.create(
        charger=charger,
        process=ServerProcess.objects.create(name="web", kind="web"),
        token=uuid.uuid4(),
        expires_at=timezone.now() + timedelta(hours=1),
    )


def test_charger_that_is_online_is_asked_to_stop(call, tell, driver, owner):
    """Better than to end the row alone: the car would go on charging."""
    session = _start(tell)
    _online(session.charger)

    call("post", f"/sessions/end?id={session.uuid}")

    command = Command.objects.get()
    assert (command.action, command.payload) == ("RemoteStopTransaction", {"transactionId": session.pk})
    assert (command.origin, command.created_by) == ("solar", owner)


def test_charger_that_was_given_away_is_not_asked(call, tell, driver, stranger):
    """The session is still its old owner's, the charger is not."""
    session = _start(tell)
    _online(session.charger)
    Charger.objects.filter(pk=session.charger_id).update(owner=stranger)

    assert call("post", f"/sessions/end?id={session.uuid}") == (200, {"success": True, "data": True})
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", 'Illegal argument: Invalid UUID string in "id": '),
        ("?id=1", 'Illegal argument: Invalid UUID string in "id": 1'),
        (
            f"?id={uuid.UUID(int=9)}&endReason=Bored",
            'Illegal argument: No enum constant for endReason: "Bored"',
        ),
    ],
)
def test_bad_ends_are_refused(call, query, message):
    """Nothing is ended by mistake."""
    assert call("post", f"/sessions/end{query}") == (422, {"success": False, "message": message})
