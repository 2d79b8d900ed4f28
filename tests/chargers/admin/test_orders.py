"""Orders from the admin become Commands, whose pages follow them."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from chargers.models import Charger, Command, Presence, Transaction
from tests.kit import world
from tokens.models import Authorization

pytestmark = pytest.mark.django_db


def order(charger, name):
    return reverse("admin:chargers_charger_order", args=[charger.pk, name])


def send(client, **values):
    return client.post(reverse("admin:chargers_command_add"), values)


@pytest.fixture
def running(charger):
    return Transaction.objects.create(
        owner=charger.owner,
        charger=charger,
        protocol="ocpp1.6",
        id_token="TAG1",
        started_at=timezone.now(),
    )


@pytest.mark.parametrize(
    ("name", "values", "action"),
    [
        ("start", {"connector": "plug", "id_token": "04A1"}, "RemoteStartTransaction"),
        ("stop", {"transaction": "running"}, "RemoteStopTransaction"),
        ("unlock", {"connector": "plug"}, "UnlockConnector"),
        ("reset", {"kind": "hard"}, "Reset"),
        ("trigger", {"message": "StatusNotification", "connector": ""}, "TriggerMessage"),
        ("availability", {"operative": "no", "connector": ""}, "ChangeAvailability"),
    ],
)
def test_order_becomes_a_command(as_staff, staff, charger, running, name, values, action):
    """Each small form sends its action and leads to the command's page."""
    plug = charger.connectors.get(connector_id=1)
    known = {"plug": plug.pk, "running": running.pk}

    answer = as_staff.post(order(charger, name), {key: known.get(text, text) for key, text in values.items()})

    command = Command.objects.get()
    assert (command.action, command.origin, command.created_by) == (action, "admin", staff)
    assert answer.url == reverse("admin:chargers_command_change", args=[command.pk])


def test_running_transaction_is_offered_by_its_number(as_staff, charger, running):
    """OCPP 1.6 knows it by ours."""
    shown = as_staff.get(order(charger, "stop")).content.decode()

    assert f"#{running.pk} on connector ? by TAG1" in shown


def test_order_to_an_offline_charger_says_so(as_staff, charger):
    """No command is left behind, and the form says why."""
    Presence.objects.all().delete()

    answer = as_staff.post(order(charger, "reset"), {"kind": "soft"})

    assert "not connected" in answer.content.decode()
    assert not Command.objects.exists()


def test_order_to_anothers_charger_is_missing(as_staff, owner):
    """A guessed number orders nothing."""
    other = world.of(owner)[Charger]
    Command.objects.all().delete()

    assert as_staff.post(order(other, "reset"), {"kind": "soft"}).status_code == 404
    assert not Command.objects.exists()


def test_start_offers_the_owners_tokens(as_staff, staff, charger, owner):
    """Nobody has to know them by heart, and nobody learns those of another owner."""
    Authorization.objects.create(owner=staff, token="MINE")
    Authorization.objects.create(owner=staff, token="OFF", enabled=False)
    Authorization.objects.create(owner=owner, token="THEIRS")

    field = as_staff.get(order(charger, "start")).context["form"]["id_token"]

    assert '<option value="MINE">' in str(field)
    assert (field.initial, "OFF" in str(field), "THEIRS" in str(field)) == ("MINE", False, False)


def test_order_needs_the_permission_to_add_commands(as_staff, staff, charger):
    """Who may only look may not order."""
    staff.user_permissions.remove(Permission.objects.get(codename="add_command"))

    assert as_staff.post(order(charger, "reset"), {"kind": "soft"}).status_code == 404
    assert (
        "Reset"
        not in as_staff.get(reverse("admin:chargers_charger_change", args=[charger.pk])).content.decode()
    )


def test_any_action_is_sent(as_staff, charger):
    """Every action of the charger's version can be sent as JSON."""
    send(as_staff, charger="CP-1", action="GetConfiguration", payload='{"key": ["X"]}', expires_in="")

    assert Command.objects.get().payload == {"key": ["X"]}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"charger": "NOBODY"}, "charger", "no charger"),
        ({"action": "Dance"}, "action", "Dance"),
        ({"payload": "{"}, "payload", "not JSON"),
        ({"payload": "[]"}, "payload", "object"),
        ({"payload": "[" * 50_000}, "payload", "not JSON"),
        ({"payload": r'{"type": "\ud800"}'}, "payload", "Unicode"),
        ({"payload": '{"type": "Warm"}'}, "payload", "payload.type"),
    ],
)
def test_any_action_names_the_field_at_fault(as_staff, charger, values, field, words):
    """What cannot be sent is explained beside its field."""
    asked = {"charger": "CP-1", "action": "Reset", "payload": '{"type": "Hard"}', "expires_in": ""}

    errors = send(as_staff, **asked | values).context["form"].errors

    assert words in str(errors[field])


def test_any_action_to_anothers_charger_is_refused(as_staff, owner):
    """An identifier of another owner is no charger."""
    other = world.of(owner)[Charger]

    answer = send(as_staff, charger=other.identifier, action="Reset", payload='{"type": "Hard"}')

    assert "charger" in answer.context["form"].errors


def test_command_page_shows_the_answer(as_staff, staff, charger):
    """A refusal is shown as what it is: an answer, and no success."""
    command = Command.objects.create(
        owner=staff, charger=charger, action="Reset", state="completed", result={"status": "Rejected"}
    )

    text = as_staff.get(reverse("admin:chargers_command_change", args=[command.pk])).content.decode()

    assert "sm-bad" in text
    assert "Rejected" in text
    assert "data-live" not in text


def test_unfinished_command_page_follows_it(as_staff, staff, charger):
    """The page is marked to be refreshed until the command has ended."""
    command = Command.objects.create(owner=staff, charger=charger, action="Reset", state="sent")

    text = as_staff.get(reverse("admin:chargers_command_change", args=[command.pk])).content.decode()

    assert f'data-live="command:{command.pk}"' in text


def test_waiting_command_is_cancelled(as_staff, staff, charger):
    """A command that has not been sent can be withdrawn."""
    command = Command.objects.create(owner=staff, charger=charger, action="Reset")

    as_staff.post(reverse("admin:chargers_command_cancel", args=[command.pk]))

    command.refresh_from_db()
    assert command.state == "cancelled"


def test_generated_password_is_shown_once(as_staff, charger):
    """The answer to the POST holds it; nothing afterwards does."""
    address = reverse("admin:chargers_charger_password", args=[charger.pk])

    made = as_staff.post(address, {"password": ""})

    secret = made.context["secret"]
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert secret not in as_staff.get(address).content.decode()
