"""Pages that follow what happens, without a reload."""

import pytest

from chargers.models import Charger, Command, CompositeSchedule, Connector, Transaction, Variable
from csms import events
from tests.browser import rows

pytestmark = [pytest.mark.browser, pytest.mark.once]


def test_dashboard_follows_the_fleet(visit, boss):
    """A fault appears on the open page."""
    shown = rows.of(boss)

    with visit(boss) as person:
        person.open("/admin/")
        person.sees("#live-state", "live")

        Connector.objects.update(status="Faulted")
        events.record("connector.status", charger=shown[Charger], object_id=shown[Connector].pk)

        person.sees("#board", "faulted connector")


def test_charger_page_follows_its_charger(visit, boss):
    """A tab of the charger's page shows what it reports."""
    shown = rows.of(boss)

    with visit(boss) as person:
        person.open(f"/admin/chargers/charger/{shown[Charger].pk}/connectors/")
        person.sees("#live-state", "live")

        Connector.objects.update(status="Faulted", error_code="GroundFailure")
        events.record("connector.status", charger=shown[Charger], object_id=shown[Connector].pk)

        person.sees("#connectors", "Faulted: GroundFailure")


def test_wish_is_followed_to_its_end(visit, boss):
    """The tab Variables shows what the charger made of it."""
    shown = rows.of(boss)

    with visit(boss) as person:
        person.open(f"/admin/chargers/charger/{shown[Charger].pk}/variables/")
        person.sees("#live-state", "live")

        Variable.objects.wanted().update(desired_state="rejected")
        events.record("command.finished", charger=shown[Charger], object_id=shown[Command].pk)

        person.sees("#variables", "Rejected")


def test_first_schedules_appear(visit, boss):
    """With their charts, on a page that was opened before the charger was asked."""
    charger = rows.of(boss)[Charger]
    known = list(charger.composite_schedules.values())
    charger.composite_schedules.all().delete()

    with visit(boss) as person:
        person.open(f"/admin/chargers/charger/{charger.pk}/schedules/")
        person.sees("#live-state", "live")

        CompositeSchedule.objects.bulk_create(CompositeSchedule(**values) for values in known)
        events.record("schedule.changed", charger=charger)

        person.sees("#places", "Whole charger")
        person.do(lambda page: page.wait_for_selector("#places canvas"))


def test_command_is_followed_to_its_end(visit, boss):
    """The command's page shows the answer when it comes, and then stops listening."""
    command = rows.of(boss)[Command]

    with visit(boss) as person:
        person.open(f"/admin/chargers/command/{command.pk}/change/")
        person.sees("#live-state", "live")

        Command.objects.filter(pk=command.pk).update(state="completed", result={"status": "Accepted"})
        events.record("command.finished", charger=command.charger, object_id=command.pk)

        person.sees("#command", "Accepted")
        person.sees("#live-state", "up to date")


def test_curve_is_drawn_and_can_be_read(visit, boss):
    """The chart has a drawing, a sentence and a table of the same data."""
    transaction = rows.of(boss)[Transaction]

    with visit(boss) as person:
        person.open(f"/admin/chargers/transaction/{transaction.pk}/change/")
        person.do(lambda page: page.wait_for_selector("#curve canvas"))
        person.do(lambda page: page.click("#curve-data summary"))

        person.sees("#curve-data tbody", "kWh")
        assert person.do(lambda page: page.locator("#curve-data tbody tr").count()) == 60
        person.sees("#curve-summary", "Power peaked at 11.0 kW")
