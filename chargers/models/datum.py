"""Datum: what chargers measure, as SolarNetwork's streams of properties, and who gets them."""

from datetime import datetime

import orjson
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from chargers.models.charger import Charger
from csms.ownership import OwnedQuerySet
from csms.partitions import TimeSeries
from csms.settled import SettledQuerySet

BUILT_IN_TEMPLATE = "/ocpp/cp/{chargerIdentifier}/{connectorId}/{location}"


class PublishSettings(models.Model):
    """What becomes of the datum of a charger, or of all chargers of an account (`charger` empty).

    A charger's own row decides for it; else the account's; else all is stored and published under the
    built-in template. Only an empty template falls through by itself.
    """

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="publish_settings")
    charger = models.OneToOneField(
        Charger, models.CASCADE, null=True, blank=True, related_name="publish_settings"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    publish_to_solar_in = models.BooleanField(
        "publish to SolarIn", default=True, help_text="Store datum, for SolarQuery to find."
    )
    publish_to_solar_flux = models.BooleanField(
        "publish to SolarFlux", default=True, help_text="Publish datum to the MQTT broker."
    )
    source_id_template = models.CharField(
        "source ID template",
        max_length=255,
        blank=True,
        help_text="With {chargePointId}, {chargerIdentifier}, {evseId}, {connectorId}, {location} and "
        "{phase}; empty: as the account says, else " + BUILT_IN_TEMPLATE,
    )

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "publish settings"
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=models.Q(charger=None),
                name="publish_settings_of_account",
                violation_error_message="This account has its settings already.",
            )
        ]

    def __str__(self):
        return f"Datum of {self.charger or self.owner}"


class DatumStream(models.Model):
    """The datum of one source ID on one node of an owner; made when its first datum is written."""

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="datum_streams")
    # owner/node/source: one key to find streams of many owners by at once.
    name = models.CharField(max_length=128, unique=True)
    node_id = models.BigIntegerField("node ID")
    source_id = models.CharField("source ID", max_length=64)
    # Who writes it; the last one where a template names several chargers alike.
    charger = models.ForeignKey(Charger, models.SET_NULL, null=True, related_name="datum_streams")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["owner_id", "node_id", "source_id"]
        indexes = [models.Index(fields=["owner", "node_id", "source_id"], name="stream_of_owner")]

    def __str__(self):
        return f"{self.node_id} {self.source_id}"


_COLUMNS = "stream_id, measured_at, properties FROM chargers_datum"
_OF_SPAN = "is_stored AND stream_id = {} AND measured_at >= {} AND measured_at < {}"
_LATERAL = (
    "SELECT datum.* FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS span(id, low, high) "
    "CROSS JOIN LATERAL (SELECT {columns} WHERE {of_span} ORDER BY measured_at {order} LIMIT %s) AS datum "
    "LIMIT %s"
)
_PART = "SELECT * FROM (SELECT {columns} WHERE {of_span} ORDER BY measured_at {order} LIMIT {most})"
# Not knowing how much a span holds, the planner would rather sort all of it; compiling costs more than
# the query. Both only until the savepoint before it is gone back to.
_WALK = (
    "SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_sort', 'enable_bitmapscan', 'jit']) name"
)


class DatumQuerySet(SettledQuerySet):
    """Datum by stream and time, or by id as a taker reads them (`settled`)."""

    def along(self, spans, *, most=None, in_all=None, descending=False):
        """Return [(stream id, time, properties)] of what is stored in `spans`: (stream id, from, before).

        Of each span come the first rows (or the last ones, latest first), `most` at most, span after
        span, each by a walk along the index: the ORM would have the database sort all that there is.
        """
        spans = list(spans)
        order = "DESC" if descending else "ASC"
        if connection.vendor == "postgresql":
            return _side_by_side(spans, order, most, in_all)
        found = []
        for first in range(0, len(spans), _PARTS_AT_ONCE):
            found += _in_parts(spans[first : first + _PARTS_AT_ONCE], order, most, in_all)
        return found if in_all is None else found[:in_all]


def _side_by_side(spans, order, most, in_all):
    of_span = _OF_SPAN.format("span.id", "span.low", "span.high")
    columns = [list(column) for column in zip(*spans, strict=True)] or [[], [], []]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WALK)
        cursor.execute(
            _LATERAL.format(columns=_COLUMNS, of_span=of_span, order=order), [*columns, most, in_all]
        )
        found = cursor.fetchall()
        # Nothing was written; a transaction around this one plans its queries as before.
        transaction.set_rollback(True)
    return [(*row, orjson.loads(properties)) for *row, properties in found]


# SQLite knows no LATERAL, but a plan for each part costs it little.
_PARTS_AT_ONCE = 100


def _in_parts(spans, order, most, in_all):
    of_span = _OF_SPAN.format("%s", "%s", "%s")
    most = -1 if most is None else int(most)
    part = _PART.format(columns=_COLUMNS, of_span=of_span, order=order, most=most)
    limit = "" if in_all is None else f" LIMIT {int(in_all)}"
    values = []
    for stream_id, *times in spans:
        values += [stream_id, *map(connection.ops.adapt_datetimefield_value, times)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(spans)) + limit, values)
        return [
            (stream_id, datetime.fromisoformat(f"{at}+00:00"), orjson.loads(properties))
            for stream_id, at, properties in cursor
        ]


class Datum(TimeSeries):
    """The properties of a stream at one time; unique on (stream, time).

    What is written again for the same time is merged into it; the row then gets a new id, so that takers
    that go by id see it again.
    """

    partition_by = "measured_at"
    owner_path = "stream__owner"

    stream = models.ForeignKey(
        DatumStream, models.DO_NOTHING, related_name="datum", db_constraint=False, db_index=False
    )
    measured_at = models.DateTimeField()
    properties = models.JSONField(default=dict)
    # What the settings said when it was written.
    is_stored = models.BooleanField(default=True)
    is_published = models.BooleanField(default=True)

    objects = DatumQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "datum"
        constraints = [models.UniqueConstraint(fields=["stream", "measured_at"], name="datum_of_stream")]
        # The few that were only to be published are found again without a walk over all.
        indexes = [
            models.Index(fields=["id"], condition=models.Q(is_stored=False), name="datum_not_stored"),
        ]

    def __str__(self):
        return f"{self.stream_id} {self.measured_at:%Y-%m-%d %H:%M:%S}"


class DatumHour(models.Model):
    """What the datum of a stream in one hour (of UTC) come to: see chargers.datum.aggregation.

    Kept by services.rollups. An hour that is stale, or was never made, is read from the datum themselves.
    """

    owner_path = "stream__owner"

    stream = models.ForeignKey(DatumStream, models.CASCADE, related_name="hours", db_index=False)
    hour = models.DateTimeField()
    properties = models.JSONField(default=dict)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "hour"], name="datum_hour_of_stream")]

    def __str__(self):
        return f"{self.stream_id} {self.hour:%Y-%m-%d %H}"


class StaleHour(models.Model):
    """An hour of a stream in which datum came or changed since it was summed up, if it ever was."""

    owner_path = "stream__owner"

    stream = models.ForeignKey(DatumStream, models.CASCADE, related_name="stale_hours", db_index=False)
    hour = models.DateTimeField(db_index=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "hour"], name="stale_hour_of_stream")]

    def __str__(self):
        return f"{self.stream_id} {self.hour:%Y-%m-%d %H}"
