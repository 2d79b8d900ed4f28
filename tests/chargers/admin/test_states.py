"""A charger's badge and the filter of that name always agree."""

import pytest
from django.utils import timezone

from chargers.admin import states
from chargers.models import Charger, Command, Connector, Presence

pytestmark = pytest.mark.django_db


def disable(charger):
    charger.enabled = False


def suspend(charger):
    charger.registration_status = "Pending"


def reject(charger):
    charger.registration_status = "Rejected"


def disconnect(charger):
    Presence.objects.all().delete()


def fail(charger):
    Connector.objects.filter(charger=charger).update(status="Faulted")


def nothing(charger):
    pass


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (nothing, "online"),
        (fail, "faulted"),
        (disconnect, "offline"),
        (suspend, "pending"),
        (reject, "rejected"),
        (disable, "disabled"),
    ],
)
def test_badge_filter_and_count_agree(charger, happens, state):
    """Every charger is in one state, by every way of asking."""
    happens(charger)
    charger.save()
    charger = Charger.objects.get()
    now = timezone.now()

    found = [name for name in states.CHARGER if states.in_state(Charger.objects.all(), name, now).exists()]
    counted = [name for name, number in states.counts(Charger.objects.all(), now).items() if number]

    assert (states.of_charger(charger, now), found, counted) == (states.CHARGER[state], [state], [state])


def test_refusal_looks_like_no_success():
    """`completed` means answered; an answer of Rejected is marked as bad."""
    badge = states.of_command(Command(state="completed", result={"status": "Rejected"}))

    assert (badge.text, badge.tone) == ("Rejected", "bad")


def test_badge_has_words_and_an_icon():
    """Colour is never the only sign."""
    html = str(states.CHARGER["online"])

    assert "Online" in html
    assert "<svg" in html


@pytest.mark.parametrize(
    ("status", "power_w", "text"),
    [("Occupied", 7400, "Charging"), ("Occupied", 0, "Occupied"), ("Finishing", 7400, "Finishing")],
)
def test_occupied_connector_with_power_charges(charger, status, power_w, text):
    """OCPP 2.0.1 has no word of its own for a connector that charges."""
    connector = charger.connectors.get(connector_id=1)
    connector.status, connector.power_w = status, power_w

    assert states.of_connector(connector).text == text
