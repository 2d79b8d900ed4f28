"""The committer: nothing is handed back that is not durable, and a bad work harms only itself."""

import asyncio
import sqlite3
import threading

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from chargers import batch as batches
from chargers.models import Datum, DatumStream, Reading
from chargers.ocpp import committer
from chargers.ocpp.committer import Committer, Work
from chargers.services import metering
from csms import processes, stream
from csms.models import Event
from tests.kit.chargers import in_thread, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


class Note(Work):
    """Writes an event; `act` may do something more, or raise."""

    def __init__(self, kind, act=lambda: None):
        self.kind, self.act = kind, act
        self.future = asyncio.get_running_loop().create_future()

    def run(self, batch):
        batches.insert(Event, kind=self.kind)
        self.act()
        return self.kind

    def record_failure(self, error):
        Event.objects.create(kind=f"failed {self.kind}")

    def done(self, outcome):
        self.future.set_result(outcome)

    def failed(self, error):
        self.future.set_exception(error)


@pytest.fixture
def lanes():
    """A committer with one lane whose thread can be held, so that works gather in a batch."""
    process = processes.register("web")
    made = Committer(lanes=1, process_id=process.pk)
    yield made
    made.stop()


def kinds():
    return sorted(Event.objects.values_list("kind", flat=True))


class Hold(Work):
    """Keeps the lane busy until released, so that what follows is one batch."""

    def __init__(self):
        self.released = threading.Event()

    def run(self, batch):
        self.released.wait(10)


async def together(lanes, *works):
    """Have `works` run as one batch; return their outcomes or errors."""
    hold = Hold()
    lanes.submit("x", hold)
    for work in works:
        lanes.submit("x", work)
    hold.released.set()
    return await asyncio.wait_for(
        asyncio.gather(*(work.future for work in works), return_exceptions=True), 20
    )


async def test_outcome_is_durable_when_it_is_handed_back(lanes):
    """Another connection sees the row at that moment."""
    assert await together(lanes, Note("a")) == ["a"]
    assert await in_thread(kinds) == ["a"]


async def test_event_reaches_its_takers_as_soon_as_it_is_committed(lanes, monkeypatch):
    """Nobody waits until the feed looks again by itself."""
    monkeypatch.setattr(stream, "POLL_SECONDS", 60)
    frames = stream.feed().frames(stream.Interest(owners=None))
    await anext(frames)
    await anext(frames)  # where the stream begins

    await together(lanes, Note("a"))

    assert b'"kind":"a"' in await asyncio.wait_for(anext(frames), 10)
    await frames.aclose()


async def test_works_of_one_key_keep_their_order(lanes):
    """However many there are."""
    outcomes = await together(lanes, *(Note(str(number)) for number in range(700)))
    assert outcomes == [str(number) for number in range(700)]
    stored = await in_thread(lambda: list(Event.objects.order_by("id").values_list("kind", flat=True)))
    assert stored == outcomes


def burst():
    raise ValueError("burst")


def break_insert():
    batches.insert(Event, kind=None)


def break_commit():
    # Foreign keys are checked at COMMIT.
    batches.insert(Event, kind="orphan", owner_id=10**9)


@pytest.mark.parametrize("fault", [burst, break_insert, break_commit])
async def test_bad_work_fails_alone_and_leaves_a_trace(lanes, fault):
    """Whether its code, its rows or its commit is bad."""
    first, error, last = await together(lanes, Note("a"), Note("b", fault), Note("c"))
    assert (first, isinstance(error, Exception), last) == ("a", True, "c")
    assert await in_thread(kinds) == ["a", "c", "failed b"]


async def test_work_that_the_database_always_refuses_is_to_blame_itself(lanes):
    """It looks like an outage, but other writes go through."""

    def refuse():
        raise OperationalError("too big")

    first, error, last = await together(lanes, Note("a"), Note("b", refuse), Note("c"))
    assert (first, type(error), last) == ("a", OperationalError, "c")


class Metered(Note):
    """A MeterValues of a charger."""

    def __init__(self, charger):
        super().__init__("metered")
        self.charger_id = charger.pk

    def run(self, batch):
        batch.now = timezone.now()
        values = [{"timestamp": None, "sampledValue": [{"value": "7"}]}]
        metering.record(batch.chargers[self.charger_id], values, evse_id=0, connector_id=1)
        return super().run(batch)


def rename_table(old, new):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


async def test_message_is_taken_without_its_datum_if_these_cannot_be_written(lanes, charger, caplog):
    """A fault in them may not refuse a reading."""
    await in_thread(lambda: rename_table("chargers_datum", "away"))
    try:
        outcomes = await together(lanes, Note("a"), Metered(charger), Metered(charger))
    finally:
        await in_thread(lambda: rename_table("away", "chargers_datum"))

    assert outcomes == ["a", "metered", "metered"]
    assert await in_thread(Reading.objects.count) == 2
    assert await in_thread(DatumStream.objects.count) == 0
    assert "chargers.services.datum._write failed; the rest is kept" in caplog.text


async def test_datum_of_others_survive_what_fails_beside_them(lanes, charger):
    """Whatever way the batch goes."""
    first, error, last = await together(lanes, Metered(charger), Note("b", burst), Metered(charger))
    assert (first, type(error), last) == ("metered", ValueError, "metered")
    assert await in_thread(Datum.objects.count) == 2


async def test_callbacks_on_commit_run_only_after_it(lanes):
    """A retried batch wakes nobody twice."""
    woken = []
    act = lambda: transaction.on_commit(lambda: woken.append("woken"), robust=True)  # noqa: E731
    await together(lanes, Note("a", act), Note("b", burst))
    assert woken == ["woken"]


async def test_outage_is_waited_for(lanes, monkeypatch):
    """Nothing is answered meanwhile, everything afterwards; `is_down` tells when it lasts."""
    monkeypatch.setattr(committer, "DOWN_AFTER_SECONDS", 0.1)
    away = threading.Event()
    away.set()

    def reach():
        if away.is_set():
            raise OperationalError("away")

    monkeypatch.setattr(committer.Lane, "_probe", lambda lane: not away.is_set())
    work = Note("a", reach)
    lanes.submit("x", work)
    await until(lambda: lanes.is_down)
    assert not work.future.done()

    away.clear()

    assert await asyncio.wait_for(work.future, 10) == "a"
    assert (lanes.is_down, await in_thread(kinds)) == (False, ["a"])


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's lock")
async def test_locked_sqlite_is_waited_for(monkeypatch):
    """Another program may hold the file for longer than the busy timeout."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    process = await in_thread(lambda: processes.register("web"))
    lanes = Committer(process_id=process.pk)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    work = Note("a")
    lanes.submit("x", work)
    await until(lambda: lanes.lanes[0].down_since is not None)
    other.execute("ROLLBACK")
    other.close()
    assert await asyncio.wait_for(work.future, 10) == "a"
    await asyncio.to_thread(lanes.stop)


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's connections")
async def test_cut_connection_is_opened_again(lanes):
    """A restart of the database server ends every connection."""
    pids = []

    def remember():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids.append(cursor.fetchone()[0])

    def cut():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", pids)
        connection.close()

    assert await together(lanes, Note("a", remember)) == ["a"]
    await asyncio.to_thread(cut)
    assert await together(lanes, Note("b"), Note("c")) == ["b", "c"]
    assert await in_thread(kinds) == ["a", "b", "c"]


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
async def test_deadlock_is_run_again(lanes, owner, stranger):
    """The database picks a victim; nobody notices."""
    met = threading.Barrier(2, timeout=10)

    def lock(own, other):
        first_time = iter([True])

        def act():
            own.save()
            if next(first_time, False):
                met.wait()
            other.save()

        return act

    rival = threading.Thread(target=_in_transaction, args=[lock(stranger, owner)])
    rival.start()
    work = Note("a", lock(owner, stranger))
    lanes.submit("x", work)
    assert await asyncio.wait_for(work.future, 20) == "a"
    await asyncio.to_thread(rival.join)


def _in_transaction(act):
    try:
        with transaction.atomic():
            act()
    except OperationalError:
        pass  # it was the victim
    finally:
        connection.close()
