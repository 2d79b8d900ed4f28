"""The mirror in the admin: schedules, data transfer, and stopping a charger's connections."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from chargers.admin import schedule_pages
from chargers.models import Charger, ChargingNeeds, Command, CompositeSchedule, ExternalLimit, Presence
from chargers.services import commands
from tests.kit import world

pytestmark = pytest.mark.django_db


def page(charger, name):
    return reverse(f"admin:chargers_charger_{name}", args=[charger.pk])


@pytest.fixture
def schedule(charger):
    """16 A, and 10 A from five minutes after the last minute on."""
    now = timezone.now()
    return CompositeSchedule.objects.create(
        charger=charger,
        connector_id=1,
        state="known",
        unit="A",
        starts_at=now - timedelta(minutes=1),
        duration=600,
        periods=[{"start": 0, "limit": 16.0, "phases": 3}, {"start": 300, "limit": 10.0, "phases": None}],
        fetched_at=now,
    )


class TestTab:
    def test_schedules_are_shown(self, as_staff, charger, schedule):
        """As a chart, in words and as a table."""
        text = as_staff.get(page(charger, "schedules")).content.decode()

        assert "16 A now; between 10 and 16 A in all." in text
        assert '<td class="sm-number">10.0 A</td>' in text
        assert '"limit": [16.0, 10.0, 10.0]' in text

    @pytest.mark.parametrize(
        ("state", "reason", "badge"),
        [
            ("never_asked", "", "Never asked"),
            ("refused", "It answered Rejected.", "Refused"),
            ("failed", "Timed out <", "Failed"),
            ("not_supported", "It answered NotSupported.", "Not supported"),
        ],
    )
    def test_state_says_why(self, as_staff, charger, state, reason, badge):
        CompositeSchedule.objects.create(charger=charger, state=state, reason=reason)

        text = as_staff.get(page(charger, "schedules")).content.decode()

        assert badge in text
        assert reason.replace("<", "&lt;") in text
        assert "No schedule has been told yet." in text

    def test_charger_that_was_never_asked(self, as_staff, charger):
        assert "has not been asked yet" in as_staff.get(page(charger, "schedules")).content.decode()

    def test_limits_that_others_set_are_shown(self, as_staff, charger):
        """Until they are cleared."""
        period = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1500000}]}
        told = {"charger": charger, "told_at": timezone.now(), "schedules": [period]}
        ExternalLimit.objects.create(source="SO", **told)
        ExternalLimit.objects.create(source="EMS", cleared_at=timezone.now(), **told)

        text = as_staff.get(page(charger, "schedules")).content.decode()

        assert "Grid operator" in text
        assert "<td>1500000 W</td>" in text
        assert "Energy management" not in text

    @pytest.mark.parametrize(
        "told", [[], [5], [{}], [{"chargingRateUnit": "W", "chargingSchedulePeriod": [{"limit": [1]}]}]]
    )
    def test_nonsense_as_limit_of_others_is_shown(self, told):
        assert schedule_pages.first_limit(told) == "not told"

    def test_what_a_vehicle_needs_is_shown(self, as_staff, charger):
        """And how it means to charge, once it has said so."""
        ChargingNeeds.objects.create(
            charger=charger, evse_id=2, needs={"departureTime": "<soon>"}, needs_at=timezone.now()
        )

        text = as_staff.get(page(charger, "schedules")).content.decode()

        assert "The vehicle at EVSE 2" in text
        assert "&lt;soon&gt;" in text
        assert "means to charge" not in text

    def test_schedule_without_an_end_is_drawn(self, schedule):
        """For a while after its last step; periods behind the end are not."""
        schedule.duration = None
        assert len(schedule_pages.shown(schedule)["points"]["time"]) == 3
        schedule.duration = 60
        assert schedule_pages.shown(schedule)["points"]["limit"] == [16.0, 16.0]

    @pytest.mark.parametrize(
        ("state", "due", "words"),
        [
            ("known", timedelta(minutes=5, seconds=30), "Next question in 5 min"),
            ("known", timedelta(seconds=-5), "Next question in a moment"),
            ("failed", None, "Not asked for again before it boots or a charging profile changes"),
            ("asked", None, ""),
        ],
    )
    def test_next_question_is_told(self, schedule, state, due, words):
        schedule.state, schedule.due_at = state, due and timezone.now() + due

        assert schedule_pages.when_next(schedule) == words


class TestAsking:
    def test_all_places_are_asked(self, as_staff, staff, charger):
        """The whole charger first; its answer brings the connector."""
        as_staff.post(page(charger, "ask_schedules"))
        first = Command.objects.get()
        commands.finish(first, Command.State.COMPLETED, result={"status": "Accepted"})

        asked = Command.objects.order_by("pk")
        assert [command.payload["connectorId"] for command in asked] == [0, 1]
        assert (first.origin, first.created_by) == ("admin", staff)

    def test_offline_charger_says_so(self, as_staff, charger):
        Presence.objects.all().delete()

        answer = as_staff.post(page(charger, "ask_schedules"), follow=True)

        assert "is not connected" in answer.content.decode()
        assert not Command.objects.exists()

    def test_looking_asks_nothing(self, as_staff, charger):
        as_staff.get(page(charger, "ask_schedules"))

        assert not Command.objects.exists()

    def test_asking_needs_the_permission_to_order(self, as_staff, staff, charger):
        staff.user_permissions.remove(Permission.objects.get(codename="add_command"))

        assert as_staff.post(page(charger, "ask_schedules")).status_code == 404
        assert "Ask the charger" not in as_staff.get(page(charger, "schedules")).content.decode()


class TestStop:
    def test_stop_and_restart(self, as_staff, charger):
        """The charger's page says that it is stopped, and lets it connect again."""
        answer = as_staff.post(page(charger, "stop"), follow=True)
        assert "This charger is stopped" in answer.content.decode()
        Presence.objects.all().delete()
        assert "Offline, stopped" in as_staff.get(page(charger, "schedules")).content.decode()

        answer = as_staff.post(page(charger, "restart"), follow=True)
        assert "This charger is stopped" not in answer.content.decode()
        assert Charger.objects.get().stopped_at is None

    def test_looking_stops_nothing(self, as_staff, charger):
        as_staff.get(page(charger, "stop"))

        assert Charger.objects.get().stopped_at is None

    @pytest.mark.parametrize("name", ["stop", "restart", "schedules", "ask_schedules"])
    def test_charger_of_another_is_missing(self, as_staff, owner, name):
        other = world.of(owner)[Charger]

        assert as_staff.post(page(other, name)).status_code == 404
        assert Charger.objects.get(pk=other.pk).stopped_at is None

    def test_stop_needs_the_permission_to_change(self, as_staff, staff, charger):
        staff.user_permissions.remove(Permission.objects.get(codename="change_charger"))

        assert as_staff.post(page(charger, "stop")).status_code == 403
        assert Charger.objects.get().stopped_at is None


class TestDataTransfer:
    @pytest.mark.parametrize(
        ("protocol", "text", "data"),
        [
            ("ocpp1.6", '{"a": 1}', '{"a": 1}'),
            ("ocpp1.6", " text\n", " text\n"),
            ("ocpp2.0.1", '{"aB": [1]}', {"aB": [1]}),
            ("ocpp2.0.1", "no JSON", "no JSON"),
            ("ocpp2.0.1", "[" * 50_000, "[" * 50_000),
        ],
    )
    def test_data_is_what_the_version_takes(self, as_staff, charger, protocol, text, data):
        """Text in 1.6; what is JSON is JSON in 2.0.1."""
        Charger.objects.update(protocol=protocol)
        Presence.objects.update(protocol=protocol)
        asked = {"vendor_id": "V", "message_id": "M", "data": text}

        as_staff.post(reverse("admin:chargers_charger_order", args=[charger.pk, "data-transfer"]), asked)

        payload = Command.objects.get().payload
        assert payload == {"vendorId": "V", "messageId": "M", "data": data}

    def test_nothing_is_left_out(self, as_staff, charger):
        """Neither message nor data is needed."""
        address = reverse("admin:chargers_charger_order", args=[charger.pk, "data-transfer"])

        as_staff.post(address, {"vendor_id": "V", "message_id": "", "data": ""})

        assert Command.objects.get().payload == {"vendorId": "V"}
