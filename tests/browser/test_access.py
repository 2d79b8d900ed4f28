"""What people meet who have no mouse, and what is shown once."""

import pytest

from chargers.models import Charger, Command
from tests.browser import rows
from tokens.models import ApiToken

pytestmark = [pytest.mark.browser, pytest.mark.once]

ORDERS = ["Start", "Stop", "Unlock", "Reset", "Trigger a message", "Availability", "Any action"]


def test_orders_are_given_by_keyboard_alone(visit, boss):
    """Every order is reached in the order in which it is seen; one is sent without a mouse."""
    charger = rows.of(boss)[Charger]

    with visit(boss) as person:
        person.open(f"/admin/chargers/charger/{charger.pk}/change/")
        person.tab_to(*ORDERS)
        person.open(f"/admin/chargers/charger/{charger.pk}/order/reset/")
        person.tab_to("Reset the charger")
        person.press("Enter")

        person.sees("#command", "Waits to be sent")

    assert Command.objects.filter(action="Reset", state="queued").exists()


def test_secret_is_shown_once(visit, boss):
    """After the page that made the key nothing shows its secret again."""
    with visit(boss) as person:
        person.open("/admin/tokens/apitoken/add/")
        person.fill(description="Billing")
        person.follow("[name=_save]")
        secret = person.read("#secret")
        person.follow("text=I have copied it")

        assert secret
        assert secret not in person.do(lambda page: page.content())

    assert ApiToken.objects.get().description == "Billing"
