"""The registry of jobs and the worker loop."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from csms import jobs, outbox
from csms.models import Event, Job, Outbox, ServerProcess
from tests.kit.far_end import Say

MINUTE = timedelta(minutes=1)
PATIENCE = 20


@pytest.fixture
def alone(monkeypatch):
    """An empty registry, so that only the test's own jobs run."""
    monkeypatch.setattr(jobs, "registry", {})
    monkeypatch.setattr(jobs, "autodiscover_modules", lambda _: None)


class Noting:
    """A job that notes when it ran, and raises what it was told to."""

    def __init__(self):
        self.runs = []
        self.error = None

    def __call__(self, now):
        self.runs.append(now)
        if self.error:
            raise self.error


@pytest.fixture
def noting(alone, db):
    function = Noting()
    function.__module__, function.__name__ = "somewhere.jobs", "note"
    jobs.job(every=MINUTE)(function)
    jobs.discover()
    return function


@pytest.fixture
def row(noting):
    return Job.objects.get(name="somewhere.note")


def test_due_job_runs_and_is_due_again_later(noting):
    now = timezone.now()

    jobs.run_due(now, uuid.uuid4())
    jobs.run_due(now + MINUTE / 2, uuid.uuid4())
    jobs.run_due(now + MINUTE, uuid.uuid4())

    assert noting.runs == [now, now + MINUTE]


def test_claimed_job_is_not_claimed_again(noting):
    now = timezone.now()

    assert jobs.claim_due(now, uuid.uuid4()) == ["somewhere.note"]
    assert jobs.claim_due(now, uuid.uuid4()) == []


def test_lease_of_a_crashed_worker_runs_out(noting):
    now = timezone.now()
    jobs.claim_due(now, uuid.uuid4())

    assert jobs.run_due(now + jobs.LEASE, uuid.uuid4()) == ["somewhere.note"]


def test_worker_that_lost_its_lease_changes_nothing(noting, row):
    now = timezone.now()
    late, current = uuid.uuid4(), uuid.uuid4()
    jobs.claim_due(now, late)
    jobs.claim_due(now + jobs.LEASE, current)

    jobs.run("somewhere.note", now, late)

    row.refresh_from_db()
    assert row.lease_holder == current


def test_failure_is_kept_and_tried_next_time(noting, row):
    now = timezone.now()
    noting.error = ValueError("no luck")
    jobs.run_due(now, uuid.uuid4())
    row.refresh_from_db()
    assert "ValueError: no luck" in row.last_error

    noting.error = None
    jobs.run_due(now + MINUTE, uuid.uuid4())

    row.refresh_from_db()
    assert row.last_error == ""


def test_discovering_twice_makes_one_row(noting):
    jobs.discover()

    assert Job.objects.filter(name="somewhere.note").count() == 1


def test_every_app_s_jobs_are_found(db):
    jobs.discover()

    assert {"csms.ensure_partitions", "csms.expire_events", "tokens.forget_failed_logins"} <= set(
        Job.objects.values_list("name", flat=True)
    )


def test_the_kit_s_own_jobs_run(db):
    jobs.discover()

    jobs.run_due(timezone.now(), uuid.uuid4())

    assert not Job.objects.filter(name__startswith="csms.").exclude(last_error="").exists()


@pytest.mark.django_db(transaction=True)
def test_many_workers_run_a_job_once(noting):
    now = timezone.now()
    start = threading.Barrier(4)

    def work():
        start.wait(PATIENCE)
        jobs.run_due(now, uuid.uuid4())
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    [worker.start() for worker in workers]
    [worker.join(PATIENCE) for worker in workers]

    assert noting.runs == [now]


@pytest.mark.django_db(transaction=True)
def test_worker_runs_jobs_and_delivers_until_stopped(noting, far_end):
    stop, arrived = threading.Event(), threading.Event()
    far_end.say(Say(before=lambda _: arrived.set()))
    outbox.enqueue("p", far_end.url())
    worker = threading.Thread(target=jobs.run_forever, args=(stop,))

    worker.start()
    assert arrived.wait(PATIENCE)
    stop.set()
    worker.join(PATIENCE)

    assert not worker.is_alive()
    assert len(noting.runs) == 1
    assert Outbox.objects.get().state == "delivered"


def aged(model, field, days, **fields):
    return model.objects.create(**{field: timezone.now() - timedelta(days=days)}, **fields)


def remaining(model):
    return list(model.objects.order_by("pk").values_list("pk", flat=True))


def test_old_events_are_forgotten(db, settings):
    settings.CSMS_RETAIN_EVENTS_DAYS = 10
    aged(Event, "created_at", 11, kind="a")
    young = aged(Event, "created_at", 9, kind="b")

    jobs.expire_events(timezone.now())

    assert remaining(Event) == [young.pk]


def test_zero_days_keep_for_ever(db, settings):
    settings.CSMS_RETAIN_EVENTS_DAYS = 0
    old = aged(Event, "created_at", 9999, kind="a")

    jobs.expire_events(timezone.now())

    assert remaining(Event) == [old.pk]


def test_many_rows_are_forgotten_in_batches(db, django_assert_max_num_queries):
    long_ago = timezone.now() - timedelta(days=1000)
    Event.objects.bulk_create(Event(kind="a", created_at=long_ago) for _ in range(2500))

    with django_assert_max_num_queries(20):
        jobs.expire_events(timezone.now())

    assert remaining(Event) == []


def test_ended_deliveries_are_forgotten_and_waiting_ones_kept(db, settings):
    settings.CSMS_RETAIN_OUTBOX_DAYS = 10
    old = timezone.now() - timedelta(days=11)
    ended = aged(Outbox, "finished_at", 11, state="delivered", give_up_at=old)
    ended.attempt_log.create(started_at=old, seconds=1)
    waiting = Outbox.objects.create(give_up_at=old, created_at=old)

    jobs.expire_outbox(timezone.now())

    assert remaining(Outbox) == [waiting.pk]


def test_processes_dead_for_a_day_are_forgotten(db):
    aged(ServerProcess, "beat_at", 2, name="old", kind="web")
    young = aged(ServerProcess, "beat_at", 0.5, name="young", kind="web")

    jobs.forget_dead_processes(timezone.now())

    assert remaining(ServerProcess) == [young.pk]
