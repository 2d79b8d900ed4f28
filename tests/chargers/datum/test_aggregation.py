"""What many datum come to: spans of local time, and a value for each property by its class."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.datum.aggregation import Part, end_of, first_from, rise, start_of, tidy

AMSTERDAM, KOLKATA = ZoneInfo("Europe/Amsterdam"), ZoneInfo("Asia/Kolkata")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def part(*properties):
    found = Part()
    for each in properties:
        found.add(each)
    return found


def summary(*properties, before=None):
    return part(*properties).summary(before or {})


@pytest.mark.parametrize(
    ("moment", "aggregation", "zone", "start"),
    [
        ("2026-03-01 10:59:59.9", "Minute", UTC, "2026-03-01 10:59"),
        ("2026-03-01 10:59:59.9", "FiveMinute", UTC, "2026-03-01 10:55"),
        ("2026-03-01 10:59:59.9", "TenMinute", UTC, "2026-03-01 10:50"),
        ("2026-03-01 10:59:59.9", "FifteenMinute", UTC, "2026-03-01 10:45"),
        ("2026-03-01 10:59:59.9", "ThirtyMinute", UTC, "2026-03-01 10:30"),
        ("2026-03-01 10:59:59.9", "Hour", UTC, "2026-03-01 10:00"),
        ("2026-03-01 10:00", "Hour", UTC, "2026-03-01 10:00"),
        ("2026-03-01 10:15", "Hour", KOLKATA, "2026-03-01 09:30"),
        ("2026-03-01 10:15", "Day", UTC, "2026-03-01 00:00"),
        ("2026-03-01 23:15", "Day", AMSTERDAM, "2026-03-01 23:00"),
        ("2026-07-01 21:59", "Day", AMSTERDAM, "2026-06-30 22:00"),
        ("2026-03-01 20:00", "Day", KOLKATA, "2026-03-01 18:30"),
        ("2026-04-10 12:00", "Month", AMSTERDAM, "2026-03-31 22:00"),
        ("1969-12-31 23:59", "Hour", UTC, "1969-12-31 23:00"),
        # The hour that comes twice: 02:30 of summer time, then 02:30 of winter time.
        ("2026-10-25 00:30", "Hour", AMSTERDAM, "2026-10-25 00:00"),
        ("2026-10-25 01:30", "Hour", AMSTERDAM, "2026-10-25 01:00"),
    ],
)
def test_span_begins_as_clocks_say(moment, aggregation, zone, start):
    """Spans are those of the local time, in UTC."""
    assert start_of(at(moment), aggregation, zone) == at(start)


@pytest.mark.parametrize(
    ("start", "aggregation", "hours"),
    [
        ("2026-03-28 23:00", "Day", 23),
        ("2026-10-24 22:00", "Day", 25),
        ("2026-01-31 23:00", "Month", 28 * 24),
        ("2026-02-28 23:00", "Month", 31 * 24 - 1),
        ("2026-09-30 22:00", "Month", 31 * 24 + 1),
        ("2026-01-31 23:00", "Hour", 1),
    ],
)
def test_days_and_months_end_when_clocks_say(start, aggregation, hours):
    """A day may last 23 or 25 hours."""
    assert end_of(at(start), aggregation, AMSTERDAM) - at(start) == timedelta(hours=hours)


def test_day_whose_midnight_is_skipped_begins_with_the_next_hour():
    """Where clocks go from 00:00 to 01:00 the day begins then."""
    santiago = ZoneInfo("America/Santiago")

    assert start_of(at("2026-09-06 12:00"), "Day", santiago) == at("2026-09-06 04:00")


ZONES = [UTC, AMSTERDAM, KOLKATA, ZoneInfo("America/St_Johns"), timezone(timedelta(hours=-9, minutes=-30))]
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  naive by contract
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(
    MOMENTS,
    st.sampled_from(["Minute", "FiveMinute", "ThirtyMinute", "Hour", "Day", "Month"]),
    st.sampled_from(ZONES),
)
def test_every_moment_is_in_one_span(moment, aggregation, zone):
    """Spans follow each other without gap or overlap."""
    start = start_of(moment, aggregation, zone)
    end = end_of(start, aggregation, zone)

    assert start <= moment < end
    assert (start_of(start, aggregation, zone), start_of(end, aggregation, zone)) == (start, end)
    assert first_from(moment, aggregation, zone) == (start if moment == start else end)


def test_instantaneous_properties_are_averaged():
    """The mean under the name itself, the extremes beside it."""
    assert summary({"watts": 1000}, {"watts": 4000}, {"watts_a": 7}, {"watts": 2500}) == {
        "watts": 2500,
        "watts_min": 1000,
        "watts_max": 4000,
        "watts_a": 7,
        "watts_a_min": 7,
        "watts_a_max": 7,
    }


@pytest.mark.parametrize(
    ("readings", "before", "risen"),
    [
        ([], 5, None),
        ([100], None, 0),
        ([100, 250, 400], None, 300),
        ([100, 250, 400], 40, 360),
        ([100, 100], 100, 0),
        ([900, 1000, 20, 50], 880, 170),  # 120, then anew: 50
        ([30, 50], 1000, 50),  # anew since the span before
        ([1000, 999, 1010], None, 11),  # a quirk, not a new counter
        ([0.1, 0.3], None, 0.2),  # not 0.19999999999999998
        ([-10, -30], None, 0),
    ],
)
def test_accumulating_properties_rise(readings, before, risen):
    """The difference since the last reading before the span; a counter that fell starts anew."""
    found = summary(
        *({"wattHours": each} for each in readings), before={} if before is None else {"wattHours": before}
    )

    assert found.get("wattHours") == risen


def test_statuses_are_the_last():
    """Words, numbers without a rule and what is no number at all."""
    assert summary(
        {"token": "A", "duration": 10, "watts": "much"}, {"token": "B"}, {"duration": 20, "wattHours": None}
    ) == {"token": "B", "duration": 20, "watts": "much", "wattHours": None}


def test_part_says_what_counters_said_last():
    """The span that follows begins there."""
    assert part({"wattHours": 5}, {"wattHours_a": 3}, {"wattHours": 9}).last_readings() == {
        "wattHours": 9,
        "wattHours_a": 3,
    }


def test_stored_part_is_not_changed_by_joining_it():
    """What was read from JSON may be joined to several."""
    stored = part({"wattHours": 5, "watts": 1, "token": "A"}).to_json()

    whole = Part()
    whole.join(Part.from_json(stored))
    whole.join(part({"wattHours": 9, "watts": 2, "token": "B"}))

    assert stored == {"i": {"watts": [1, 1, 1, 1]}, "a": {"wattHours": [5, 5, 0]}, "s": {"token": "A"}}
    assert whole.summary({}) == {"watts": 1.5, "watts_min": 1, "watts_max": 2, "wattHours": 4, "token": "B"}


DATUM = st.fixed_dictionaries(
    {},
    optional={
        "watts": st.integers(0, 10_000),
        "wattHours": st.integers(0, 1000),
        "wattHours_b": st.integers(0, 1000),
        "token": st.sampled_from("ABC"),
    },
)


@given(st.lists(DATUM), st.integers(0, 20), DATUM)
def test_parts_joined_are_the_whole(datum, cut, before):
    """Wherever a stretch of time is divided, and stored in between."""
    whole, first, rest = part(*datum), part(*datum[:cut]), part(*datum[cut:])

    joined = Part()
    joined.join(Part.from_json(first.to_json()))
    joined.join(Part.from_json(rest.to_json()))

    assert joined.summary(before) == whole.summary(before)
    assert joined.last_readings() == whole.last_readings()


@given(st.lists(st.integers(0, 10**9), min_size=1), st.integers(0, 50))
def test_energy_of_spans_adds_up(registers, cut):
    """What is counted between the spans belongs to the later one, and nothing is counted twice."""
    datum = [{"wattHours": register} for register in registers]
    first, rest = part(*datum[:cut]), part(*datum[cut:])

    total = first.summary({}).get("wattHours", 0) + rest.summary(first.last_readings()).get("wattHours", 0)
    assert total == part(*datum).summary({})["wattHours"]


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_rise_is_never_negative(before, after):
    """Whatever a counter says."""
    assert rise(before, after) >= 0


def test_tidy_numbers():
    """Whole where they are whole, and without the dust of floats."""
    assert [tidy(value) for value in (0.1 + 0.2, 5.0, 7, 1 / 3)] == [0.3, 5, 7, 0.333333]
    assert isinstance(tidy(5.0), int)
