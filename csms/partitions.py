"""Time series: tables that PostgreSQL partitions by month, most of them of `received_at`.

Django keeps its plain `id` as primary key; in the database it is (id, received_at), since a
partitioned table needs its partition key there. SQLite gets an ordinary table.
"""

from datetime import UTC, date, datetime, timedelta

from django.apps import apps as django_apps
from django.db import connection, migrations, models, transaction

MONTHS_AHEAD = 3


class CreateTimeSeries(migrations.CreateModel):
    """Create a model's table, partitioned by month of the column `by` where the database can."""

    def __init__(self, *args, by="received_at", **kwargs):
        super().__init__(*args, **kwargs)
        self.by = by

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        if schema_editor.connection.vendor == "postgresql":
            table = to_state.apps.get_model(app_label, self.name)._meta.db_table
            for statement in _partitioning(table, self.by):
                schema_editor.execute(statement)


def _partitioning(table, column):
    """Yield the SQL that turns the empty, plain `table` into one that is partitioned by `column`.

    Indexes are not there yet: the schema editor defers them to the end of the migration, when
    the name already means the partitioned table.
    """
    yield f'ALTER TABLE "{table}" RENAME TO "{table}_plain"'
    yield (
        f'CREATE TABLE "{table}" (LIKE "{table}_plain" INCLUDING DEFAULTS INCLUDING CONSTRAINTS) '
        f"PARTITION BY RANGE ({column})"
    )
    yield f'DROP TABLE "{table}_plain"'
    yield f'CREATE SEQUENCE "{table}_id_seq" OWNED BY "{table}".id'
    yield f'ALTER TABLE "{table}" ALTER COLUMN id SET DEFAULT nextval(\'"{table}_id_seq"\')'
    yield f'ALTER TABLE "{table}" ADD PRIMARY KEY (id, {column})'
    yield f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT'


class TimeSeries(models.Model):
    """Base of models that grow with every message; nothing holds a foreign key to them."""

    partition_by = "received_at"

    id = models.BigAutoField(primary_key=True)
    received_at = models.DateTimeField()

    class Meta:
        abstract = True


def time_series_models():
    """Return every concrete model whose rows are a time series."""
    return [model for model in django_apps.get_models() if issubclass(model, TimeSeries)]


def month_after(month, count=1):
    """Return the first day of the month that comes `count` months after that of `month`."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def ensure(now):
    """Make the partitions of this month and the next three, on PostgreSQL; safe to repeat.

    Rows that fell into DEFAULT meanwhile are moved into the new partition first, since
    PostgreSQL refuses to attach a partition whose rows sit in DEFAULT.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        # Two processes that start together must not create the same partition twice.
        cursor.execute("SELECT pg_advisory_lock(hashtext('csms.partitions'))")
        try:
            for model in _laid(cursor):
                for ahead in range(MONTHS_AHEAD + 1):
                    _ensure_month(cursor, model, month_after(now.date(), ahead))
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('csms.partitions'))")


def _laid(cursor):
    """Return the time series whose tables are there already; `migrate` can stop before them."""
    laid = connection.introspection.table_names(cursor)
    return [model for model in time_series_models() if model._meta.db_table in laid]


def _ensure_month(cursor, model, month):
    table = model._meta.db_table
    name = f"{table}_{month:%Y_%m}"
    cursor.execute("SELECT to_regclass(%s)", [f'"{name}"'])
    if cursor.fetchone()[0] is not None:
        return
    start, end = (datetime(day.year, day.month, 1, tzinfo=UTC) for day in (month, month_after(month)))
    column = model.partition_by
    window = f"{column} >= '{start.isoformat()}' AND {column} < '{end.isoformat()}'"
    with transaction.atomic():
        cursor.execute(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)')
        cursor.execute(
            f'WITH moved AS (DELETE FROM "{table}_default" WHERE {window} RETURNING *) '
            f'INSERT INTO "{name}" SELECT * FROM moved'
        )
        cursor.execute(
            f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" '
            f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        )


def drop_before(model, cutoff):
    """Drop the partitions of `model` that end at or before `cutoff`; return their names.

    What is as old and in DEFAULT, since no month was made for it in time, is deleted.
    """
    table = model._meta.db_table
    dropped = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table]
        )
        for (name,) in cursor.fetchall():
            year, _, month = name.strip('"').removeprefix(f"{table}_").partition("_")
            if year.isdigit() and month_after(date(int(year), int(month), 1)) <= cutoff.date():
                cursor.execute(f'DROP TABLE "{name.strip(chr(34))}"')
                dropped.append(name)
        cursor.execute(f'DELETE FROM "{table}_default" WHERE {model.partition_by} < %s', [cutoff])
    return dropped


DELETED_AT_ONCE, BATCHES_A_RUN = 1000, 500


def retain(model, now, days):
    """Drop the rows of a time series that were received more than `days` ago; 0 keeps for ever.

    PostgreSQL drops whole months. Elsewhere rows go from the front, in batches, until one is
    young enough: no index on the time is needed and no batch holds the writer for long.
    """
    if days <= 0:
        return
    cutoff = now - timedelta(days=days)
    if connection.vendor == "postgresql":
        drop_before(model, cutoff)
        return
    for _ in range(BATCHES_A_RUN):
        front = model.objects.order_by("pk").values_list("pk", "received_at")[:DELETED_AT_ONCE]
        old = [pk for pk, received_at in front if received_at < cutoff]
        model.objects.filter(pk__in=old)._raw_delete(using=model.objects.db)
        if len(old) < DELETED_AT_ONCE:
            return
