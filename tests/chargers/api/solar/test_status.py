"""Who is connected, and when each action was last heard of: as JSON, CBOR and CSV."""

import uuid
from datetime import UTC, datetime, timedelta

import cbor2
import pytest
from django.utils import timezone

from chargers.models import ActionStatus, Charger, Presence
from csms.models import ServerProcess

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "/solaruser/api/v1/sec/user/ocpp/chargers"


@pytest.fixture
def connected(charger):
    """The charger's lease, held by a process that lives."""
    return Presence.objects.create(
        charger=charger,
        process=ServerProcess.objects.create(name="web:1", kind="web"),
        token=uuid.UUID(int=7),
        connected_at=NOON,
        expires_at=timezone.now() + timedelta(hours=1),
    )


def test_connected_charger_tells_its_process(read, charger, connected):
    """And the name of the connection."""
    (shown,) = read("/chargers/status")

    del shown["created"]
    assert shown == {
        "userId": charger.owner_id,
        "chargePointId": charger.pk,
        "connectedTo": "web:1",
        "sessionId": str(uuid.UUID(int=7)),
        "connectedDate": "2026-03-01T12:00:00Z",
    }


@pytest.mark.parametrize("change", [{"expires_at": NOON}, {"process": None, "token": None}])
def test_charger_that_is_gone_tells_when_it_was_there(read, connected, change):
    """Whether it said good-bye or not."""
    Presence.objects.update(**change)

    assert list(read("/chargers/status")[0])[1:] == ["userId", "chargePointId", "connectedDate"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("identifier=CP-1", 1),
        ("identifiers=CP-2,CP-3", 0),
        ("startDate=2026-03-01", 1),
        ("endDate=2026-03-01", 0),
        ("max=0", 0),
        ("offset=1", 0),
    ],
)
def test_connections_are_found(read, connected, query, count):
    """By charger and by the time of the connection."""
    assert len(read(f"/chargers/status?{query}")) == count


@pytest.fixture
def heard(owner, charger):
    """Three actions of two chargers."""
    other = Charger.objects.create(owner=owner, identifier="CP-2")
    made = {"created_at": NOON, "message_id": "m"}
    ActionStatus.objects.create(charger=charger, action="Heartbeat", seen_at=NOON, **made)
    ActionStatus.objects.create(
        charger=charger, action="MeterValues", connector_id=2, seen_at=NOON + timedelta(hours=1), **made
    )
    ActionStatus.objects.create(charger=other, action="Heartbeat", evse_id=1, seen_at=NOON, **made)


def test_action_is_shown_in_their_words(read, charger, heard):
    """With the EVSE, which theirs forgets."""
    assert list(read("/chargers/action-status")[1].items()) == [
        ("created", "2026-03-01T12:00:00Z"),
        ("userId", charger.owner_id),
        ("chargePointId", charger.pk),
        ("evseId", 0),
        ("connectorId", 2),
        ("action", "MeterValues"),
        ("messageId", "m"),
        ("ts", "2026-03-01T13:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("action=Heartbeat", 2),
        ("actions=MeterValues,Nothing", 1),
        ("connectorIds=2,3", 1),
        ("evseId=1", 1),
        ("identifiers=CP-1", 2),
        ("startDate=2026-03-01T12:30:00Z", 1),
        ("max=2", 2),
    ],
)
def test_actions_are_found(read, heard, query, count):
    """By charger, connector, action and time."""
    assert len(read(f"/chargers/action-status?{query}")) == count


def test_empty_list_is_a_list(call, db):
    """Theirs leaves `data` out then."""
    assert call("get", "/chargers/action-status") == (200, {"success": True, "data": []})


def test_list_as_cbor(client, heard):
    """The same envelope."""
    answer = client.get(f"{BASE}/action-status", headers={"Accept": "application/cbor"})

    assert answer["Content-Type"] == "application/cbor"
    assert cbor2.loads(answer.content) == client.get(f"{BASE}/action-status").json()


def test_list_as_csv(client, connected):
    """A line of names and a line for each row."""
    answer = client.get(f"{BASE}/status", headers={"Accept": "text/csv"})

    names, row = answer.content.decode().splitlines()
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert names == "created,userId,chargePointId,connectedTo,sessionId,connectedDate"
    assert row.endswith("2026-03-01T12:00:00Z")


def test_refusal_is_in_the_form_that_was_asked_for(client, db):
    """A program that reads CBOR can read why it got none."""
    answer = client.get(f"{BASE}/status?max=x", headers={"Accept": "application/cbor"})

    assert answer.status_code == 422
    assert cbor2.loads(answer.content)["message"].startswith("Illegal argument: ")
