"""One OCPP-J conversation, for either side of it, without I/O and without a clock.

Theory of operation. Feed it the texts that arrive (`receive`), what the local side wants to ask
(`call`) and its answers (`answer`, `refuse`); take the texts to be written from `outgoing` and
what happened from `events`. Both roles use this class; they differ in which actions they take.

A CALL passes these states:

    theirs   received -> waiting -> answered -> written    (written in the order of arrival)
    ours     queued -> open -> result | error | timeout | lost

At most one CALL of ours is open at a time (OCPP-J 4.1.1); a CALL of theirs that crosses or
follows too early is taken in all the same, since many chargers do that.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from chargers.wire import frames, tolerance, validation


class Role(StrEnum):
    CSMS = "csms"
    CHARGER = "charger"


@dataclass(slots=True)
class Inbound:
    """A CALL of theirs. Answer it through the session; `text` is the frame as it came."""

    message_id: frames.MessageId
    action: str
    payload: dict
    text: str
    received_at: float
    oddities: list[str] = field(default_factory=list)
    answer: str | None = None
    # The CALLERROR code that the session itself answered with; "" while it is up to the owner.
    refusal: str = ""


@dataclass(slots=True)
class Outbound:
    """A CALL of ours; `key` is the caller's own name for it, `text` its frame."""

    key: object
    message_id: str
    action: str
    payload: dict
    text: str = ""
    sent_at: float | None = None


@dataclass(slots=True)
class Finished:
    """The end of a CALL of ours."""

    call: Outbound
    outcome: str  # result, error, timeout, lost (sent, then the connection ended), unsent
    payload: dict | None = None
    code: str = ""
    description: str = ""
    oddities: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Noise:
    """A text that was no CALL and ended none: unreadable, late or unknown."""

    text: str
    cause: str
    received_at: float


_OFFERS = {Role.CSMS: validation.from_charger, Role.CHARGER: validation.to_charger}
# A shortened or re-cased message id still means our open CALL from this length on.
_SHORTEST_PREFIX = 8


class Session:
    """A conversation in one OCPP version; see the module for how it works."""

    def __init__(self, role, version, *, call_timeout=30.0):
        self.version = version
        self.call_timeout = call_timeout
        self.outgoing = []  # texts to be written, in order
        self.events = []  # Inbound, Finished and Noise, in order; the owner empties it
        self._inbound = deque()  # CALLs of theirs not yet written an answer to
        self._queue = deque()  # CALLs of ours not yet sent
        self._open = None  # the CALL of ours that waits for its answer
        self._takes = _OFFERS[role](version)

    # Theirs ---------------------------------------------------------------------------------

    @property
    def waiting(self):
        """How many CALLs of theirs have no answer yet."""
        return len(self._inbound)

    def receive(self, text, now):
        """Take in a text from the other side."""
        frame = frames.decode(text)
        if isinstance(frame, frames.Call):
            self._receive_call(frame, text, now)
        elif isinstance(frame, frames.CallResult | frames.CallError):
            self._receive_answer(frame, text, now)
        else:
            self._receive_unreadable(frame, text, now)

    def answer(self, inbound, payload):
        """Answer a CALL of theirs; it is written once all earlier ones are answered."""
        self._settle(inbound, frames.encode(frames.CallResult(inbound.message_id, payload)))

    def refuse(self, inbound, code, description=""):
        """Answer a CALL of theirs with a CALLERROR; `code` is spelled as this version does."""
        inbound.refusal = validation.spelled(self.version, code)
        error = frames.CallError(inbound.message_id, inbound.refusal, description)
        self._settle(inbound, frames.encode(error))

    def ignore(self, inbound):
        """Leave a CALL of theirs without an answer, as a charge point does that was not accepted."""
        self._settle(inbound, "")

    def _settle(self, inbound, answer):
        inbound.answer = answer
        while self._inbound and self._inbound[0].answer is not None:
            if settled := self._inbound.popleft().answer:
                self.outgoing.append(settled)

    def _receive_call(self, frame, text, now):
        call = Inbound(frame.message_id, frame.action, frame.payload, text, now, frame.oddities)
        self._inbound.append(call)
        self.events.append(call)
        if frame.action not in self._takes:
            known = frame.action in validation.actions(self.version)
            self.refuse(call, "NotSupported" if known else "NotImplemented", frame.action[:100])
        elif not validation.is_valid(self.version, frame.action, frame.payload):
            self._forgive(call)

    def _forgive(self, call):
        payload, oddities, problem = tolerance.normalise(self.version, call.action, call.payload)
        call.oddities = [*call.oddities, *oddities]
        if problem is None:
            call.payload = payload
        else:
            code = validation.error_code(self.version, problem.keyword)
            self.refuse(call, code, f"{problem.member} {problem.cause}")

    def _receive_unreadable(self, frame, text, now):
        if frame.kind in (frames.CALLRESULT, frames.CALLERROR):
            return self._receive_bad_answer(frame, text, now)
        code = "MessageTypeNotSupported" if frame.is_unknown_type else "RpcFrameworkError"
        # It takes its turn like any CALL: answers leave in the order of what they answer.
        call = Inbound(frame.message_id, "", {}, text, now)
        self._inbound.append(call)
        self.events.append(Noise(text, frame.cause, now))
        return self.refuse(call, code, frame.cause)

    # Ours -----------------------------------------------------------------------------------

    @property
    def is_calling(self):
        """Whether a CALL of ours is open or waiting to be sent."""
        return self._open is not None or bool(self._queue)

    @property
    def deadline(self):
        """When `tick` must be called next; None while nothing can time out."""
        return None if self._open is None else self._open.sent_at + self.call_timeout

    def call(self, key, message_id, action, payload, now):
        """Ask the other side; `key` comes back in the Finished event. Raises TypeError for no JSON."""
        text = frames.encode(frames.Call(message_id, action, payload))
        self._queue.append(Outbound(key, message_id, action, payload, text))
        self._send_next(now)

    def tick(self, now):
        """Give up the open CALL once its time is over, and go on with the next."""
        if self._open is not None and now >= self._open.sent_at + self.call_timeout:
            self._finish("timeout", now=now)

    def close(self):
        """The connection ended: every CALL of ours ends with it, as lost or unsent."""
        if self._open is not None:
            self.events.append(Finished(self._open, "lost"))
        self.events += [Finished(call, "unsent") for call in self._queue]
        self._open = None
        self._queue.clear()

    def _send_next(self, now):
        if self._open is None and self._queue:
            self._open = call = self._queue.popleft()
            call.sent_at = now
            self.outgoing.append(call.text)

    def _finish(self, outcome, *, now, **details):
        self.events.append(Finished(self._open, outcome, **details))
        self._open = None
        self._send_next(now)

    def _receive_answer(self, frame, text, now):
        is_error = isinstance(frame, frames.CallError)
        # Who could not read an id answers "-1" (OCPP-J 2.0.1, 4.2.3), and one CALL of ours is open at a time.
        is_nameless = is_error and self._open is not None and str(frame.message_id) == frames.UNKNOWN_ID
        if not is_nameless and not self._is_for_open_call(frame.message_id):
            self.events.append(Noise(text, "answers no open call", now))
            return
        if is_error:
            self._finish(
                "error", now=now, code=frame.code, description=frame.description, oddities=frame.oddities
            )
            return
        payload, oddities, problem = frame.payload, frame.oddities, None
        if not validation.is_valid(self.version, self._open.action, payload, is_answer=True):
            payload, more, problem = tolerance.normalise(
                self.version, self._open.action, payload, is_answer=True
            )
            oddities = [*oddities, *more]
        if problem is None:
            self._finish("result", now=now, payload=payload, oddities=oddities)
        else:
            code = validation.error_code(self.version, problem.keyword)
            cause = f"bad answer: {problem.member} {problem.cause}"
            self._finish("error", now=now, payload=frame.payload, code=code, description=cause)

    def _receive_bad_answer(self, frame, text, now):
        if self._is_for_open_call(frame.message_id):
            code = validation.spelled(self.version, "FormatViolation")
            self._finish("error", now=now, code=code, description=f"bad answer: {frame.cause}")
        else:
            self.events.append(Noise(text, frame.cause, now))

    def _is_for_open_call(self, message_id):
        if self._open is None:
            return False
        ours, theirs = self._open.message_id, str(message_id).strip()
        if theirs == ours:
            return True
        # Some chargers cut ids or change their case (spec/field-behaviour no. 3 and 22).
        return len(theirs) >= _SHORTEST_PREFIX and ours.casefold().startswith(theirs.casefold())
