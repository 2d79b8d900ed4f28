"""Charging profiles of a caller's own: checked, installed, replaced, cleared."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingLimit, ChargingProfile
from chargers.services import commands, smart_charging
from chargers.wire import v16, v201
from tests.chargers.services.smart_charging.rows import fresh, sent_profile

pytestmark = pytest.mark.django_db
START = "2026-03-01T12:00:00.000Z"
SCHEDULE = {
    "id": 1,
    "startSchedule": START,
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}, {"startPeriod": 60, "limit": 16.0}],
}
PROFILE = {
    "stackLevel": 1,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [SCHEDULE],
}


def altered(**changes):
    return PROFILE | changes


def scheduled(**changes):
    return altered(chargingSchedule=[SCHEDULE | changes])


def installed(station, target, **changes):
    """Set a profile and have it accepted."""
    row = smart_charging.set_profile(target, altered(**changes))
    station.answer()
    return fresh(row)


class TestSetting:
    def test_profile_is_installed(self, station, plug):
        """In the words of its version, under a number of ours."""
        row = smart_charging.set_profile(plug, PROFILE)
        place, sent, schedule = sent_profile(station.next())
        assert (place, len(schedule["chargingSchedulePeriod"])) == (1, 2)
        assert row.profile_id in (sent.get("id"), sent.get("chargingProfileId"))
        station.answer()

        row = fresh(row)
        assert (row.state, row.installed["stackLevel"], row.installed["id"]) == (
            "installed",
            1,
            row.profile_id,
        )

    @pytest.mark.parametrize(
        ("profile", "field"),
        [
            (None, "profile"),
            ({}, "profile.stackLevel"),
            (altered(stackLevel=-1), "profile.stackLevel"),
            (altered(stackLevel=9), "profile.stackLevel"),
            (altered(chargingProfileKind="Odd"), "profile.chargingProfileKind"),
            (altered(chargingProfileKind="Recurring"), "profile.recurrencyKind"),
            (altered(chargingProfilePurpose="ChargingStationMaxProfile"), "profile.chargingProfilePurpose"),
            (
                altered(chargingProfilePurpose="ChargingStationExternalConstraints"),
                "profile.chargingProfilePurpose",
            ),
            (altered(chargingProfilePurpose="TxProfile"), "profile.transactionId"),
            (altered(transactionId="7"), "profile.transactionId"),
            (altered(id="seven"), "profile.id"),
            (altered(id=2**31), "profile.id"),
            (altered(stackLevel=2**31), "profile.stackLevel"),
            (altered(validFrom="2030-01-02T00:00:00Z", validTo="2030-01-01T00:00:00Z"), "profile.validTo"),
            (altered(validTo="0001-01-01T00:00:00+14:00"), "profile.validTo"),
            (scheduled(id=2**31), "profile.chargingSchedule.0.id"),
            (scheduled(duration=0), "profile.chargingSchedule.0.duration"),
            (scheduled(minChargingRate=1e308), "profile.chargingSchedule.0.minChargingRate"),
            (
                scheduled(startSchedule="9999-12-31T23:59:59-14:00"),
                "profile.chargingSchedule.0.startSchedule",
            ),
            (scheduled(startSchedule=None), "profile.chargingSchedule.0.startSchedule"),
            (scheduled(chargingRateUnit="W"), "profile.chargingSchedule.0.chargingRateUnit"),
            (scheduled(chargingSchedulePeriod=[]), "profile.chargingSchedule.0.chargingSchedulePeriod"),
            (
                scheduled(chargingSchedulePeriod=[{"startPeriod": 5, "limit": 1}]),
                "profile.chargingSchedule.0.chargingSchedulePeriod.0.startPeriod",
            ),
            (
                scheduled(chargingSchedulePeriod=[{"startPeriod": 0, "limit": -1}]),
                "profile.chargingSchedule.0.chargingSchedulePeriod.0.limit",
            ),
            (
                scheduled(chargingSchedulePeriod=[{"startPeriod": 0, "limit": 1, "numberPhases": 0}]),
                "profile.chargingSchedule.0.chargingSchedulePeriod.0.numberPhases",
            ),
            (
                scheduled(chargingSchedulePeriod=[{"startPeriod": 0, "limit": 1}] * 2),
                "profile.chargingSchedule.0.chargingSchedulePeriod.1.startPeriod",
            ),
            (
                scheduled(chargingSchedulePeriod=[{"startPeriod": n, "limit": 1} for n in range(7)]),
                "profile.chargingSchedule.0.chargingSchedulePeriod",
            ),
        ],
    )
    def test_bad_profile_names_its_member(self, station, plug, profile, field):
        """The schema first, then what the standard says, then what the charger said of itself."""
        station.told("ChargeProfileMaxStackLevel", "8")
        station.told("ChargingScheduleMaxPeriods", "6")
        station.told("ChargingScheduleAllowedChargingRateUnit", "Current")
        with pytest.raises(smart_charging.Invalid) as refusal:
            smart_charging.set_profile(plug, profile)
        assert refusal.value.field == field
        assert not ChargingProfile.objects.exists()

    def test_stack_level_fits_where_the_charger_names_no_most(self, station, plug):
        """PostgreSQL keeps it in 32 bits."""
        with pytest.raises(smart_charging.Invalid) as refusal:
            smart_charging.set_profile(plug, altered(stackLevel=2**31))
        assert refusal.value.field == "profile.stackLevel"

    def test_leap_second_years_ahead_is_a_moment(self, station, plug):
        """That of the last day of a year that the standard lets a profile hold until."""
        row = smart_charging.set_profile(plug, altered(validTo="2030-12-31T23:59:60Z"))

        assert row.valid_to.isoformat() == "2030-12-31T23:59:59+00:00"

    def test_full_charger_is_not_sent_one_more(self, station, plug):
        """It said how many it holds."""
        station.told("MaxChargingProfilesInstalled", "1")
        installed(station, plug)
        with pytest.raises(smart_charging.Invalid):
            smart_charging.set_profile(plug, altered(stackLevel=2))

    def test_16_takes_one_schedule(self, station16):
        """What it cannot be told is refused, not cut off."""
        with pytest.raises(smart_charging.Invalid) as refusal:
            smart_charging.set_profile(station16.charger, altered(chargingSchedule=[SCHEDULE, SCHEDULE]))
        assert refusal.value.field == "profile.chargingSchedule"

    def test_transaction_is_filled_in(self, station, plug):
        """The one that runs there; another one's number is refused."""
        session = station.start()
        profile = altered(chargingProfilePurpose="TxProfile")
        with pytest.raises(smart_charging.Invalid):
            smart_charging.set_profile(plug, profile | {"transactionId": "other"})
        row = smart_charging.set_profile(plug, profile)
        assert row.transaction == session

        station.answer()
        session.ended_at = timezone.now()
        session.save()
        smart_charging.keep(timezone.now())
        assert (fresh(row).state, fresh(row).reason) == ("removed", "its transaction has ended")

    def test_number_of_a_limit_is_not_to_be_had(self, station, plug):
        """Else the limit would be gone and nobody told."""
        wish = smart_charging.limit(plug, amps=10)
        with pytest.raises(smart_charging.Invalid) as refusal:
            smart_charging.set_profile(plug, altered(id=wish.profile.profile_id))
        assert refusal.value.field == "profile.id"

    def test_offline_charger_is_refused_or_waited_for(self, station, plug):
        """As the caller likes."""
        station.go_offline()
        with pytest.raises(commands.NotConnected):
            smart_charging.set_profile(plug, PROFILE)
        row = smart_charging.set_profile(plug, PROFILE, keep=True)
        station.go_online()
        smart_charging.reconcile(station.charger)

        station.answer()
        assert fresh(row).state == "installed"

    @pytest.mark.parametrize(
        ("end", "state"),
        [
            (lambda station: station.answer("Rejected"), "rejected"),
            (lambda station: station.fail("GenericError", "no"), "failed"),
            (lambda station: station.answer({}), "failed"),
            (lambda station: station.stay_silent(), "waiting"),
        ],
    )
    def test_row_says_what_happened(self, station, plug, end, state):
        """And why."""
        row = smart_charging.set_profile(plug, PROFILE)
        end(station)

        assert fresh(row).state == state
        assert fresh(row).reason
        assert not station.asked()

    def test_profile_that_is_over_is_not_sent_again(self, station, plug):
        """A reboot does not bring it back."""
        row = installed(station, plug, validTo="2026-03-01T13:00:00Z")
        station.reboot()
        smart_charging.reconcile(station.charger)

        assert (fresh(row).state, station.asked()) == ("removed", [])


class TestReplacing:
    def test_16_replaces_what_stands_in_the_same_place(self, station16):
        """Same connector, purpose and stack level; the loser is not sent again, they would take turns."""
        plug = station16.charger.connectors.get(connector_id=1)
        first = installed(station16, plug)
        second = installed(station16, plug)

        assert (fresh(first).state, fresh(second).state) == ("removed", "installed")
        assert fresh(first).reason == f"replaced by profile {second.profile_id}"
        station16.reboot()
        smart_charging.reconcile(station16.charger)
        assert len(station16.asked()) == 1

    def test_replaced_limit_is_over(self, station16):
        """Whoever asked for it can see why."""
        plug = station16.charger.connectors.get(connector_id=1)
        wish = smart_charging.limit(plug, amps=10)
        station16.answer()
        station16.compose(10)
        installed(station16, plug, stackLevel=0)

        assert fresh(wish).state == "ended"

    def test_order_of_another_door_replaces_as_well(self, station16):
        """The charger does not ask who sent it."""
        plug = station16.charger.connectors.get(connector_id=1)
        wish = smart_charging.limit(plug, amps=10)
        station16.answer()
        station16.compose(10)
        asked = v16.set_charging_profile(altered(id=77, stackLevel=0), connector_id=1)
        commands.send(station16.charger, *asked, origin="solar")
        station16.answer()

        assert (fresh(wish).state, fresh(wish).reason) == ("ended", "replaced by profile 77")


class TestClearing:
    def test_cleared_by_its_number(self, station, plug):
        """The row is removed once the charger says so."""
        row = installed(station, plug)
        smart_charging.clear_profile(row)
        assert list(station.next("ClearChargingProfile").values()) == [row.profile_id]
        station.answer()

        assert (fresh(row).state, fresh(row).installed) == ("removed", None)

    @pytest.mark.parametrize(
        ("criteria", "states"),
        [
            ({}, ["removed", "removed", "removed"]),
            ({"stack_level": 1}, ["removed", "removed", "installed"]),
            ({"evse_id": 1, "connector_id": 1}, ["removed", "installed", "removed"]),
            ({"purpose": "ChargingStationMaxProfile"}, ["installed", "installed", "installed"]),
        ],
    )
    def test_order_by_criteria_is_followed(self, station, plug, criteria, states):
        """Whoever sends it by any door."""
        other = station.charger.connectors.exclude(pk=plug.pk).get()
        rows = [installed(station, plug), installed(station, other), installed(station, plug, stackLevel=2)]
        words = v16 if station.charger.protocol == "ocpp1.6" else v201
        commands.send(station.charger, *words.clear_charging_profile(**criteria), origin="test")
        station.answer()

        assert [fresh(row).state for row in rows] == states

    def test_order_ends_a_limit(self, station, plug):
        """Its profile is gone; it is not put back against somebody's order."""
        wish = smart_charging.limit(plug, amps=10)
        station.answer()
        station.compose(10)
        words = v16 if station.charger.protocol == "ocpp1.6" else v201
        commands.send(station.charger, *words.clear_charging_profile(), origin="test")
        station.answer()

        assert fresh(wish).state == ChargingLimit.State.ENDED

    def test_refused_order_changes_nothing(self, station, plug):
        """Nothing matched."""
        row = installed(station, plug)
        words = v16 if station.charger.protocol == "ocpp1.6" else v201
        commands.send(station.charger, *words.clear_charging_profile(), origin="test")
        station.answer("Unknown")

        assert fresh(row).state == "installed"

    def test_error_is_shown(self, station, plug):
        """The profile is still there, as far as one knows."""
        row = installed(station, plug)
        smart_charging.clear_profile(row)
        station.fail("InternalError")

        row = fresh(row)
        assert (row.state, row.reason) == ("failed", "could not be cleared: InternalError")
        assert row.installed


def test_profile_ordered_by_another_door_is_a_row(station, plug):
    """Whoever sends SetChargingProfile, the charger has a profile."""
    words = v16 if station.charger.protocol == "ocpp1.6" else v201
    asked = words.set_charging_profile(PROFILE | {"id": 77}, evse_id=1, connector_id=1)
    commands.send(station.charger, *asked, origin="solar")
    station.answer()

    row = ChargingProfile.objects.get()
    assert (row.profile_id, row.state, row.is_desired, row.origin) == (77, "installed", False, "solar")
    assert row.valid_to is None


def test_long_validity_is_kept(station, plug):
    """A year ahead is no wrong clock."""
    until = (timezone.now() + timedelta(days=365)).replace(microsecond=0)
    row = installed(station, plug, validTo=until.isoformat())

    assert row.valid_to == until
