"""What stations of 2.0.1 tell of profiles, limits from outside, and vehicles."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingNeeds, ChargingProfile, CompositeSchedule, ExternalLimit, Report
from chargers.services import commands, smart_charging
from chargers.wire import validation
from chargers.wire.validation import V201
from tests.chargers.services.smart_charging.rows import fresh
from tests.chargers.services.smart_charging.test_profiles import PROFILE
from tests.kit import payloads

pytestmark = pytest.mark.django_db
SCHEDULE = PROFILE["chargingSchedule"][0]
LATER = timedelta(seconds=30)


@pytest.fixture
def station(station16):
    """The charger CP-1 with two EVSEs, of OCPP 2.0.1."""
    station16.charger.protocol = V201
    station16.charger.save()
    station16.charger.connectors.filter(connector_id=1).update(evse_id=1)
    station16.charger.connectors.filter(connector_id=2).update(evse_id=2, connector_id=1)
    station16.go_online()
    return station16


@pytest.fixture
def plug(station):
    return station.charger.connectors.get(evse_id=1)


@pytest.fixture
def report(tell):
    """Return a function that tells one part of a report of profiles."""

    def run(*profiles, of=None, evse_id=1, source="CSO", **more):
        payload = {
            "requestId": of.request_id if of else 99,
            "chargingLimitSource": source,
            "evseId": evse_id,
            "chargingProfile": list(profiles),
        }
        return tell("ReportChargingProfiles", payload | more, version=V201, now=timezone.now())

    return run


def reported(number, **changes):
    return PROFILE | {"id": number} | changes


def states():
    return dict(ChargingProfile.objects.values_list("profile_id", "state"))


class TestReports:
    def test_profiles_become_rows(self, station, report):
        """With their place and who set them; parts come one by one."""
        asked = smart_charging.ask_for_profiles(station.charger)
        station.answer()
        assert report(reported(1), reported(2), of=asked, tbc=True) == {}
        report(
            reported(3, chargingProfilePurpose="ChargingStationExternalConstraints"),
            of=asked,
            source="SO",
            evse_id=0,
        )

        rows = ChargingProfile.objects.order_by("profile_id")
        assert [(row.profile_id, row.evse_id, row.source, row.is_desired) for row in rows] == [
            (1, 1, "CSO", False),
            (2, 1, "CSO", False),
            (3, 0, "SO", False),
        ]
        assert (fresh(asked).state, fresh(asked).parts) == ("complete", 2)

    def test_report_that_nobody_asked_for_is_taken(self, station, report):
        """Under an unknown number as well."""
        report(reported(1))
        assert states() == {1: "installed"}

    def test_what_is_not_reported_is_not_installed(self, station, plug, report):
        """Ours is sent again; another's is gone. A little after the last part, for some end each part."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.answer()
        report(reported(5))
        asked = smart_charging.ask_for_profiles(station.charger)
        station.answer()
        report(reported(6), of=asked)
        smart_charging.keep(timezone.now())
        assert set(states().values()) == {"installed"}
        smart_charging.keep(timezone.now() + LATER)

        assert states() == {ours.profile_id: "waiting", 5: "removed", 6: "installed"}
        assert fresh(ours).reason == "the charger did not report it"

    def test_report_of_a_part_says_nothing_of_the_rest(self, station, plug, report):
        """Only a report of everything does."""
        smart_charging.set_profile(plug, PROFILE)
        station.answer()
        asked = smart_charging.ask_for_profiles(station.charger, evse_id=2)
        station.answer()
        report(reported(6), of=asked, evse_id=2)
        smart_charging.keep(timezone.now() + LATER)

        assert set(states().values()) == {"installed"}

    def test_station_without_profiles(self, station, plug):
        """NoProfiles closes the report, and what we want is sent again."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.answer()
        asked = smart_charging.ask_for_profiles(station.charger)
        station.answer("NoProfiles")

        assert (fresh(asked).state, fresh(ours).state) == ("refused", "waiting")

    @pytest.mark.parametrize(
        ("end", "state"),
        [
            (lambda station: station.fail("NotImplemented"), "refused"),
            (lambda station: station.answer({}), "refused"),
            (lambda station: station.stay_silent(), "timed_out"),
        ],
    )
    def test_report_that_never_comes_is_closed(self, station, plug, end, state):
        """And proves nothing about what is installed."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.answer()
        asked = smart_charging.ask_for_profiles(station.charger)
        end(station)

        assert (fresh(asked).state, fresh(ours).state) == (state, "installed")

    def test_ours_as_reported_is_installed(self, station, plug, report):
        """However the station writes its times."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.stay_silent()
        assert fresh(ours).state == "waiting"
        told = [SCHEDULE | {"startSchedule": "2026-03-01T13:00:00+01:00"}]
        report(reported(ours.profile_id, chargingSchedule=told))

        assert fresh(ours).state == "installed"

    def test_another_profile_under_our_number_is_replaced(self, station, plug, report):
        """The station has something else: ours is sent again."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.answer()
        report(reported(ours.profile_id, stackLevel=5))

        row = fresh(ours)
        assert (row.state, row.stack_level, row.installed["stackLevel"]) == ("waiting", 1, 5)

    def test_number_that_another_has_taken_is_given_up(self, station, plug, report):
        """An energy manager's profile keeps its number; ours gets one that is free."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.answer()
        report(reported(ours.profile_id, stackLevel=5), source="EMS")

        row = fresh(ours)
        assert row.profile_id != ours.profile_id
        assert states() == {row.profile_id: "waiting", ours.profile_id: "installed"}

    @pytest.mark.parametrize("source", ["EMS", "SO", "nobody"])
    def test_ours_is_ours_whoever_is_said_to_have_set_it(self, station, plug, report, source):
        """A second one under another number would be left behind when ours is cleared."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.answer()
        report(reported(ours.profile_id), source=source)

        assert states() == {ours.profile_id: "installed"}
        assert fresh(ours).source == "CSO"

    @pytest.mark.parametrize(
        "profile",
        [
            {},
            {"id": 1},
            reported("x"),
            reported(2**40),
            reported(1, chargingSchedule=None),
            reported(1, stackLevel=-1),
            reported(1, chargingProfileKind=None),
            reported(1, chargingProfileKind="SomethingElse"),
            reported(1, recurrencyKind="EveryOtherSunday"),
            reported(1, chargingSchedule=[5]),
            reported(1, chargingSchedule=[{"chargingSchedulePeriod": [5]}]),
        ],
    )
    def test_nonsense_is_no_row(self, station, report, profile):
        """The rest of the part is taken."""
        report(profile, reported(8))
        assert states() == {8: "installed"}

    @pytest.mark.parametrize("periods", [5, [5], [{"startPeriod": 0, "limit": "x"}], [{"limit": [1]}]])
    def test_nonsense_under_our_number_changes_nothing(self, station, plug, report, periods):
        """Nobody can say what it has; the rest of the part is taken."""
        ours = smart_charging.set_profile(plug, PROFILE)
        station.answer()
        report(reported(ours.profile_id, chargingSchedule=[{"chargingSchedulePeriod": periods}]), reported(8))

        assert states() == {ours.profile_id: "installed", 8: "installed"}

    def test_nonsense_as_limit_from_outside_can_be_shown(self, station, tell):
        """What is no schedule is left out."""
        payload = {
            "chargingLimit": {"chargingLimitSource": "EMS"},
            "chargingSchedule": [5, {"chargingRateUnit": "A"}],
        }
        tell("NotifyChargingLimit", payload, version=V201, now=timezone.now())

        assert ExternalLimit.objects.get().schedules == [{"chargingRateUnit": "A"}]

    def test_16_has_no_such_report(self, station16):
        """Said before anything is sent."""
        station16.charger.protocol = "ocpp1.6"
        with pytest.raises(commands.UnknownAction):
            smart_charging.ask_for_profiles(station16.charger)
        assert not Report.objects.exists()


class TestOutside:
    def _limited(self, tell, **more):
        payload = {"chargingLimit": {"chargingLimitSource": "SO", "isGridCritical": True}, "evseId": 1}
        return tell("NotifyChargingLimit", payload | more, version=V201)

    def test_limit_from_outside_is_a_row(self, station, tell):
        """One for each source and EVSE; the newest counts."""
        self._limited(tell)
        assert self._limited(tell, chargingSchedule=[SCHEDULE]) == {}

        row = ExternalLimit.objects.get()
        assert (row.evse_id, row.source, row.is_grid_critical, row.schedules) == (1, "SO", True, [SCHEDULE])

    def test_cleared_limit_stays_for_people_to_see(self, station, tell):
        """With the time of its end, until it is told again."""
        self._limited(tell)
        tell("ClearedChargingLimit", {"chargingLimitSource": "SO", "evseId": 1}, version=V201)
        assert ExternalLimit.objects.get().cleared_at
        self._limited(tell)
        assert ExternalLimit.objects.get().cleared_at is None

    def test_schedules_are_asked_for_when_the_limit_is_another(self, station, tell):
        """Within half a minute; the same limit told again, and one that was gone, change nothing."""
        CompositeSchedule.objects.create(charger=station.charger, state="known", due_at=timezone.now())
        cleared = {"chargingLimitSource": "SO", "evseId": 1}

        hastened = [
            self._hastens(lambda: self._limited(tell, chargingSchedule=[SCHEDULE])),
            self._hastens(lambda: self._limited(tell, chargingSchedule=[SCHEDULE])),
            self._hastens(lambda: tell("ClearedChargingLimit", cleared, version=V201)),
            self._hastens(lambda: tell("ClearedChargingLimit", cleared, version=V201)),
        ]

        assert hastened == [True, False, True, False]

    def test_limit_from_outside_does_not_bother_who_has_no_schedules(self, station, tell):
        """Nor who failed to tell them: that has its own pauses."""
        later = timezone.now() + timedelta(minutes=10)
        for number, state in enumerate(("failed", "refused", "not_supported")):
            CompositeSchedule.objects.create(
                charger=station.charger, evse_id=number, state=state, due_at=later
            )

        assert not self._hastens(lambda: self._limited(tell))

    def _hastens(self, act):
        """Do it, and say whether schedules are due within a minute then that were not before."""
        CompositeSchedule.objects.update(due_at=timezone.now() + timedelta(minutes=10))
        act()
        return CompositeSchedule.objects.filter(due_at__lt=timezone.now() + timedelta(minutes=1)).exists()

    def test_needs_of_a_vehicle_are_kept(self, station, tell):
        """No schedule is made from them, and the answer says so."""
        needs = {"requestedEnergyTransfer": "DC", "departureTime": "2026-03-01T18:00:00Z"}
        payload = {"evseId": 1, "chargingNeeds": needs, "maxScheduleTuples": 16}
        answer = tell("NotifyEVChargingNeeds", payload, version=V201)

        row = ChargingNeeds.objects.get()
        assert (row.evse_id, row.needs, row.max_schedule_tuples) == (1, needs, 16)
        assert answer["status"] == "Rejected"

    def test_plan_of_a_vehicle_is_kept(self, station, tell):
        """Beside its needs."""
        payload = {"evseId": 1, "timeBase": "2026-11-21T12:00:00Z", "chargingSchedule": SCHEDULE}
        assert tell("NotifyEVChargingSchedule", payload, version=V201) == {"status": "Accepted"}
        assert ChargingNeeds.objects.get().schedule == SCHEDULE

    @pytest.mark.parametrize("action", ["NotifyEVChargingNeeds", "NotifyEVChargingSchedule"])
    def test_no_evse_is_refused(self, station, tell, action):
        """There is no vehicle at the whole station."""
        payload = payloads.fullest(V201, action) | {"evseId": 0}
        assert tell(action, payload, version=V201)["status"] == "Rejected"
        assert not ChargingNeeds.objects.exists()


@pytest.mark.parametrize(
    "action",
    [
        "ClearedChargingLimit",
        "NotifyChargingLimit",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "ReportChargingProfiles",
    ],
)
@pytest.mark.parametrize("make", [payloads.smallest, payloads.fullest])
def test_answers_fit_the_schema(station, tell, action, make):
    """Whatever is told."""
    answer = tell(action, make(V201, action), version=V201)
    assert validation.problems(V201, action, answer, is_answer=True) == []
