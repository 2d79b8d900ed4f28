"""Emptying the database after a test that really committed.

Django truncates every table and makes types and permissions anew, which takes most of half a second on PostgreSQL. Few
tables hold rows after a test, and what the migrations left there is as good as new unless a test touched it.
"""

import contextlib

from django.core.management import call_command
from django.db import connection, transaction

_tables = []
# How many rows the migrations left, by table.
_kept = {}


def remember():
    """Take what the tables hold now, after the migrations, for what is always there."""
    _tables.extend(connection.introspection.django_table_names(only_existing=True, include_views=False))
    _kept.update({table: _count(table) for table in _with_rows()})


def empty():
    """Leave the database as `remember` met it."""
    with connection.cursor() as cursor, transaction.atomic():
        for table in _with_rows():
            if table not in _kept:
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
    if _kept != {table: _count(table) for table in _kept}:
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False)


@contextlib.contextmanager
def committed(blocker):
    """Stand in for pytest-django's `db` for a whole package: what is written is committed, and gone after it."""
    with blocker.unblock():
        yield
        empty()


def _with_rows():
    questions = [
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})" for name in _tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(questions))
        return [name for (name,) in cursor.fetchall()]


def _count(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
        return cursor.fetchone()[0]
