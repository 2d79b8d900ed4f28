"""What many datum of a stream come to: spans of local time, and one value for each property.

Rules by class: of an instantaneous property the mean, the least and the most; of an accumulating one
what it rose by; of a status the last. Rows are added in their order of time into a `Part`, parts that
follow each other are joined, and `Part.summary` needs to know one thing more: what the counters said
before. So an hour that was summed up on its own serves every longer span, whatever comes late elsewhere.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chargers.datum import properties as words

WIDTHS = {
    "Minute": timedelta(minutes=1),
    "FiveMinute": timedelta(minutes=5),
    "TenMinute": timedelta(minutes=10),
    "FifteenMinute": timedelta(minutes=15),
    "ThirtyMinute": timedelta(minutes=30),
    "Hour": timedelta(hours=1),
}
HOUR = WIDTHS["Hour"]
# About how long one is; days and months differ.
LENGTHS = {**WIDTHS, "Day": timedelta(days=1), "Month": timedelta(days=30)}
# Past this digit a float says more about floats than about what was measured.
DIGITS = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The same few names in every row.
_class_of = lru_cache(maxsize=1024)(words.class_of)


# Spans of time --------------------------------------------------------------------------------


def start_of(at: datetime, aggregation: str, zone) -> datetime:
    """Return when the span that holds `at` began, in UTC. Spans are those of clocks in `zone`."""
    local = at.astimezone(zone)
    if aggregation == "Month":
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    if aggregation == "Day":
        return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    # Counted on the clock of that moment: an hour that comes twice in autumn is two spans.
    since = (at - _EPOCH + local.utcoffset()) % WIDTHS[aggregation]
    return at.astimezone(UTC) - since


def end_of(start: datetime, aggregation: str, zone) -> datetime:
    """Return when the span that began at `start` ends, in UTC; a day may last 23 or 25 hours."""
    if aggregation in WIDTHS:
        return start + WIDTHS[aggregation]
    # Into the middle of what follows, whatever clocks do meanwhile.
    days = 40 if aggregation == "Month" else 1.5
    return start_of(start + timedelta(days=days), aggregation, zone)


def first_from(at: datetime, aggregation: str, zone) -> datetime:
    """Return the first start of a span at or after `at`, in UTC."""
    start = start_of(at, aggregation, zone)
    return start if start == at else end_of(start, aggregation, zone)


# What is in them ------------------------------------------------------------------------------


def rise(before, after):
    """Return how much was counted between two readings of a counter; never negative.

    One that fell below half has started anew and has counted since what it says; a smaller fall
    is a quirk and counts nothing (as in services.metering).
    """
    if after >= before:
        return after - before
    return max(after, 0) if after < before / 2 else 0


class Part:
    """The datum of a stretch of time, before it is known what its counters said earlier."""

    __slots__ = ("counters", "means", "states")

    def __init__(self, means=None, counters=None, states=None):
        self.means = means or {}  # name: [count, sum, least, most]
        self.counters = counters or {}  # name: [first, last, risen between them]
        self.states = states or {}  # name: last value

    def add(self, properties: dict) -> None:
        """Take in one datum, later than all before."""
        for name, value in properties.items():
            kind = _class_of(name)
            if kind == "s" or isinstance(value, bool) or not isinstance(value, int | float):
                self.states[name] = value
            elif kind == "a":
                self._count(name, value, value, 0)
            else:
                self._average(name, 1, value, value, value)

    def join(self, later: "Part") -> None:
        """Take in the part that follows this one, and leave that as it is."""
        for name, mean in later.means.items():
            self._average(name, *mean)
        for name, counter in later.counters.items():
            self._count(name, *counter)
        if later.states:
            self.states.update(later.states)

    def _average(self, name, count, total, least, most):
        mean = self.means.get(name)
        if mean is None:
            self.means[name] = [count, total, least, most]
            return
        mean[0] += count
        mean[1] += total
        mean[2] = min(mean[2], least)
        mean[3] = max(mean[3], most)

    def _count(self, name, first, last, risen):
        counter = self.counters.get(name)
        if counter is None:
            self.counters[name] = [first, last, risen]
            return
        counter[2] += rise(counter[1], first) + risen
        counter[1] = last

    def summary(self, before: dict) -> dict:
        """Return the properties of the whole; `before` holds the last earlier reading of each counter.

        What was counted since that reading belongs here, for it is known from here on. A counter
        without one begins with its first reading.
        """
        found = {}
        for name, (count, total, least, most) in self.means.items():
            found |= {name: tidy(total / count), f"{name}_min": least, f"{name}_max": most}
        for name, (first, _, risen) in self.counters.items():
            earlier = before.get(name)
            found[name] = tidy(risen if earlier is None else risen + rise(earlier, first))
        return found | self.states

    def last_readings(self) -> dict:
        """Return what each counter said last: `before` of whatever follows."""
        return {name: last for name, (_, last, _) in self.counters.items()}

    def to_json(self) -> dict:
        """Return what `from_json` makes the same part of again."""
        parts = {"i": self.means, "a": self.counters, "s": self.states}
        return {key: part for key, part in parts.items() if part}

    @classmethod
    def from_json(cls, stored: dict) -> "Part":
        """Return the part that was stored; to be joined to others, not to be added to."""
        return cls(stored.get("i"), stored.get("a"), stored.get("s"))


def tidy(value):
    """Return a computed number without the last digits of floats, whole where it is whole."""
    rounded = round(value, DIGITS)
    return int(rounded) if rounded == int(rounded) else rounded


def counters(properties: dict) -> dict:
    """Return the accumulating properties of one datum."""
    return {
        name: value
        for name, value in properties.items()
        if _class_of(name) == "a" and isinstance(value, int | float) and not isinstance(value, bool)
    }
