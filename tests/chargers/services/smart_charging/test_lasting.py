"""Whether a limit that was judged is kept still: by later composite schedules, and by later readings."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingLimit, Connector
from chargers.services import commands, schedules, smart_charging
from chargers.services.smart_charging import verifying
from csms.models import Event
from tests.chargers.services.smart_charging.rows import fresh, is_state, sent_profile

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mirrored(station, plug):
    """Return a function that has the mirror told of the composite schedule of the first connector."""

    def run(value, unit="A"):
        asked = schedules.ask(station.charger, evse_id=plug.evse_id, connector_id=place(plug)[1])
        assert [command.pk for command in station.asked()] == [asked.command_id]
        station.compose(value, unit)

    return run


@pytest.fixture
def verified(station, plug):
    """Return a function that sets a limit which its composite schedule then keeps."""

    def run(**more):
        wish = smart_charging.limit(plug, **{"amps": 16, **more})
        station.answer()
        station.compose(wish.value, wish.unit)
        return is_state(wish, "verified", "installed")

    return run


def place(plug):
    return plug.evse_id, 0 if plug.evse_id else plug.connector_id


def states():
    told = Event.objects.filter(kind="charging_limit.updated").order_by("id")
    return [event.data["state"] for event in told]


class TestCompositeSchedules:
    def test_later_schedule_that_says_more(self, verified, mirrored):
        """The limit is not obeyed any more, whoever asked; takers of events hear it once."""
        wish = verified()
        mirrored(32.0)
        row = is_state(wish, "ignored", "installed")
        assert row.reason == "accepted and ignored: its composite schedule says 32 A"
        assert row.composite_verified is False
        mirrored(32.0)

        assert states() == ["trying", "accepted", "verified", "ignored"]

    @pytest.mark.parametrize(("age", "state"), [(0 * MINUTE, "accepted"), (MINUTE, "ignored")])
    def test_schedule_that_says_more_where_its_own_question_was_lost(
        self, station, plug, mirrored, age, state
    ):
        """A charger has a moment to follow, and no more than that."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.stay_silent()
        ChargingLimit.objects.update(accepted_at=timezone.now() - age)
        mirrored(32.0)

        is_state(wish, state, "installed")

    def test_schedule_that_keeps_it_again(self, verified, mirrored):
        """What it said before is past."""
        wish = verified()
        mirrored(32.0)
        mirrored(10.0)

        row = is_state(wish, "verified", "installed")
        assert (row.reason, row.composite_verified, row.steps[-1]["outcome"]) == ("", True, "accepted")
        assert states()[3:] == ["ignored", "verified"]

    def test_schedule_that_says_the_same_is_no_news(self, verified, mirrored):
        """Only what was said, and when, is kept."""
        wish = verified()
        mirrored(12.0)

        assert is_state(wish, "verified").composite["said"] == "12 A"
        assert states() == ["trying", "accepted", "verified"]

    @pytest.mark.parametrize(
        ("phases", "watts", "state"),
        [(3, 11040, "verified"), (3, 22080, "ignored"), (None, 11040, "verified"), (None, 22080, "ignored")],
    )
    def test_schedule_in_the_other_unit(self, verified, mirrored, phases, watts, state):
        """Where nobody says on how many phases, only what is too much on all three is too much."""
        wish = verified(phases=phases)
        mirrored(float(watts), "W")

        is_state(wish, state)

    def test_other_way_is_tried(self, station, verified, mirrored):
        """Where the caller allows it."""
        wish = verified(may_walk=True)
        mirrored(32.0)

        assert sent_profile(station.next())[2]["chargingRateUnit"] == "W"
        is_state(wish, "trying", "sent")

    def test_schedule_of_another_place_says_nothing(self, station, verified):
        """Each connector has its own."""
        wish = verified()
        schedules.ask(station.charger)
        station.compose(32.0)

        is_state(wish, "verified")

    def test_schedule_after_a_boot_says_nothing(self, station, verified, mirrored):
        """It may have forgotten the limit, which is sent again anyway."""
        wish = verified()
        station.reboot()
        mirrored(32.0)

        is_state(wish, "verified")

    def test_limit_that_is_about_to_end(self, verified, mirrored):
        """By the charger's clock it may be over."""
        wish = verified(until=timezone.now() + timedelta(hours=1))
        ChargingLimit.objects.update(until=timezone.now() + timedelta(seconds=5))
        mirrored(32.0)

        is_state(wish, "verified")

    def test_limit_that_is_still_to_show_has_looks_of_its_own(self, station, plug, verified, mirrored):
        """The mirror asks sooner after a change than a charger may need to follow."""
        wish = smart_charging.limit(plug, amps=16)
        station.answer()
        station.compose(32.0)
        mirrored(32.0)
        assert is_state(wish, "accepted").check_at
        mirrored(16.0)

        assert is_state(wish, "verified").check_at is None

    @pytest.mark.parametrize("result", [{}, {"schedule": 5}, {"chargingSchedule": {"duration": 1}}])
    def test_nonsense_says_nothing(self, station, plug, verified, result):
        """It stays as it was judged."""
        wish = verified()
        row = schedules.ask(station.charger, evse_id=plug.evse_id, connector_id=place(plug)[1])
        row.command.charger = station.charger
        commands.finish(row.command, "completed", result={"status": "Accepted"} | result)

        is_state(wish, "verified")
        assert fresh(wish).composite["said"] == "16 A"


class TestReadings:
    @pytest.fixture
    def reads(self, plug):
        """Return a function that has a connector take so much, some minutes from now, and the job look."""

        def run(minutes, plug=plug, **flow):
            now = timezone.now() + minutes * MINUTE
            Connector.objects.filter(pk=plug.pk).update(reading_at=now, **flow)
            smart_charging.keep(now)

        return run

    def test_later_reading_that_is_too_much(self, verified, reads):
        """What was kept once may be exceeded by the next vehicle."""
        wish = verified()
        reads(1, current_a=15)
        assert is_state(wish, "verified").measured_verified is True
        reads(5, current_a=31)

        row = is_state(wish, "ignored", "installed")
        assert (row.reason, row.measured_verified) == ("accepted and ignored: 31.0 A were measured", False)
        assert row.measured["value"] == 31.0

    def test_reading_that_keeps_it_again(self, verified, reads):
        """Each change is told once, however many readings say the same."""
        wish = verified()
        for minute, amps in enumerate([15, 31, 31, 31, 15, 15]):
            reads(1 + 2 * minute, current_a=amps)

        assert (is_state(wish, "verified").reason, states()[3:]) == ("", ["verified", "ignored", "verified"])

    def test_reading_on_the_brink_does_not_take_turns(self, verified, reads):
        """What the tolerance covers is no proof that it is kept again."""
        wish = verified()
        for minute, amps in enumerate([15, 17.4, 17.2, 17.4, 17.2]):
            reads(1 + 2 * minute, current_a=amps)

        is_state(wish, "ignored")
        assert states()[3:] == ["verified", "ignored"]

    def test_it_is_looked_at_once_a_minute(self, verified, reads):
        """And not at all where nothing new was read."""
        wish = verified()
        reads(1, current_a=15)
        now = timezone.now() + 2 * MINUTE
        assert not verifying.remeasurable(now).exists()
        reads(1.5, current_a=31)
        is_state(wish, "verified")
        reads(2.5, current_a=31)

        is_state(wish, "ignored")
        assert not verifying.remeasurable(now).exists()

    def test_no_flow_says_nothing(self, verified, reads):
        """Whether it would be kept is not known while nobody charges."""
        wish = verified()
        reads(1, current_a=31)
        reads(5, current_a=0)

        is_state(wish, "ignored")
        assert states()[3:] == ["ignored"]

    def test_schedule_does_not_speak_for_the_meter(self, verified, reads, mirrored):
        """A charger that promises and takes more is not verified at each refresh."""
        wish = verified()
        reads(1, current_a=31)
        mirrored(16.0)
        is_state(wish, "ignored")
        reads(5, current_a=15)

        is_state(wish, "verified")

    def test_meter_does_not_speak_for_the_schedule(self, verified, reads, mirrored):
        """A vehicle may take less by itself."""
        wish = verified()
        reads(1, current_a=15)
        mirrored(32.0)
        reads(5, current_a=15)

        is_state(wish, "ignored")

    def test_other_connector_says_nothing(self, station, plug, verified, reads):
        """Its readings are not even a cause to look."""
        wish = verified()
        reads(1, current_a=15)
        other = station.charger.connectors.exclude(pk=plug.pk).get()
        reads(5, plug=other, current_a=31)

        is_state(wish, "verified")
        assert not verifying.remeasurable(timezone.now() + 5 * MINUTE).exists()

    def test_whole_charger_is_the_sum_of_one_moment(self, station, plug, reads):
        """What the other connector took long ago may have moved here since."""
        wish = smart_charging.limit(station.charger, watts=10000)
        station.answer()
        station.compose(10000.0, "W")
        other = station.charger.connectors.exclude(pk=plug.pk).get()
        reads(1, power_w=6000)
        reads(5, plug=other, power_w=6000)
        is_state(wish, "verified")
        reads(5, power_w=6000)
        reads(7, power_w=6000)
        is_state(wish, "verified")
        reads(10, plug=other, power_w=11000)

        is_state(wish, "ignored")

    def test_other_way_is_tried(self, station, verified, reads):
        """Where the caller allows it."""
        wish = verified(may_walk=True)
        reads(1, current_a=15)
        reads(5, current_a=31)

        assert sent_profile(station.next())[2]["chargingRateUnit"] == "W"
        is_state(wish, "trying", "sent")

    def test_what_a_boot_may_have_cost_is_not_judged(self, station, verified, reads):
        """It is sent again first."""
        wish = verified()
        reads(1, current_a=15)
        station.reboot()
        reads(5, current_a=31)

        is_state(wish, "verified")
