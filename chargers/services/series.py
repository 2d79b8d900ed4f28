"""Datum of many streams in one order: pages of them, the latest ones, and the time that they cover.

What one request reads is bounded: streams are few, offsets end somewhere, and a page of several
streams is merged by the database from one index walk for each.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import OuterRef, Subquery, Value

from chargers.models import Datum, DatumHour, DatumStream

MOST_STREAMS = 1000
MOST_CANDIDATES = 50_000  # streams among which patterns choose
MOST_MERGED = 100  # streams in one walk by time; SQLite knows no more than 500 parts of a union
MOST_COUNTED = 100_000


class TooMany(Exception):
    """More streams are meant than one request may look at."""


@dataclass(frozen=True)
class Stream:
    """A stream as a query knows it; its zone is that of the charger's location."""

    id: int
    node_id: int
    source_id: str
    zone: ZoneInfo
    group: int = 0  # streams of one group are merged by time, groups follow each other
    rank: int = 0  # who comes first at the same time


@dataclass(frozen=True)
class Row:
    """A datum, or what several come to, at the time that stands for it."""

    at: datetime
    stream: Stream
    properties: dict


@dataclass(frozen=True)
class Query:
    """What is asked of which streams. Times without a zone are those of each stream's own clocks."""

    streams: list[Stream]
    start: datetime | None = None
    end: datetime | None = None
    descending: bool = False
    offset: int = 0
    max: int = 1000
    groups: list[list[Stream]] = field(default_factory=list)

    def span(self, stream):
        """Return the first moment that is wanted of `stream` and the first that no longer is."""
        return _moment(self.start, stream.zone), _moment(self.end, stream.zone)

    def place(self, row):
        """Return what rows are sorted by."""
        at = row.at.timestamp()
        return row.stream.group, -at if self.descending else at, row.stream.rank


def _moment(at, zone):
    return at.replace(tzinfo=zone).astimezone(UTC) if at is not None and at.tzinfo is None else at


def zone_of(name):
    """Return the time zone of that name; UTC for one that nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def ordered(streams, keys, **asked):
    """Return the Query of `streams` in the order of `keys`: pairs of created, node or source, and descending.

    What the keys leave open is settled by node, source and time.
    """
    named = dict(keys)
    whole = [*named.items(), *((key, False) for key in ("node", "source", "created") if key not in named)]
    places = {"node": lambda stream: stream.node_id, "source": lambda stream: stream.source_id}
    streams = list(streams)
    for key, descending in reversed(whole):
        if key in places:
            streams.sort(key=places[key], reverse=descending)
    order = [key for key, _ in whole]
    alike = [places[key] for key in order[: order.index("created")]]
    ranked, before = [], None
    for rank, stream in enumerate(streams):
        here = [read(stream) for read in alike]
        group = ranked[-1].group + (here != before) if ranked else 0
        ranked.append(replace(stream, group=group, rank=rank))
        before = here
    groups = [list(each) for _, each in groupby(ranked, key=lambda stream: stream.group)]
    return Query(ranked, descending=dict(whole)["created"], groups=groups, **asked)


def streams_of(queryset, *, fits=None, most=MOST_STREAMS):
    """Return the streams of `queryset` whose source ids `fits` takes; TooMany if they are more."""
    rows = queryset.order_by("node_id", "source_id").values_list(
        "pk", "node_id", "source_id", "charger__location__time_zone"
    )
    rows = list(rows[: most + 1 if fits is None else MOST_CANDIDATES + 1])
    if len(rows) > MOST_CANDIDATES:
        raise TooMany
    found = [row for row in rows if fits is None or fits(row[2])]
    if len(found) > most:
        raise TooMany
    zones = {name: zone_of(name) for name in {row[3] for row in found}}
    return [Stream(*row, zones[name]) for *row, name in found]


def stored(**conditions):
    """Return the datum that queries may see."""
    return Datum.objects.filter(is_stored=True, **conditions)


# Pages of datum -------------------------------------------------------------------------------


def page(query):
    """Return the rows of one page."""
    rows, skip = [], query.offset
    for streams in batches(query.groups):
        walk = _walk(query, streams)
        found = list(walk[skip : skip + query.max - len(rows)])
        by_id = {stream.id: stream for stream in streams}
        rows += [Row(at, by_id[stream_id], properties) for stream_id, at, properties, _, _ in found]
        if len(rows) == query.max:
            break
        skip = 0 if found or not skip else skip - _count(query, streams, skip)
    return rows


def batches(groups, most=MOST_MERGED):
    """Yield lists of streams, whole groups in their order, that are read together."""
    batch = []
    for group in groups:
        if batch and len(batch) + len(group) > most:
            yield batch
            batch = []
        batch = batch + group
    if batch:
        yield batch


def _walk(query, streams):
    walks = [
        _within(stored(stream_id=stream.id), query.span(stream)).annotate(
            group=Value(stream.group), rank=Value(stream.rank)
        )
        for stream in streams
    ]
    walks = [walk.values_list("stream_id", "measured_at", "properties", "group", "rank") for walk in walks]
    whole = walks[0].union(*walks[1:], all=True) if len(walks) > 1 else walks[0]
    return whole.order_by("group", "-measured_at" if query.descending else "measured_at", "rank")


def _within(datum, span):
    start, end = span
    if start is not None:
        datum = datum.filter(measured_at__gte=start)
    return datum if end is None else datum.filter(measured_at__lt=end)


def total(query):
    """Return how many rows there are in all, or None where counting would take too long."""
    count = _count(query, query.streams, MOST_COUNTED + 1)
    return count if count <= MOST_COUNTED else None


def _count(query, streams, most):
    count = 0
    for span, ids in _by_span(query, streams).items():
        if count < most:
            count += _within(stored(stream_id__in=ids), span)[: most - count].count()
    return count


# Ends of streams ------------------------------------------------------------------------------


def latest(query):
    """Return the last row of each stream that has one, in the order asked for."""
    by_id = {stream.id: stream for stream in query.streams}
    found = []
    for span, ids in _by_span(query, query.streams).items():
        last = _within(stored(stream_id=OuterRef("pk")), span).order_by("-measured_at")
        streams = DatumStream.objects.filter(pk__in=ids).annotate(
            at=Subquery(last.values("measured_at")[:1]), properties=Subquery(last.values("properties")[:1])
        )
        found += streams.exclude(at=None).values_list("pk", "at", "properties")
    rows = [Row(at, by_id[stream_id], properties) for stream_id, at, properties in found]
    return sorted(rows, key=query.place)


def ends(streams, *, with_hours=False):
    """Return {stream id: (first time, last time)} of those streams that have datum.

    `with_hours` also minds hours whose datum are no longer kept.
    """
    datum = stored(stream_id=OuterRef("pk"))
    hours = DatumHour.objects.filter(stream_id=OuterRef("pk"))
    named = {
        "first": datum.order_by("measured_at").values("measured_at"),
        "last": datum.order_by("-measured_at").values("measured_at"),
    }
    if with_hours:
        named |= {"oldest": hours.order_by("hour").values("hour")}
        named |= {"newest": hours.order_by("-hour").values("hour")}
    rows = DatumStream.objects.filter(pk__in=[stream.id for stream in streams]).annotate(
        **{name: Subquery(rows[:1]) for name, rows in named.items()}
    )
    found = {}
    for pk, *times in rows.values_list("pk", *named):
        times = [at for at in times if at is not None]
        if times:
            found[pk] = min(times), max(times)
    return found


def within(streams, span):
    """Return `ends` of what lies within the `start` and `end` of `span`, where these are given."""
    if not any(span.values()):
        return ends(streams)
    query = Query(streams, **span)
    found = {}
    for times, ids in _by_span(query, streams).items():
        datum = _within(stored(stream_id=OuterRef("pk")), times)
        rows = DatumStream.objects.filter(pk__in=ids).annotate(
            first=Subquery(datum.order_by("measured_at").values("measured_at")[:1]),
            last=Subquery(datum.order_by("-measured_at").values("measured_at")[:1]),
        )
        found |= {pk: (first, last) for pk, first, last in rows.values_list("pk", "first", "last") if first}
    return found


def _by_span(query, streams):
    spans = defaultdict(list)
    for stream in streams:
        spans[query.span(stream)].append(stream.id)
    return spans
