"""What happens because time passed: the registry of jobs, the worker loop, and the kit's own jobs.

A job is a function `(now)` in some `<app>/jobs.py`, marked with `@job(every=...)`. Its Job row is a
lease that workers take by compare-and-set: each run happens in one of them. A worker renews the leases
of what it runs; when it dies, they run out and another worker takes over.
"""

import logging
import threading
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from csms import outbox, partitions
from csms.models import Event, Job, Outbox, ServerProcess
from csms.retention import delete_older

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
LEASE = timedelta(seconds=30)
RENEW_EVERY = timedelta(seconds=5)
# One of them is taken by a job that runs as long as its worker does (`ending`).
JOBS_AT_ONCE = 5


@dataclass(frozen=True)
class Registered:
    name: str
    every: timedelta
    function: Callable[[datetime], object]


registry: dict[str, Registered] = {}


def job(*, every: timedelta):
    """Register the function `(now)` below to run `every` so often, in one worker at a time.

    A run that fails is recorded and comes again at its next time; one that crashed may have done
    half of its work. So a job must bear being repeated.
    """

    def register(function):
        name = f"{function.__module__.removesuffix('.jobs')}.{function.__name__}"
        registry[name] = Registered(name, every, function)
        return function

    return register


_local = threading.local()


def ending() -> threading.Event | None:
    """Return what is set when the worker of the running job ends; None outside of workers.

    A job may run until then: its lease is renewed, and it need not come anew each second.
    """
    return getattr(_local, "ending", None)


def discover() -> None:
    """Import every app's jobs and make the rows that are missing."""
    autodiscover_modules("jobs")
    Job.objects.bulk_create([Job(name=name) for name in registry], ignore_conflicts=True)


def claim_due(now: datetime, holder: uuid.UUID, *, leave_out=()) -> list[str]:
    """Take the lease of every job that is due and free, and return the names of those we got."""
    free = Job.objects.filter(name__in=registry.keys() - set(leave_out), due_at__lte=now).filter(
        Q(lease_until=None) | Q(lease_until__lte=now)
    )
    names = list(free.order_by("due_at").values_list("name", flat=True))
    # The conditions hold at the UPDATE too, so of two workers that saw the job free one gets it.
    changes = {"lease_holder": holder, "lease_until": now + LEASE, "last_started_at": now}
    return [name for name in names if free.filter(name=name).update(**changes)]


def run(name: str, now: datetime, holder: uuid.UUID) -> None:
    """Run a job whose lease we hold, and give the lease back with what came of it."""
    error = ""
    try:
        registry[name].function(now)
    except Exception:
        error = traceback.format_exc()
        logger.exception("job %s failed", name)
    finished_at = timezone.now()
    Job.objects.filter(name=name, lease_holder=holder).update(
        lease_holder=None,
        lease_until=None,
        due_at=now + registry[name].every,
        last_finished_at=finished_at,
        last_error=error,
    )


def run_due(now: datetime, holder: uuid.UUID) -> list[str]:
    """Run what is due, one after the other, and return the names."""
    names = claim_due(now, holder)
    for name in names:
        run(name, now, holder)
    return names


def run_forever(stop: threading.Event, holder: uuid.UUID | None = None) -> None:
    """Run jobs and deliver the outbox until `stop` is set; then finish what is in hand.

    Call it in a thread of its own; `holder` (the ServerProcess's id) names the leases. A database
    that is away only makes it wait.
    """
    worker = _Worker(holder or uuid.uuid4())
    while not stop.is_set():
        try:
            worker.tick(timezone.now())
        except Error as error:
            logger.warning("the worker could not reach the database: %s", error)
            connection.close()
        stop.wait(TICK_SECONDS)
    worker.close()
    connection.close()


class _Worker:
    """The jobs that this process runs at the moment, each in a thread."""

    def __init__(self, holder):
        self._holder = holder
        self._courier = outbox.Courier()
        self._pool = ThreadPoolExecutor(JOBS_AT_ONCE, thread_name_prefix="job")
        self._running: dict[str, Future] = {}
        self._ending = threading.Event()
        self._renewed_at = None
        self._discovered = False

    def tick(self, now):
        if not self._discovered:
            discover()
            self._discovered = True
        self._running = {name: future for name, future in self._running.items() if not future.done()}
        self._renew(now)
        for name in claim_due(now, self._holder, leave_out=self._running):
            self._running[name] = self._pool.submit(self._run, name, now)
        # Not a job: partners have leases of their own, and a row's update each second is saved.
        self._courier.deliver_due(now, self._holder)

    def close(self):
        self._ending.set()
        self._pool.shutdown()
        self._courier.close()

    def _renew(self, now):
        if self._renewed_at is None or now - self._renewed_at >= RENEW_EVERY:
            held = Job.objects.filter(name__in=self._running, lease_holder=self._holder)
            held.update(lease_until=now + LEASE)
            self._renewed_at = now

    def _run(self, name, now):
        _local.ending = self._ending
        try:
            run(name, now, self._holder)
        except Error as error:
            # The lease runs out by itself, and the job is due again.
            logger.warning("job %s lost the database: %s", name, error)
        finally:
            connection.close()


# The kit's own jobs ---------------------------------------------------------------------------


@job(every=timedelta(hours=6))
def ensure_partitions(now):
    partitions.ensure(now)


@job(every=timedelta(hours=1))
def expire_events(now):
    delete_older(Event.objects.all(), "created_at", days=settings.CSMS_RETAIN_EVENTS_DAYS, now=now)


@job(every=timedelta(hours=1))
def expire_outbox(now):
    """Forget deliveries that ended long ago; those that still wait are kept."""
    ended = Outbox.objects.exclude(state=Outbox.State.WAITING)
    delete_older(ended, "finished_at", days=settings.CSMS_RETAIN_OUTBOX_DAYS, now=now)


@job(every=timedelta(hours=1))
def forget_dead_processes(now):
    delete_older(ServerProcess.objects.all(), "beat_at", days=1, now=now)
