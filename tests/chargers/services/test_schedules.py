"""Composite schedules: asked for in time, taken in whatever comes, and never asked for for ever."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chargers.batch import open_batch
from chargers.models import Charger, Command, CompositeSchedule, Connector, Presence, Variable
from chargers.services import commands, registration, schedules
from chargers.wire.validation import V201
from csms.models import Event, ServerProcess
from tests.chargers.admin.conftest import go_online

pytestmark = pytest.mark.django_db
State = CompositeSchedule.State
MINUTE = timedelta(minutes=1)


@pytest.fixture
def charger(owner):
    """A charger with two connectors that is online."""
    charger = Charger.objects.create(owner=owner, identifier="CP-1", connector_count=2, boot_count=1)
    return go_online(charger)


@pytest.fixture
def station(owner):
    """A station of 2.0.1 with one EVSE that is online."""
    charger = Charger.objects.create(owner=owner, identifier="CS-1", protocol=V201, boot_count=1)
    Connector.objects.create(charger=charger, evse_id=1, connector_id=1)
    return go_online(charger)


def answer(limit=16, *, unit="A", connector=0):
    schedule = {
        "duration": 600,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return {"status": "Accepted", "connectorId": connector, "chargingSchedule": schedule}


def end(row, result=None, state=Command.State.COMPLETED, **error):
    """Have the question for `row` end so; return the row as it is then."""
    commands.finish(Command.objects.get(pk=row.command_id), state, result=result, **error)
    row.refresh_from_db()
    return row


def told(charger, action="GetCompositeSchedule", result=None, state="completed", error="", **payload):
    """Have a command that somebody else sent end so."""
    command = Command.objects.create(
        owner=charger.owner, charger=charger, action=action, payload=payload, state="sent"
    )
    commands.finish(command, state, result=result, error_code=error)


def due(charger):
    """The places that are due within seconds."""
    rows = charger.composite_schedules.filter(due_at__lte=timezone.now() + 40 * timedelta(seconds=1))
    return [row.number for row in rows.exclude(state=State.ASKED)]


def later(row, pause):
    """Whether the row is due after about `pause`."""
    return abs(row.due_at - timezone.now() - pause) < 0.2 * pause


class TestAnswers:
    def test_schedule_is_kept(self, charger):
        """With when it was fetched, and as a fact that others hear of."""
        row = end(schedules.ask(charger, connector_id=1), answer(connector=1))

        assert (row.state, row.unit, row.duration) == ("known", "A", 600)
        assert row.periods == [{"start": 0, "limit": 16.0, "phases": None}]
        assert row.fetched_at
        event = Event.objects.get(kind="schedule.changed")
        assert (event.object_id, event.data["connector_id"], event.data["limit"]) == (row.pk, 1, 16.0)

    def test_schedule_of_201_is_kept(self, station):
        """Its places are EVSEs."""
        row = schedules.ask(station, evse_id=1)
        assert row.command.payload == {"evseId": 1, "duration": schedules.window(), "chargingRateUnit": "A"}
        told = {
            "evseId": 1,
            "duration": 60,
            "scheduleStart": "2026-11-21T12:00:00Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000, "numberPhases": 3}],
        }

        row = end(row, {"status": "Accepted", "schedule": told})

        assert (row.state, row.unit, row.periods[0]["phases"]) == ("known", "W", 3)
        assert "asked in a" in row.reason.lower()

    def test_same_schedule_is_no_news(self, charger):
        """Each question gets one; only what is new in it is told."""
        for _ in range(2):
            end(schedules.ask(charger), answer())
        end(schedules.ask(charger), answer(8))

        assert Event.objects.filter(kind="schedule.changed").count() == 2

    @pytest.mark.parametrize(
        ("result", "state", "reason"),
        [
            ({"status": "Accepted"}, "failed", "without a limit"),
            ({"status": "Accepted", "chargingSchedule": 5}, "failed", "without a limit"),
            (answer("x"), "failed", "without a limit"),
            (answer(connector=2), "failed", "for 2"),
            ({"status": "Rejected"}, "refused", "Rejected"),
            ({"status": ["Accepted"]}, "refused", "Accepted"),
            ({}, "refused", "nothing"),
            (None, "refused", "nothing"),
            ({"status": "Rejected", "statusInfo": {"reasonCode": "NotNow"}}, "refused", "Rejected NotNow"),
            ({"status": "Rejected", "statusInfo": [1]}, "refused", "Rejected"),
        ],
    )
    def test_nonsense_never_harms(self, charger, result, state, reason):
        """Half an answer is as good as none, and the row says why; what was known stays."""
        end(schedules.ask(charger), answer(10))

        row = end(schedules.ask(charger, is_second_try=True), result)

        assert (row.state, row.periods[0]["limit"]) == (state, 10)
        assert reason in row.reason

    def test_unit_that_is_left_out_is_the_one_asked_for(self, charger):
        row = end(schedules.ask(charger, unit="W"), answer(unit=None))

        assert (row.state, row.unit) == ("known", "W")

    @pytest.mark.parametrize(
        ("state", "error", "reason"),
        [
            ("timed_out", "", "Timed out"),
            ("failed", "InternalError", "InternalError"),
            ("failed", "ConnectionLost", "ConnectionLost"),
            ("cancelled", "", "Cancelled"),
            ("expired", "", "Expired"),
        ],
    )
    def test_question_without_an_answer_says_why(self, charger, state, error, reason):
        row = end(schedules.ask(charger), state=state, error_code=error)

        assert (row.state, row.reason) == ("failed", reason)
        assert later(row, 2 * MINUTE)

    @pytest.mark.django_db(transaction=True)
    def test_question_that_the_worker_ends_says_why(self, charger):
        """No process took it; what becomes of a command is written in one transaction, wherever that is."""
        row = schedules.ask(charger)
        Command.objects.update(created_at=timezone.now() - 2 * MINUTE)

        commands.expire(timezone.now())

        row.refresh_from_db()
        assert (row.state, row.reason) == ("failed", "NotConnected")

    def test_refused_unit_is_tried_once_in_the_other(self, charger):
        """Some know only watts; one that refuses both is not asked in turns."""
        row = end(schedules.ask(charger), {"status": "Rejected"})
        assert (row.state, row.command.payload["chargingRateUnit"]) == ("asked", "W")

        row = end(row, {"status": "Rejected"})
        assert (row.state, Command.objects.count()) == ("refused", 2)

    def test_unit_that_was_answered_is_asked_for_next(self, charger):
        """The charger need not refuse the other one each time."""
        row = end(schedules.ask(charger), {"status": "Rejected"})
        end(row, answer(11000, unit="W"))

        assert schedules.ask(charger).command.payload["chargingRateUnit"] == "W"

    def test_anyones_question_counts(self, charger):
        """A schedule is a fact, whoever asked for it; a failure may be the asker's."""
        told(charger, result=answer(connector=1), connectorId=1, duration=60)
        told(charger, result={"status": "Rejected"}, connectorId=1, duration=60)

        assert CompositeSchedule.objects.get().state == "known"

    @pytest.mark.parametrize("place", [{"connectorId": 9}, {"connectorId": -1}, {"evseId": 1}, {}])
    def test_place_that_there_is_not_gets_no_row(self, charger, place):
        """Some chargers say yes to anything; nobody makes rows with questions."""
        told(charger, result=answer(), duration=60, **place)

        assert not CompositeSchedule.objects.filter(connector_id__gt=2).exists()
        assert not CompositeSchedule.objects.filter(evse_id__gt=0).exists()

    def test_answer_after_a_newer_question_leaves_it_open(self, charger):
        """The newer one is still on its way."""
        first = schedules.ask(charger).command
        second = schedules.ask(charger)

        commands.finish(first, Command.State.TIMED_OUT)

        second.refresh_from_db()
        assert second.state == "asked"


class TestWhenItIsDue:
    @pytest.mark.parametrize(("duration", "pause"), [(1, 60), (300, 300), (86400, 1200)])
    def test_short_schedule_is_replaced_before_long(self, settings, charger, duration, pause):
        """Somebody asked for a few minutes: what comes after them is to be known as well."""
        settings.CSMS_SCHEDULE_INTERVAL = 1200
        row = end(schedules.ask(charger, duration=duration), answer())
        assert later(row, timedelta(seconds=pause))

    def test_every_interval(self, charger, settings):
        settings.CSMS_SCHEDULE_INTERVAL = 1200
        row = end(schedules.ask(charger), answer())

        assert later(row, timedelta(seconds=1140))
        assert row.command.payload["duration"] == 2400

    def test_never_without_an_interval(self, charger, settings):
        settings.CSMS_SCHEDULE_INTERVAL = 0

        row = end(schedules.ask(charger), answer())

        assert (row.due_at, row.command.payload["duration"]) == (None, 600)

    @pytest.mark.parametrize("action", ["SetChargingProfile", "ClearChargingProfile"])
    def test_changed_profiles_make_all_due_once(self, charger, action):
        """Many changes are one refresh, of the whole charger and each connector."""
        for _ in range(3):
            told(charger, action, result={"status": "Accepted"})

        assert due(charger) == [0, 1, 2]
        assert not Command.objects.filter(action="GetCompositeSchedule").exists()

    @pytest.mark.parametrize("result", [{"status": "Rejected"}, {}, None, {"status": {}}])
    def test_profile_that_was_not_taken_changes_nothing(self, charger, result):
        told(charger, "SetChargingProfile", result=result)

        assert not CompositeSchedule.objects.exists()

    def test_change_while_a_question_is_open_asks_again(self, charger):
        """The answer may have been made before."""
        row = schedules.ask(charger)
        schedules.refresh(charger)

        end(row, answer())

        assert due(charger) == [0, 1, 2]

    def test_failures_come_to_an_end(self, charger):
        """Later and later, and then not at all, until something changes."""
        pauses = []
        row = schedules.ask(charger)
        while (row := end(row, state="timed_out")).due_at:
            pauses.append(row.due_at - timezone.now())
            row = schedules.ask(charger)

        assert len(pauses) == schedules.MOST_FAILURES - 1
        assert pauses == sorted(pauses)
        schedules.refresh(charger)
        assert 0 in due(charger)

    def test_silence_puts_the_other_places_off(self, charger):
        """Each question that nobody answers holds up everybody's commands."""
        schedules.refresh(charger)
        row = schedules.ask(charger)

        end(row, state="timed_out")

        assert due(charger) == []

    @pytest.mark.parametrize("code", ["NotSupported", "NotImplemented"])
    def test_charger_without_it_is_left_alone_until_it_boots(self, charger, code):
        schedules.refresh(charger)
        row = end(schedules.ask(charger), state="failed", error_code=code)
        schedules.refresh(charger)
        schedules.reconcile(charger)
        assert (row.state, due(charger)) == ("not_supported", [])

        charger.boot_count += 1
        schedules.reconcile(charger)
        assert due(charger) == [0, 1, 2]

    def test_place_without_it_does_not_speak_for_the_others(self, charger):
        """Some have none for connector 0."""
        end(schedules.ask(charger, connector_id=1), answer(connector=1))
        end(schedules.ask(charger), state="failed", error_code="NotSupported")

        assert list(charger.composite_schedules.values_list("state", flat=True)) == ["not_supported", "known"]


class TestReconcile:
    def test_boot_makes_all_due_once(self, charger):
        """However often it is called; a new connector comes with the next round."""
        schedules.reconcile(charger)
        assert due(charger) == [0, 1, 2]
        charger.composite_schedules.update(due_at=None)

        schedules.reconcile(charger)

        assert due(charger) == []

    @pytest.mark.parametrize(
        ("protocol", "name", "component", "value", "expected"),
        [
            ("ocpp1.6", "SupportedFeatureProfiles", "", "Core, FirmwareManagement", []),
            ("ocpp1.6", "SupportedFeatureProfiles", "", "Core, SmartCharging", [0, 1, 2]),
            ("ocpp1.6", "SupportedFeatureProfiles", "", "Core, Smart charging", [0, 1, 2]),
            ("ocpp1.6", "supportedfeatureprofiles", "", "Core", []),
            ("ocpp1.6", "SupportedFeatureProfiles", "", "", [0, 1, 2]),
            (V201, "enabled", "smartChargingCtrlr", " False", []),
            (V201, "Available", "SmartChargingCtrlr", "false", []),
            (V201, "Enabled", "SmartChargingCtrlr", "true", [0]),
        ],
    )
    def test_charger_that_says_it_has_none_is_not_asked(
        self, charger, protocol, name, component, value, expected
    ):
        """One that says nothing is."""
        charger.protocol = protocol
        Variable.objects.create(
            charger=charger, component=component, name=name, value=value, reported_at=timezone.now()
        )

        schedules.reconcile(charger)

        assert due(charger) == expected

    def test_places_follow_the_charger(self, charger):
        """It may speak another version after an update."""
        schedules.reconcile(charger)
        charger.protocol, charger.boot_count = V201, 2
        Connector.objects.create(charger=charger, evse_id=1, connector_id=1)

        schedules.reconcile(charger)

        assert list(charger.composite_schedules.values_list("evse_id", "connector_id")) == [(0, 0), (1, 0)]


class TestTurn:
    def all_due(self, charger):
        schedules.refresh(charger)
        charger.composite_schedules.update(due_at=timezone.now())
        return charger

    def test_charger_is_asked_for_one_place_at_a_time(self, charger):
        """The answer brings the next; nothing is asked twice."""
        self.all_due(charger)

        for _ in range(2):
            schedules.reconcile(charger)
        for number in range(3):
            end(charger.composite_schedules.get(state=State.ASKED), answer(connector=number))

        assert [row.payload["connectorId"] for row in Command.objects.order_by("pk")] == [0, 1, 2]

    @pytest.mark.parametrize(
        "absent",
        [
            lambda charger: Presence.objects.all().delete(),
            lambda charger: ServerProcess.objects.update(beat_at=timezone.now() - MINUTE),
            lambda charger: Charger.objects.update(enabled=False),
            lambda charger: Charger.objects.update(deleted_at=timezone.now()),
            schedules.ask,
        ],
    )
    def test_who_cannot_answer_is_not_woken(self, charger, absent):
        """What is due waits until it is back."""
        self.all_due(charger)
        assert schedules.due(timezone.now()) == [charger.pk]
        absent(charger)

        assert schedules.due(timezone.now()) == []

    def test_charger_that_has_just_gone_is_not_asked_again_at_once(self, charger):
        """Nor for ever."""
        self.all_due(charger)
        Presence.objects.all().delete()

        schedules.reconcile(Charger.objects.get())

        assert 0 not in due(charger)
        assert not Command.objects.exists()

    def test_question_that_cannot_be_asked_comes_to_an_end(self, charger, monkeypatch):
        """Whatever the reason is, it is told."""
        self.all_due(charger)
        monkeypatch.setattr(schedules, "window", lambda: "an hour")

        schedules.reconcile(charger)

        row = charger.composite_schedules.get(connector_id=0)
        assert (row.state, "payload.duration" in row.reason) == ("failed", True)
        assert later(row, 2 * MINUTE)

    def test_fleet_costs_as_many_queries_as_one_charger(self, owner):
        """Whether it boots or only reconnects, and then it is a single look."""

        def queries(fleet):
            with transaction.atomic(), open_batch([charger.pk for charger in fleet]) as batch:
                batch.now = timezone.now()
                with CaptureQueriesContext(connection) as context:
                    for charger in batch.chargers.values():
                        schedules.reconcile(charger)
                    batch.flush()
            return len(context)

        chargers = [Charger.objects.create(owner=owner, identifier=f"F-{number}") for number in range(5)]
        one, four = chargers[:1], chargers[1:]

        assert (queries(one), queries(one)) == (queries(four), queries(four))
        assert queries(four) == 1


def test_removed_charger_leaves_no_schedules(charger):
    schedules.refresh(charger)

    registration.remove(charger)

    assert not CompositeSchedule.objects.exists()
