"""The queue of what must reach the CSMS: everything that money hangs on, and security events.

Theory of operation. Messages are kept in order and sent one at a time; the next leaves when the one
before was answered. One that was cut off is sent again as soon as there is a connection. One that was
answered with an error, or not at all, is sent again under a new message id after a wait that grows with
each attempt, TransactionMessageAttempts times in all, and then given up (OCPP 1.6 section 3.7.1; 2.0.1
E13); where that key is 0 it is never given up. What is queued only since QueueAllMessages says so has
one attempt.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass

from chargers.virtual.client import CallFailed
from chargers.virtual.connector import Transaction

# How far the waits grow where attempts have no end.
MOST_STEPS = 10


@dataclass(slots=True, eq=False)
class Entry:
    """A message that waits. A `transactionId` in it is filled in when it is sent: it may not be known yet."""

    action: str
    payload: dict
    transaction: Transaction | None = None
    is_vital: bool = True
    attempts: int = 0

    def message(self):
        if "transactionId" not in self.payload or self.transaction is None:
            return self.payload
        return self.payload | {"transactionId": self.transaction.number}

    @property
    def is_sample(self):
        """Whether it is one of many: a meter reading while a transaction runs."""
        return self.action == "MeterValues" or self.payload.get("eventType") == "Updated"


class Delivery:
    """The queue of one charge point; it survives disconnections, resets and stop()."""

    def __init__(self, point):
        self._point = point
        self.entries = deque()
        self.on_change = lambda: None  # hears of every message that came or went
        self._changed, self._progress = asyncio.Event(), asyncio.Event()

    def __len__(self):
        return len(self.entries)

    def holds(self, uid=None):
        """Say whether messages wait: of the transaction of that uid, or any of a transaction."""
        running = [entry.transaction for entry in self.entries if entry.transaction]
        return any(uid in (None, transaction.uid) for transaction in running)

    def put(self, action, payload, transaction=None, *, is_vital=True):
        """Have a message sent after all that wait already, as soon as there is somebody to hear it.

        What happens while the charge point is stopped is not kept for the CSMS.
        """
        if not self._point.is_running:
            return
        self.entries.append(Entry(action, payload, transaction, is_vital))
        if len(self.entries) > self._point.configuration.number("MessageQueueSizeThreshold"):
            self._thin_out()
        self.on_change()
        self.wake()

    def wake(self):
        """Something changed: a new message, or the CSMS can be reached again."""
        self._changed.set()

    def interrupted(self):
        """The connection has ended."""
        self._progress.set()

    async def drained(self, seconds):
        """Wait until all is delivered, the connection ends or `seconds` are over; say whether all is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.entries and self._point.is_online:
                    self._progress.clear()
                    await self._progress.wait()
        return not self.entries

    async def run(self):
        """Deliver, for ever."""
        while True:
            while self.entries and self._point.is_online:
                await self._attempt(self.entries[0])
            self._changed.clear()
            if not (self.entries and self._point.is_online):
                await self._changed.wait()

    async def _attempt(self, entry):
        try:
            answer = await self._point.client.call(entry.action, entry.message())
        except CallFailed as failure:
            if failure.outcome in ("error", "timeout"):
                await self._failed(entry, failure)
            return
        # First, so that whoever remembers what waits knows the transaction's number when this is gone.
        if entry.transaction:
            self._point.charging.answered(entry.transaction, entry.action, entry.payload, answer)
        self._remove(entry)

    async def _failed(self, entry, failure):
        most = self._point.configuration.number("TransactionMessageAttempts") if entry.is_vital else 1
        entry.attempts += 1
        if most and entry.attempts >= most:
            self._remove(entry)
            told = {"action": entry.action, "payload": entry.message(), "cause": str(failure)}
            self._point.publish("given_up", told)
            return
        seconds = self._point.configuration.number("TransactionMessageRetryInterval")
        await self._point.clock.sleep(seconds * min(entry.attempts, most or MOST_STEPS))

    def _remove(self, entry):
        # It may have been thinned out while it was on its way.
        with contextlib.suppress(ValueError):
            self.entries.remove(entry)
        self._progress.set()
        self.on_change()

    def _thin_out(self):
        """Make room: drop what is not vital; if there is nothing of the kind, every second sample."""
        kept = [entry for entry in self.entries if entry.is_vital]
        if len(kept) == len(self.entries):
            samples = [entry for entry in kept if entry.is_sample]
            dropped = set(map(id, samples[1::2]))
            kept = [entry for entry in kept if id(entry) not in dropped]
        self.entries = deque(kept)
        self._progress.set()
