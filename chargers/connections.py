"""One charger's socket at work: the session on one side, the lanes on the other.

Everything here runs in the event loop and never waits for the database or for an answer: what
must be durable goes to a lane as a Work and comes back through a callback.
"""

import asyncio
import random
import time
from datetime import UTC, datetime
from functools import cache

from chargers.models import Message
from chargers.ocpp import works
from chargers.quiet import Quiet
from chargers.wire import clock, v16, v201, validation
from chargers.wire.session import Finished, Inbound, Noise, Role, Session
from csms import metrics

# Beyond these the socket is not read: the charger feels it, the others do not.
MOST_WAITING = 8
MOST_LOGGING = 32
STRANGER = 1008, "too much from a charger that waits for approval"
# A charger that boots says so at once; one that does not is only reconnecting.
GREETING_SECONDS = 2.0
# Actions of one charger that are noted between two beats; whoever invents connectors gets no more rows.
MOST_NOTED = 100
_PLACES = {validation.V16: v16.place, validation.V201: v201.place}


@cache
def _counter(protocol, action):
    return metrics.messages.labels(protocol, action)


class Connection:
    """The conversation with one charger. `write` sends a text, `hang_up` closes with a code."""

    def __init__(
        self, board, charger, *, token, protocol, write, hang_up, call_timeout, boot_patience, quiet
    ):
        self.charger_id = charger.pk
        self.identifier = charger.identifier
        self.interval = charger.interval
        self.protocol = protocol
        self.token = token
        # Anyone who knows our address may be such a charger.
        self._is_stranger = charger.is_stranger
        # After a boot that was not accepted most CALLs are refused.
        self.is_gated = False
        self._is_rejected = False
        self.last_frame_at = time.time()
        self.flushed_at = self.last_frame_at
        # What was heard of since the last beat: {(action, EVSE, connector): (message id, time)}.
        self.noted = {}
        self._place = _PLACES[protocol]
        self.room = asyncio.Event()
        self._board = board
        self._loop = asyncio.get_running_loop()
        self._session = Session(Role.CSMS, protocol, call_timeout=call_timeout)
        self._write, self._hang_up = write, hang_up
        self._writer = None
        self._timer = None
        self._boot_timer = None
        if charger.booted_at is None and boot_patience:
            self._boot_timer = self._loop.call_later(boot_patience, self._ask_for_boot)
        after, at_the_latest = quiet
        self._quiet = Quiet(
            self._loop.call_later, time.time, self._reconcile, after=after, at_the_latest=at_the_latest
        )
        self._quiet.wait_anew()
        # Runs while commands that waited for this charger wait for its boot.
        self._greeting = None
        self._logging = 0
        self._is_advancing = False
        self._must_look = False
        # (code, reason) of the close that follows what is in hand; nothing new is begun meanwhile.
        self._farewell = None
        # The close is on its way: what still arrives is not looked at.
        self._is_closing = False
        self._is_over = False

    # From the socket -------------------------------------------------------------------------

    def receive(self, text):
        """Take in a frame."""
        if self._is_closing:
            return
        if self._is_stranger and not self._board.takes_from_stranger(self.charger_id):
            self.hang_up(*STRANGER)
            return
        self.last_frame_at = now = time.time()
        self._session.receive(text, now)
        self._sort()

    @property
    def is_full(self):
        """Whether enough of this charger waits; `room` is set when that changes."""
        if self._is_closing:
            return False  # the reader must get to the end of the socket
        if self._farewell and not self._session.is_calling:
            return True
        return (
            self._session.waiting >= MOST_WAITING
            or self._logging >= MOST_LOGGING
            or len(self._session.outgoing) >= MOST_WAITING
        )

    @property
    def is_idle(self):
        """Whether nothing is in hand: neither a CALL to answer nor an answer to write."""
        return not (self._session.waiting or self._session.outgoing or self._writer)

    def _sort(self):
        """Deal with what the session made of it."""
        if self._session.events:
            happened, self._session.events = self._session.events, []
            for event in happened:
                _SORTERS[type(event)](self, event)
        if self._session.outgoing:
            self._flush()

    def _sort_inbound(self, call):
        self._quiet.called_at = call.received_at
        _counter(self.protocol, "refused" if call.refusal else call.action).inc()
        if call.refusal:
            self._log(call.text, Message.Outcome.ERROR, answer=call.refusal, call=call)
            return
        self._note(call)
        if call.action == "Heartbeat" and self._session.waiting == 1 and not self.is_gated:
            # Nothing of this charger waits, and nothing is to be made durable.
            now = clock.text(datetime.now(UTC))
            self._session.answer(call, {"currentTime": now})
            self._log(call.text, Message.Outcome.RESULT, answer=f'{{"currentTime":"{now}"}}', call=call)
        else:
            self._board.submit(self, works.TakeIn(self, call))

    def _note(self, call):
        key = call.action, *self._place(call.payload)
        if len(self.noted) < MOST_NOTED or key in self.noted:
            self.noted[key] = call.message_id, self.last_frame_at

    def take_notes(self):
        """Return what was heard of since the last time, to be written: rows for `presence.note`."""
        noted, self.noted = self.noted, {}
        return [
            works.noted(self.charger_id, place, message_id, at) for place, (message_id, at) in noted.items()
        ]

    def _sort_finished(self, end: Finished):
        self._cancel_timer()
        self._is_advancing = True
        self._board.submit(self, works.Advance(self, end))

    def _sort_noise(self, noise):
        unreadable = noise.cause != "answers no open call"
        outcome = Message.Outcome.UNREADABLE if unreadable else Message.Outcome.IGNORED
        self._log(noise.text, outcome, answer=noise.cause)

    def _log(self, text, outcome, *, answer="", call=None):
        self._logging += 1
        self._board.submit(
            self, works.LogOnly(self, text, self.last_frame_at, outcome=outcome, answer=answer, call=call)
        )

    # From the lanes --------------------------------------------------------------------------

    def answer(self, call, outcome):
        """Answer a CALL whose effects are durable now."""
        if self._is_over:
            return
        if isinstance(outcome, works.Refusal):
            self._session.refuse(call, outcome.code, outcome.description)
        else:
            if call.action == "BootNotification":
                self.is_gated = outcome.get("status") != "Accepted"
                self._is_stranger = self._is_stranger and self.is_gated
                self._is_rejected = outcome.get("status") == "Rejected"
                self._cancel_boot_timer()
            self._session.answer(call, outcome)
        self._sort()
        if call.action == "BootNotification":
            self._greeted()
            if not self.is_gated:
                self._quiet.wait_anew()

    def logged(self):
        """A text that needed no answer is stored."""
        self._logging -= 1
        self._make_room()

    def claimed(self, command):
        """Send the command that was claimed for this socket, or None: nothing waits."""
        self._is_advancing = False
        if command is not None:
            self._call(command)
        elif self._must_look:
            self._look()
        self._make_room()

    # From whoever has an order ----------------------------------------------------------------

    @property
    def is_free(self):
        """Whether a command could leave at once; a guess, seen from another thread."""
        return not (self._session.is_calling or self._is_advancing or self._farewell or self._is_over)

    def offer(self, command):
        """Send a command that is claimed for this socket already. From any thread."""
        self._loop.call_soon_threadsafe(self._call, command)

    def look(self):
        """Look for waiting commands. From any thread."""
        self._loop.call_soon_threadsafe(self._look)

    @property
    def awaits_quiet(self):
        """Whether the charger is to be reconciled as soon as it is quiet."""
        return self._quiet.is_awaited

    def tend(self, within=0.0):
        """Have the charger reconciled once it is quiet, some time `within` seconds. From any thread."""
        self._loop.call_soon_threadsafe(self._tend, within)

    def dismiss(self, code, reason):
        """Close the socket of a charger that was removed or stopped. From any thread."""
        self._loop.call_soon_threadsafe(self.hang_up, code, reason)

    def look_once_greeted(self):
        """Look for commands that waited for this charger, once it has booted or seems not to.

        Chargers refuse what comes before their BootNotification was answered.
        """
        self._greeting = self._loop.call_later(GREETING_SECONDS, self._greeted)

    def _greeted(self):
        if self._greeting is not None:
            self._greeting.cancel()
            self._greeting = None
            self._look()

    def _tend(self, within=0.0):
        if within:
            self._loop.call_later(random.uniform(0, within), self._tend)
        elif not self._is_over:
            self._quiet.wait()

    def _reconcile(self):
        if not (self._farewell or self._is_closing or self._is_over):
            self._board.submit(self, works.Reconcile(self))

    def _look(self):
        if self._greeting or self._is_advancing or self._session.is_calling:
            self._must_look = True  # once the present one has ended
        elif not (self._farewell or self._is_over):
            self._must_look, self._is_advancing = False, True
            self._board.submit(self, works.Advance(self))

    def _call(self, command):
        if self._is_over or self._is_closing:
            end = Finished(works.outbound(command), "unsent")
            self._board.submit(self, works.Leave(self.charger_id, self.token, [end]))
            return
        # What a pending charger was asked for, it may send; one that was rejected says nothing.
        self.is_gated = self._is_rejected
        self._session.call(command.pk, command.message_id, command.action, command.words, time.time())
        self._sort()
        self._set_timer()

    # Time and end -----------------------------------------------------------------------------

    def _set_timer(self):
        self._cancel_timer()
        if (deadline := self._session.deadline) is not None:
            self._timer = self._loop.call_later(max(0.0, deadline - time.time()) + 0.01, self._tick)

    def _cancel_timer(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self):
        self._session.tick(time.time())
        self._sort()
        self._set_timer()

    def retire(self, code, reason=""):
        """Take in nothing more, answer what is in hand, then close the socket."""
        self._farewell = self._farewell or (code, reason)
        self._make_room()

    def _ask_for_boot(self):
        self._boot_timer = None
        self._board.submit(self, works.AskForBoot(self))

    def _cancel_boot_timer(self):
        if self._boot_timer is not None:
            self._boot_timer.cancel()
            self._boot_timer = None

    def hang_up(self, code, reason=""):
        """Close the socket at once; what is in hand is still committed, its answers are lost."""
        if not (self._is_closing or self._is_over):
            self._is_closing = True
            self.room.set()
            self._closer = self._loop.create_task(self._hang_up(code, reason))

    def ended(self):
        """The socket is gone: give up the lease, and say what became of the commands."""
        if self._is_over:
            return
        self._is_over = True
        self._cancel_timer()
        self._cancel_boot_timer()
        self._quiet.stop()
        if self._greeting is not None:
            self._greeting.cancel()
        self._session.close()
        finished = [event for event in self._session.events if isinstance(event, Finished)]
        self._session.events = []
        self.room.set()
        self._board.submit(self, works.Leave(self.charger_id, self.token, finished, self.take_notes()))

    # Writing ----------------------------------------------------------------------------------

    def _flush(self):
        if self._writer is None and not self._is_over:
            self._writer = self._loop.create_task(self._write_out())

    async def _write_out(self):
        try:
            while self._session.outgoing:
                texts, self._session.outgoing = self._session.outgoing, []
                for text in texts:
                    await self._write(text)
        except Exception:  # noqa: BLE001  each server has its own way to say that the socket ended
            # Its own loop notices and calls `ended`.
            self._session.outgoing = []
        finally:
            self._writer = None
            self._make_room()

    def _make_room(self):
        if self._farewell and self.is_idle and not self._session.is_calling:
            self.hang_up(*self._farewell)
        elif not self.is_full:
            self.room.set()


_SORTERS = {
    Inbound: Connection._sort_inbound,
    Finished: Connection._sort_finished,
    Noise: Connection._sort_noise,
}
