"""What chargers tell of their variables, and what is told on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import Report, Variable
from chargers.services import commands, device_model, reports
from chargers.services.device_model import facts
from chargers.wire.validation import V201
from csms.models import Event

pytestmark = pytest.mark.django_db

POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


def part(request_id, *, seq_no=0, more=False, value="7000", **others):
    """Return a NotifyReport with one variable."""
    entry = POWER | {"variableAttribute": [{"value": value, "mutability": "ReadOnly"}]}
    body = {"requestId": request_id, "generatedAt": "2026-11-21T12:00:00Z", "seqNo": seq_no, "tbc": more}
    return body | {"reportData": [entry]} | others


class TestChanges:
    def test_first_value_is_no_change(self, charger, changes):
        """Nothing was known before."""
        device_model.report(charger, [{"name": "X", "value": "1"}])

        assert changes() == []

    def test_change_tells_old_and_new_value(self, charger, changes):
        """Nobody said who changed it."""
        device_model.report(charger, [{"name": "X", "value": "1"}])
        device_model.report(charger, [{"name": "X", "value": "2"}, {"name": "Y", "value": "1"}])
        device_model.report(charger, [{"name": "X", "value": "2"}])

        assert changes() == [("X", "1", "2", "unknown")]

    def test_same_key_twice_in_one_answer_is_one_variable(self, charger, changes):
        """The later one counts."""
        device_model.report(charger, [{"name": "X", "value": "1"}, {"name": "x", "value": "2"}])

        assert list(Variable.objects.values_list("name", "value")) == [("X", "2")]

    def test_event_says_that_the_variable_is_watched(self, charger):
        """As EVerest's monitor_configuration_keys has it."""
        device_model.report(charger, [{"name": "X", "value": "1", "mutability": "ReadOnly"}])
        device_model.monitor(Variable.objects.get(), is_monitored=True)
        device_model.report(charger, [{"name": "X", "value": "2"}])

        told = Event.objects.get(kind="variable.changed").data
        assert (told["is_monitored"], told["read_only"], told["component"]) == (True, True, "")

    def test_secrets_are_masked(self, charger, changes):
        """Before they are stored."""
        device_model.report(charger, [{"name": "AuthorizationKey", "value": "k1"}])
        device_model.report(charger, [{"name": "AuthorizationKey", "value": "k2"}])

        row = Variable.objects.get()
        assert (row.value, row.is_secret, changes()) == ("******", True, [])

    def test_no_charger_fills_the_table(self, charger, monkeypatch):
        """Beyond a bound new variables are left out; known ones are kept up."""
        monkeypatch.setattr(facts, "MOST_VARIABLES", 2)
        device_model.report(charger, [{"name": name, "value": "1"} for name in "ABC"])
        device_model.report(charger, [{"name": name, "value": "2"} for name in "CBA"])

        assert list(Variable.objects.values_list("name", "value")) == [("A", "2"), ("B", "2")]

    def test_station_tells_a_change_by_an_event(self, far201, tell, changes):
        """NotifyEvent; of what was never reported nothing is kept."""
        device_model.report(
            far201.charger, [{"component": "EVSE", "evse_id": 1, "name": "Power", "value": "7000"}]
        )
        common = {"eventId": 1, "timestamp": "2026-11-21T12:00:00Z", "trigger": "Delta"}
        common |= {"eventNotificationType": "CustomMonitor"}
        other = common | {"component": {"name": "X"}, "variable": {"name": "Y"}, "actualValue": "1"}
        told = [common | POWER | {"actualValue": "9000"}, other]
        payload = {"generatedAt": "2026-11-21T12:00:00Z", "seqNo": 0, "eventData": told}
        tell("NotifyEvent", payload, version=V201, to=far201.charger)

        assert changes() == [("Power", "7000", "9000", "station")]
        assert Variable.objects.count() == 1

    @pytest.mark.parametrize(("told", "stored"), [("power", "Power"), ("Ä" * 300, "Ä" * 255)])
    def test_case_and_excess_make_no_other_variable(self, charger, told, stored):
        """Stations spell the same name differently from one message to the next."""
        device_model.report(charger, [{"name": stored, "value": "1"}])
        for value in "23":
            device_model.report(charger, [{"name": told, "value": value}], only_known=value == "3")

        assert list(Variable.objects.values_list("name", "value")) == [(stored, "3")]

    def test_answer_as_long_as_a_frame_may_be_is_taken(self, charger):
        """As many as a charger may have; a database takes only so many parameters."""
        device_model.report(charger, [{"name": f"K{number}", "value": ""} for number in range(40_000)])

        assert Variable.objects.count() == facts.MOST_VARIABLES


class TestReports:
    def ask(self, far201, **options):
        return device_model.read(far201.charger, origin="test", **options)

    def notify(self, far201, tell, payload):
        tell("NotifyReport", payload, version=V201, now=timezone.now(), to=far201.charger)

    def test_report_is_opened_filled_and_closed(self, far201, tell, of):
        """By the last part."""
        command = self.ask(far201)
        far201.answers({"status": "Accepted"})
        request_id = command.payload["requestId"]
        self.notify(far201, tell, part(request_id, more=True))
        self.notify(far201, tell, part(request_id, seq_no=1, value="8000"))

        report = Report.objects.get()
        assert (report.state, report.parts, report.command_id) == ("complete", 2, command.pk)
        assert of("Power").value == "8000"

    def test_report_with_holes_is_closed_by_its_last_part(self, far201, tell):
        """Never wait for part 0."""
        request_id = self.ask(far201).payload["requestId"]
        far201.answers({"status": "Accepted"})
        self.notify(far201, tell, part(request_id, seq_no=2))

        assert Report.objects.get().state == "holed"

    def test_repeated_part_fills_no_hole(self, far201, tell):
        """A station repeats what it got no answer for."""
        request_id = self.ask(far201).payload["requestId"]
        far201.answers({"status": "Accepted"})
        for seq_no in (0, 0, 2):
            self.notify(far201, tell, part(request_id, seq_no=seq_no, more=seq_no < 2))

        assert (Report.objects.get().state, Report.objects.get().parts) == ("holed", 2)

    @pytest.mark.parametrize("status", ["Rejected", "NotSupported", "EmptyResultSet"])
    def test_refused_report_is_shown_as_refused(self, far201, status):
        """It is not waited for."""
        self.ask(far201, criteria=["Problem"])
        far201.answers({"status": status})

        assert Report.objects.get().state == "refused"
        assert far201.asked[0][1]["componentCriteria"] == ["Problem"]

    def test_silence_about_the_request_closes_the_report(self, far201):
        """Nobody knows of it."""
        self.ask(far201)
        far201.is_silent()

        assert Report.objects.get().state == "timed_out"

    def test_report_whose_parts_stop_coming_is_closed_in_time(self, far201, tell):
        """By a job."""
        request_id = self.ask(far201).payload["requestId"]
        far201.answers({"status": "Accepted"})
        self.notify(far201, tell, part(request_id, more=True))
        reports.time_out(timezone.now() + timedelta(minutes=3))

        assert (Report.objects.get().state, Report.objects.get().parts) == ("timed_out", 1)

    @pytest.mark.parametrize("request_id", [4711, 2**40, -1])
    def test_part_that_nobody_asked_for_is_stored(self, far201, tell, of, changes, request_id):
        """The station told it by itself."""
        self.notify(far201, tell, part(1))
        self.notify(far201, tell, part(request_id, value="8000"))

        assert (of("Power").value, Report.objects.count()) == ("8000", 0)
        assert changes() == [("Power", "7000", "8000", "station")]

    @pytest.mark.parametrize(
        "data",
        [
            None,
            [],
            "all",
            [None, 7],
            [{"component": "EVSE", "variable": None}],
            [POWER | {"variableAttribute": None}],
            [POWER | {"variableAttribute": [{"value": None, "mutability": 3}], "variableCharacteristics": 1}],
        ],
    )
    def test_nonsense_in_a_part_harms_nothing(self, far201, tell, data):
        """The part counts all the same."""
        request_id = self.ask(far201).payload["requestId"]
        far201.answers({"status": "Accepted"})
        self.notify(far201, tell, part(request_id, reportData=data))

        assert Report.objects.get().state == "complete"

    def test_report_that_was_asked_for_by_hand_is_kept_too(self, far201, tell):
        """From any door."""
        payload = {"requestId": 5, "reportBase": "SummaryInventory"}
        commands.send(far201.charger, "GetBaseReport", payload, origin="api")
        far201.answers({"status": "Accepted"})
        self.notify(far201, tell, part(5))

        assert Report.objects.get().state == "complete"


class TestMonitored:
    def test_watched_variable_is_read_again_when_it_is_time(self, far, changes):
        """Of a charger that is online, and once."""
        now = timezone.now()
        device_model.report(far.charger, [{"name": name, "value": "1"} for name in "ABC"])
        for row in Variable.objects.filter(name__in="AB"):
            device_model.monitor(row, is_monitored=True)
        assert device_model.check_monitored(now) == 0
        Variable.objects.update(reported_at=now - timedelta(hours=2))
        assert (device_model.check_monitored(now), device_model.check_monitored(now)) == (2, 0)
        far.be_quiet()
        told = {"configurationKey": [{"key": "A", "readonly": False, "value": "2"}], "unknownKey": ["B"]}
        far.answers(told)

        assert far.asked == [("GetConfiguration", {"key": ["A", "B"]})]
        assert changes() == [("A", "1", "2", "unknown")]
        assert device_model.check_monitored(now + timedelta(minutes=5)) == 0

    def test_offline_charger_is_not_asked(self, far):
        """Nor marked: it may be away for a year."""
        device_model.report(far.charger, [{"name": "A", "value": "1"}])
        Variable.objects.update(reported_at=timezone.now() - timedelta(days=1), is_monitored=True)
        far.go_offline()

        assert device_model.check_monitored(timezone.now()) == 0
