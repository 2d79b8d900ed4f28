"""What all the profiles together allow."""

from datetime import timedelta

import pytest

from chargers.smart_charging.composite import LONGEST, Running, Supply, composite
from tests.chargers.smart_charging.words import NOON, later, profile, shown

pytestmark = pytest.mark.once

DAY, WEEK = 86_400, 604_800
STATION, TX = "ChargingStationMaxProfile", "TxProfile"


def at_noon(*profiles, evse=1, after=0, seconds=400, started=0, **options):
    """Return the composite schedule, in the short words, while a transaction runs at EVSE 1."""
    running = {1: Running("T1", later(started))} if started is not None else {}
    span = {"at": later(after), "seconds": seconds, "running": running}
    return shown(composite(profiles, evse=evse, **span, **options))


# EVerest's vectors ----------------------------------------------------------------------------


@pytest.mark.spec("everest-ocpp16", "2.3 V1")
def test_maximum_default_and_transaction_together():
    """A period beyond its own schedule's duration is none."""
    installed = [
        profile(1, evse=0, purpose=STATION, periods="0:10:3", duration=DAY),
        profile(2, periods="0:6:3 60:10:3 120:8:3 180:25:3 260:8:3", duration=300),
        profile(3, purpose=TX, periods="0:8:3 50:11:3 140:16:3 200:6:3 240:12:3", duration=240),
    ]

    assert at_noon(*installed) == "0:8 50:10 200:6 240:10 260:8 300:10"


@pytest.mark.spec("everest-ocpp16", "2.3 V2")
def test_relative_profile_keeps_its_phases():
    relative = profile(purpose=TX, chargingProfileKind="Relative", start=None, periods="0:16:1 50:20:3")

    assert at_noon(relative) == "0:16:1 50:20"


@pytest.mark.spec("everest-ocpp16", "2.3 V3")
def test_maximum_alone_is_the_stations_schedule():
    maximum = profile(evse=0, purpose=STATION, periods="0:10:3 80:20:2 160:20:3")

    assert at_noon(maximum, evse=0) == "0:10 80:20:2 160:20"


# Rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "told"), [("A", "0:48"), ("W", "0:33120")])
def test_where_nothing_limits_the_default_is_told(unit, told):
    assert at_noon(unit=unit) == told


def test_gaps_get_the_default():
    assert at_noon(profile(start=100, duration=50, periods="0:6")) == "0:48 100:6 150:48"


def test_nothing_at_all_is_a_limit():
    assert at_noon(profile(periods="0:0")) == "0:0"


def test_higher_stack_level_wins_while_it_is_valid():
    """Even with more, and below it the lower one is there again."""
    assert (
        at_noon(profile(1, periods="0:6"), profile(2, level=1, start=50, duration=50, periods="0:20"))
        == "0:6 50:20 100:6"
    )


def test_transaction_goes_before_the_default_and_may_allow_more():
    assert (
        at_noon(profile(1, level=9, periods="0:6"), profile(2, purpose=TX, duration=60, periods="0:20"))
        == "0:20 60:6"
    )


@pytest.mark.parametrize(("transaction", "limit"), [("T1", 6), ("T2", 48), (None, 6)])
def test_profile_of_another_transaction_says_nothing(transaction, limit):
    members = {} if transaction is None else {"transactionId": transaction}

    assert at_noon(profile(purpose=TX, periods="0:6", **members)) == f"0:{limit}"


def test_without_a_transaction_its_profiles_say_nothing():
    assert at_noon(profile(purpose=TX, periods="0:6"), started=None) == "0:48"


def test_validity_cuts_a_profile():
    assert at_noon(profile(periods="0:6 100:8", validFrom=50, validTo=200)) == "0:48 50:6 100:8 200:48"


@pytest.mark.parametrize("started", [-60, None])
def test_relative_counts_from_the_start_else_from_now(started):
    relative = profile(chargingProfileKind="Relative", start=None, periods="0:6 100:8")

    assert at_noon(relative, started=started) == ("0:6 40:8" if started else "0:6 100:8")


def test_equal_neighbours_are_merged():
    assert at_noon(profile(periods="0:6 50:6 100:8 150:8:3")) == "0:6 100:8"


def test_default_of_the_whole_station_is_every_connectors():
    """What is said of the connector itself goes before it at the same level."""
    everywhere, here = profile(1, evse=0, periods="0:6"), profile(2, evse=1, periods="0:8")

    assert at_noon(everywhere, evse=2) == "0:6"
    assert at_noon(everywhere, here) == "0:8"
    assert at_noon(everywhere, here, evse=0, evses=(1, 2)) == "0:14"


@pytest.mark.parametrize("place", [0, 1])
def test_external_constraints_lower_too(place):
    external = profile(1, evse=place, purpose="ChargingStationExternalConstraints", periods="0:7")

    assert at_noon(external, profile(2, periods="0:6 50:16")) == "0:6 50:7"


def test_external_constraint_of_one_connector_is_not_the_others():
    external = profile(1, purpose="ChargingStationExternalConstraints", periods="0:7")

    assert at_noon(external, evse=2) == "0:48"


# Recurrence -----------------------------------------------------------------------------------


def recurring(kind, **members):
    return profile(chargingProfileKind="Recurring", recurrencyKind=kind, **members)


@pytest.mark.parametrize(("kind", "every"), [("Daily", DAY), ("Weekly", WEEK)])
def test_recurring_begins_again_at_its_boundary(kind, every):
    nightly = recurring(kind, periods="0:6 3600:16")

    assert at_noon(nightly, after=5 * every - 100) == "0:16 100:6"


@pytest.mark.parametrize(("kind", "every"), [("Daily", DAY), ("Weekly", WEEK)])
def test_recurring_never_outlasts_its_interval(kind, every):
    """A longer duration is capped, and a period that lies beyond the next beginning is none."""
    endless = recurring(kind, periods=f"0:6 {every + 50}:16", duration=3 * every)

    assert at_noon(endless, after=2 * every - 100) == "0:6"


def test_recurring_with_a_duration_leaves_gaps():
    hourly = recurring("Daily", periods="0:6", duration=3600)

    assert at_noon(hourly, after=DAY - 100, seconds=DAY) == "0:48 100:6 3700:48"


def test_recurring_does_not_begin_before_its_start():
    assert at_noon(recurring("Daily", periods="0:6", start=DAY), after=-100, seconds=DAY) == "0:48"


# Units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("periods", "unit", "asked", "told"),
    [
        ("0:16", "A", "W", "0:11040"),
        ("0:16:1", "A", "W", "0:3680:1"),
        ("0:11040", "W", "A", "0:16"),
        ("0:3680:1", "W", "A", "0:16:1"),
        ("0:11000", "W", "A", "0:15.9"),
    ],
)
def test_other_unit_is_converted_and_rounded_down(periods, unit, asked, told):
    assert at_noon(profile(periods=periods, unit=unit), unit=asked) == told


def test_smaller_of_both_units_wins():
    installed = [
        profile(1, evse=0, purpose=STATION, unit="W", periods="0:6900 100:13800"),
        profile(2, periods="0:16"),
    ]

    assert at_noon(*installed) == "0:10 100:16"
    assert at_noon(*installed, unit="W") == "0:6900 100:11040"


def test_fewest_phases_count():
    """Twenty amps on one phase of a connector that may use three."""
    installed = [profile(1, evse=0, purpose=STATION, periods="0:20:3"), profile(2, periods="0:32:1")]

    assert at_noon(*installed, unit="W") == "0:4600:1"


def test_direct_current_has_no_phases():
    plan = composite(
        [profile(periods="0:100:3")], evse=1, at=NOON, seconds=60, unit="W", supply=Supply(400.0, 0)
    )

    assert (plan.periods[0].limit, plan.periods[0].phases) == (40_000.0, None)


# The whole station ----------------------------------------------------------------------------


def test_station_is_the_sum_of_its_connectors():
    """One without a limit counts with the default."""
    assert at_noon(profile(periods="0:6 50:0"), evse=0, evses=(1, 2)) == "0:54 50:48"


def test_station_is_capped_by_its_maximum():
    installed = [profile(1, periods="0:6 50:16"), profile(2, evse=0, purpose=STATION, periods="0:20")]

    assert at_noon(*installed, profile(3, evse=2, periods="0:10"), evse=0, evses=(1, 2)) == "0:16 50:20"


def test_connectors_with_different_units_are_added_in_the_one_asked_for():
    installed = [profile(1, periods="0:10"), profile(2, evse=2, unit="W", periods="0:6900")]

    assert at_noon(*installed, evse=0, evses=(1, 2)) == "0:20"
    assert at_noon(*installed, evse=0, evses=(1, 2), unit="W") == "0:13800"


# The span -------------------------------------------------------------------------------------


@pytest.mark.parametrize("evse", [0, 1])
def test_no_seconds_mean_now(evse):
    plan = composite([profile(periods="0:6 1:8")], evse=evse, at=NOON, seconds=0)

    assert (shown(plan), plan.duration) == ("0:6", 0)


def test_span_is_capped_at_a_year():
    assert composite([], evse=1, at=NOON, seconds=10**12).duration == LONGEST


def test_periods_beyond_the_most_are_left_to_the_next_question():
    """It ends where the first of them would begin, and is otherwise the same."""
    hourly = recurring("Daily", periods=" ".join(f"{3600 * hour}:{6 + hour % 2}" for hour in range(24)))
    span = {"evse": 1, "at": NOON, "seconds": 30 * DAY}

    plan = composite([hourly], **span, most=100)

    assert (len(plan.periods), plan.duration) == (100, 100 * 3600)
    assert plan.periods == composite([hourly], **span).periods[:100]


def test_fractions_of_seconds_are_cut_off():
    """A schedule that begins at noon is due at noon, whatever the clock's fraction."""
    at = NOON + timedelta(milliseconds=999)

    assert shown(composite([profile(periods="0:6 1:8")], evse=1, at=at, seconds=10)) == "0:6 1:8"
