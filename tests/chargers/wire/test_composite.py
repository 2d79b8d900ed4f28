"""Composite schedules as chargers tell them: what can be read of nonsense, and what is news."""

from datetime import UTC, datetime, timedelta

import pytest

from chargers.wire import composite

pytestmark = pytest.mark.once

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def told(*periods, **members):
    given = [{"startPeriod": start, "limit": limit} for start, limit in periods]
    return {"scheduleStart": "2026-11-21T12:00:00Z", "chargingRateUnit": "A", "duration": 600} | {
        "chargingSchedulePeriod": given,
        **members,
    }


def read(*periods, **members):
    return composite.read(told(*periods, **members), now=NOON)


def limits(schedule):
    return [(period["start"], period["limit"]) for period in schedule.periods]


def test_schedule_is_read_as_it_is():
    """Limit 0 is a real limit."""
    schedule = read((0, 16), (60, 0))

    assert (schedule.unit, schedule.starts_at, schedule.duration) == ("A", NOON, 600)
    assert schedule.periods == [
        {"start": 0, "limit": 16.0, "phases": None},
        {"start": 60, "limit": 0.0, "phases": None},
    ]


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ([(60, 8), (0, 16)], [(0, 16), (60, 8)]),
        ([(0, 16), (60, 8), (60, 9)], [(0, 16), (60, 9)]),
        ([("0", "16.5")], [(0, 16.5)]),
        ([(30, 8)], [(0, 8)]),
        ([(0, 16), (60, None), (70, "x"), (80, -1), (90, True), (-5, 3), (None, 4), (99, 1e9)], [(0, 16)]),
        ([(0, float("nan")), (0, float("inf")), (0, "nan"), (0, "9" * 999), (1, 6)], [(0, 6)]),
    ],
)
def test_periods_are_put_in_order(periods, expected):
    """What is no number is left out; the first holds from the beginning."""
    assert limits(read(*periods)) == expected


@pytest.mark.parametrize("periods", [None, [], {}, "x", 5, [None], [[]], ["x"], [{}], [{"startPeriod": 0}]])
def test_schedule_without_a_limit_is_none(periods):
    with pytest.raises(composite.Unusable, match="limit"):
        read(chargingSchedulePeriod=periods)


def test_left_out_members_are_as_they_were_asked_for():
    """It begins now then."""
    schedule = composite.read({"chargingSchedulePeriod": [{"limit": 6}]}, now=NOON, unit="W", duration=60)

    assert (schedule.unit, schedule.starts_at, schedule.duration) == ("W", NOON, 60)
    assert limits(schedule) == [(0, 6)]


@pytest.mark.parametrize("unit", [None, "", 5, "kW", []])
def test_schedule_without_a_unit_is_none(unit):
    """Amperes that are taken for watts would be a fault of three digits."""
    with pytest.raises(composite.Unusable, match="unit"):
        read((0, 16), chargingRateUnit=unit)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"scheduleStart": "1970-01-01T00:00:00Z"}, NOON),
        ({"scheduleStart": "soon"}, NOON),
        ({"scheduleStart": "2026-11-21T11:00:00"}, NOON - timedelta(hours=1)),
    ],
)
def test_clock_that_is_wrong_means_now(members, expected):
    assert read((0, 16), **members).starts_at == expected


@pytest.mark.parametrize(("phases", "expected"), [(1, 1), (3, 3), (0, None), (7, None), ("3", None)])
def test_phases_are_one_to_three(phases, expected):
    period = {"startPeriod": 0, "limit": 16, "numberPhases": phases}
    assert read(chargingSchedulePeriod=[period]).periods[0]["phases"] == expected


class TestNews:
    def later(self, seconds, *periods, **members):
        start = (NOON + timedelta(seconds=seconds)).isoformat()
        return read(*periods, scheduleStart=start, **members)

    @pytest.mark.parametrize(
        ("old", "seconds", "new"),
        [
            ([(0, 16)], 900, [(0, 16)]),
            # The step comes nearer with the time.
            ([(0, 16), (300, 8)], 100, [(0, 16), (200, 8)]),
            ([(0, 16), (300, 8)], 100, [(0, 16), (202, 8)]),
            ([(0, 16), (300, 8)], 900, [(0, 8)]),
            ([(0, 16), (300, 16)], 0, [(0, 16)]),
        ],
    )
    def test_same_limits_at_the_same_times_are_no_news(self, old, seconds, new):
        """Each question gets a window that begins later."""
        assert read(*old).tells_the_same(self.later(seconds, *new))

    @pytest.mark.parametrize(
        ("old", "seconds", "new"),
        [
            ([(0, 16)], 900, [(0, 8)]),
            ([(0, 16)], 10, [(0, 16), (300, 8)]),
            ([(0, 16), (300, 8)], 100, [(0, 16)]),
            ([(0, 16), (300, 8)], 100, [(0, 16), (100, 8)]),
        ],
    )
    def test_other_limits_are_news(self, old, seconds, new):
        assert not read(*old).tells_the_same(self.later(seconds, *new))

    def test_other_unit_is_news(self):
        assert not read((0, 16)).tells_the_same(read((0, 16), chargingRateUnit="W"))

    def test_step_behind_a_shorter_window_is_no_news(self):
        """Somebody asked for a minute only."""
        assert read((0, 16), (300, 8)).tells_the_same(self.later(10, (0, 16), duration=60))
