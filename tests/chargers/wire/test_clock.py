"""Timestamps: understood where they can be, replaced where they are useless."""

from datetime import UTC, datetime, timedelta

import pytest

from chargers.wire import clock

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-21T11:00:00", NOW - timedelta(hours=1)),
        ("2026-11-21T13:00:00+02", NOW - timedelta(hours=1)),
        ("2026-11-21T13:00:00.000000123+02:00", NOW - timedelta(hours=1)),
        ("2026-11-21 11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-21t11:00:00z", NOW - timedelta(hours=1)),
        ("2026-11-21T10:59:60Z", NOW - timedelta(hours=1, seconds=1)),
    ],
)
def test_usual_forms_are_read(text, moment):
    """A missing zone is UTC; zones may lack their minutes."""
    assert clock.read(text, NOW) == (moment, "")


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("1970-01-01T00:01:10.932Z", "clock"),
        ("0001-01-01T00:00:00Z", "clock"),
        ("2026-11-22T12:00:01Z", "clock"),
        ("222222017-01-01T00:00:00Z", "unreadable"),
        ("", "unreadable"),
        (None, "unreadable"),
        ("0001-01-01T00:00:00+23:59", "unreadable"),
    ],
)
def test_useless_times_give_way_to_the_time_of_arrival(text, flag):
    """Clocks that were never set, run ahead or write nonsense are flagged."""
    assert clock.read(text, NOW) == (NOW, flag)


def test_text_has_milliseconds_in_utc():
    """Our own timestamps are what every charger can read."""
    assert clock.text(NOW.replace(microsecond=7_999)) == "2026-11-21T12:00:00.007Z"
