"""Let an event note when its id was drawn, in place of the transaction that wrote it.

Transaction ids do not order events: a transaction that began earlier may draw the later id,
commit first and hide the row of one that is still open.
"""

from django.db import migrations

FORWARDS = """
ALTER TABLE csms_event DROP COLUMN xid;
ALTER TABLE csms_event ADD COLUMN drawn_at timestamptz NOT NULL DEFAULT clock_timestamp();
"""
BACKWARDS = """
ALTER TABLE csms_event DROP COLUMN drawn_at;
ALTER TABLE csms_event ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
"""


def _run(sql):
    def execute(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(sql, params=None)

    return execute


class Migration(migrations.Migration):
    dependencies = [("csms", "0001_initial")]

    operations = [migrations.RunPython(_run(FORWARDS), _run(BACKWARDS))]
