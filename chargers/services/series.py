"""Datum of many streams in one order: pages of them, the latest ones, and the time that they cover.

What one request reads is bounded: streams are few, offsets end somewhere, and a page of several
streams is merged from walks along the index, one for each, that are read a piece at a time.
"""

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import IntegerField, OuterRef, Subquery

from chargers.models import Datum, DatumHour, DatumStream

MOST_STREAMS = 1000
MOST_CANDIDATES = 50_000  # streams among which patterns choose
MOST_MERGED = 100  # streams that are read together
MOST_COUNTED = 25_000
MOST_PASSED_BY = 20_000
# What no time of ours lies beyond.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class TooMany(Exception):
    """More streams are meant than one request may look at."""


class TooFar(Exception):
    """More rows of several streams would have to be passed by than one request may read."""


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
    """Return the rows of one page; TooFar if too many of several merged streams would be passed over."""
    if all(len(group) == 1 for group in query.groups):
        return _chained(query)
    if query.offset > MOST_PASSED_BY:
        raise TooFar
    walk = chain.from_iterable(_merged(query, group) for group in query.groups)
    return list(islice(walk, query.offset, query.offset + query.max))


def _chained(query):
    """Return the page where one stream follows the other."""
    streams, skip = deque(query.streams), query.offset
    for counted in _growing(query.streams) if skip else ():
        counts = _counts(query, counted, query.offset + 1)
        for stream in counted:
            if counts[stream.id] > skip:
                break
            skip -= counts[stream.id]
            streams.popleft()
        else:
            continue
        break
    rows = []
    if skip:
        rows = _further_on(query, streams.popleft(), skip)
    streams = list(streams)
    for first in range(0, len(streams), MOST_MERGED):
        if len(rows) >= query.max:
            break
        rows += _read(query, streams[first : first + MOST_MERGED], query.max - len(rows))
    return rows


def _further_on(query, stream, skip):
    datum = _within(stored(stream_id=stream.id), query.span(stream))
    datum = datum.order_by("-measured_at" if query.descending else "measured_at")
    found = datum.values_list("measured_at", "properties")[skip : skip + query.max]
    return [Row(at, stream, properties) for at, properties in found]


def _growing(streams):
    """Yield the streams in lists of 1, 2, 4 and so on: many are counted only if the first hold little."""
    start, size = 0, 1
    while start < len(streams):
        yield streams[start : start + size]
        start, size = start + size, min(2 * size, MOST_MERGED)


def _counts(query, streams, most):
    """Return {stream id: how many rows it has, `most` at most}."""
    counts = {}
    for span, ids in _by_span(query, streams).items():
        few = _within(stored(stream_id=OuterRef("pk")), span).order_by().values("pk")[:most]
        rows = DatumStream.objects.filter(pk__in=ids).annotate(rows=_CountOf(few))
        counts |= dict(rows.values_list("pk", "rows"))
    return counts


class _CountOf(Subquery):
    """How many rows a query has, counted no further than its limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS few)"
    output_field = IntegerField()


def _read(query, streams, most):
    """Return the first `most` rows of the streams, one stream after the other."""
    spans = [(stream.id, *bounds(query, stream)) for stream in streams]
    by_id = {stream.id: stream for stream in streams}
    found = Datum.objects.along(spans, in_all=most, descending=query.descending)
    return sorted((Row(at, by_id[pk], properties) for pk, at, properties in found), key=query.place)


def bounds(query, stream):
    """Return the span of the stream as two moments, whatever is open."""
    start, end = query.span(stream)
    return start or EARLIEST, end or LATEST


def _merged(query, streams):
    """Yield the rows of several streams by time; each is read in pieces, those that ran out together."""
    piece = max(8, min(1000, 2 * (query.offset + query.max) // len(streams)))
    by_id = {stream.id: stream for stream in streams}
    unread = {stream.id: bounds(query, stream) for stream in streams}
    waiting = {stream.id: deque() for stream in streams}
    heap = []
    while True:
        for stream_id in _refill(waiting, unread, piece, descending=query.descending):
            row = Row(waiting[stream_id][0][0], by_id[stream_id], {})
            heapq.heappush(heap, (query.place(row), stream_id))
        while heap:
            _, stream_id = heapq.heappop(heap)
            at, properties = waiting[stream_id].popleft()
            yield Row(at, by_id[stream_id], properties)
            if waiting[stream_id]:
                row = Row(waiting[stream_id][0][0], by_id[stream_id], {})
                heapq.heappush(heap, (query.place(row), stream_id))
            elif stream_id in unread:
                break
        else:
            return


def _refill(waiting, unread, piece, *, descending):
    """Read the next rows of the streams that have few; return those that had none and have some now."""
    short = [stream_id for stream_id in unread if len(waiting[stream_id]) <= piece // 4]
    empty = [stream_id for stream_id in waiting if not waiting[stream_id]]
    spans = [(stream_id, *unread[stream_id]) for stream_id in short]
    found = defaultdict(list)
    for stream_id, at, properties in Datum.objects.along(spans, most=piece, descending=descending):
        found[stream_id].append((at, properties))
    for stream_id in short:
        waiting[stream_id].extend(found[stream_id])
        if len(found[stream_id]) < piece:
            del unread[stream_id]
        else:
            start, end = unread[stream_id]
            at = found[stream_id][-1][0]
            unread[stream_id] = (start, at) if descending else (at + timedelta.resolution, end)
    return [stream_id for stream_id in empty if waiting[stream_id]]


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
