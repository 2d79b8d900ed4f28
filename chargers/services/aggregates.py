"""What datum come to by five minutes up to months, read in tiles: some streams over some time.

Spans of an hour and more are put together from the hours that services.rollups keeps, and from the datum
themselves where an hour is stale, has not ended, or belongs to two spans (as in Delhi). The answer is the
same either way. A `Budget` bounds what one request reads.
"""

from collections import defaultdict
from datetime import timedelta

import orjson
from django.db.models import Max, Min, OuterRef, Subquery, TextField
from django.db.models.functions import Cast

from chargers.datum.aggregation import (
    HOUR,
    LENGTHS,
    Part,
    counters,
    end_of,
    first_from,
    start_of,
)
from chargers.models import Datum, DatumHour, DatumStream, StaleHour
from chargers.services import rollups
from chargers.services.rollups import hour_of
from chargers.services.series import MOST_MERGED, Row, batches, ends, stored

# How much time one tile covers at most, in which a query that goes backwards wants to find enough.
WINDOWS = {"Hour": timedelta(days=31), "Day": timedelta(days=92), "Month": timedelta(days=732)}
SHORT_WINDOW = timedelta(days=1)
STREAMS_A_WINDOW = 4  # with more of them a window is shorter
CELLS = 4000  # streams times spans in a tile of several streams
UNFOLLOWED = 10_000
LOOKED_BACK = 1000
PRICE_OF_A_QUERY = 20


ROWS_A_REQUEST = 80_000


class TooMuch(Exception):
    """The answer would need more rows than one request may read."""


class Budget:
    """How many rows a request may still read."""

    def __init__(self):
        self.left = ROWS_A_REQUEST

    def take(self, rows):
        self.left -= rows + PRICE_OF_A_QUERY
        if self.left < 0:
            raise TooMuch


def page(query, aggregation, *, is_counted=True):
    """Return (rows of the page, how many there are in all); None for what it would take too long to count."""
    found, budget = [], Budget()
    walk = rows(query, aggregation, budget)
    wanted = query.offset + query.max
    count = 0
    for row in walk:
        if query.offset <= count < wanted:
            found.append(row)
        count += 1
        if count == wanted:
            break
    return found, _and_others(walk, count) if is_counted else None


def _and_others(walk, count):
    try:
        return count + sum(1 for _ in walk)
    except TooMuch:
        return None


def rows(query, aggregation, budget):
    """Yield the aggregated rows of `query` in its order, as lazily as may be."""
    fresh = unfollowed()
    for streams in batches(query.groups, _streams_a_tile(query, aggregation)):
        spans = spans_of(query, streams, aggregation)
        length = _window(aggregation)
        if len(streams) > 1 and streams[0].group == streams[-1].group:
            # Merged by time: the first rows are wanted soon.
            length = max(length * STREAMS_A_WINDOW / len(streams), SHORT_WINDOW)
        for tile in _windows(spans, aggregation, length, backwards=query.descending):
            yield from sorted(_Tile(tile, aggregation, budget, fresh).rows(), key=query.place)


def latest(query, newest, aggregation, budget):
    """Return the spans that the rows `newest` belong to, one for each stream."""
    spans = []
    for row in newest:
        start = start_of(row.at, aggregation, row.stream.zone)
        spans.append((row.stream, start, end_of(start, aggregation, row.stream.zone)))
    fresh, found = unfollowed(), []
    for first in range(0, len(spans), MOST_MERGED):
        found += _Tile(spans[first : first + MOST_MERGED], aggregation, budget, fresh).rows()
    return sorted(found, key=query.place)


def _streams_a_tile(query, aggregation):
    """Return how many streams whose answers follow each other are read at once: one if time is long."""
    if query.start is None or query.end is None:
        return 1
    length = query.end - query.start
    if length > _window(aggregation):
        return 1
    return max(1, min(MOST_MERGED, int(CELLS / (length / LENGTHS[aggregation] + 1))))


def _window(aggregation):
    return WINDOWS.get(aggregation, SHORT_WINDOW)


def spans_of(query, streams, aggregation):
    """Return [(stream, start, end)] of the whole spans that start within the query and hold something."""
    found = ends(streams, with_hours=aggregation in WINDOWS)
    spans = []
    for stream in streams:
        if stream.id not in found:
            continue
        first, last = found[stream.id]
        wanted, unwanted = query.span(stream)
        start = start_of(first, aggregation, stream.zone)
        if wanted is not None and wanted > start:
            start = first_from(wanted, aggregation, stream.zone)
        end = end_of(start_of(last, aggregation, stream.zone), aggregation, stream.zone)
        if unwanted is not None and unwanted < end:
            end = first_from(unwanted, aggregation, stream.zone)
        if start < end:
            spans.append((stream, start, end))
    return spans


def _windows(spans, aggregation, length, *, backwards):
    """Yield the parts of `spans` window by window, in the order of time asked for."""
    if not spans:
        return
    streams = [stream for stream, _, _ in spans]
    low, high = min(start for _, start, _ in spans), max(end for _, _, end in spans)
    while low < high:
        since, until = (max(low, high - length), high) if backwards else (low, min(low + length, high))
        parts = [(stream, *_between(since, until, *span, aggregation, stream)) for stream, *span in spans]
        if parts := [part for part in parts if part[1] < part[2]]:
            yield parts
        low, high = (low, since) if backwards else (until, high)
        if aggregation not in WINDOWS and low < high:
            low, high = _without_gap(streams, low, high, backwards=backwards)


def _between(since, until, start, end, aggregation, stream):
    """Return the part of a stream's (start, end) whose spans begin between `since` and `until`."""
    first = first_from(since, aggregation, stream.zone)
    return max(start, first), min(end, first_from(until, aggregation, stream.zone))


def _without_gap(streams, low, high, *, backwards):
    """Return what is left of a time when we leave out that in which no stream has anything."""
    datum = stored(stream_id__in=[stream.id for stream in streams])
    if backwards:
        at = datum.filter(measured_at__lt=high).aggregate(at=Max("measured_at"))["at"]
        return low, low if at is None else min(high, at + HOUR)
    at = datum.filter(measured_at__gte=low).aggregate(at=Min("measured_at"))["at"]
    return high if at is None else max(low, at - HOUR), high


def unfollowed():
    """Return the hours, as pairs with stream ids, of datum that the rollups have not seen; None: too many."""
    rows = Datum.objects.filter(pk__gt=rollups.position()).order_by("pk")
    rows = list(rows.values_list("stream_id", "measured_at")[:UNFOLLOWED])
    return {(stream_id, hour_of(at)) for stream_id, at in rows} if len(rows) < UNFOLLOWED else None


class _Tile:
    """Some streams, each over a stretch of time of its own that consists of whole spans."""

    def __init__(self, spans, aggregation, budget, fresh):
        self.spans = spans
        self.aggregation = aggregation
        self.budget = budget
        self.fresh = fresh
        self.by_id = {stream.id: (stream, start, end) for stream, start, end in spans}
        self.low = min(start for _, start, _ in spans)
        self.high = max(end for _, _, end in spans)

    def rows(self):
        """Return the rows of the tile, in no order."""
        found = []
        parts = self._parts()
        before = self._before(parts)
        for stream_id, spans in parts.items():
            known = before.get(stream_id, {})
            for start, part in sorted(spans.items()):
                found.append(Row(start, self.by_id[stream_id][0], part.summary(known)))
                known = known | part.last_readings()
        return found

    def _parts(self):
        """Return {stream id: {start of the span: Part}}."""
        if self.aggregation not in WINDOWS or self.fresh is None:
            pieces = self._of_datum(self.low, self.high, list(self.by_id))
        else:
            pieces = self._of_hours()
        parts = defaultdict(dict)
        for stream_id, hour, start in sorted(pieces):
            parts[stream_id].setdefault(start, Part()).join(pieces[stream_id, hour, start])
        return parts

    def _start(self, stream_id, at):
        return start_of(at, self.aggregation, self.by_id[stream_id][0].zone)

    def _of_datum(self, low, high, stream_ids, only=None):
        """Return {(stream id, hour, start of the span): Part} from the datum themselves."""
        spans = [(stream_id, *self._part_of(stream_id, low, high)) for stream_id in stream_ids]
        pieces, count = {}, 0
        for stream_id, at, properties in Datum.objects.along(spans, in_all=self.budget.left + 1):
            count += 1
            hour = hour_of(at)
            if only is None or (stream_id, hour) in only:
                key = stream_id, hour, self._start(stream_id, at)
                pieces.setdefault(key, Part()).add(properties)
        self.budget.take(count)
        return pieces

    def _part_of(self, stream_id, low, high):
        _, start, end = self.by_id[stream_id]
        return max(start, low), min(end, high)

    def _of_hours(self):
        raw = self._raw_hours()
        hours = DatumHour.objects.filter(
            stream_id__in=list(self.by_id), hour__gte=hour_of(self.low), hour__lt=self.high
        )
        # Django's own way of reading JSON costs more than all the rest.
        hours = hours.annotate(text=Cast("properties", TextField()))
        found = hours.values_list("stream_id", "hour", "text")[: self.budget.left + 1]
        pieces, count = {}, 0
        for stream_id, hour, text in found:
            count += 1
            _, start, end = self.by_id[stream_id]
            if start <= hour < end and (stream_id, hour) not in raw:
                pieces[stream_id, hour, self._start(stream_id, hour)] = Part.from_json(orjson.loads(text))
        self.budget.take(count)
        for low, high, stream_ids in _runs(raw):
            pieces |= self._of_datum(low, high, stream_ids, only=raw)
        return pieces

    def _raw_hours(self):
        """Return the hours, as pairs with stream ids, for which the datum themselves have to be read."""
        low = hour_of(self.low)
        stale = StaleHour.objects.filter(stream_id__in=list(self.by_id), hour__gte=low, hour__lt=self.high)
        raw = set(stale.values_list("stream_id", "hour"))
        raw |= {(stream_id, hour) for stream_id, hour in self.fresh if stream_id in self.by_id}
        for stream, start, end in self.spans:
            raw |= {(stream.id, hour) for hour in _divided(start, end, self.aggregation, stream.zone)}
        return {(stream_id, hour) for stream_id, hour in raw if low <= hour < self.high}

    # What counters said before ---------------------------------------------------------------

    def _before(self, parts):
        """Return {stream id: {counter: its last reading before the tile}} for the counters in `parts`."""
        wanted = {
            stream_id: {name for part in spans.values() for name in part.counters}
            for stream_id, spans in parts.items()
        }
        starts = defaultdict(list)
        for stream_id, names in wanted.items():
            if names:
                starts[self.by_id[stream_id][1]].append(stream_id)
        before = {}
        for start, stream_ids in starts.items():
            for stream_id, properties, hour in self._neighbours(start, stream_ids):
                if properties is None:  # nothing is kept from so long ago but hours
                    before[stream_id] = Part.from_json(hour or {}).last_readings()
                    continue
                before[stream_id] = counters(properties)
                if wanted[stream_id] - before[stream_id].keys():
                    before[stream_id] = self._further_back(stream_id, start, wanted[stream_id])
        return before

    def _neighbours(self, start, stream_ids):
        last = stored(stream_id=OuterRef("pk"), measured_at__lt=start).order_by("-measured_at")
        hour = DatumHour.objects.filter(stream_id=OuterRef("pk"), hour__lte=start - HOUR).order_by("-hour")
        streams = DatumStream.objects.filter(pk__in=stream_ids).annotate(
            last=Subquery(last.values("properties")[:1]), hour=Subquery(hour.values("properties")[:1])
        )
        self.budget.take(len(stream_ids))
        return streams.values_list("pk", "last", "hour")

    def _further_back(self, stream_id, start, names):
        """Return the readings among so many datum before `start`; a counter silent for longer starts anew."""
        found, count = {}, 0
        datum = stored(stream_id=stream_id, measured_at__lt=start).order_by("-measured_at")
        for properties in datum.values_list("properties", flat=True)[:LOOKED_BACK].iterator():
            count += 1
            found = counters(properties) | found
            if names <= found.keys():
                break
        self.budget.take(count)
        return found


def _divided(start, end, aggregation, zone):
    """Yield the hours of UTC between `start` and `end` that belong to more than one span."""
    if aggregation == "Hour":
        if start != hour_of(start) or end != hour_of(end):
            hour = hour_of(start)
            while hour < end:
                yield hour
                hour += HOUR
        return
    while start < end:
        if start != hour_of(start):
            yield hour_of(start)
        start = end_of(start, aggregation, zone)
    if end != hour_of(end):
        yield hour_of(end)


def _runs(pairs):
    """Yield (start, end, stream ids) that cover `pairs` of stream id and hour: hours in a row at once."""
    streams = defaultdict(set)
    for stream_id, hour in pairs:
        streams[hour].add(stream_id)
    run = None
    for hour in sorted(streams):
        if run and hour == run[1]:
            run = run[0], hour + HOUR, run[2] | streams[hour]
        else:
            if run:
                yield run[0], run[1], sorted(run[2])
            run = hour, hour + HOUR, streams[hour]
    if run:
        yield run[0], run[1], sorted(run[2])
