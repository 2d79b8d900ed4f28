"""The tab Variables of a charger: what staff see of its settings, and what they may want of them."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from chargers.models import Charger, Command, Learning, Presence, Report, Variable
from chargers.services import device_model
from tests.chargers.admin.conftest import go_online

pytestmark = pytest.mark.django_db


@pytest.fixture
def variable(charger):
    """HeartbeatInterval, which reads 300."""
    device_model.report(charger, [{"name": "HeartbeatInterval", "value": "300"}])
    return Variable.objects.get()


def page(name, *numbers):
    return reverse(f"admin:chargers_charger_{name}", args=numbers)


def shown(answer):
    return answer.content.decode()


def test_wish_is_shown_with_its_state_and_reason(as_staff, charger, variable):
    """Beside what the charger reported."""
    device_model.want(charger, [{"name": variable.name, "value": "60"}], origin="test")
    Variable.objects.update(desired_state="ignored", desired_reason="It reads back as '300'.")

    text = shown(as_staff.get(page("variables", charger.pk)))

    assert "Accepted and ignored" in text
    assert "It reads back as &#x27;300&#x27;." in text


def test_search_for_what_no_database_holds_finds_nothing(as_staff, charger, variable):
    """PostgreSQL takes no NUL."""
    text = shown(as_staff.get(page("variables", charger.pk), {"q": "\0Heart"}))

    assert "No variable is like that." in text


def test_staff_want_a_value(as_staff, staff, charger, variable):
    """It is kept for a charger that is offline."""
    answer = as_staff.post(page("variable", charger.pk, variable.pk), {"value": "60"})

    variable.refresh_from_db()
    assert (answer.status_code, variable.wish, variable.desired_by) == (302, "60", staff)


def test_value_that_cannot_be_is_refused_beside_its_field(as_staff, charger, variable):
    """In the service's words."""
    text = shown(as_staff.post(page("variable", charger.pk, variable.pk), {"value": "1" * 501}))

    variable.refresh_from_db()
    assert ("500" in text, variable.wish) == (True, None)


@pytest.mark.parametrize(
    ("button", "state", "watched"),
    [("forget", "", False), ("retry", "waiting", False), ("watch", "failed", True)],
)
def test_buttons_of_a_variable(as_staff, charger, variable, button, state, watched):
    """Forget, try again, watch."""
    device_model.want(charger, [{"name": variable.name, "value": "60"}], origin="test")
    Variable.objects.update(desired_state="failed")
    as_staff.post(page("variable", charger.pk, variable.pk), {"do": button})

    variable.refresh_from_db()
    assert (variable.desired_state, variable.is_monitored) == (state, watched)


def test_value_of_an_unreported_key_is_wanted(as_staff, charger):
    """By its name."""
    as_staff.post(page("wish", charger.pk), {"name": "VendorKey", "value": "1"})

    assert Variable.objects.get().desired_state == "waiting"


def test_value_of_an_unreported_variable_names_its_component(as_staff, charger):
    """In OCPP 2.0.1; without one it is refused."""
    Presence.objects.all().delete()
    Charger.objects.update(protocol="ocpp2.0.1")
    place = {"component": "TxCtrlr", "evse_id": "", "name": "EVConnectionTimeOut", "value": "60"}
    as_staff.post(page("wish", charger.pk), place | {"component": ""})
    assert not Variable.objects.exists()
    as_staff.post(page("wish", charger.pk), place)

    assert Variable.objects.get().component == "TxCtrlr"


def test_charger_is_asked_for_all(as_staff, charger):
    """By the button below the table; offline it says so."""
    Presence.objects.all().delete()
    assert "not connected" in shown(as_staff.post(page("read", charger.pk), follow=True))
    go_online(charger)
    as_staff.post(page("read", charger.pk))

    assert Command.objects.get().action == "GetConfiguration"


def test_variable_is_read_by_its_button(as_staff, charger, variable):
    """Only that one."""
    go_online(charger)
    as_staff.post(page("variable", charger.pk, variable.pk), {"do": "read"})

    assert Command.objects.get().payload == {"key": ["HeartbeatInterval"]}


def test_secrets_are_hidden(as_staff, charger):
    """On the tab and on the variable's page."""
    device_model.want(charger, [{"name": "WifiPassword", "value": "hush-hush"}], origin="test")
    row = Variable.objects.get()
    pages = [page("variables", charger.pk), page("variable", charger.pk, row.pk)]

    assert all("hush" not in shown(as_staff.get(address)) for address in pages)


def test_reports_and_failed_learning_are_shown(as_staff, charger):
    """So that nobody wonders why there is nothing."""
    Report.objects.create(charger=charger, kind="variables", request_id=7, state="holed")
    Learning.objects.create(charger=charger, state="failed", reason="It answered nothing of use.")

    text = shown(as_staff.get(page("variables", charger.pk)))

    assert "Parts missing" in text
    assert "It answered nothing of use." in text


@pytest.mark.parametrize("name", ["variable", "wish", "read"])
def test_who_may_only_look_changes_nothing(client, django_user_model, charger, variable, name):
    """Wanting is ordering: it needs the same permission."""
    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    Charger.objects.update(owner=looker)
    client.force_login(looker)
    numbers = (charger.pk, variable.pk) if name == "variable" else (charger.pk,)
    answer = client.post(page(name, *numbers), {"name": "A", "value": "60", "do": "watch"})

    variable.refresh_from_db()
    assert (answer.status_code, variable.wish, variable.is_monitored) == (404, None, False)


def test_variable_of_another_charger_is_not_found_there(as_staff, staff, charger, variable):
    """Its number belongs to one charger."""
    other = Charger.objects.create(owner=staff, identifier="CP-2", created_at=timezone.now())

    assert as_staff.get(page("variable", other.pk, variable.pk)).status_code == 404
