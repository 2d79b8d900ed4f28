"""Limits and profiles in the admin: ordered, followed, taken back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from chargers.models import ChargingLimit, ChargingProfile, Command, Presence
from chargers.services import commands, smart_charging
from tests.kit import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def limit(charger):
    return smart_charging.limit(charger.connectors.get(connector_id=1), amps=16)


def page(row, name="change"):
    return reverse(f"admin:chargers_{row._meta.model_name}_{name}", args=[row.pk])


def _answer(result):
    command = Command.objects.filter(state="queued").first()
    commands.finish(command, Command.State.COMPLETED, result=result)


def order(charger):
    return reverse("admin:chargers_charger_order", args=[charger.pk, "limit"])


def test_order_leads_to_the_page_of_the_limit(as_staff, staff, charger):
    """Where one sees whether the charger obeys."""
    plug = charger.connectors.get(connector_id=1)
    until = timezone.localtime(timezone.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    values = {"connector": plug.pk, "value": "16", "unit": "A", "until": until, "may_walk": "yes"}
    answer = as_staff.post(order(charger), values)

    row = ChargingLimit.objects.get()
    assert (row.value, row.unit, row.connector_id, row.may_walk, row.created_by) == (16, "A", 1, True, staff)
    assert answer.url == page(row)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"value": "-1"}, "greater than or equal to 0"),
        ({"value": "1e9"}, "between 0 and 10,000,000"),
        ({"value": "nan"}, "Enter a number"),
        ({"value": "6", "until": "2020-01-01T00:00"}, "Must lie ahead"),
    ],
)
def test_nonsense_is_said_in_the_form(as_staff, charger, values, words):
    """No limit is left."""
    answer = as_staff.post(order(charger), {"unit": "W", "connector": "", **values})

    assert words in answer.content.decode()
    assert not ChargingLimit.objects.exists()


def test_order_to_an_offline_charger_says_so(as_staff, charger):
    """As with the other orders."""
    Presence.objects.all().delete()
    answer = as_staff.post(order(charger), {"unit": "W", "connector": "", "value": "5"})
    assert "not connected" in answer.content.decode()


def test_page_tells_the_ways_and_the_verdict(as_staff, limit):
    """Each way with its answer; what its composite schedule said."""
    _answer({"status": "Accepted"})
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}
    _answer({"status": "Accepted", "chargingSchedule": schedule})
    text = as_staff.get(page(limit)).content.decode()

    assert "Verified" in text
    assert "keeps the limit (16 A)" in text
    assert "Default of transactions" in text


def test_limit_is_lifted_from_its_page(as_staff, limit):
    """By a button; later there is nothing to lift."""
    assert as_staff.post(page(limit, "end")).url == page(limit)
    limit.refresh_from_db()
    assert limit.state == "ended"
    assert "too late" in as_staff.post(page(limit, "end"), follow=True).content.decode()


def test_profile_is_cleared_from_its_page(as_staff, limit):
    """Its limit goes with it."""
    _answer({"status": "Accepted"})
    _answer({"status": "Rejected"})
    as_staff.post(page(limit.profile, "end"))

    limit.refresh_from_db()
    assert (ChargingProfile.objects.get().state, limit.state) == ("clearing", "ended")


@pytest.mark.parametrize("model", [ChargingLimit, ChargingProfile])
def test_anothers_row_is_missing(as_staff, owner, model):
    """A guessed number ends nothing."""
    row = world.of(owner)[model]

    assert as_staff.post(page(row, "end")).status_code == 404
    row.refresh_from_db()
    assert row.state != "ended"
    assert row.state != "clearing"


@pytest.mark.parametrize("name", ["limit", "profile"])
def test_who_may_not_order_may_not_end(as_staff, staff, limit, name):
    """The permission to send commands is what counts."""
    staff.user_permissions.remove(Permission.objects.get(codename="add_command"))
    row = limit if name == "limit" else limit.profile

    assert as_staff.post(page(row, "end")).status_code == 403
