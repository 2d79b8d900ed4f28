"""SolarUser's event log over our three tables."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from chargers.models import FailedHandshake, Message
from csms.models import Event
from tokens import services

PATH = "/solaruser/api/v1/sec/user/events"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(owner, charger):
    """A row of each kind, a minute apart; what was refused came first."""

    def at(minute):
        return NOON + timedelta(minutes=minute)

    def event(minute, kind, **data):
        return Event.objects.create(
            owner=owner, kind=kind, charger_id=charger.pk, created_at=at(minute), data=data
        )

    def message(minute, origin, outcome, answer):
        return Message.objects.create(
            charger=charger,
            origin=origin,
            outcome=outcome,
            answer=answer,
            received_at=at(minute),
            action="Reset",
            message_id="7",
            request='{"type":"Soft"}',
        )

    FailedHandshake.objects.create(
        charger=charger,
        first_at=at(0),
        last_at=at(0),
        hour=NOON,
        address="192.0.2.1",
        identifier="CP-1",
        path="/ocpp/CP-1",
        reason="wrong or missing password",
        status_code=401,
        count=3,
    )
    event(1, "charger.connected", protocol="ocpp1.6")
    message(2, "charger", "result", "{}")
    message(3, "csms", "result", '{"status":"Accepted"}')
    message(4, "csms", "no answer", "")
    event(5, "command.finished", action="Reset", state="completed")
    event(6, "command.finished", action="Reset", state="timed_out")
    event(7, "charger.refused", reason="told by the handshake itself")


@pytest.fixture
def tags(client):
    """Return a function that returns the tags of the events that a query finds."""

    def find(query=""):
        found = client.get(f"{PATH}?{query}").json()["data"]
        return [" ".join(event["tags"][1:]) for event in found]

    return find


def test_everything_is_told_newest_first(tags, log):
    """Each table's rows in their words, by time."""
    assert tags() == [
        "instruction error",
        "instruction ack",
        "message sent error",
        "message sent",
        "message received",
        "charger connected",
        "charger forbidden",
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag=ocpp&max=1", ["instruction error"]),
        ("tag=message", ["message sent error", "message sent", "message received"]),
        ("tags=message,sent", ["message sent error", "message sent"]),
        ("tags=ocpp,message,sent,error", ["message sent error"]),
        ("tag=error", ["instruction error", "message sent error"]),
        ("tag=instruction&tag=ack", ["instruction ack"]),
        ("tag=charger", ["charger connected", "charger forbidden"]),
        ("tags=charger,connected", ["charger connected"]),
        ("tag=connected,disconnected", []),
        ("tag=weather", []),
        ("max=2&offset=5", ["charger connected", "charger forbidden"]),
        ("startDate=2026-03-01T12:05:00Z", ["instruction error", "instruction ack"]),
        ("endDate=2026-03-01T12:01:00Z", ["charger forbidden"]),
    ],
)
def test_events_are_found(tags, log, query, found):
    """By tags, all of which an event must bear, and by time."""
    assert tags(query) == found


def test_event_in_their_words(client, owner, charger, log):
    """The id is a UUID of version 7 that is this row's for ever."""
    (shown,) = client.get(f"{PATH}?tags=message,received").json()["data"]
    (again,) = client.get(f"{PATH}?tags=message,received").json()["data"]

    assert list(shown) == ["userId", "eventId", "created", "tags", "message", "data"]
    assert (shown["userId"], shown["created"], shown["message"]) == (
        *(owner.pk, "2026-03-01T12:02:00Z"),
        "Reset result",
    )
    assert shown["data"] == {
        "cp": charger.pk,
        "action": "Reset",
        "messageId": "7",
        "message": {"type": "Soft"},
        "answer": {},
    }
    assert uuid.UUID(shown["eventId"]).version == 7
    assert shown == again


def test_refused_handshakes_are_counted(client, charger, log):
    """Repeats within an hour are one event."""
    (shown,) = client.get(f"{PATH}?tag=forbidden").json()["data"]

    assert (shown["message"], shown["data"]) == (
        "wrong or missing password",
        {
            "cp": charger.pk,
            "identifier": "CP-1",
            "status": 401,
            "count": 3,
            "last": "2026-03-01T12:00:00Z",
        },
    )


def test_narrow_token_hears_of_its_nodes_only(owner, log):
    """As it sees no other chargers."""
    token, secret = services.create_api_token(owner, policy={"nodeIds": [2]})
    client = APIClient(headers={"Authorization": f"Bearer {token.identifier}:{secret}"})

    assert client.get(PATH).json()["data"] == []


def test_ids_are_different(client, log):
    """Rows of different tables may have the same number and time."""
    found = client.get(PATH).json()["data"]

    assert len({event["eventId"] for event in found}) == len(found) == 7


def test_strangers_events_are_not_told(client, stranger, log):
    """Nor those of no account."""
    Event.objects.create(owner=stranger, kind="charger.connected")
    Event.objects.create(owner=None, kind="charger.connected")

    assert len(client.get(PATH).json()["data"]) == 7


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("offset=10001", "Illegal argument: offset must be between 0 and 10000"),
        ("startDate=soon", 'Malformed date string: "soon" in startDate'),
    ],
)
def test_bad_queries_are_refused(client, query, message):
    """One page costs the same as another, within bounds."""
    answer = client.get(f"{PATH}?{query}")

    assert (answer.status_code, answer.json()) == (422, {"success": False, "message": message})
