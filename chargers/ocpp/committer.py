"""Many messages, one commit: nothing is acknowledged that is not durable.

Theory of operation. Work is put into a lane: one on SQLite, which has one writer, a few on
PostgreSQL; a charger always uses the same one, so its messages keep their order. The lane's thread
owns a database connection. It takes whatever waits (the commit in progress is the window, nobody
lingers), runs it in one transaction, commits, and only then hands the outcomes back to the event
loops, where the answers leave.

    together      one transaction, one bulk write            the normal case
    savepoints    one transaction, a savepoint for each      somebody's work raised
    apart         a transaction for each                     the COMMIT failed
    trouble       wait, reconnect, start over                the database is away or full

A bad message harms only itself, and a bad by-product of it (its datum) not even that: run on its own, the
message is taken without them. While the database is away nothing is answered, and order is kept: the
lane goes on with the same works. One that is refused again and again while the database takes other
writes is to blame itself and fails alone (`chargers/ocpp/outages.py` tells the two apart).
"""

import asyncio
import contextlib
import copy
import queue
import threading
import time
import zlib
from collections import defaultdict

import structlog
from django.conf import settings
from django.db import DatabaseError, OperationalError, connections, transaction
from django.utils import timezone

from chargers.batch import open_batch
from chargers.ocpp import outages
from csms import stream
from csms.models import ServerProcess

log = structlog.get_logger(__name__)

MOST_IN_A_BATCH = 500
MOST_WAITING = 20_000
DOWN_AFTER_SECONDS = 10
STOP_SECONDS = 10
# How often works may be refused for a reason that may be theirs, before they are run apart, and one by one.
MOST_DOUBTS = 3
_STOP = object()


def _is_no_trouble(error):
    return not outages.is_trouble(error)


def _is_doubtful(error):
    return not (outages.is_contention(error) or outages.is_outage(error))


class Work:
    """Something to be done in a lane, on behalf of one socket."""

    charger_id = None
    # Whether it must not run beside work of the same charger in another process.
    is_serial = False
    loop = None

    def run(self, batch):
        """Do it, inside the transaction; return the outcome. May be run again."""
        raise NotImplementedError

    def record_failure(self, error):
        """Leave a trace of work that failed, in a transaction of its own."""

    def done(self, outcome):
        """Take the outcome of committed work; called in the loop that submitted it."""

    def failed(self, error):
        """Take the failure; called in the loop that submitted it."""


class Committer:
    """The lanes of this process."""

    def __init__(self, *, lanes=None, process_id=None):
        embedded = connections["default"].vendor == "sqlite"
        count = 1 if embedded else (lanes or settings.CSMS_LANES)
        self.process_id = process_id
        self._is_stopped = False
        self.lanes = [Lane(self, number) for number in range(count)]
        for lane in self.lanes:
            lane.start()

    def submit(self, key, work):
        """Have `work` done after all earlier work with the same `key`; call from an event loop."""
        work.loop = asyncio.get_running_loop()
        if self._is_stopped:
            work.loop.call_soon(work.failed, OperationalError("the server is shutting down"))
        else:
            self.lanes[self.lane_number(key)].put(work)

    def lane_number(self, key):
        return zlib.crc32(key.encode()) % len(self.lanes) if len(self.lanes) > 1 else 0

    @property
    def waiting(self):
        """How many works wait in all lanes."""
        return sum(lane.waiting for lane in self.lanes)

    @property
    def is_full(self):
        return self.waiting >= MOST_WAITING

    @property
    def is_down(self):
        """Whether a lane could not commit anything for longer than sockets are kept waiting.

        The database may refuse, or be as silent as one behind a cut cable.
        """
        limit = time.monotonic() - DOWN_AFTER_SECONDS
        return any(lane.busy_since is not None and lane.busy_since < limit for lane in self.lanes)

    def stop(self):
        """Finish what waits, then end the threads; blocks. What is submitted later fails."""
        self._is_stopped = True
        for lane in self.lanes:
            lane.end()
        deadline = time.monotonic() + STOP_SECONDS
        for lane in self.lanes:
            lane.join(timeout=max(0, deadline - time.monotonic()))


class Lane(threading.Thread):
    """A thread with a database connection that commits works in the order in which they came."""

    def __init__(self, committer, number):
        super().__init__(name=f"lane-{number}", daemon=True)
        self._committer = committer
        self._queue = queue.SimpleQueue()
        self._ending = threading.Event()
        # When the batch in hand was begun, and since when the database does not take it.
        self.busy_since = None
        self.down_since = None

    @property
    def waiting(self):
        return self._queue.qsize()

    def put(self, work):
        self._queue.put(work)

    def end(self):
        self._ending.set()
        self._queue.put(_STOP)

    def run(self):
        _own_connection()
        try:
            while works := self._take():
                _deliver(self._outcomes(works))
                # What was committed may be an event that an open page waits for.
                stream.nudge()
        finally:
            connections["default"].close()

    def _take(self):
        """Return what waits, at least one work; [] when the lane is to end."""
        works = [self._queue.get()]
        with contextlib.suppress(queue.Empty):
            while len(works) < MOST_IN_A_BATCH:
                works.append(self._queue.get_nowait())
        if _STOP in works:
            works.remove(_STOP)
            if works:
                self._queue.put(_STOP)
        return works

    def _outcomes(self, works):
        """Commit, and outlive a fault of ours: a lane that ends would silence its chargers for good."""
        try:
            return self._commit(works)
        except Exception as error:
            log.exception("lane.failed", lane=self.name, works=len(works))
            return [(work, None, error) for work in works]

    def _commit(self, works):
        """Return [(work, outcome, error)], committed; tries until the database takes them."""
        self.busy_since = time.monotonic()
        doubts, pauses = 0, _pauses()
        try:
            while True:
                try:
                    return self._together(works) if doubts < MOST_DOUBTS else self._apart(works)
                except DatabaseError as error:
                    if outages.is_contention(error):
                        continue
                    doubts += not outages.is_outage(error)
                    self._wait_for_database(error, pauses)
                if self._ending.is_set():
                    return [(work, None, OperationalError("shutting down")) for work in works]
        finally:
            self._is_back()
            self.busy_since = None

    def _together(self, works):
        try:
            with transaction.atomic(), _batch_of(works) as batch:
                outcomes = [(work, work.run(batch), None) for work in works]
        except Exception as error:
            if outages.is_trouble(error):
                raise
            # Whose work it was is found out one by one.
            log.info("batch.retried", works=len(works), error=repr(error))
            return self._with_savepoints(works)
        return outcomes

    def _with_savepoints(self, works):
        try:
            with transaction.atomic():
                return [self._one(work) for work in works]
        except DatabaseError as error:
            if outages.is_trouble(error):
                raise
            log.warning("commit.failed", works=len(works), error=repr(error))
            return self._apart(works)

    def _one(self, work, *, forgives=_is_no_trouble):
        """Run one work in a transaction or savepoint of its own, without by-products it `forgives`."""
        try:
            with transaction.atomic(), _batch_of([work], forgives=forgives) as batch:
                outcome = work.run(batch)
            return work, outcome, None
        except Exception as error:
            if outages.is_trouble(error):
                raise
            return self._blamed(work, error)

    def _apart(self, works):
        """Run each work in its own transaction: one of them may be what the database always refuses.

        What is committed is delivered and taken from `works` at once, so that an outage in the
        middle repeats nothing.
        """
        while works:
            outcome = self._alone(works[0])
            del works[0]
            _deliver([outcome])
            self.busy_since = time.monotonic()
        return []

    def _alone(self, work):
        """Run a work that is refused again and again, until it is plain that nothing else is."""
        doubts = 0
        while True:
            is_last = doubts == MOST_DOUBTS - 1
            try:
                return self._one(work, forgives=_is_doubtful if is_last else _is_no_trouble)
            except DatabaseError as error:
                if outages.is_contention(error):
                    continue
                doubts += 1
                if outages.is_outage(error) or not self._probe():
                    raise
                if doubts >= MOST_DOUBTS:
                    return self._blamed(work, error)

    def _blamed(self, work, error):
        """Return the outcome of work that cannot be done, and leave a trace of it."""
        log.error("work.failed", work=type(work).__name__, charger=work.charger_id, exc_info=error)
        try:
            with transaction.atomic():
                work.record_failure(error)
        except Exception as failure:
            if outages.is_trouble(failure):
                raise
            log.exception("trace.lost", work=type(work).__name__, charger=work.charger_id)
        return work, None, error

    def _wait_for_database(self, error, pauses):
        """Return once the database takes a write again, or the lane is to end."""
        if self.down_since is None:
            self.down_since = time.monotonic()
            log.error("database.away", lane=self.name, error=repr(error))
        # What is full may take the probe and refuse the next batch: then the pauses go on growing.
        while not self._ending.wait(next(pauses)):
            connections["default"].close()
            if self._probe():
                return

    def _is_back(self):
        if self.down_since is not None and not self._ending.is_set():
            log.warning("database.back", lane=self.name, seconds=time.monotonic() - self.down_since)
        self.down_since = None

    def _probe(self):
        """Say whether the database takes a write."""
        try:
            ServerProcess.objects.filter(pk=self._committer.process_id).update(beat_at=timezone.now())
            return True
        except DatabaseError:
            connections["default"].close()
            return False


def _pauses():
    """Yield how long to wait before each further attempt."""
    pause = 0.05
    while True:
        yield pause
        pause = min(pause * 2, 1.0)


def _batch_of(works, *, forgives=None):
    ids = {work.charger_id for work in works if work.charger_id is not None}
    serial = {work.charger_id for work in works if work.is_serial}
    return _opened(open_batch(ids, serial_ids=serial, forgives=forgives), works)


@contextlib.contextmanager
def _opened(opening, works):
    with opening as batch:
        batch.works = works
        yield batch


def _deliver(outcomes):
    """Hand outcomes back to the loops they came from, one wake-up a loop."""
    by_loop = defaultdict(list)
    for outcome in outcomes:
        by_loop[outcome[0].loop].append(outcome)
    for loop, group in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended, and its sockets with it
            loop.call_soon_threadsafe(_settle, group)


def _settle(outcomes):
    for work, outcome, error in outcomes:
        try:
            if error is None:
                work.done(outcome)
            else:
                work.failed(error)
        except Exception:
            log.exception("outcome.lost", work=type(work).__name__, charger=work.charger_id)


def _own_connection():
    """Give this thread a connection that belongs to no pool and stays open."""
    wrapper = connections.create_connection("default")
    wrapper.settings_dict = copy.deepcopy(wrapper.settings_dict)
    wrapper.settings_dict["OPTIONS"].pop("pool", None)
    wrapper.settings_dict["CONN_MAX_AGE"] = None
    connections["default"] = wrapper
