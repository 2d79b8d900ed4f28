"""Whether chargers obey a limit: verified, walked around, refused, ignored, unanswered."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingLimit, ChargingProfile, Command, Connector
from chargers.services import commands, smart_charging, wakeups
from tests.chargers.services.smart_charging.rows import fresh, is_state, sent_profile

pytestmark = pytest.mark.django_db


class Link:
    """The socket of a charger in this process, with its hands full."""

    tended = 0
    is_free = False

    def tend(self, within):
        self.tended += 1

    def look(self):
        pass


class TestVerifying:
    def test_composite_schedule_verifies(self, station, plug):
        """Accepted is the charger's word; its schedule is more."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        is_state(wish, "accepted", "installed")
        station.compose(16.0)

        row = is_state(wish, "verified")
        assert (row.composite_verified, row.composite["said"]) == (True, "16 A")
        assert not station.asked()

    def test_accepted_and_ignored(self, station, plug):
        """After a second look the schedule is believed; without leave to walk that is the end."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(32.0)
        assert fresh(wish).check_at
        ChargingLimit.objects.update(check_at=timezone.now())
        smart_charging.reconcile(station.charger)
        station.compose(32.0)

        row = is_state(wish, "ignored", "installed")
        assert row.reason == "accepted and ignored: its composite schedule says 32 A"
        assert row.composite_verified is False
        assert not station.asked()

    @pytest.mark.parametrize("result", [{}, {"status": 3}, {"status": "Accepted"}, {"schedule": []}])
    def test_nonsense_as_composite_proves_nothing(self, station, plug, result):
        """The row says that it could not be verified, and why."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.answer(result)

        row = is_state(wish, "accepted")
        assert row.composite_verified is None
        assert row.reason.startswith("Its composite schedule tells nothing")

    def test_refused_unit_is_asked_for_in_the_other(self, station, plug):
        """Some know only one; the answer is compared in that."""
        wish = smart_charging.limit(plug, amps=16, phases=3)
        station.answer()
        station.answer("Rejected")
        assert station.next("GetCompositeSchedule")["chargingRateUnit"] == "W"
        station.compose(11040.0, "W")

        is_state(wish, "verified")

    def test_other_unit_without_phases_proves_nothing(self, station, plug):
        """11 kW are 16 A on three phases, and far more on one."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.answer("Rejected")
        station.compose(11040.0, "W")

        assert not station.asked()
        assert "11040 W" in is_state(wish, "accepted").reason

    def test_composite_refused_in_both_units(self, station, plug):
        """It is asked twice and no more."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.answer("Rejected")
        station.answer("Rejected")

        assert not station.asked()
        assert "Rejected" in is_state(wish, "accepted").reason

    @pytest.mark.parametrize(
        ("measured", "verdict", "state"),
        [
            ({"current_a": 15.9}, True, "verified"),
            ({"current_a": 31.0}, False, "ignored"),
            ({"power_w": 3600.0}, True, "verified"),
            ({"power_w": 11000.0}, None, "accepted"),
            ({"power_w": 22000.0}, False, "ignored"),
            ({"power_w": 0.0}, None, "accepted"),
        ],
    )
    def test_measured_power_tells(self, station, plug, measured, verdict, state):
        """What flows later than a grace after the acceptance; watts on unknown phases tell only extremes."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.fail("NotImplemented")
        now = timezone.now() + timedelta(minutes=1)
        Connector.objects.filter(pk=plug.pk).update(reading_at=now, **measured)
        smart_charging.keep(now)

        assert is_state(wish, state).measured_verified is verdict

    def test_reading_from_before_says_nothing(self, station, plug):
        """A vehicle needs a moment to follow."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        Connector.objects.filter(pk=plug.pk).update(reading_at=timezone.now(), current_a=32)
        smart_charging.keep(timezone.now() + timedelta(minutes=1))

        assert is_state(wish, "accepted").measured_verified is None

    def test_whole_charger_is_measured_by_the_sum(self, station):
        """Two connectors with 10 kW each are too much for 15 kW."""
        wish = smart_charging.limit(station.charger, watts=15000)
        station.answer()
        now = timezone.now() + timedelta(minutes=1)
        Connector.objects.update(reading_at=now, power_w=10000)
        smart_charging.keep(now)

        assert is_state(wish, "ignored").measured["value"] == 20000


class TestWalking:
    def _answers(self, station, wish):
        return [
            (step["unit"], step["purpose"], step["stack_level"], step["answer"]) for step in fresh(wish).steps
        ]

    def test_one_way_after_the_other(self, station, plug):
        """Each is remembered with its answer."""
        station.told("ChargeProfileMaxStackLevel", "3")
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        station.answer("Rejected")
        station.answer("Rejected")
        station.answer("Accepted")
        station.compose(16.0)

        is_state(wish, "verified", "installed")
        answers = self._answers(station, wish)
        assert [answer[:3] for answer in answers] == [
            ("A", "TxDefaultProfile", 3),
            ("A", "TxDefaultProfile", 0),
            ("W", "TxDefaultProfile", 3),
        ]
        assert [answer[3] for answer in answers] == ["Rejected", "Rejected", "Accepted"]

    def test_without_leave_nothing_else_is_tried(self, station, plug):
        """A refusal is the end."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer("Rejected", statusInfo={"reasonCode": "TooMany"})

        assert not station.asked()
        is_state(wish, "refused", "rejected")
        assert "Rejected" in fresh(wish).reason

    def test_walk_ends(self, station, plug):
        """A charger that refuses everything is asked each way once."""
        station.told("ChargeProfileMaxStackLevel", "3")
        station.start()
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        tried = 0
        while station.asked():
            station.answer("Rejected")
            tried += 1

        assert tried == 8
        assert {step["purpose"] for step in is_state(wish, "refused").steps} == {
            "TxDefaultProfile",
            "TxProfile",
        }

    def test_other_connectors_are_never_touched(self, station, plug):
        """On a charger with two connectors nothing is tried on 0."""
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        while station.asked():
            station.answer("Rejected")

        assert {(step["evse_id"] or step["connector_id"]) for step in fresh(wish).steps} == {1}

    def test_only_connector_may_be_limited_on_0(self, station, plug):
        """Some chargers listen there alone."""
        station.charger.connectors.exclude(pk=plug.pk).delete()
        station.charger.connector_count = 1
        station.charger.save()
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        while station.asked():
            station.answer("Rejected")

        ways = {(step["purpose"], step["evse_id"] or step["connector_id"]) for step in fresh(wish).steps}
        assert ways == {("TxDefaultProfile", 1), ("TxDefaultProfile", 0), ("ChargingStationMaxProfile", 0)}

    def test_uncounted_connectors_are_not_one(self, station16):
        """A charge point that has reported one connector may have two."""
        station16.charger.connectors.filter(connector_id=2).delete()
        station16.charger.connector_count = 0
        station16.charger.save()
        wish = smart_charging.limit(station16.charger.connectors.get(), amps=16, may_walk=True)
        while station16.asked():
            station16.answer("Rejected")

        assert {step["connector_id"] for step in fresh(wish).steps} == {1}

    def test_ignored_way_is_left_for_another(self, station, plug):
        """A charger that accepts amps and does not follow may follow watts."""
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        station.answer()
        station.compose(32.0)
        ChargingLimit.objects.update(check_at=timezone.now())
        smart_charging.reconcile(station.charger)
        station.compose(32.0)
        station.answer()
        station.compose(16.0)

        row = is_state(wish, "verified")
        assert [step["outcome"] for step in row.steps] == ["ignored", "accepted"]

    def _walked_to_watts(self, station, plug):
        station.told("ChargeProfileMaxStackLevel", "0")
        wish = smart_charging.limit(plug, amps=16, phases=3, may_walk=True)
        station.answer("Rejected")
        station.answer()
        station.compose(11040.0, "W")
        return is_state(wish, "verified", "installed")

    def test_next_limit_begins_where_the_last_was_verified(self, station, plug):
        """Whoever does not let it walk need not find the way anew."""
        self._walked_to_watts(station, plug)
        smart_charging.limit(plug, amps=10, phases=3)

        schedule = sent_profile(station.next())[2]
        assert schedule["chargingRateUnit"] == "W"
        assert schedule["chargingSchedulePeriod"][0]["limit"] == 6900.0

    def test_verified_way_that_is_no_way_any_more(self, station, plug):
        """The charger has said since that it takes amps alone."""
        self._walked_to_watts(station, plug)
        station.told("ChargingScheduleAllowedChargingRateUnit", "Current")
        smart_charging.limit(plug, amps=10, phases=3)

        assert sent_profile(station.next())[2]["chargingRateUnit"] == "A"

    def test_way_that_was_not_obeyed_is_not_the_first(self, station, plug):
        """Nor is one that another connector takes."""
        wish = self._walked_to_watts(station, plug)
        ChargingLimit.objects.filter(pk=wish.pk).update(measured_verified=False)
        other = station.charger.connectors.exclude(pk=plug.pk).get()
        smart_charging.limit(plug, amps=10, phases=3)
        smart_charging.limit(other, amps=10, phases=3)

        units = [sent_profile(command.payload)[2]["chargingRateUnit"] for command in station.asked()]
        assert units == ["A", "A"]

    def test_transaction_profile_names_its_transaction(self, station, plug):
        """By the number that the charger knows."""
        session = station.start()
        smart_charging.limit(plug, amps=16, may_walk=True)
        station.answer("Rejected")
        station.answer("Rejected")

        profile = sent_profile(station.next())[1]
        assert profile["chargingProfilePurpose"] == "TxProfile"
        assert str(profile["transactionId"]) == (session.transaction_id or str(session.pk))

    def test_limit_of_a_transaction_goes_on_in_the_next(self, station, plug):
        """Where a charger takes nothing else, each transaction is limited anew."""
        first = station.start()
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        station.answer("Rejected")
        station.answer("Rejected")
        station.answer()
        station.compose(16.0)
        first.ended_at = timezone.now()
        first.transaction_id = "over" if first.transaction_id else ""
        first.save()
        smart_charging.keep(timezone.now())
        is_state(wish, "requested", "waiting")
        ChargingProfile.objects.update(next_attempt_at=timezone.now())
        smart_charging.reconcile(station.charger)
        assert not station.asked()

        second = station.start()
        ChargingProfile.objects.update(next_attempt_at=timezone.now())
        smart_charging.reconcile(station.charger)

        profile = sent_profile(station.next())[1]
        assert str(profile["transactionId"]) == (second.transaction_id or str(second.pk))

    def test_limit_that_waits_for_a_transaction_is_due_when_it_starts(
        self, station, plug, tell, driver, monkeypatch, django_capture_on_commit_callbacks
    ):
        """The socket looks after the charger once that is quiet; a vehicle is not to wait for the next look."""
        first = station.start()
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        station.answer("Rejected")
        station.answer("Rejected")
        station.answer()
        station.compose(16.0)
        first.ended_at = timezone.now()
        first.transaction_id = "over" if first.transaction_id else ""
        first.save()
        smart_charging.keep(timezone.now())
        is_state(wish, "requested", "waiting")
        smart_charging.reconcile(station.charger)
        assert not station.asked()

        monkeypatch.setitem(wakeups.links, station.charger.pk, link := Link())
        with django_capture_on_commit_callbacks(execute=True):
            self._start(station, tell, driver)
        assert link.tended == 1
        smart_charging.reconcile(station.charger)
        assert sent_profile(station.next())[1]["chargingProfilePurpose"] == "TxProfile"

    def _start(self, station, tell, driver):
        now, version = timezone.now(), station.charger.protocol
        content = {
            "timestamp": now.isoformat(),
            "idTag": driver.token,
            "connectorId": 1,
            "meterStart": 0,
        }
        if version != "ocpp1.6":
            content = {
                "timestamp": now.isoformat(),
                "eventType": "Started",
                "triggerReason": "CablePluggedIn",
            }
            content |= {"seqNo": 0, "transactionInfo": {"transactionId": "next"}, "evse": {"id": 1}}
        action = "StartTransaction" if version == "ocpp1.6" else "TransactionEvent"
        tell(action, content, version=version, now=now)

    def test_start_is_no_news_where_nothing_waits(
        self, station, plug, tell, driver, monkeypatch, django_capture_on_commit_callbacks
    ):
        """Nor is a limit that is told by other profiles."""
        smart_charging.limit(plug, amps=16)
        station.answer()
        monkeypatch.setitem(wakeups.links, station.charger.pk, link := Link())
        with django_capture_on_commit_callbacks(execute=True):
            self._start(station, tell, driver)

        assert link.tended == 0

    def test_silence_about_a_transaction_that_ends(self, station, plug):
        """The limit waits for the next one; it is neither forgotten nor tried for ever."""
        session = station.start()
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        station.answer("Rejected")
        station.answer("Rejected")
        assert sent_profile(station.next())[1]["chargingProfilePurpose"] == "TxProfile"
        station.stay_silent()
        session.ended_at = timezone.now()
        session.save()
        smart_charging.keep(timezone.now())

        is_state(wish, "requested", "waiting")


class TestBadChargers:
    def test_error_ends_it(self, station, plug):
        """With the charger's code and words, on the limit and on the profile."""
        wish = smart_charging.limit(plug, amps=16)
        station.fail("InternalError", "dead")

        row = is_state(wish, "failed", "failed")
        assert (row.reason, row.profile.reason) == ("InternalError: dead", "InternalError: dead")

    def test_charger_that_knows_no_profiles_is_asked_once(self, station, plug):
        """To walk on would be no use."""
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        station.fail("NotImplemented")

        assert not station.asked()
        is_state(wish, "refused", "rejected")

    def test_silence_is_borne_a_few_times(self, station, plug):
        """Ever more seldom, and then no more."""
        wish = smart_charging.limit(plug, amps=16, may_walk=True)
        pauses = []
        while station.asked():
            station.stay_silent()
            row = ChargingProfile.objects.get()
            if row.next_attempt_at:
                pauses.append(round((row.next_attempt_at - timezone.now()).total_seconds() / 60))
                assert smart_charging.due(timezone.now()) == set()
                ChargingProfile.objects.update(next_attempt_at=timezone.now())
            smart_charging.reconcile(station.charger)

        assert pauses == [1, 2, 4, 8]
        is_state(wish, "failed", "failed")
        assert "given up after 5 attempts" in fresh(wish).reason
        assert len(fresh(wish).steps) == 1

    @pytest.mark.parametrize(
        "result", [{}, {"status": None}, {"status": []}, {"status": ""}, [], "Accepted", None]
    )
    def test_nonsense_is_no_acceptance(self, station, plug, result):
        """An answer without a status installs nothing."""
        wish = smart_charging.limit(plug, amps=16)
        command = station.asked()[0]
        command.charger = station.charger
        commands.finish(command, Command.State.COMPLETED, result=result)

        assert is_state(wish, "failed", "failed").reason == "an answer without a status"

    def test_unknown_word_is_a_refusal(self, station, plug):
        """Whatever it means, it is not Accepted."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer("Perhaps")

        assert is_state(wish, "refused").reason == "Perhaps"
