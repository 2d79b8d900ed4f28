"""Limits: set, replaced, ended, and sent again after a reboot."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingLimit, ChargingProfile
from chargers.services import commands, smart_charging
from chargers.services.smart_charging import profiles
from csms.models import Event
from tests.chargers.services.smart_charging.rows import is_state, sent_profile

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class TestSetting:
    def test_limit_is_sent_with_a_start(self, station, plug):
        """Absolute with startSchedule: without one many chargers refuse it. A late clock begins at once, too."""
        smart_charging.limit(plug, amps=16)

        place, profile, schedule = sent_profile(station.next())
        assert (place, profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (
            1,
            "TxDefaultProfile",
            "Absolute",
        )
        behind = timezone.now() - datetime.fromisoformat(schedule["startSchedule"])
        assert timedelta(seconds=60) <= behind < timedelta(seconds=90)
        assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 16.0}]
        assert "duration" not in schedule

    def test_limit_has_an_end(self, station, plug):
        """The charger ends it by itself."""
        smart_charging.limit(plug, watts=3680, until=timezone.now() + HOUR)

        _, profile, schedule = sent_profile(station.next())
        assert 3658 <= schedule["duration"] <= 3661  # it began a minute ago
        assert profile["validTo"]

    def test_each_connector_has_a_profile_of_its_own(self, station, plug):
        """One number for all would have the second limit replace the first."""
        other = station.charger.connectors.exclude(pk=plug.pk).get()
        limits = [smart_charging.limit(target, amps=10) for target in (plug, other, station.charger)]

        assert len({wish.profile.profile_id for wish in limits}) == 3

    def test_whole_charger_is_limited_by_its_maximum(self, station):
        """A default of transactions on 0 would count for each connector."""
        smart_charging.limit(station.charger, amps=10)

        place, profile, _ = sent_profile(station.next())
        assert (place, profile["chargingProfilePurpose"][-10:]) == (0, "MaxProfile")

    def test_highest_stack_level_is_used(self, station, plug):
        """Else an older profile of a higher level would prevail."""
        station.told("ChargeProfileMaxStackLevel", "8")
        smart_charging.limit(plug, amps=10)

        assert sent_profile(station.next())[1]["stackLevel"] == 8

    @pytest.mark.parametrize(
        ("asked", "allowed", "unit", "sent"),
        [
            ({"amps": 16}, "Power", "W", 3680.0),
            ({"amps": 16, "phases": 3}, "Power", "W", 11040.0),
            ({"watts": 11040}, "Current", "A", 16.0),
            ({"watts": 3680, "phases": 1}, "A", "A", 16.0),
            ({"watts": 3680}, "Current,Power", "W", 3680.0),
        ],
    )
    def test_other_unit_allows_no_more(self, station, plug, asked, allowed, unit, sent):
        """Where the phases are not known, the fewest watts and the fewest amps."""
        station.told("ChargingScheduleAllowedChargingRateUnit", allowed)
        smart_charging.limit(plug, **asked)

        schedule = sent_profile(station.next())[2]
        assert schedule["chargingRateUnit"] == unit
        assert schedule["chargingSchedulePeriod"][0]["limit"] == sent

    @pytest.mark.parametrize(
        ("measured", "asked", "sent"),
        [
            ((400.0, 220.0), {"amps": 16}, 3520.0),
            ((400.0, None), {"amps": 16}, 3680.0),
            ((240.0, 220.0), {"amps": 16}, 3520.0),
            ((240.0, 220.0), {"watts": 7200}, 10.0),
        ],
    )
    def test_of_several_voltages_the_safe_one_counts(self, station, measured, asked, sent):
        """And none that is no phase's: 16 A at 400 V would be 27 A at 230 V."""
        station.told("ChargingScheduleAllowedChargingRateUnit", "Power" if "amps" in asked else "Current")
        for plug, volts in zip(station.charger.connectors.all(), measured, strict=True):
            plug.voltage_v = volts
            plug.save()
        smart_charging.limit(station.charger, **asked)

        assert sent_profile(station.next())[2]["chargingSchedulePeriod"][0]["limit"] == sent

    def test_numbers_do_not_run_out(self, station, plug):
        """A station that has taken the last one leaves those before it."""
        taken = {"purpose": "TxDefaultProfile", "kind": "Absolute", "is_desired": False}
        ChargingProfile.objects.create(charger=station.charger, profile_id=profiles.LAST_ID, **taken)
        other = station.charger.connectors.exclude(pk=plug.pk).get()
        found = [smart_charging.limit(target, amps=6).profile.profile_id for target in (plug, other)]

        assert found == [profiles.FIRST_ID, profiles.FIRST_ID + 1]

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({}, "amps"),
            ({"amps": 1, "watts": 1}, "amps"),
            ({"amps": -1}, "amps"),
            ({"watts": float("nan")}, "watts"),
            ({"watts": 1.1e7}, "watts"),
            ({"amps": True}, "amps"),
            ({"amps": 6, "phases": 4}, "phases"),
            ({"amps": 6, "until": timezone.now() - HOUR}, "until"),
            ({"amps": 6, "until": timezone.now() + timedelta(days=4000)}, "until"),
        ],
    )
    def test_nonsense_is_refused_by_field(self, station, plug, asked, field):
        """Nothing is written, nothing is sent."""
        with pytest.raises(smart_charging.Invalid) as refusal:
            smart_charging.limit(plug, **asked)
        assert refusal.value.field == field
        assert not station.asked()
        assert not ChargingLimit.objects.exists()

    def test_charger_without_smart_charging_is_refused(self, station, plug):
        """It said so itself."""
        is_16 = station.charger.protocol == "ocpp1.6"
        station.told("SupportedFeatureProfiles", "Core,FirmwareManagement" if is_16 else "false")
        with pytest.raises(smart_charging.Unsupported):
            smart_charging.limit(plug, amps=6)

    def test_offline_charger_is_refused(self, station, plug):
        """No row is left behind."""
        station.go_offline()
        with pytest.raises(commands.NotConnected):
            smart_charging.limit(plug, amps=6)
        assert not ChargingLimit.objects.exists()

    def test_kept_limit_waits_for_an_offline_charger(self, station, plug):
        """It is sent once the charger is back and quiet."""
        station.go_offline()
        wish = smart_charging.limit(plug, amps=6, keep=True)
        is_state(wish, "requested", "waiting")
        station.go_online()
        assert smart_charging.due(timezone.now()) == {station.charger.pk}
        smart_charging.reconcile(station.charger)

        assert sent_profile(station.next())[2]["chargingSchedulePeriod"][0]["limit"] == 6.0


class TestEnding:
    def test_lifted_limit_is_cleared_by_its_number(self, station, plug):
        """And by nothing else: others' profiles stay."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        smart_charging.unlimit(plug)

        payload = station.next("ClearChargingProfile")
        assert list(payload.values()) == [wish.profile.profile_id]
        station.answer()
        is_state(wish, "ended", "removed")
        assert smart_charging.of(plug) is None

    def test_there_is_nothing_to_lift(self, station, plug):
        """No command is sent."""
        assert smart_charging.unlimit(plug) is None
        assert not station.asked()

    def test_unknown_profile_is_as_good_as_cleared(self, station, plug):
        """The row says what the charger answered."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        smart_charging.unlimit(plug)
        station.answer("Unknown")

        assert is_state(wish, "ended", "removed").profile.reason == "the charger answered Unknown"

    def test_limit_that_is_over_is_cleared(self, station, plug):
        """Its number is taken off the charger, which may hold only a few."""
        wish = smart_charging.limit(plug, amps=16, until=timezone.now() + HOUR)
        station.answer()
        station.compose(16.0)
        smart_charging.keep(timezone.now() + HOUR)

        assert is_state(wish, "ended", "clearing").reason == "its time is over"
        station.next("ClearChargingProfile")

    def test_offline_charger_is_told_later(self, station, plug):
        """What was lifted meanwhile is cleared when it is back."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        station.go_offline()
        smart_charging.unlimit(plug)
        is_state(wish, "ended", "clearing")
        station.go_online()
        smart_charging.reconcile(station.charger)

        station.next("ClearChargingProfile")

    def test_silent_clearing_is_given_up(self, station, plug):
        """The profile says so; the limit is over."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        smart_charging.unlimit(plug)
        while station.asked():
            station.stay_silent()
            ChargingProfile.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())
            smart_charging.reconcile(station.charger)

        row = is_state(wish, "ended", "failed")
        assert row.profile.attempts == 5

    @pytest.mark.parametrize("answer", ["Rejected", "Accepted?"])
    def test_refused_clearing_is_none(self, station, plug, answer):
        """Only Unknown means that nothing is there: the charger may limit still, and the profile says so."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        smart_charging.unlimit(plug)
        station.answer(answer)

        assert is_state(wish, "ended", "failed").profile.reason == f"could not be cleared: {answer}"

    def test_failed_clearing_is_tried_again_after_a_boot(self, station, plug):
        """Once each: a charger that never clears is not asked for ever."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        smart_charging.unlimit(plug)
        station.fail("InternalError")
        smart_charging.reconcile(station.charger)
        assert not station.asked()
        station.reboot()
        smart_charging.reconcile(station.charger)
        station.fail("InternalError")
        smart_charging.reconcile(station.charger)
        assert not station.asked()
        station.reboot()
        smart_charging.reconcile(station.charger)
        station.next("ClearChargingProfile")
        station.answer()

        is_state(wish, "ended", "removed")

    def test_failed_clearing_may_be_asked_for_anew(self, station, plug):
        """Whoever lifts once more is not told that there is nothing."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        smart_charging.unlimit(plug)
        station.fail("InternalError")
        assert smart_charging.unlimit(plug) == wish
        station.answer()

        is_state(wish, "ended", "removed")
        assert smart_charging.unlimit(plug) is None


class TestNewestWins:
    def test_newer_limit_replaces_the_former(self, station, plug):
        """Under the same number, so that the charger replaces it as well."""
        first = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        second = smart_charging.limit(plug, amps=10)

        assert sent_profile(station.next())[2]["chargingSchedulePeriod"][0]["limit"] == 10.0
        assert is_state(first, "ended").reason == "replaced by a newer limit"
        assert second.profile_id == first.profile_id
        assert smart_charging.of(plug) == second

    def test_late_answer_to_the_former_changes_nothing(self, station, plug):
        """Its Accepted is not the newer one's."""
        smart_charging.limit(plug, amps=16)
        second = smart_charging.limit(plug, amps=10)
        station.answer()
        is_state(second, "trying", "sent")
        station.answer("Rejected")

        is_state(second, "refused", "rejected")

    def test_clear_that_crosses_a_new_limit(self, station, plug):
        """The charger clears and then installs; the rows say so."""
        smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        smart_charging.unlimit(plug)
        second = smart_charging.limit(plug, amps=10)
        station.answer()
        is_state(second, "trying", "sent")
        station.answer()

        is_state(second, "accepted", "installed")

    def test_kept_limit_after_a_kept_clearing(self, station, plug):
        """Both wait; only the newer is sent."""
        smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        station.go_offline()
        smart_charging.unlimit(plug)
        smart_charging.limit(plug, amps=10, keep=True)
        station.go_online()
        smart_charging.reconcile(station.charger)

        assert sent_profile(station.next())[2]["chargingSchedulePeriod"][0]["limit"] == 10.0


class TestReconciling:
    def test_reboot_has_the_limit_sent_again(self, station, plug):
        """Many chargers forget; the same number does no harm to the others."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        station.reboot()
        smart_charging.reconcile(station.charger)

        station.next()
        is_state(wish, "trying", "sent")
        station.answer()
        station.compose(16.0)
        smart_charging.reconcile(station.charger)
        assert not station.asked()

    def test_nothing_is_sent_where_nothing_is_wanted(self, station, plug, django_assert_num_queries):
        """A fleet that reconnects costs two looks for each batch."""
        with django_assert_num_queries(2):
            smart_charging.reconcile(station.charger)

    def test_connector_of_the_other_version_is_not_the_whole_charger(self, station, plug):
        """A station that was given the other OCPP version has other connectors; nothing is sent on 0."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(16.0)
        station.charger.protocol = "ocpp2.0.1" if station.charger.protocol == "ocpp1.6" else "ocpp1.6"
        station.go_online()
        station.reboot()
        smart_charging.reconcile(station.charger)

        assert not station.asked()
        assert "no such connector" in is_state(wish, "failed", "failed").reason
        plug.charger = station.charger
        with pytest.raises(smart_charging.Invalid):
            smart_charging.limit(plug, amps=16)

    def test_limit_of_the_other_version_is_for_no_other_connector(self, station16):
        """Whoever ends it must not lift the limit of EVSE 2."""
        place = {"evse_id": 2, "connector_id": 1}
        station16.charger.connectors.filter(connector_id=2).update(**place)
        wish = smart_charging.limit(station16.charger.connectors.get(evse_id=0), amps=16)
        station16.charger.connectors.filter(evse_id=0).delete()

        assert profiles.place_of(smart_charging.target_of(wish)) == (station16.charger, (0, 1))

    def test_refused_limit_is_not_sent_again(self, station, plug):
        """It is final until somebody wishes anew, reboot or not."""
        smart_charging.limit(plug, amps=16)
        station.answer("Rejected")
        station.reboot()
        smart_charging.reconcile(station.charger)

        assert not station.asked()


def test_states_are_events(station, plug):
    """Takers of events hear of every step."""
    smart_charging.limit(plug, amps=16)
    station.answer()
    told = Event.objects.filter(kind="charging_limit.updated").order_by("id")

    assert [event.data["state"] for event in told] == ["trying", "accepted"]
