"""What a SolarQuery request asks for, read from its query string; what makes no sense is refused by name."""

from chargers.services.series import EARLIEST, LATEST
from csms import solar_filters
from csms.solar import IllegalArgument, Refusal, number
from tokens import policy

MOST = 1000
MOST_OFFSET = 100_000
MOST_NAMED = 500
NONE = "None"
AGGREGATIONS = {name.lower(): name for name in policy.AGGREGATIONS}
SORT_KEYS = {
    "created": "created",
    "time": "created",
    "date": "created",
    "node": "node",
    "nodeid": "node",
    "source": "source",
    "sourceid": "source",
}


class Params:
    """The query string of a request."""

    def __init__(self, query):
        self._query = query

    def listed(self, name):
        """Return the values of `name` and `names`, given one by one or with commas between."""
        given = [*self._query.getlist(name), *self._query.getlist(f"{name}s")]
        values = solar_filters.parted(given)
        if len(values) > MOST_NAMED:
            raise IllegalArgument(f"{name}s names more than {MOST_NAMED}.")
        if any("\x00" in value for value in values):
            raise IllegalArgument(f"{name} holds a character that no text has.")
        return values

    def node_ids(self):
        """Return the nodes that are named; none means all."""
        return {number(value, "nodeId") for value in self.listed("nodeId")}

    def source_ids(self):
        """Return the source ids and patterns that are named; none means all."""
        return self.listed("sourceId")

    def flag(self, name):
        """Return whether `name` is true."""
        return bool(solar_filters.truth(self._query.get(name, ""), name))

    def whole(self, name, default, most):
        """Return the number `name`, at least 0 and no more than `most`."""
        text = self._query.get(name, "").strip()
        if not text:
            return default
        value = number(text, name)
        if value < 0:
            raise IllegalArgument(f"The {name} parameter must not be negative.")
        return min(value, most)

    def page(self):
        """Return {offset, max}."""
        offset = self.whole("offset", 0, MOST_OFFSET + 1)
        if offset > MOST_OFFSET:
            raise IllegalArgument(
                f"The offset parameter must be {MOST_OFFSET} or less; go on from there with startDate."
            )
        # Their clients say 0 where they mean nothing.
        return {"offset": offset, "max": self.whole("max", MOST, MOST) or MOST}

    def span(self):
        """Return {start, end}: moments, or times without a zone where local dates are given."""
        prefix = "local" if self._query.get("localStartDate") or self._query.get("localEndDate") else ""
        names = [
            f"{prefix}{name}" if prefix else name[0].lower() + name[1:] for name in ("StartDate", "EndDate")
        ]
        start, end = (self._moment(name, is_local=bool(prefix)) for name in names)
        return {"start": start, "end": end}

    def _moment(self, name, *, is_local):
        text = self._query.get(name, "").strip()
        try:
            moment = solar_filters.instant(text, name)
        except Refusal:
            raise IllegalArgument(f'Failed to convert "{name}" with value: "{text}"') from None
        if moment is None:
            return None
        moment = min(max(moment, EARLIEST), LATEST)
        return moment.replace(tzinfo=None) if is_local else moment

    def aggregation(self):
        """Return the name of the aggregation, None where rows are wanted as they are."""
        text = self._query.get("aggregation", "").strip() or self._query.get("aggregate", "").strip()
        if text and text.lower() not in AGGREGATIONS:
            raise IllegalArgument(
                f'Failed to convert "aggregation" with value: "{text}"; known are '
                f"{', '.join(AGGREGATIONS.values())}"
            )
        name = AGGREGATIONS.get(text.lower(), NONE)
        return None if name == NONE else name

    def order(self):
        """Return [(created, node or source; whether descending)]."""
        order = {}
        for name, key, descending in solar_filters.sorting(self._query):
            if key.lower() not in SORT_KEYS:
                raise IllegalArgument(
                    f'Failed to convert "{name}" with value: "{key}"; known are created, node, source'
                )
            order.setdefault(SORT_KEYS[key.lower()], descending)
        return list(order.items())


def is_pattern(source_id):
    """Say whether a source id stands for several."""
    return "*" in source_id or "?" in source_id


def names(source_ids, source_id):
    """Say whether one of the ids and patterns means `source_id`; without any, all are meant."""
    return not source_ids or any(
        policy.matches(each, source_id) if is_pattern(each) else each == source_id for each in source_ids
    )
