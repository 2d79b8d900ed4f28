"""Reading a growing table by its ids without stepping over rows that are not committed yet.

Ids are drawn before the commit: a reader could pass a row whose transaction is still open. On
PostgreSQL each row of such a table notes when its id was drawn (`drawn_at`); a transaction that began
later cannot hold a lower one. SQLite has one writer, hence no gap.
"""

from django.db import connection, migrations

from csms.ownership import OwnedQuerySet

# The start of the oldest transaction that has written something, or now if there is none. `now()`
# is read before the list is, so that a writer that begins meanwhile is not missed. A writer that
# hangs holds readers up for ten minutes at most. Needs the role of the writers (or pg_monitor).
_OLDEST_WRITER = """
    SELECT greatest(least(min(xact_start), now()), now() - interval '10 minutes')
    FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()
"""


class SettledQuerySet(OwnedQuerySet):
    """The rows of a table with `drawn_at` (see `NoteDrawing`)."""

    def settled(self):
        """Return rows behind which no earlier one can still appear, so that readers go by id.

        Asked in a statement of its own, before the rows are read.
        """
        if connection.vendor != "postgresql":
            return self
        with connection.cursor() as cursor:
            cursor.execute(_OLDEST_WRITER)
            (oldest,) = cursor.fetchone()
        # The column is the database's alone: no field of the model stands for it.
        written_before = f"{connection.ops.quote_name(self.model._meta.db_table)}.drawn_at < %s"
        return self.extra(where=[written_before], params=[oldest])  # noqa: S610  a table's name, no input


class NoteDrawing(migrations.RunSQL):
    """Have each row of a table note when its id was drawn."""

    def __init__(self, table):
        self.table = table
        super().__init__(
            f"ALTER TABLE {table} ADD COLUMN drawn_at timestamptz NOT NULL DEFAULT clock_timestamp()",
            f"ALTER TABLE {table} DROP COLUMN drawn_at",
        )

    def deconstruct(self):
        return type(self).__name__, [self.table], {}

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
