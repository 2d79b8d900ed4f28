"""Deliveries, against a partner on the loopback address."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from concurrent.futures import wait
from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from csms import outbox
from csms.models import Outbox, OutboxAttempt, PartnerLease
from tests.kit.far_end import Say

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
PATIENCE = 20


@pytest.fixture
def courier():
    courier = outbox.Courier()
    yield courier
    courier.close()


@pytest.fixture
def deliver(courier):
    """Deliver what is due and wait for the end of it."""

    def deliver(after=timedelta(0), holder=None):
        futures = courier.deliver_due(timezone.now() + after, holder or uuid.uuid4())
        assert not wait(futures, PATIENCE).not_done

    return deliver


def states():
    return list(Outbox.objects.order_by("id").values_list("state", flat=True))


def test_delivery_arrives_once(far_end, deliver, owner):
    row = outbox.enqueue("p", far_end.url("/hook"), body='{"a": "é"}', headers={"X-One": "1"}, owner=owner)

    deliver()
    deliver()

    (heard,) = far_end.heard
    assert (heard.method, heard.path, heard.body) == ("POST", "/hook", '{"a": "é"}')
    assert (heard.headers["x-one"], heard.headers["idempotency-key"]) == ("1", str(row.key))
    assert states() == ["delivered"]


def test_secret_headers_are_sent_but_stored_encrypted(far_end, deliver):
    row = outbox.enqueue("p", far_end.url(), secret_headers={"Authorization": "Token t0p"})

    deliver()

    assert far_end.heard[0].headers["authorization"] == "Token t0p"
    assert "t0p" not in row.secret_headers


def test_rolled_back_delivery_is_not_sent(far_end, deliver):
    with transaction.atomic():
        outbox.enqueue("p", far_end.url())
        transaction.set_rollback(True)

    deliver()

    assert not far_end.heard


def test_attempt_is_logged(far_end, deliver):
    far_end.say(Say(201, body=b"thanks\0"))
    outbox.enqueue("p", far_end.url())

    deliver()

    attempt = OutboxAttempt.objects.get()
    assert (attempt.status_code, attempt.answer, attempt.error) == (201, "thanks\ufffd", "")


def test_deliveries_keep_their_order(far_end, deliver):
    for number in range(5):
        outbox.enqueue("p", far_end.url(f"/{number}"))

    deliver()

    assert far_end.paths() == ["/0", "/1", "/2", "/3", "/4"]


def test_next_delivery_does_not_overtake_one_that_waits(far_end, deliver):
    far_end.say(Say(500), path="/0")
    outbox.enqueue("p", far_end.url("/0"))
    outbox.enqueue("p", far_end.url("/1"))

    deliver()
    deliver()
    deliver(after=HOUR)

    assert far_end.paths() == ["/0", "/0", "/1"]
    assert states() == ["delivered", "delivered"]


def test_refused_delivery_makes_way(far_end, deliver):
    far_end.say(Say(400), path="/0")
    outbox.enqueue("p", far_end.url("/0"))
    outbox.enqueue("p", far_end.url("/1"))

    deliver()

    assert states() == ["failed", "delivered"]


@pytest.mark.parametrize("status", [302, 408, 425, 429, 500, 503])
def test_passing_trouble_is_tried_again(far_end, deliver, status):
    far_end.say(Say(status))
    outbox.enqueue("p", far_end.url())

    deliver()
    assert states() == ["waiting"]

    deliver(after=HOUR)
    assert states() == ["delivered"]


def test_unreachable_partner_is_tried_again(deliver, far_end):
    far_end.say(Say(close=True))
    outbox.enqueue("p", far_end.url())

    deliver()

    row = Outbox.objects.get()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert OutboxAttempt.objects.get().error


def test_private_address_is_not_delivered_to(deliver, settings):
    settings.CSMS_ALLOW_PRIVATE_URLS = False
    outbox.enqueue("p", "http://127.0.0.1/", give_up_after=timedelta(seconds=1))

    deliver()

    assert states() == ["failed"]
    assert "partners may not" in OutboxAttempt.objects.get().error


def test_waits_grow(far_end, deliver):
    far_end.say(*[Say(500)] * 6)
    row = outbox.enqueue("p", far_end.url())
    waits = []
    for hours in range(4):
        deliver(after=hours * HOUR)
        row.refresh_from_db()
        waits.append(row.due_at - timezone.now() - hours * HOUR)

    assert waits == sorted(waits)
    assert timedelta(seconds=3) < waits[0] < timedelta(seconds=7)


def in_seconds(moment):
    return "120"


def as_date(moment):
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize("form", [in_seconds, as_date])
def test_retry_after_is_honoured(far_end, deliver, form):
    far_end.say(Say(503, {"Retry-After": form(timezone.now() + timedelta(seconds=120))}))
    row = outbox.enqueue("p", far_end.url())

    deliver()

    row.refresh_from_db()
    assert timedelta(seconds=100) < row.due_at - timezone.now() <= timedelta(seconds=120)


@given(st.one_of(st.text(), st.integers().map(str), st.datetimes().map(format_datetime)))
def test_any_retry_after_is_bounded(text):
    now = timezone.now()

    asked = outbox.retry_after(text, now)

    assert asked is None or timedelta(0) <= asked <= timedelta(days=1)


def test_delivery_is_given_up_at_its_time(far_end, deliver):
    far_end.say(Say(500))
    outbox.enqueue("p", far_end.url(), give_up_after=timedelta(seconds=2))

    deliver()

    assert states() == ["failed"]


def test_delivery_past_its_time_is_not_sent(far_end, deliver):
    outbox.enqueue("p", far_end.url(), give_up_after=HOUR)

    deliver(after=2 * HOUR)

    assert (states(), far_end.heard) == (["failed"], [])


def test_cancelled_delivery_is_not_sent(far_end, deliver):
    outbox.enqueue("p", far_end.url())
    Outbox.objects.update(state="cancelled")

    deliver()

    assert not far_end.heard


def test_unknown_transport_fails(deliver):
    outbox.enqueue("p", "pigeon://x", transport="pigeon")

    deliver()

    assert (states(), OutboxAttempt.objects.get().error) == (["failed"], "no transport pigeon")


def test_slow_partner_blocks_no_other(far_end, courier):
    """While one partner does not answer, another is served, also in later rounds."""
    release, arrived = threading.Event(), threading.Event()
    far_end.say(Say(before=lambda _: (arrived.set(), release.wait(PATIENCE))), path="/slow")
    outbox.enqueue("slow", far_end.url("/slow"))
    slow = courier.deliver_due(timezone.now(), uuid.uuid4())
    assert arrived.wait(PATIENCE)

    outbox.enqueue("quick", far_end.url("/quick"))
    quick = courier.deliver_due(timezone.now(), uuid.uuid4())

    assert not wait(quick, PATIENCE).not_done
    assert far_end.paths() == ["/slow", "/quick"]
    release.set()
    assert not wait(slow, PATIENCE).not_done
    assert states() == ["delivered", "delivered"]


def test_partner_is_served_by_one_courier_at_a_time(far_end, courier):
    release, arrived = threading.Event(), threading.Event()
    far_end.say(Say(before=lambda _: (arrived.set(), release.wait(PATIENCE))))
    outbox.enqueue("p", far_end.url())
    first = courier.deliver_due(timezone.now(), uuid.uuid4())
    assert arrived.wait(PATIENCE)

    other = outbox.Courier()
    wait(other.deliver_due(timezone.now(), uuid.uuid4()), PATIENCE)
    other.close()

    release.set()
    assert not wait(first, PATIENCE).not_done
    assert len(far_end.heard) == 1


def test_many_couriers_deliver_each_row_once_in_order(far_end):
    for number in range(40):
        outbox.enqueue(f"p{number % 4}", far_end.url(f"/{number % 4}/{number}"))
    couriers = [outbox.Courier() for _ in range(3)]

    futures = [f for courier in couriers for f in courier.deliver_due(timezone.now(), uuid.uuid4())]
    assert not wait(futures, PATIENCE).not_done
    [courier.close() for courier in couriers]

    expected = {f"/{p}/": [f"/{p}/{n}" for n in range(40) if n % 4 == p] for p in range(4)}
    assert {head: [p for p in far_end.paths() if p.startswith(head)] for head in expected} == expected


def test_lease_of_a_dead_courier_runs_out(far_end, deliver):
    lease = timezone.now() + outbox.LEASE
    PartnerLease.objects.create(partner="p", holder=uuid.uuid4(), lease_until=lease)
    outbox.enqueue("p", far_end.url())

    deliver()
    assert not far_end.heard

    deliver(after=outbox.LEASE + timedelta(seconds=1))
    assert states() == ["delivered"]


def test_delivery_that_a_crash_left_unrecorded_is_repeated(far_end, deliver, tmp_path):
    """The courier is killed after the partner heard, before it could note that."""
    far_end.say(Say(before=lambda _: os.kill(child.pid, signal.SIGKILL), close=True))
    outbox.enqueue("p", far_end.url())
    child = subprocess.Popen([sys.executable, "-c", _CHILD], env=_environment(tmp_path))
    assert child.wait(PATIENCE) == -signal.SIGKILL

    deliver(after=outbox.LEASE + timedelta(seconds=1))

    first, second = far_end.heard
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert states() == ["delivered"]


_CHILD = """
import django, uuid
django.setup()
from concurrent.futures import wait
from django.utils import timezone
from csms import outbox
wait(outbox.Courier().deliver_due(timezone.now(), uuid.uuid4()))
"""


def _environment(tmp_path):
    """Return what a child needs to work on the test's database with the test's keys."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    return os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "csms.settings",
        "CSMS_SECRET_KEYS": ",".join(django_settings.CSMS_SECRET_KEYS),
        "CSMS_DATA_DIR": str(tmp_path),
        "CSMS_ALLOW_PRIVATE_URLS": "1",
    }
