"""Instructions in the admin: listed, read, and named as the origin of commands."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chargers.models import Command, Instruction
from tests.kit.instructions import declined, queued

pytestmark = pytest.mark.django_db

LIST = reverse("admin:chargers_instruction_changelist")


def page(row):
    return reverse(f"admin:chargers_{row._meta.model_name}_change", args=[row.pk])


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_list_shows_what_came_of_each(as_staff, staff, charger):
    """The command with its charger, or why there is none."""
    queued(staff, charger)
    declined(staff)

    shown = text(as_staff.get(LIST))

    assert "ClearCache to Harbour 1" in shown
    assert "No." in shown


@pytest.mark.parametrize(("state", "count"), [("Received", 1), ("Declined", 1), ("Completed", 0), ("odd", 2)])
def test_list_can_be_narrowed_to_a_state(as_staff, staff, charger, state, count):
    queued(staff, charger)
    declined(staff)

    assert len(as_staff.get(f"{LIST}?state={state}").context["cl"].result_list) == count


def test_list_asks_no_more_for_more_rows(as_staff, staff, charger):
    """No query per row."""
    queued(staff, charger)
    as_staff.get(LIST)
    with CaptureQueriesContext(connection) as few:
        as_staff.get(LIST)
    for _ in range(9):
        queued(staff, charger)

    with CaptureQueriesContext(connection) as many:
        as_staff.get(LIST)

    assert len(many) == len(few)


def test_page_tells_parameters_and_result(as_staff, staff, charger):
    """With a link to the command."""
    row = queued(staff, charger, state="completed", parameters=[{"name": "action", "value": "ClearCache"}])
    Command.objects.update(result={"status": "Accepted"})

    shown = text(as_staff.get(page(row)))

    assert "Accepted" in shown
    assert page(row.command) in shown
    assert '<td class="sm-value">ClearCache</td>' in shown


@pytest.mark.parametrize("state", ["queued", "sent", "failed"])
def test_page_of_each_state_opens(as_staff, staff, charger, state):
    text(as_staff.get(page(queued(staff, charger, state=state))))


def test_page_changes_nothing(as_staff, staff):
    """It is a log."""
    row = declined(staff)

    as_staff.post(page(row), {"error": "x"})

    assert Instruction.objects.get().error == "No."
    assert as_staff.get(reverse("admin:chargers_instruction_add")).status_code == 403


def test_command_names_the_instruction_it_came_of(as_staff, staff, charger):
    """In the list and on its page."""
    row = queued(staff, charger)
    words = f"SolarNetwork instruction #{row.pk}, OCPP_v16, node 7"

    assert words in text(as_staff.get(reverse("admin:chargers_command_changelist")))
    assert words in text(as_staff.get(page(row.command)))
