"""Datum, browsed by source: the list of streams, and a page with a chart of one property."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import JsonResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode

from chargers.admin import filters
from chargers.datum.properties import class_of
from chargers.models import Datum, DatumStream
from chargers.services import aggregates, series
from csms import badges
from csms.admin_base import LogAdmin

LATEST_ROWS = 50
# What can be looked at: its length, and how it is thinned out.
RANGES = {
    "hour": ("Last hour", timedelta(hours=1), "Minute"),
    "day": ("Last 24 hours", timedelta(days=1), "FiveMinute"),
    "week": ("Last 7 days", timedelta(days=7), "Hour"),
    "month": ("Last 30 days", timedelta(days=30), "Hour"),
    "year": ("Last 365 days", timedelta(days=365), "Day"),
}


@admin.register(DatumStream)
class DatumStreamAdmin(LogAdmin):
    list_display = ["source_id", "node_id", "charger", "last"]
    list_filter = [filters.ChargerFilter]
    search_fields = ["source_id", "=node_id"]
    search_help_text = "Source ID, or node ID in full"
    list_select_related = ["charger"]
    ordering = ["-id"]
    bounded_by = ["charger"]
    empty_words = "No datum yet. They come with the first meter values of a charger."

    def get_queryset(self, request):
        datum = Datum.objects.filter(stream=OuterRef("pk")).order_by("-measured_at")
        return super().get_queryset(request).annotate(last_at=Subquery(datum.values("measured_at")[:1]))

    @admin.display(description="Last datum")
    def last(self, stream):
        return badges.ago(stream.last_at)

    def get_urls(self):
        view = self.admin_site.admin_view(self.chart_view)
        return [path("<int:pk>/chart.json", view, name="chargers_datumstream_chart"), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        stream = self.found(request, object_id)
        latest = latest_of(stream)
        chart = chart_of(stream, latest, request.GET)
        address = reverse("admin:chargers_datumstream_chart", args=[stream.pk])
        asked = {"property": chart["property"], "range": chart["range"]}
        context = {
            "stream": stream,
            "latest": latest,
            "chart": chart,
            "ranges": [(name, words) for name, (words, *_) in RANGES.items()],
            "summary": in_words(chart),
            "address": f"{address}?{urlencode(asked)}",
        }
        template = "admin/chargers/datumstream/page.html"
        return self.page(request, template, f"Datum {stream.source_id}", **context)

    def chart_view(self, request, pk):
        stream = self.found(request, pk)
        return JsonResponse(chart_of(stream, latest_of(stream, rows=1), request.GET))


def latest_of(stream, *, rows=LATEST_ROWS):
    """Return [(time, properties)] of the newest datum, the newest first."""
    span = (stream.pk, series.EARLIEST, series.LATEST)
    found = Datum.objects.along([span], most=rows, descending=True)
    return [(at, properties) for _, at, properties in found]


def chart_of(stream, latest, asked):
    """Return the chart that `asked` (the query string) is about: lists of equal length, and their names.

    It ends with the newest datum. `least` and `most` are there where the values are means.
    """
    until = latest[0][0] if latest else timezone.now()
    span = asked.get("range") if asked.get("range") in RANGES else _default(stream, until)
    start = until - RANGES[span][1]
    rows, is_too_much = _rows(stream, start, span) if latest else ([], False)
    names = list(
        dict.fromkeys(
            name for row in rows for name, value in row.properties.items() if isinstance(value, int | float)
        )
    )
    plain = [name for name in names if not (name.endswith(("_min", "_max")) and name[:-4] in names)]
    name = asked.get("property") if asked.get("property") in plain else next(iter(plain), "")
    rows = [row for row in rows if isinstance(row.properties.get(name), int | float)]
    column = [[row.properties.get(f"{name}{end}") for row in rows] for end in ("", "_min", "_max")]
    return {
        "property": name,
        "properties": plain,
        "range": span,
        "aggregation": RANGES[span][2],
        "is_too_much": is_too_much,
        "start": int(start.timestamp()),
        "end": int(until.timestamp()),
        "time": [int(row.at.timestamp()) for row in rows],
        "value": column[0],
        "least": column[1],
        "most": column[2],
    }


def _default(stream, until):
    """Return the range to begin with: of a stream that is new the hour shows more than the day."""
    is_new = until - stream.created_at < RANGES["hour"][1]
    return "hour" if is_new else "day"


def _rows(stream, start, span):
    aggregation = RANGES[span][2]
    streams = series.streams_of(DatumStream.objects.filter(pk=stream.pk))
    query = series.ordered(streams, [], start=start)
    try:
        return aggregates.page(query, aggregation, is_counted=False)[0], False
    except aggregates.TooMuch:
        return [], True


def in_words(chart):
    """Return one sentence that says what the chart shows."""
    if chart["is_too_much"]:
        return "There are too many datum to chart; choose a shorter time."
    values = chart["value"]
    if not values:
        return "There is nothing to chart."
    kind = class_of(chart["property"])
    if kind == "a":
        return f"{chart['property']} rose by {_number(sum(values))} in all."
    if kind == "s":
        return f"{chart['property']} went from {_number(values[0])} to {_number(values[-1])}."
    mean = sum(values) / len(values)
    low, high = min(chart["least"]), max(chart["most"])
    return f"{chart['property']} was {_number(mean)} on average, between {_number(low)} and {_number(high)}."


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
