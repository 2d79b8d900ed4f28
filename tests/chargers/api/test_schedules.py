"""Composite schedules by the native API."""

import pytest

from chargers.models import Charger, Command, CompositeSchedule, Connector
from tests.kit import world

KNOWN = {
    "status": "Accepted",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
}


@pytest.fixture
def charger(rows):
    return rows[Charger]


@pytest.fixture
def path(charger):
    return f"/api/v1/chargers/{charger.pk}/schedules"


def test_list_of_one_charger(client, path, rows, owner):
    """With periods in order, and none of another charger."""
    other = Charger.objects.create(owner=owner, identifier="other")
    CompositeSchedule.objects.create(charger=other)

    (shown,) = client.get(path).json()["results"]

    assert (shown["id"], shown["state"], shown["unit"]) == (rows[CompositeSchedule].pk, "known", "A")
    assert shown["periods"][1] == {"start": 300, "limit": 10.0, "phases": None}


def test_list_costs_the_same_however_long(client, path, rows, django_assert_max_num_queries):
    world.multiply(rows[CompositeSchedule], 9)

    with django_assert_max_num_queries(3):
        assert len(client.get(path).json()["results"]) == 10


def test_question_is_answered_within_the_wait(says, client, path):
    """200 with the schedule as it is now."""
    says(KNOWN)

    answer = client.post(path, {"connector_id": 1, "duration": 60, "unit": "A", "wait": 5})

    assert (answer.status_code, answer.json()["state"]) == (200, "known")
    assert answer.json()["periods"] == [{"start": 0, "limit": 6.0, "phases": None}]
    payload = {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}
    assert Command.objects.get(pk=answer.json()["command"]).payload == payload


def test_wait_goes_on_while_the_other_unit_is_tried(says, client, path):
    """The caller hears the end, not the first of two refusals."""
    says({"status": "Rejected"})

    answer = client.post(path, {"wait": 5})

    assert (answer.status_code, answer.json()["state"]) == (200, "refused")
    units = Command.objects.filter(action="GetCompositeSchedule").order_by("pk")
    assert [command.payload["chargingRateUnit"] for command in units] == ["A", "W"]


def test_question_without_waiting(client, path, online, owner):
    """202; the command tells who asked."""
    answer = client.post(path, {})

    command = Command.objects.get(pk=answer.json()["command"])
    assert (answer.status_code, answer.json()["state"]) == (202, "asked")
    assert (command.origin, command.created_by) == ("native", owner)


def test_offline_charger_is_a_conflict(client, path, rows):
    """And the schedule stays as it was."""
    assert client.post(path, {}).status_code == 409
    assert CompositeSchedule.objects.get(pk=rows[CompositeSchedule].pk).state == "known"


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"connector_id": 4711}, "connector_id"),
        ({"evse_id": 1}, "evse_id"),
        ({"connector_id": -1}, "connector_id"),
        ({"connector_id": 2**31}, "connector_id"),
        ({"duration": 0}, "duration"),
        ({"duration": 2**31}, "duration"),
        ({"unit": "kW"}, "unit"),
        ({"wait": 61}, "wait"),
        ({"wait": "nan"}, "wait"),
    ],
)
def test_bad_question_names_its_field(client, path, online, order, field):
    """Places that the charger has not make no rows."""
    answer = client.post(path, order)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])
    assert CompositeSchedule.objects.count() == 1


def test_places_of_201_are_evses(client, path, charger, online):
    Charger.objects.update(protocol="ocpp2.0.1")
    type(online).objects.update(protocol="ocpp2.0.1")
    Connector.objects.create(charger=charger, evse_id=2, connector_id=1)

    assert client.post(path, {"evse_id": 2}).json()["evse_id"] == 2


def test_events_tell_of_changes(says, client, path, charger):
    """Whoever follows the stream need not look at the list."""
    says(KNOWN)

    schedule = client.post(path, {"wait": 5}).json()

    (event,) = client.get("/api/v1/events?kind=schedule.changed").json()["results"]
    assert (event["charger"], event["object_id"]) == (charger.pk, schedule["id"])
    assert event["data"] == {"evse_id": 0, "connector_id": 0, "unit": "A", "limit": 6.0}
