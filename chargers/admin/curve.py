"""The curve of a transaction: power, energy and state of charge over time, thinned out in SQL."""

from datetime import UTC, datetime

from django.db.models import Avg, FloatField, Func, IntegerField, Max, Min
from django.db.models.functions import Cast, Floor

from chargers.models import Reading, Transaction
from chargers.services import metering

MOST_POINTS = 1000


class Epoch(Func):
    """Seconds since 1970 of a moment, on both databases."""

    output_field = FloatField()

    def as_sqlite(self, compiler, connection, **context):
        return super().as_sql(
            compiler, connection, template="CAST(STRFTIME('%%%%s', %(expressions)s) AS REAL)", **context
        )

    def as_postgresql(self, compiler, connection, **context):
        return super().as_sql(
            compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)::float8", **context
        )


def of_transaction(transaction):
    """Return `{time, power_w, energy_wh, soc_percent}`: lists of equal length, at most 1,000 long.

    Times are seconds since 1970. Each point stands for an equal span: mean power, last register
    and state of charge. Energy never falls and ends as `Transaction.energy_wh` says.
    """
    rows = _buckets(Reading.objects.filter(transaction=transaction))
    energy = _energy(transaction, [(row["register"], row["at"]) for row in rows])
    return {
        "time": [int(row["at"]) for row in rows],
        "power_w": [row["power"] for row in rows],
        "energy_wh": energy,
        "soc_percent": [row["soc"] for row in rows],
    }


def _buckets(readings):
    span = readings.aggregate(first=Min("measured_at"), last=Max("measured_at"))
    if span["first"] is None:
        return []
    start = int(span["first"].timestamp())
    # Rounded down to whole seconds, both ends included: 999 spans make at most 1,000 points.
    width = max((int(span["last"].timestamp()) - start) / (MOST_POINTS - 1), 1.0)
    bucket = Cast(Floor((Epoch("measured_at") - start) / width), IntegerField())
    rows = readings.annotate(bucket=bucket).values("bucket").order_by("bucket")
    return list(
        rows.annotate(
            at=Max(Epoch("measured_at")),
            power=Avg("power_w"),
            register=Max("register_wh"),
            soc=Max("soc_percent"),
        )[:MOST_POINTS]
    )


def _energy(transaction, registers):
    """Return the energy after each (register, seconds since 1970), summed as it was for the bill."""
    is_known = metering.START_UNKNOWN not in transaction.flags
    begun = Transaction(
        started_at=transaction.started_at,
        start_wh=transaction.start_wh,
        register_wh=transaction.start_wh if is_known else None,
        register_at=transaction.started_at if is_known and transaction.start_wh is not None else None,
        flags=[word for word in transaction.flags if word != metering.START_MISSING],
    )
    result = []
    for register, seconds in registers:
        metering.advance(begun, register, datetime.fromtimestamp(seconds, UTC))
        result.append(begun.energy_wh if begun.register_wh is not None else None)
    return result


def in_words(curve):
    """Return one sentence that says what the chart shows."""
    powers = [power for power in curve["power_w"] if power is not None]
    if not curve["time"]:
        return "No readings yet."
    parts = []
    if powers:
        peak, mean = max(powers) / 1000, sum(powers) / len(powers) / 1000
        parts.append(f"Power peaked at {peak:.1f} kW and was {mean:.1f} kW on average")
    energy = [value for value in curve["energy_wh"] if value is not None]
    if energy:
        parts.append(f"{energy[-1] / 1000:.2f} kWh were delivered")
    soc = [value for value in curve["soc_percent"] if value is not None]
    if soc:
        parts.append(f"the battery went from {soc[0]:.0f} % to {soc[-1]:.0f} %")
    return "; ".join(parts) + "." if parts else "The readings hold neither power nor energy."
