"""Troubles of the database: what is waited for, what is blamed on a work, and that order is kept."""

import asyncio
import sqlite3

import pytest
from django.db import IntegrityError, InternalError, OperationalError, connection
from django.db.backends.signals import connection_created
from psycopg import errors

from chargers import batch as batches
from chargers.ocpp import committer, outages
from csms.models import Event
from tests.chargers.ocpp.test_committer import Hold, Note, kinds, lanes, together  # noqa: F401
from tests.kit.chargers import in_thread, until


def raised(error, cause=None):
    """Return `error` as Django raises it: caused by an error of the driver."""
    error.__cause__ = cause
    return error


def of_sqlite(code):
    cause = sqlite3.OperationalError("what happened")
    cause.sqlite_errorcode = code
    return raised(OperationalError(), cause)


@pytest.mark.parametrize(
    ("error", "is_outage", "is_trouble"),
    [
        (raised(OperationalError(), errors.AdminShutdown()), True, True),
        (raised(OperationalError(), errors.CannotConnectNow()), True, True),
        (raised(OperationalError(), errors.ConnectionFailure()), True, True),
        (raised(OperationalError(), errors.DiskFull()), True, True),
        (raised(OperationalError(), errors.TooManyConnections()), True, True),
        (raised(InternalError(), errors.ReadOnlySqlTransaction()), True, True),
        (of_sqlite(sqlite3.SQLITE_FULL), True, True),
        (of_sqlite(sqlite3.SQLITE_IOERR_WRITE), True, True),
        (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), True, True),
        (of_sqlite(sqlite3.SQLITE_READONLY), True, True),
        (raised(OperationalError(), errors.DeadlockDetected()), False, True),
        (raised(OperationalError(), errors.ProgramLimitExceeded()), False, True),
        (raised(OperationalError(), errors.QueryCanceled()), False, True),
        (of_sqlite(sqlite3.SQLITE_ERROR), False, True),
        (raised(IntegrityError(), errors.UniqueViolation()), False, False),
        (ValueError(), False, False),
    ],
    ids=lambda value: repr(value.__cause__ or value) if isinstance(value, Exception) else "",
)
def test_fault_is_told_by_the_code(error, is_outage, is_trouble):
    """Of PostgreSQL by SQLSTATE, of SQLite by its result code."""
    assert (outages.is_outage(error), outages.is_trouble(error)) == (is_outage, is_trouble)


class TestLane:
    """Lanes in which works meet troubles."""

    pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

    async def test_outage_among_works_that_run_apart_repeats_none(self, lanes):  # noqa: F811
        """`b` is always refused, hence all run apart; the database goes away before `c`."""
        away = iter([True])

        def refuse():
            raise raised(OperationalError(), errors.ProgramLimitExceeded())

        def meet():
            if next(away, False):
                raise raised(OperationalError(), errors.AdminShutdown())

        first, error, last = await together(lanes, Note("a"), Note("b", refuse), Note("c", meet))

        assert (first, type(error), last) == ("a", OperationalError, "c")
        assert await in_thread(kinds) == ["a", "c", "failed b"]

    async def test_contention_among_works_that_run_apart_blames_none(self, lanes):  # noqa: F811
        """However often it happens."""
        often = iter(range(10))

        def refuse():
            raise OperationalError

        def meet():
            if next(often, None) is not None:
                raise raised(OperationalError(), errors.DeadlockDetected())

        outcomes = await together(lanes, Note("a", refuse), Note("b", meet))

        assert outcomes[1] == "b"

    async def test_outage_keeps_the_order(self, lanes):  # noqa: F811
        """What came later is not written earlier."""
        away = iter(range(5))

        def meet():
            if next(away, None) is not None:
                raise raised(OperationalError(), errors.CannotConnectNow())

        await together(lanes, Note("a"), Note("b", meet), Note("c"), Note("d"))

        stored = await in_thread(in_order)
        assert stored == ["a", "b", "c", "d"]

    async def test_work_that_is_broken_in_every_way_does_not_end_its_lane(self, lanes):  # noqa: F811
        """Other chargers use the same lane."""

        class Broken(Note):
            @property
            def charger_id(self):
                raise ValueError("broken")

        broken, later = Broken("a"), Note("b")
        lanes.submit("x", broken)
        with pytest.raises(ValueError, match="broken"):
            await broken.future
        lanes.submit("x", later)
        assert await later.future == "b"

    async def test_database_that_says_nothing_is_down(self, lanes, monkeypatch):  # noqa: F811
        """As one behind a cut cable."""
        monkeypatch.setattr(committer, "DOWN_AFTER_SECONDS", 0.05)
        hold = Hold()
        lanes.submit("x", hold)
        await until(lambda: lanes.is_down)
        hold.released.set()
        await until(lambda: not lanes.is_down)

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's pages")
    async def test_full_sqlite_is_waited_for(self, lanes):  # noqa: F811
        """A small write may still fit, and proves nothing."""
        full = [True]
        await in_thread(give_back_free_pages)

        def limit(connection, **_):
            if full:
                with connection.cursor() as cursor:
                    cursor.execute("PRAGMA page_count")
                    cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")

        connection_created.connect(limit)
        try:
            works = [Note("big", insert_much), Note("small")]
            gathered = asyncio.ensure_future(together(lanes, *works))
            await until(lambda: lanes.lanes[0].down_since is not None)
            assert not works[0].future.done()
            full.clear()
            assert await gathered == ["big", "small"]
        finally:
            connection_created.disconnect(limit)


def give_back_free_pages():
    """What other tests have deleted would hold much."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


def insert_much():
    batches.insert(Event, kind="much", data={"text": "x" * 1_000_000})


def in_order():
    return list(Event.objects.order_by("id").values_list("kind", flat=True))
