"""Deliveries that must leave the house for certain, each partner's in their order.

`enqueue` writes a row in the caller's transaction; a Courier sends what is due. Any number of
couriers may work: a partner is served by the one that holds its lease. What was sent but not
recorded, since the courier died in between, is sent again with the same Idempotency-Key.
"""

import json
import logging
import random
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db import connection, transaction
from django.db.models import Min, Q
from django.utils import timezone

from csms import http, secrets
from csms.models import Outbox, OutboxAttempt, PartnerLease

logger = logging.getLogger(__name__)

PARTNERS_AT_ONCE = 16
# After so many deliveries a partner's thread goes to whoever waits; the rest follows a moment later.
TURN = 100
# Longer than any one delivery, so that a lease ends only when its holder has died.
LEASE = timedelta(seconds=2 * http.TIMEOUT_SECONDS)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
_WORTH_REPEATING = {408, 425, 429}
_ANSWER_KEPT = 2000


def enqueue(
    partner: str,
    url: str,
    *,
    method: str = "POST",
    headers: dict | None = None,
    secret_headers: dict | None = None,
    body: str = "",
    owner=None,
    give_up_after: timedelta = timedelta(days=1),
    transport: str = "http",
) -> Outbox:
    """Queue a delivery in the caller's transaction; it leaves after the commit, in the partner's order."""
    now = timezone.now()
    return Outbox.objects.create(
        partner=partner,
        transport=transport,
        url=url,
        method=method,
        headers=headers or {},
        secret_headers=secrets.encrypt(json.dumps(secret_headers)) if secret_headers else "",
        body=body,
        owner=owner,
        created_at=now,
        due_at=now,
        give_up_at=now + give_up_after,
    )


class Courier:
    """A bounded pool of threads, one for each partner that is being served."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(PARTNERS_AT_ONCE, thread_name_prefix="outbox")
        self._closing = threading.Event()
        # Partners that wait for a thread or have one: a tick must not queue them again.
        self._taken = set()
        self._lock = threading.Lock()

    def deliver_due(self, now: datetime, holder: uuid.UUID) -> list[Future]:
        """Start sending what is due and return at once; a future ends when its partner's turn does."""
        futures = []
        for partner in _due_partners(now):
            with self._lock:
                if partner in self._taken:
                    continue
                self._taken.add(partner)
            futures.append(self._pool.submit(self._serve, partner, holder, _clock_from(now)))
        return futures

    def close(self) -> None:
        """Finish the deliveries in hand and end the threads; what remains stays due."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)

    def _serve(self, partner, holder, clock):
        try:
            if _take_lease(partner, holder, clock()):
                try:
                    self._work_off(partner, holder, clock)
                finally:
                    _release(partner, holder, clock())
        except Exception:
            # A broken row or a lost database: the rows stay due, the next tick tries again.
            logger.exception("deliveries to %s were interrupted", partner)
            raise
        finally:
            connection.close()
            with self._lock:
                self._taken.discard(partner)

    def _work_off(self, partner, holder, clock):
        for _ in range(TURN):
            row = _next_due(partner, clock())
            if row is None or self._closing.is_set() or not _renew(partner, holder, clock()):
                return
            _deliver(row, clock)


# Turns ----------------------------------------------------------------------------------------


def _waiting():
    return Outbox.objects.filter(state=Outbox.State.WAITING)


def _due_partners(now):
    """Return the partners whose *first* waiting delivery is due, longest waiting first."""
    heads = _waiting().values("partner").annotate(head=Min("id")).values("head")
    due = Outbox.objects.filter(pk__in=heads, due_at__lte=now)
    return list(due.order_by("due_at").values_list("partner", flat=True))


def _next_due(partner, now):
    """Return the partner's first waiting delivery unless it must wait; none may overtake it."""
    head = _waiting().filter(partner=partner).order_by("id").first()
    return head if head and head.due_at <= now else None


def _take_lease(partner, holder, now):
    PartnerLease.objects.get_or_create(partner=partner, defaults={"lease_until": now})
    free = PartnerLease.objects.filter(partner=partner).filter(Q(holder=None) | Q(lease_until__lte=now))
    return free.update(holder=holder, lease_until=now + LEASE) == 1


def _renew(partner, holder, now):
    held = PartnerLease.objects.filter(partner=partner, holder=holder)
    return held.update(lease_until=now + LEASE) == 1


def _release(partner, holder, now):
    PartnerLease.objects.filter(partner=partner, holder=holder).update(holder=None, lease_until=now)


def _clock_from(now):
    """Return a clock that reads `now` at this moment, and goes on from there."""
    begun = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - begun)


# One delivery ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """How one attempt ended, whatever the transport."""

    delivered: bool = False
    worth_repeating: bool = False
    status_code: int | None = None
    answer: str = ""
    error: str = ""
    retry_after: str = ""


def _send_http(row: Outbox) -> Outcome:
    """Send the row as an HTTP request. Any 2xx counts as delivered, however long its body is."""
    try:
        secret = json.loads(secrets.decrypt(row.secret_headers)) if row.secret_headers else {}
    except secrets.Undecryptable as error:
        return Outcome(error=str(error))
    try:
        answer = http.request(
            row.method,
            row.url,
            headers=row.headers | {"Idempotency-Key": str(row.key)},
            secret_headers=secret,
            content=row.body.encode(),
            max_bytes=_ANSWER_KEPT,
            cut=True,
        )
    except http.RequestFailed as error:
        return Outcome(worth_repeating=True, error=str(error))
    refused = 400 <= answer.status_code < 500 and answer.status_code not in _WORTH_REPEATING
    return Outcome(
        delivered=200 <= answer.status_code < 300,
        worth_repeating=not refused,
        status_code=answer.status_code,
        answer=answer.content.decode(errors="replace").replace("\0", "\ufffd"),
        retry_after=answer.headers.get("retry-after", "") if answer.status_code in (429, 503) else "",
    )


TRANSPORTS = {"http": _send_http}


def _deliver(row, clock):
    started_at = clock()
    if row.give_up_at <= started_at:
        _finish(row, Outbox.State.FAILED, started_at)
        return
    send = TRANSPORTS.get(row.transport)
    outcome = send(row) if send else Outcome(error=f"no transport {row.transport}")
    finished_at = clock()
    with transaction.atomic():
        OutboxAttempt.objects.create(
            outbox=row,
            started_at=started_at,
            seconds=(finished_at - started_at).total_seconds(),
            status_code=outcome.status_code,
            answer=outcome.answer,
            error=outcome.error,
        )
        row.attempts += 1
        _record(row, outcome, finished_at)


def _record(row, outcome, now):
    due_at = now + _wait(row.attempts, outcome.retry_after, now)
    if outcome.delivered:
        _finish(row, Outbox.State.DELIVERED, now)
    elif not outcome.worth_repeating or due_at >= row.give_up_at:
        _finish(row, Outbox.State.FAILED, now)
    else:
        row.due_at = due_at
        row.save(update_fields=["due_at", "attempts"])


def _finish(row, state, now):
    """End a delivery, unless it was cancelled meanwhile; a receipt beats the cancellation."""
    rows = Outbox.objects.filter(pk=row.pk)
    if state != Outbox.State.DELIVERED:
        rows = rows.filter(state=Outbox.State.WAITING)
    rows.update(state=state, finished_at=now, attempts=row.attempts)


def _wait(attempts, asked_for, now):
    """Return how long to wait after so many attempts: what was asked for, else ever longer."""
    asked = retry_after(asked_for, now)
    doubled = FIRST_WAIT * 2 ** min(attempts - 1, 20)
    jitter = random.uniform(0.75, 1.25)
    return max(asked, FIRST_WAIT) if asked is not None else min(doubled, LONGEST_WAIT) * jitter


def retry_after(text: str, now: datetime) -> timedelta | None:
    """Return the wait that a Retry-After header asks for (seconds or a date), or None."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 86400))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return min(max(moment - now, timedelta(0)), timedelta(days=1))
