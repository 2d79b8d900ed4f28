"""Events as a log that is read by id."""

import psycopg
import pytest
from django.db import connection

from csms import events
from csms.models import Event

needs_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer, hence no gap"
)


@pytest.fixture
def other():
    """A second connection to the test database, as another process has it."""
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"], user=settings["USER"], dbname=settings["NAME"]
    ) as made:
        yield made


def _record(cursor):
    cursor.execute("INSERT INTO csms_event (kind, data, created_at) VALUES ('x', '{}', now())")


@pytest.mark.django_db(transaction=True)
def test_recorded_event_is_settled_at_once_after_its_commit():
    """On a quiet system the newest event is readable without waiting for another transaction."""
    events.record("charger.connected")

    assert Event.objects.settled().count() == 1


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_lower_id_that_commits_later_is_not_stepped_over(other):
    """An event is held back while a transaction that drew a lower id is open, whichever began first."""
    with psycopg.connect(other.info.dsn) as early, early.cursor() as first, other.cursor() as second:
        first.execute("SELECT pg_current_xact_id()")  # begins before the other
        _record(second)
        _record(first)
        early.commit()
        seen_meanwhile = Event.objects.settled().count()
        other.commit()

    assert (seen_meanwhile, Event.objects.settled().count()) == (0, 2)
