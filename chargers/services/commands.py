"""Orders to chargers, from every door: validated, written down, sent once, followed to their end.

    queued -> sent -> completed | failed | timed_out
           -> expired | cancelled

The row is the truth. It moves by compare-and-set, so that of two processes only one sends.
"""

import json
import time
import uuid
from collections import defaultdict
from datetime import timedelta

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from chargers import batch
from chargers.models import Command, Presence
from chargers.services import wakeups
from chargers.wire import masking, validation
from csms import bulk, events, secrets

State = Command.State

LONGEST_EXPIRY = timedelta(days=30)
# What waits longer without an expiry was meant for a connection that ended before it took it.
LONGEST_WITHOUT_EXPIRY = timedelta(minutes=1)
# Whatever its connection seems to be.
LONGEST_SENT = timedelta(minutes=10)
# The end of a command whose connection ended before the answer.
LOST = {"error_code": "ConnectionLost", "error_description": "The connection ended before the answer."}


class Refused(Exception):
    """A command that was not taken; the text says why. `field` names the member at fault, if any."""

    field = ""


class UnknownAction(Refused):
    """The charger's OCPP version has no such request to a charger."""

    field = "action"


class InvalidPayload(Refused):
    """The payload does not fit the action's schema; `field` is its path, such as payload.connectorId."""

    def __init__(self, problem):
        self.field = f"payload.{problem.member}".rstrip(".")
        self.message = problem.cause
        super().__init__(f"{self.field}: {problem.cause}")


class NotConnected(Refused):
    """The charger is offline and the caller did not allow waiting."""


class MayNotOperate(Refused):
    """The charger is disabled or not accepted: nothing new is started on it."""


# What would begin a charging session, or keep a connector for one.
_STARTS = {"RemoteStartTransaction", "RequestStartTransaction", "ReserveNow"}


def send(charger, action, payload, *, origin, user=None, expires_in=None):
    """Write down a CALL to `charger` and have it sent; return the Command row.

    `expires_in` (seconds) lets it wait that long for a charger that is offline; without it
    NotConnected is raised and no row is left. Raises UnknownAction, InvalidPayload and MayNotOperate.
    """
    now = timezone.now()
    presence = _connection(charger, now)
    check(_protocol(charger, presence), action, payload)
    if action in _STARTS and not charger.may_operate:
        raise MayNotOperate(f"{charger.identifier} is disabled or not accepted: nothing is started on it")
    if presence is None and not expires_in:
        raise NotConnected(f"{charger.identifier} is not connected")
    command = Command(
        owner_id=charger.owner_id,
        charger=charger,
        action=action,
        **_sealed(payload),
        origin=origin[:40],
        created_by=user,
        created_at=now,
        message_id=str(uuid.uuid4()),
        expires_at=now + min(timedelta(seconds=expires_in), LONGEST_EXPIRY) if expires_in else None,
    )
    link = wakeups.links.get(charger.pk) if presence else None
    if link is not None and link.is_free and not _is_awaited(charger):
        # Claimed for our own socket from the start: saves a look and a commit.
        command.state, command.sent_at, command.presence_token = State.SENT, now, link.token
    command.save(force_insert=True)
    if command.state == State.SENT:
        transaction.on_commit(lambda: link.offer(command), robust=True)
    elif presence:
        channel = presence.process.channel
        transaction.on_commit(lambda: wakeups.wake(charger.pk, channel), robust=True)
    return command


def _is_awaited(charger):
    """Say whether a command waits already, maybe another process's: none is to overtake it."""
    return Command.objects.filter(charger=charger, state=State.QUEUED).exists()


def _sealed(payload):
    """Return the attributes that keep a payload; its secrets are readable for the sending only."""
    masked = masking.masked(payload)
    sealed = "" if masked == payload else secrets.encrypt(json.dumps(payload))
    return {"payload": masked, "sealed_payload": sealed}


def _connection(charger, now):
    """Return the presence row, with its process, of a charger that is online; else None.

    It comes from the charger's own query where that has it.
    """
    if "presence" in charger._state.fields_cache:
        presence = charger._state.fields_cache["presence"]
    else:
        presence = Presence.objects.select_related("process").filter(charger=charger).first()
    return presence if presence is not None and presence.is_online(now) else None


def protocol_of(charger, now):
    """Return the OCPP version in which `charger` is addressed: its connection's, else what it spoke last."""
    return _protocol(charger, _connection(charger, now))


def _protocol(charger, presence):
    return (presence.protocol if presence else "") or charger.protocol


def check(protocol, action, payload):
    """Raise unless `payload` is a valid `action` request to a charger that speaks `protocol`."""
    if action not in validation.to_charger(protocol):
        raise UnknownAction(f"{protocol} has no request {action!r} to a charger")
    if not isinstance(payload, dict):
        raise InvalidPayload(validation.Problem("type", (), "must be an object"))
    if cause := unwritable(payload):
        raise InvalidPayload(validation.Problem("format", (), cause))
    if problems := validation.problems(protocol, action, payload):
        raise InvalidPayload(problems[0])


def unwritable(payload):
    """Return why `payload` could be neither stored nor sent, or None."""
    try:
        text = orjson.dumps(payload)
        json.dumps(payload, allow_nan=False)
    except TypeError:
        return "Text must be Unicode, whole numbers must fit 64 bits, and nesting has a limit."
    except ValueError:
        return "Numbers must be finite."
    return "Text must not hold the character NUL." if b"\\u0000" in text else None


def wait(command, timeout):
    """Return `command` as it is when it has ended, or after `timeout` seconds.

    Call outside a transaction; a pooled connection is given back while waiting for long.
    """
    deadline = time.monotonic() + timeout
    pause = _BRIEFLY
    with wakeups.Waiter(command.pk) as waiter:
        while not command.is_finished and (remaining := deadline - time.monotonic()) > 0:
            if pause > _BRIEFLY and not connection.in_atomic_block and connection.vendor == "postgresql":
                connection.close()
            waiter.wait(min(remaining, pause))
            # Wake-ups may be lost, or have come before we listened; then the row tells, a little later.
            command.refresh_from_db(fields=_OUTCOME)
            pause = min(pause * 2, 1.0)
    return command


# Most chargers answer within this: to give a connection back and fetch another would take longer.
_BRIEFLY = 0.05
_OUTCOME = ("state", "result", "error_code", "error_description", "sent_at", "finished_at")


def cancel(command):
    """Withdraw a command that has not been sent; say whether that was still possible."""
    with transaction.atomic():
        changed = Command.objects.filter(pk=command.pk, state=State.QUEUED).update(
            state=State.CANCELLED, finished_at=timezone.now(), sealed_payload=""
        )
        if changed:
            command.refresh_from_db()
            _tell_end(command)
    return bool(changed)


def expire(now):
    """End what waited too long, and what was sent by a connection that is gone; return how many."""
    queued = Command.objects.filter(state=State.QUEUED)
    ended = [
        finish(row, State.EXPIRED, only=State.QUEUED) for row in queued.filter(expires_at__lte=now)[:500]
    ]
    missed = queued.filter(expires_at=None, created_at__lt=now - LONGEST_WITHOUT_EXPIRY)
    ended += [_missed(row) for row in missed[:500]]
    # No answer is waited for longer than a time-out; what is left then belongs to a dead process.
    sent = Command.objects.filter(state=State.SENT)
    patience = timedelta(seconds=2 * settings.CSMS_CALL_TIMEOUT)
    lost = sent.filter(sent_at__lte=now - patience).exclude(charger__presence__token=F("presence_token"))
    ended += [_lost(row) for row in lost[:500]]
    stale = sent.filter(sent_at__lte=now - max(patience, LONGEST_SENT))
    ended += [finish(row, State.TIMED_OUT, only=State.SENT) for row in stale[:500]]
    return sum(ended)


def _missed(command):
    return finish(command, State.FAILED, only=State.QUEUED, error_code="NotConnected")


def _lost(command):
    return finish(command, State.FAILED, only=State.SENT, **LOST)


# For the owner of the socket ------------------------------------------------------------------


def claim(charger, token, now):
    """Take the oldest waiting command for the connection `token`; None when there is none."""
    # Asked after each command that ended, and mostly nothing waits: that is found out cheaply.
    if not bulk.load(Command, "charger_id", [charger.pk], condition="state = 'queued'", limit=1):
        return None
    # What its former owner asked for is not for the charger of another one: it expires.
    theirs = Command.objects.filter(charger=charger, owner=charger.owner_id)
    for command in theirs.waiting(now)[:5]:
        if command.expires_at is None and now - command.created_at > LONGEST_WITHOUT_EXPIRY:
            _missed(command)
            continue
        taken = Command.objects.filter(pk=command.pk, state=State.QUEUED).update(
            state=State.SENT, sent_at=now, presence_token=token
        )
        if taken:
            command.state, command.sent_at = State.SENT, now
            return command
    return None


def put_back(command_id):
    """Return a command that was claimed but never left to the queue; without expiry it fails."""
    command = Command.objects.filter(pk=command_id, state=State.SENT).first()
    if command is None:
        return
    if command.expires_at is None:
        finish(command, State.FAILED, error_code="NotConnected")
    else:
        Command.objects.filter(pk=command_id, state=State.SENT).update(state=State.QUEUED, sent_at=None)


@transaction.atomic(savepoint=False)
def finish(command, state, *, only=None, result=None, error_code="", error_description=""):
    """Write the end of a command; say whether it was still open (the first end stays).

    `only` is the state in which it has to be: what waits expires, unless somebody sends it meanwhile.
    """
    there = Command.objects.filter(pk=command.pk, state__in=[only] if only else [State.QUEUED, State.SENT])
    changed = there.update(
        state=state,
        result=masking.masked(result),
        sealed_payload="",
        error_code=error_code[:60],
        error_description=error_description,
        finished_at=batch.now(),
    )
    if not changed:
        return False
    command.state, command.result = state, result
    command.error_code, command.error_description = error_code[:60], error_description
    _tell_end(command)
    return True


def follows(*actions):
    """Have the decorated function called with each Command of these actions that has ended, however it did.

    It runs in the transaction that writes the end; `result` is the charger's answer with its secrets.
    Modules that follow commands are named in `chargers/apps.py`, so that they are there.
    """

    def enter(function):
        for action in actions:
            _followers[action].append(function)
        return function

    return enter


_followers = defaultdict(list)


def _tell_end(command):
    for follower in _followers[command.action]:
        follower(command)
    events.record(
        "command.finished",
        owner_id=command.owner_id,
        charger=command.charger,
        object_id=command.pk,
        action=command.action,
        state=command.state,
    )
    pk, charger_id = command.pk, command.charger_id
    transaction.on_commit(lambda: wakeups.finished(pk, charger_id), robust=True)
