"""The hours of datum, summed up beside them, for what looks at days and months.

A cursor follows the datum in the order of their ids, late and changed ones included, and notes the hours
that they belong to as stale. A stale hour that has ended is summed up from its datum again.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chargers.datum.aggregation import HOUR, Part
from chargers.models import Datum, DatumHour, DatumStream, StaleHour
from csms.models import Cursor

CURSOR = "datum.hours"
DATUM_AT_ONCE, FOLLOWED_A_RUN = 10_000, 20
HOURS_AT_ONCE, SUMMED_A_RUN = 50, 100
# What comes within it is summed up together with its hour, not once more.
GRACE = timedelta(minutes=5)


def hour_of(at):
    """Return the hour of UTC that `at` belongs to."""
    return at.replace(minute=0, second=0, microsecond=0)


def keep(now):
    """Note what has become stale and sum up what has ended; bounded, so that a backlog takes several runs."""
    for _ in range(FOLLOWED_A_RUN):
        if follow() < DATUM_AT_ONCE:
            break
    for _ in range(SUMMED_A_RUN):
        if sum_up(now) < HOURS_AT_ONCE:
            break


def position():
    """Return the id of the last datum whose hour was noted, 0 if none was."""
    return Cursor.objects.filter(name=CURSOR).values_list("position", flat=True).first() or 0


@transaction.atomic
def follow():
    """Mark the hours of the next datum as stale; return how many datum there were."""
    Cursor.objects.get_or_create(name=CURSOR)
    cursor = Cursor.objects.select_for_update().get(name=CURSOR)
    settled = Datum.objects.settled().filter(pk__gt=cursor.position).order_by("pk")
    rows = list(settled.values_list("pk", "stream_id", "measured_at", "is_stored")[:DATUM_AT_ONCE])
    if rows:
        hours = {(stream_id, hour_of(at)) for _, stream_id, at, is_stored in rows if is_stored}
        # Of an account that is gone the datum are still there, its streams are not.
        alive = DatumStream.objects.filter(pk__in={stream_id for stream_id, _ in hours})
        alive = set(alive.values_list("pk", flat=True))
        marks = [StaleHour(stream_id=stream_id, hour=hour) for stream_id, hour in sorted(hours)]
        marks = [mark for mark in marks if mark.stream_id in alive]
        # Waits for a run that is just summing such an hour up, and then marks it again.
        StaleHour.objects.bulk_create(marks, ignore_conflicts=True)
        cursor.position, cursor.moved_at = rows[-1][0], timezone.now()
        cursor.save()
    return len(rows)


@transaction.atomic
def sum_up(now):
    """Sum up some of the stale hours that have ended; return how many."""
    ended = StaleHour.objects.filter(hour__lte=now - HOUR - GRACE).order_by("hour", "stream_id")
    marks = list(ended[:HOURS_AT_ONCE])
    # First of all: a datum that is followed from here on finds no mark, and makes one.
    StaleHour.objects.filter(pk__in=[mark.pk for mark in marks]).delete()
    marks, summed = _not_for_ever(marks, now), len(marks)
    parts = _parts({(mark.stream_id, mark.hour) for mark in marks})
    rows = [
        DatumHour(stream_id=stream_id, hour=hour, properties=part.to_json())
        for (stream_id, hour), part in sorted(parts.items(), key=lambda item: item[0])
    ]
    key = ["stream", "hour"]
    DatumHour.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=key, update_fields=["properties"]
    )
    emptied = [mark for mark in marks if (mark.stream_id, mark.hour) not in parts]
    _forget(emptied)
    return summed


def _not_for_ever(marks, now):
    """Leave out the hours that are kept and whose datum are so old that they no longer are, or not all."""
    if settings.CSMS_RETAIN_DATUM_DAYS <= 0:
        return marks
    cutoff = now - timedelta(days=settings.CSMS_RETAIN_DATUM_DAYS)
    old = [mark for mark in marks if mark.hour < cutoff]
    if not old:
        return marks
    rows = DatumHour.objects.filter(
        stream_id__in={mark.stream_id for mark in old}, hour__in={mark.hour for mark in old}
    )
    kept = set(rows.values_list("stream_id", "hour"))
    return [mark for mark in marks if mark.hour >= cutoff or (mark.stream_id, mark.hour) not in kept]


def _parts(hours):
    """Return {(stream id, hour): Part} of the datum in `hours`, pairs of stream id and hour."""
    parts = {}
    for hour in sorted({hour for _, hour in hours}):
        streams = sorted(stream_id for stream_id, other in hours if other == hour)
        rows = Datum.objects.filter(
            stream_id__in=streams, measured_at__gte=hour, measured_at__lt=hour + HOUR, is_stored=True
        )
        rows = rows.order_by("stream_id", "measured_at").values_list("stream_id", "properties")
        for stream_id, properties in rows.iterator(chunk_size=2000):
            parts.setdefault((stream_id, hour), Part()).add(properties)
    return parts


def _forget(marks):
    gone = Q()
    for mark in marks:
        gone |= Q(stream_id=mark.stream_id, hour=mark.hour)
    if gone:
        DatumHour.objects.filter(gone).delete()
