"""Aggregated datum: the same from the kept hours as from the datum alone, however and whenever they came."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargers.datum.aggregation import Part, start_of
from chargers.models import Datum, DatumHour, DatumStream, StaleHour
from chargers.services import aggregates, rollups, series
from csms import bulk
from csms.models import Cursor

# Readers by id see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

# A weekend in which clocks in Europe go back.
START = datetime(2026, 10, 24, tzinfo=UTC)
MINUTES = 3 * 24 * 60
ZONES = ["UTC", "Europe/Amsterdam", "Asia/Kolkata"]


@pytest.fixture
def streams(owner):
    """Three streams, of chargers in different parts of the world."""
    names = ["a", "b", "c"]
    rows = [
        DatumStream.objects.create(owner=owner, name=f"{owner.pk}/1/{name}", node_id=1, source_id=name)
        for name in names
    ]
    pairs = zip(rows, ZONES, strict=True)
    return [series.Stream(row.pk, 1, row.source_id, ZoneInfo(zone)) for row, zone in pairs]


def write(stream, minute, properties):
    """Write a datum as services.datum does: merged into what is there, which then gets a new id."""
    at = START + timedelta(minutes=minute)
    row = {"stream_id": stream.id, "measured_at": at, "received_at": at, "properties": properties}
    by, watch = ("stream_id", "measured_at"), ("properties", "is_stored", "is_published")
    bulk.merge_many(Datum, [row], by=by, merge=("properties", "is_stored"), watch=watch)


def clear():
    for model in (Datum, DatumHour, StaleHour, Cursor):
        model.objects.all().delete()


def expected(streams, aggregation, start=None, end=None):
    """Return what the rules say, from all rows at once."""
    found = []
    for stream in streams:
        rows = Datum.objects.filter(stream_id=stream.id).order_by("measured_at")
        known = {}
        for span, datum in groupby(rows, key=lambda row: start_of(row.measured_at, aggregation, stream.zone)):
            part = Part()
            # In the same pieces, since sums of floats depend on their order.
            for _, hour in groupby(datum, key=lambda row: rollups.hour_of(row.measured_at)):
                piece = Part()
                for row in hour:
                    piece.add(row.properties)
                part.join(piece)
            if (start is None or span >= start) and (end is None or span < end):
                found.append((stream.source_id, span, part.summary(known)))
            known = known | part.last_readings()
    return found


def answered(streams, aggregation, *, keys=(), **asked):
    query = series.ordered(streams, keys, **asked)
    rows, total = aggregates.page(query, aggregation)
    assert total is None or total >= len(rows)
    return [(row.stream.source_id, row.at, row.properties) for row in rows]


PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "watts": st.floats(0, 10_000),
        "wattHours": st.integers(0, 1000),
        "wattHours_a": st.integers(0, 9),
        "token": st.sampled_from("AB"),
    },
)
# A datum, or a run of the job at that time.
STEPS = st.lists(
    st.one_of(st.tuples(st.integers(0, 2), st.integers(0, MINUTES), PROPERTIES), st.integers(0, MINUTES)),
    min_size=1,
    max_size=25,
)
TIMES = st.none() | st.integers(-60, MINUTES).map(lambda minute: START + timedelta(minutes=minute))


def play(streams, steps):
    for step in steps:
        if isinstance(step, int):
            rollups.keep(START + timedelta(minutes=step))
        else:
            which, minute, properties = step
            write(streams[which], minute, properties)


@pytest.mark.slow
@pytest.mark.parametrize("aggregation", ["ThirtyMinute", "Hour", "Day", "Month"])
def test_kept_hours_change_no_answer(streams, aggregation):
    """Whatever came in whatever order, and whenever hours were summed up meanwhile."""

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(STEPS, TIMES, TIMES)
    def hold(steps, start, end):
        clear()
        play(streams, steps)
        wanted = expected(streams, aggregation, start, end)
        assert answered(streams, aggregation, start=start, end=end) == wanted
        backwards = answered(streams, aggregation, keys=[("created", True)], start=start, end=end)
        assert backwards == sorted(sorted(wanted), key=lambda row: row[1], reverse=True)

    hold()


def test_kept_hours_are_used(streams):
    """They answer alone where no datum are kept any more."""
    write(streams[0], 0, {"wattHours": 100})
    write(streams[0], 90, {"wattHours": 150})
    rollups.keep(START + timedelta(days=1))
    Datum.objects.all().delete()

    assert answered(streams, "Day") == [("a", START, {"wattHours": 50})]
    assert answered(streams, "Hour", start=START + timedelta(hours=1)) == [
        ("a", START + timedelta(hours=1), {"wattHours": 50})
    ]


def test_counter_is_found_further_back(streams):
    """The last datum before the span need not have every counter."""
    write(streams[0], 0, {"wattHours": 100})
    for minute in range(1, 20):
        write(streams[0], minute, {"watts": minute})
    write(streams[0], 70, {"wattHours": 130})

    assert answered(streams, "Hour", start=START + timedelta(hours=1))[0][2] == {"wattHours": 30}


@pytest.mark.parametrize("aggregation", ["FiveMinute", "Hour", "Day"])
def test_pages_are_those_of_the_whole(streams, aggregation):
    """Page after page, over windows and gaps."""
    for minute in (0, 7, 61, 62, 3000, 3001, 50_000, 150_000):
        write(streams[0], minute, {"watts": minute, "wattHours": minute})
        write(streams[1], minute + 1, {"watts": minute})
    whole = answered(streams, aggregation)

    pages = [answered(streams, aggregation, offset=offset, max=2) for offset in range(0, len(whole) + 2, 2)]

    assert sum(pages, []) == whole == expected(streams, aggregation)  # noqa: RUF017  a few rows


def test_several_sources_by_time(streams):
    """Merged by time, then by source."""
    for stream in streams:
        write(stream, 0, {"watts": 1})
        write(stream, 120, {"watts": 2})

    found = answered(streams, "FiveMinute", keys=[("created", False), ("source", True)])

    assert [(source, at.hour) for source, at, _ in found] == [
        (source, hour) for hour in (0, 2) for source in "cba"
    ]


def test_answer_that_would_take_too_much_is_refused(streams, monkeypatch):
    """A request reads so many rows at most; what it has counted by then is not told."""
    for minute in range(0, 600, 5):
        write(streams[0], minute, {"watts": 1})
    monkeypatch.setattr(aggregates, "ROWS_A_REQUEST", 100)

    with pytest.raises(aggregates.TooMuch):
        answered(streams, "FiveMinute")


def test_total_is_left_out_where_counting_would_take_too_much(streams, monkeypatch):
    """The page is answered nevertheless."""
    for day in range(10):
        write(streams[0], day * 1440, {"watts": 1})
    monkeypatch.setattr(aggregates, "ROWS_A_REQUEST", 200)
    query = series.ordered(streams, [], max=1)

    rows, total = aggregates.page(query, "FiveMinute")

    assert (len(rows), total) == (1, None)


def test_many_streams_cost_no_more_queries(owner, streams, django_assert_max_num_queries):
    """A day of a hundred connectors is read at once."""
    many = [
        DatumStream.objects.create(owner=owner, name=f"many {number}", node_id=2, source_id=f"{number:03}")
        for number in range(100)
    ]
    for row in many:
        Datum.objects.create(
            stream=row, received_at=START, measured_at=START, properties={"watts": 1, "wattHours": 5}
        )
    found = [series.Stream(row.pk, 2, row.source_id, ZoneInfo("UTC")) for row in many]

    with django_assert_max_num_queries(12):
        rows = answered(found, "Day", start=START, end=START + timedelta(days=1))

    assert len(rows) == 100
