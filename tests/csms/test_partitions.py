"""Monthly partitions on PostgreSQL."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from chargers.models import Charger, Message
from csms import partitions

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs PostgreSQL"),
]


def names():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON inhrelid = oid "
            "WHERE relkind = 'r'"
        )
        return {name for (name,) in cursor.fetchall()}


def test_migrate_leaves_partitions_for_this_month_and_three_more():
    call_command("migrate", verbosity=0)

    month = timezone.now().date()
    expected = {f"chargers_message_{partitions.month_after(month, n):%Y_%m}" for n in range(4)}
    assert expected <= names()


def test_ensuring_twice_changes_nothing():
    now = datetime(2031, 11, 30, tzinfo=UTC)
    partitions.ensure(now)
    once = names()

    partitions.ensure(now)

    assert names() == once
    assert "chargers_message_2032_02" in once


def place_of(message):
    """Return the partition that holds the row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM chargers_message WHERE id = %s", [message.pk])
        return cursor.fetchone()[0]


@pytest.fixture
def received(owner):
    """Return a function that logs a message as of a moment; its partitions end with the test."""
    charger = Charger.objects.create(owner=owner, identifier="CP-1")
    yield lambda at: Message.objects.create(charger=charger, received_at=at, request="[]", outcome="result")
    for model in partitions.time_series_models():
        partitions.drop_before(model, datetime(2042, 1, 1, tzinfo=UTC))
    partitions.ensure(timezone.now())


def test_rows_move_out_of_default_into_their_month(received):
    """A month that nobody made in time holds up neither the rows nor its own making."""
    message = received(datetime(2041, 3, 31, 23, tzinfo=UTC))
    assert place_of(message) == "chargers_message_default"

    partitions.ensure(datetime(2041, 2, 1, tzinfo=UTC))

    assert place_of(message) == "chargers_message_2041_03"


def test_whole_months_are_dropped_once_their_last_row_is_too_old(received):
    """And what is as old in DEFAULT; a month that holds younger rows stays."""
    partitions.ensure(datetime(2041, 2, 1, tzinfo=UTC))
    for at in (datetime(2040, 1, 5, tzinfo=UTC), datetime(2041, 2, 5, tzinfo=UTC)):
        received(at)
    kept = received(datetime(2041, 3, 5, tzinfo=UTC))

    partitions.retain(Message, datetime(2041, 4, 20, tzinfo=UTC), 30)

    assert list(Message.objects.all()) == [kept]
    assert "chargers_message_2041_02" not in names()
    assert "chargers_message_2041_03" in names()
