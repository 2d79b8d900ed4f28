"""SolarQuery: the datum of an account, as they are or aggregated, and where and when there are any."""

from contextlib import contextmanager
from datetime import UTC

from django.db.models import Q
from rest_framework import serializers

from chargers.api.solar.params import NONE, Params, is_pattern, names
from chargers.models import Charger, DatumStream
from chargers.services import aggregates, series
from csms import solar
from csms.schema import Page
from csms.solar import Denied, IllegalArgument
from csms.solar_renderers import LIST_RENDERERS
from tokens import policy
from tokens.solar import View

MOST_SOURCES = 10_000  # in a list of nothing but their names
_SELECTION = ("nodeId", "nodeIds", "sourceId", "sourceIds")
_TIMES = ("startDate", "endDate", "localStartDate", "localEndDate")
_PAGES = ("max", "offset", "sortDescriptors[0].sortKey", "sortDescriptors[0].descending")


class Datum(serializers.Serializer):
    """A datum; beside these members stand its properties."""

    created = serializers.CharField()
    nodeId = serializers.IntegerField()
    sourceId = serializers.CharField()
    localDate = serializers.CharField()
    localTime = serializers.CharField()


class Interval(serializers.Serializer):
    """Where there are no datum, there are no dates."""

    timeZone = serializers.CharField()
    startDate = serializers.CharField(required=False)
    endDate = serializers.CharField(required=False)
    startDateMillis = serializers.IntegerField(required=False)
    endDateMillis = serializers.IntegerField(required=False)
    dayCount = serializers.IntegerField()
    monthCount = serializers.IntegerField()
    yearCount = serializers.IntegerField()


class QueryView(View):
    """A route of SolarQuery: for data tokens too, within their policy."""

    allow_data_tokens = True
    renderer_classes = LIST_RENDERERS

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        self.params = Params(request.query_params)

    def streams(self, *, most=series.MOST_STREAMS):
        """Return the streams that are asked for and that the token may reach."""
        nodes, sources = self.params.node_ids(), self.params.source_ids()
        queryset = self._of_nodes(self.own(DatumStream), nodes)
        if sources:
            queryset = queryset.filter(_about(sources))
        is_simple = not self.policy.source_ids and not any(map(is_pattern, sources))
        fits = None if is_simple else lambda source: self._allows(source) and names(sources, source)
        try:
            found = series.streams_of(queryset, fits=fits, most=most)
        except series.TooMany:
            raise IllegalArgument(
                f"nodeIds and sourceIds mean more than {most} sources; ask for fewer at once."
            ) from None
        exact = [source for source in sources if not is_pattern(source)]
        if exact and not found and not any(map(self._allows, exact)):
            raise Denied
        return found

    def _allows(self, source_id):
        return self.policy.allows_source(source_id)

    def _of_nodes(self, queryset, nodes):
        """Narrow rows with a node id down to `nodes` and to those of the token; Denied where none is left."""
        allowed = self.policy.node_ids
        if allowed and nodes and not nodes & allowed:
            raise Denied
        nodes = nodes & allowed if nodes and allowed else nodes or allowed
        return queryset.filter(node_id__in=nodes) if nodes else queryset

    def aggregation(self):
        """Return the aggregation that is asked for, or the token's if that is coarser."""
        least = self.policy.min_aggregation or NONE
        asked = max(self.params.aggregation() or NONE, least, key=policy.AGGREGATIONS.index)
        return None if asked == NONE else asked

    def asked(self):
        """Return the Query of the request."""
        order = self.params.order()
        return series.ordered(self.streams(), order, **self.params.span(), **self.params.page())


def _about(sources):
    """Return a condition that holds for all sources that are meant, and for few others."""
    found = Q(source_id__in=[source for source in sources if not is_pattern(source)])
    for pattern in filter(is_pattern, sources):
        literal = pattern[: min(pattern.find(char) for char in "*?" if char in pattern)]
        # `/a/**` means /a as well.
        found |= Q(source_id__startswith=literal.rstrip("/"))
    return found


class DatumList(QueryView):
    """Datum of several sources, page by page."""

    queries = {
        "get": (*_SELECTION, *_TIMES, "aggregation", "mostRecent", *_PAGES, "withoutTotalResultsCount")
    }
    answers = {"get": Page(Datum)}
    most_recent = False

    def get(self, request):
        query, aggregation = self.asked(), self.aggregation()
        self.is_counted = not self.params.flag("withoutTotalResultsCount")
        if self.most_recent or self.params.flag("mostRecent"):
            rows, total = self._most_recent(query, aggregation)
        elif aggregation:
            rows, total = self._aggregated(query, aggregation)
        else:
            rows, total = self._as_they_are(query)
        found = [_entity(row) for row in rows]
        return solar.answer(solar.page(found, offset=query.offset, total=total))

    def _most_recent(self, query, aggregation):
        rows = series.latest(query)
        if aggregation:
            with _refusing_too_much():
                rows = aggregates.latest(query, rows, aggregation, aggregates.Budget())
        return rows[query.offset : query.offset + query.max], len(rows) if self.is_counted else None

    def _as_they_are(self, query):
        _check_merge(query)
        with _refusing_too_much():
            return series.page(query), series.total(query) if self.is_counted else None

    def _aggregated(self, query, aggregation):
        _check_merge(query)
        with _refusing_too_much():
            return aggregates.page(query, aggregation, is_counted=self.is_counted)


class MostRecentDatum(DatumList):
    """The last datum of each source."""

    most_recent = True


def _check_merge(query):
    if any(len(group) > series.MOST_MERGED for group in query.groups):
        raise IllegalArgument(
            f"More than {series.MOST_MERGED} sources cannot be sorted by created; sort them by node and "
            "source first, or ask for fewer at once."
        )


@contextmanager
def _refusing_too_much():
    try:
        yield
    except series.TooFar:
        raise IllegalArgument(
            f"The offset parameter must be {series.MOST_PASSED_BY} or less where sources are sorted by "
            "created; go on from there with startDate."
        ) from None
    except aggregates.TooMuch:
        raise IllegalArgument(
            "The time between startDate and endDate holds too much for one answer; ask for less of it, for "
            "fewer sources or for a coarser aggregation."
        ) from None


def _entity(row):
    local = row.at.astimezone(row.stream.zone)
    return {
        "created": solar.timestamp(row.at, " "),
        "nodeId": row.stream.node_id,
        "sourceId": row.stream.source_id,
        "localDate": f"{local:%Y-%m-%d}",
        "localTime": f"{local:%H:%M}",
        **row.properties,
    }


# Where and when there are any -----------------------------------------------------------------


class ReportableInterval(QueryView):
    """From when to when there are datum, and how many days, months and years of a calendar that touches."""

    queries = {"get": (*_SELECTION, *_TIMES)}
    answers = {"get": Interval}

    def get(self, request):
        streams = self.streams()
        found = series.within(streams, self.params.span())
        zone = streams[0].zone if streams else UTC
        if not found:
            return solar.answer({"timeZone": str(zone), "dayCount": 0, "monthCount": 0, "yearCount": 0})
        first, last = min(start for start, _ in found.values()), max(end for _, end in found.values())
        return solar.answer(_interval(first, last, zone))


def _interval(first, last, zone):
    start, end = first.astimezone(zone), last.astimezone(zone)
    years = end.year - start.year
    return {
        "timeZone": str(zone),
        "startDate": f"{start:%Y-%m-%d %H:%M}",
        "endDate": f"{end:%Y-%m-%d %H:%M}",
        "startDateMillis": _millis(first),
        "endDateMillis": _millis(last),
        "dayCount": (end.date() - start.date()).days + 1,
        "monthCount": 12 * years + end.month - start.month + 1,
        "yearCount": years + 1,
    }


def _millis(at):
    return round(at.timestamp() * 1000)


class Sources(QueryView):
    """The source ids there are; with those of their nodes where they are several, or asked for."""

    queries = {"get": (*_SELECTION, *_TIMES, "withNodeIds")}
    answers = {"get": serializers.ListField(child=serializers.JSONField())}
    with_node_ids = False

    def get(self, request):
        span = self.params.span()
        is_timed = any(span.values())
        streams = self.streams(most=series.MOST_STREAMS if is_timed else MOST_SOURCES)
        if is_timed:
            found = series.within(streams, span)
            streams = [stream for stream in streams if stream.id in found]
        if not (self.with_node_ids or self.params.flag("withNodeIds")) and len(self.params.node_ids()) == 1:
            return solar.answer([stream.source_id for stream in streams])
        return solar.answer([{"nodeId": stream.node_id, "sourceId": stream.source_id} for stream in streams])


class NodeSources(Sources):
    """The same, always with node ids."""

    with_node_ids = True


class Nodes(QueryView):
    """The nodes of the account: those of its chargers, and those that have datum."""

    answers = {"get": serializers.ListField(child=serializers.IntegerField())}

    def get(self, request):
        found = set()
        for rows in (self.own(Charger).alive(), self.own(DatumStream)):
            rows = self._of_nodes(rows, set()).exclude(node_id=None)
            found |= set(rows.order_by("node_id").values_list("node_id", flat=True).distinct())
        return solar.answer(sorted(found))


ROUTES = {
    "datum/list": DatumList,
    "datum/mostRecent": MostRecentDatum,
    "range/interval": ReportableInterval,
    "range/sources": Sources,
    "nodes": Nodes,
    "nodes/sources": NodeSources,
}


def routes():
    """Return the URL patterns of SolarQuery."""
    return [solar.route(f"solarquery/api/v1/sec/{path}", view.as_view()) for path, view in ROUTES.items()]
