"""What sockets have done in the lanes: let in, take in a message, report a command, beat."""

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from django.conf import settings

from chargers import batch as batches
from chargers.models import Command, Message
from chargers.ocpp import v16, v201
from chargers.ocpp.committer import Work
from chargers.services import commands, handshakes, notices, presence, reconciling, remote
from chargers.wire import masking, validation
from chargers.wire.session import Outbound
from csms import bulk, processes

HANDLERS = {validation.V16: v16.HANDLERS, validation.V201: v201.HANDLERS}
# Money is always taken in, whatever the charger's registration says (OCPP 1.6 section 4.2).
MONEY = {"MeterValues", "StartTransaction", "StopTransaction", "TransactionEvent"}
_SERIAL = {"StartTransaction", "StopTransaction", "TransactionEvent"}
_LONGEST_LOGGED = 65_536


@dataclass(slots=True)
class Refusal:
    """A CALLERROR to answer with, in OCPP 2.0.1's words."""

    code: str
    description: str = ""


class TakeIn(Work):
    """A CALL from a charger: run its handler, log it, answer."""

    def __init__(self, connection, call):
        self.connection = connection
        self.charger_id = connection.charger_id
        self.call = call
        self.is_serial = call.action in _SERIAL
        # After a boot answered Pending or Rejected only money and what we asked for is taken.
        self.is_gated = connection.is_gated and call.action not in MONEY

    def run(self, batch):
        batch.now = datetime.fromtimestamp(self.call.received_at, UTC)
        charger = batch.chargers[self.charger_id]
        answer = self._answer(charger)
        self._log(charger, answer)
        return answer

    def _answer(self, charger):
        call = self.call
        if self.is_gated and call.action != "BootNotification" and not charger.may_operate:
            return Refusal("SecurityError", "not accepted by the central system")
        handler = HANDLERS[self.connection.protocol].get(call.action)
        if handler is not None:
            return handler(charger, call.payload)
        if validation.is_valid(self.connection.protocol, call.action, {}, is_answer=True):
            notices.record(charger, f"charger.{call.action}", call.payload)
            return {}
        return Refusal("NotSupported", call.action)

    def _log(self, charger, answer):
        refused = isinstance(answer, Refusal)
        _log_exchange(
            charger.pk,
            self.call,
            [answer.code, answer.description] if refused else answer,
            Message.Outcome.ERROR if refused else Message.Outcome.RESULT,
        )

    def record_failure(self, error):
        batches.insert(
            Message,
            received_at=datetime.fromtimestamp(self.call.received_at, UTC),
            charger_id=self.charger_id,
            origin=Message.Origin.CHARGER,
            action=self.call.action,
            message_id=str(self.call.message_id),
            request=masking.raw(_logged(self.call.text)),
            answer=f"InternalError: {type(error).__name__}",
            outcome=Message.Outcome.ERROR,
        )

    def done(self, outcome):
        self.connection.answer(self.call, outcome)

    def failed(self, error):
        self.connection.answer(self.call, Refusal("InternalError", "could not be stored"))


class LogOnly(Work):
    """A text that needs no handler: refused by the session, unreadable, late or unknown."""

    def __init__(self, connection, text, received_at, *, outcome, answer="", call=None):
        self.connection = connection
        self.charger_id = connection.charger_id
        self.text, self.received_at = text, received_at
        self.outcome, self.answer, self.call = outcome, answer, call

    def run(self, batch):
        batch.now = datetime.fromtimestamp(self.received_at, UTC)
        if settings.CSMS_MESSAGE_LOG:
            batches.insert(
                Message,
                received_at=batch.now,
                charger_id=self.charger_id,
                origin=Message.Origin.CHARGER,
                action=self.call.action if self.call else "",
                message_id=str(self.call.message_id) if self.call else "",
                request=masking.raw(_logged(self.text)),
                answer=self.answer,
                outcome=self.outcome,
                oddities="; ".join(self.call.oddities) if self.call else "",
            )

    def done(self, outcome):
        self.connection.logged()

    def failed(self, error):
        self.connection.logged()


def _log_exchange(charger_id, call, answer, outcome):
    if settings.CSMS_MESSAGE_LOG:
        batches.insert(
            Message,
            received_at=batches.now(),
            charger_id=charger_id,
            origin=Message.Origin.CHARGER,
            action=call.action,
            message_id=str(call.message_id),
            request=_logged(masking.inbound(call)),
            answer=orjson.dumps(answer).decode(),
            outcome=outcome,
            seconds=max(0.0, datetime.now(UTC).timestamp() - call.received_at),
            oddities="; ".join(call.oddities),
        )


def _logged(text):
    return text[:_LONGEST_LOGGED].replace("\0", "\N{REPLACEMENT CHARACTER}")


class LetIn(Work):
    """A handshake: decide who it is and take the charger's lease; the outcome is an Arrival."""

    def __init__(self, attempt, token, process_id, done, failed):
        self.attempt, self.token, self.process_id = attempt, token, process_id
        self.received_at = datetime.now(UTC)
        self.done, self.failed = done, failed

    def run(self, batch):
        batch.now = self.received_at
        desk = batch.shared(
            handshakes.Desk,
            lambda: handshakes.Desk([work.attempt for work in batch.works if isinstance(work, LetIn)]),
        )
        decision = desk.decide(self.attempt)
        arrival = Arrival(decision)
        if decision.refusal:
            handshakes.record_failure(self.attempt, decision.refusal, decision.status_code)
        elif decision.charger is not None:
            arrival.protocol = self.attempt.protocol or decision.charger.protocol
            batch.collect(_take_leases, (self, arrival))
            arrival.has_commands = _has_commands(batch, decision.charger)
        return arrival


@dataclass(slots=True)
class Arrival:
    """What became of a handshake."""

    decision: handshakes.Decision
    protocol: str = ""
    # Who held the charger's lease before: (process id, token); to be closed.
    superseded: tuple | None = None
    has_commands: bool = False


def _has_commands(batch, charger):
    """Say whether commands wait for the charger; asked once for all that are let in."""
    return charger.pk in batch.shared(_has_commands, lambda: _with_commands(batch))


def _with_commands(batch):
    identifiers = {work.attempt.identifier for work in batch.works if isinstance(work, LetIn)}
    queued = Command.objects.filter(state=Command.State.QUEUED, charger__identifier__among=identifiers)
    return set(queued.values_list("charger_id", flat=True))


def _take_leases(arrivals):
    """Write the leases of all who were let in; of two sockets of one charger the later one wins."""
    newest = {arrival.decision.charger.pk: (work, arrival) for work, arrival in arrivals}
    first = next(iter(newest.values()))[0]
    superseded = presence.connect(
        [
            (arrival.decision.charger, work.token, arrival.protocol, work.attempt.address)
            for work, arrival in newest.values()
        ],
        process_id=first.process_id,
        now=first.received_at,
    )
    for work, arrival in arrivals:
        charger_id = arrival.decision.charger.pk
        arrival.superseded = superseded.get(charger_id)
        superseded[charger_id] = (work.process_id, work.token)


class RecordFailure(Work):
    """A handshake that was refused before anyone was looked up."""

    def __init__(self, attempt, reason, status_code):
        self.attempt, self.reason, self.status_code = attempt, reason, status_code
        self.received_at = datetime.now(UTC)

    def run(self, batch):
        batch.now = self.received_at
        handshakes.record_failure(self.attempt, self.reason, self.status_code)


class Leave(Work):
    """A socket ended: give up its lease if it still holds it, and say what became of its commands."""

    def __init__(self, charger_id, token, finished=(), notes=()):
        self.charger_id, self.token, self.finished, self.notes = charger_id, token, finished, notes

    def run(self, batch):
        batch.now = datetime.now(UTC)
        charger = batch.chargers.get(self.charger_id)
        if charger is None:
            return
        for end in self.finished:
            _end_command(charger, end)
        for note in self.notes:
            batch.collect(presence.note, note)
        presence.disconnect(charger, self.token, now=batch.now)


class Advance(Work):
    """Write the end of a command, if one ended, and claim the next for this socket."""

    def __init__(self, connection, finished=None):
        self.connection, self.finished = connection, finished
        self.charger_id = connection.charger_id

    def run(self, batch):
        batch.now = datetime.now(UTC)
        charger = batch.chargers[self.charger_id]
        if self.finished is not None:
            _end_command(charger, self.finished)
        return commands.claim(charger, self.connection.token, batch.now)

    def done(self, outcome):
        self.connection.claimed(outcome)

    def failed(self, error):
        self.connection.claimed(None)


class AskForBoot(Work):
    """A charger that has never booted here has kept silent about it for a while."""

    def __init__(self, connection):
        self.charger_id = connection.charger_id

    def run(self, batch):
        batch.now = datetime.now(UTC)
        remote.ask_for_boot(batch.chargers[self.charger_id])


class Reconcile(Work):
    """A charger is quiet: bring it to what is wanted of it."""

    def __init__(self, connection):
        self.charger_id = connection.charger_id

    def run(self, batch):
        batch.now = datetime.now(UTC)
        if (charger := batch.chargers.get(self.charger_id)) is not None:
            reconciling.reconcile(charger)


_STATES = {
    "result": Command.State.COMPLETED,
    "error": Command.State.FAILED,
    "timeout": Command.State.TIMED_OUT,
    "lost": Command.State.FAILED,
}
_OUTCOMES = {
    "result": Message.Outcome.RESULT,
    "error": Message.Outcome.ERROR,
    "timeout": Message.Outcome.TIMEOUT,
    "lost": Message.Outcome.TIMEOUT,
}


def _end_command(charger, end):
    """Write what became of a CALL of ours: its Command row and its line in the log."""
    if end.outcome == "unsent":
        commands.put_back(end.call.key)
        return
    for command in bulk.load(Command, "id", [end.call.key]):
        command.charger = charger
        _end(command, end)


def _end(command, end):
    told = {"error_code": end.code, "error_description": end.description}
    said = commands.LOST if end.outcome == "lost" else told
    commands.finish(command, _STATES[end.outcome], result=end.payload, **said)
    if settings.CSMS_MESSAGE_LOG:
        sent = datetime.fromtimestamp(end.call.sent_at, UTC)
        batches.insert(
            Message,
            received_at=sent,
            charger_id=command.charger_id,
            origin=Message.Origin.CSMS,
            action=command.action,
            message_id=end.call.message_id,
            request=masking.text(command.payload),
            answer=masking.text(end.payload)
            if end.outcome == "result"
            else f"{end.code} {end.description}".strip(),
            outcome=_OUTCOMES[end.outcome],
            seconds=(batches.now() - sent).total_seconds(),
            oddities="; ".join(end.oddities),
        )


def outbound(command):
    """Return a command as the session knows it."""
    return Outbound(command.pk, command.message_id, command.action, command.words)


@dataclass(slots=True)
class Pulse:
    """What a beat found out."""

    # Whether the process's row was there; without it our leases may be gone too.
    is_known: bool
    # The tokens of sockets whose charger has a newer one.
    superseded: set
    # Ids of chargers that have commands waiting.
    waiting: list


def noted(charger_id, place, message_id, at):
    """Return what `presence.note` takes: that an action was heard of, and when."""
    action, evse_id, connector_id = place
    return {
        "charger_id": charger_id,
        "action": action,
        "evse_id": evse_id,
        "connector_id": connector_id,
        "message_id": str(message_id),
        "seen_at": datetime.fromtimestamp(at, UTC),
    }


class Beat(Work):
    """The process is alive, and these sockets were heard of; the outcome is a Pulse."""

    def __init__(self, process, heard, notes=(), *, done, failed):
        self.process, self.heard, self.notes = process, heard, notes
        self.done, self.failed = done, failed

    def run(self, batch):
        batch.now = datetime.now(UTC)
        is_known = processes.beat(self.process)
        superseded = presence.extend(self.heard, process_id=self.process.pk) if self.heard else set()
        living = {charger_id for charger_id, token, *_ in self.heard if token not in superseded}
        for note in self.notes:
            if note["charger_id"] in living:
                batch.collect(presence.note, note)
        waiting = Command.objects.waiting(batch.now).filter(charger__presence__process=self.process.pk)
        return Pulse(is_known, superseded, list(waiting.values_list("charger_id", flat=True)[:1000]))
