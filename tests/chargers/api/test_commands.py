"""Orders to chargers by the native API."""

import pytest

from chargers.models import Charger, Command

RESET = {"action": "Reset", "payload": {"type": "Soft"}}


@pytest.fixture
def charger(rows):
    return rows[Charger]


@pytest.fixture
def path(charger):
    return f"/api/v1/chargers/{charger.pk}/commands"


def _fields(answer):
    return [error["field"] for error in answer.json()["errors"]]


def test_answer_within_the_wait(answering, client, path):
    """The charger's answer is in the response when it comes in time."""
    answer = client.post(path, {**RESET, "wait": 5})

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["result"]) == ("completed", {"status": "Accepted"})


def test_row_without_waiting(client, path, online, owner):
    """Without `wait` the row is answered as it is; it names who ordered."""
    answer = client.post(path, RESET)

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert (answer.json()["created_by"], answer.json()["origin"]) == (owner.pk, "native")


def test_row_when_the_wait_is_over(client, path, online):
    """An answer that does not come in time leaves the row to be followed."""
    assert client.post(path, {**RESET, "wait": 0.05}).status_code == 202


def test_offline_charger_is_a_conflict(client, path):
    """An offline charger gets nothing, and no row is left."""
    answer = client.post(path, RESET)

    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert Command.objects.count() == 1  # that of the fixture


def test_command_waits_for_an_offline_charger(client, path):
    """With `expires_in` it is kept for the charger."""
    answer = client.post(path, {**RESET, "expires_in": 60})

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert answer.json()["expires_at"]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"action": "Dance"}, "action"),
        ({}, "action"),
        ({"action": "Reset", "payload": {"type": "Sideways"}}, "payload.type"),
        ({"action": "Reset", "payload": []}, "payload"),
        ({"action": "DataTransfer", "payload": {"vendorId": "a\0"}}, "payload"),
        ({"action": "DataTransfer", "payload": {"vendorId": 2**64}}, "payload"),
        ({**RESET, "wait": 61}, "wait"),
        ({**RESET, "wait": "nan"}, "wait"),
        ({**RESET, "expires_in": 0}, "expires_in"),
    ],
)
def test_bad_order_names_its_field(client, path, online, order, field):
    """What is wrong with an order is said, with the field."""
    answer = client.post(path, order)

    assert (answer.status_code, _fields(answer)) == (400, [field])


def test_half_a_character_is_refused(client, path, online):
    """JSON can hold a lone surrogate, which no database takes."""
    body = r'{"action": "DataTransfer", "payload": {"vendorId": "\ud800"}}'

    answer = client.generic("POST", path, body, "application/json")

    assert (answer.status_code, _fields(answer)) == (400, ["payload"])


def test_bottomless_text_is_refused(client, path):
    """What no parser can read is the caller's fault."""
    answer = client.generic("POST", path, "[" * 100_000, "application/json")

    assert answer.status_code == 400


def test_sending_costs_three_queries(client, path, online, django_assert_num_queries):
    """The hot path: the token with its owner, the charger with its presence, the insert."""
    with django_assert_num_queries(3):
        client.post(path, RESET)


def test_commands_of_one_charger(client, path, rows, owner):
    """The list below a charger holds its commands only, newest first."""
    other = Charger.objects.create(owner=owner, identifier="other")
    Command.objects.create(owner=owner, charger=other, action="Reset")
    newer = Command.objects.create(owner=owner, charger=rows[Charger], action="UnlockConnector")

    shown = [row["id"] for row in client.get(path).json()["results"]]

    assert shown == [newer.pk, rows[Command].pk]


def test_cancel_takes_back(client, rows):
    """A command that was not sent is cancelled."""
    answer = client.post(f"/api/v1/commands/{rows[Command].pk}/cancel")

    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


def test_cancel_comes_too_late(client, rows):
    """A command that was sent stays."""
    Command.objects.update(state=Command.State.SENT)

    assert client.post(f"/api/v1/commands/{rows[Command].pk}/cancel").status_code == 409


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("limit", {"amps": 16, "untill": "2030-01-01T00:00:00Z"}),
        ("charging-profiles", {"profile": {}, "untill": ""}),
        ("commands", {"action": "ClearCache", "untill": ""}),
        ("data-transfer", {"vendor_id": "org.example", "untill": ""}),
        ("schedules", {"untill": ""}),
        ("variables", {"variables": [{"name": "A", "value": "1", "untill": ""}]}),
        ("variables/read", {"untill": ""}),
    ],
)
def test_order_with_a_member_that_is_unknown_is_refused(client, charger, online, path, order):
    """It may be a word misspelt: a limit would never end."""
    before = Command.objects.count()

    answer = client.post(f"/api/v1/chargers/{charger.pk}/{path}", order)

    assert (answer.status_code, Command.objects.count()) == (400, before)
    assert [field.rpartition(".")[2] for field in _fields(answer)] == ["untill"]
