"""The queue of what must reach the CSMS: everything that money hangs on.

Theory of operation. Messages about transactions are kept in order and sent one at a time; the next
leaves when the one before was answered. Whatever goes wrong, the first in the queue is sent again,
for ever: as soon as there is a connection after it was lost, else after a wait that grows with each
attempt (OCPP 1.6 section 3.7.1; we never give up, since nothing of the kind is dropped).
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass

from chargers.virtual.client import CallFailed
from chargers.virtual.connector import Transaction


@dataclass(slots=True, eq=False)
class Entry:
    """A message that waits. A `transactionId` in it is filled in when it is sent: it may not be known yet."""

    action: str
    payload: dict
    transaction: Transaction
    attempts: int = 0

    def message(self):
        if "transactionId" not in self.payload:
            return self.payload
        return self.payload | {"transactionId": self.transaction.number}


class Delivery:
    """The queue of one charge point; it survives disconnections, resets and stop()."""

    def __init__(self, point):
        self._point = point
        self._entries = deque()
        self._changed, self._progress = asyncio.Event(), asyncio.Event()

    def __len__(self):
        return len(self._entries)

    def holds(self, uid=None):
        """Say whether messages wait: of the transaction of that uid, or any at all."""
        return any(uid in (None, entry.transaction.uid) for entry in self._entries)

    def put(self, action, payload, transaction):
        self._entries.append(Entry(action, payload, transaction))
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
                while self._entries and self._point.is_online:
                    self._progress.clear()
                    await self._progress.wait()
        return not self._entries

    async def run(self):
        """Deliver, for ever."""
        while True:
            while self._entries and self._point.is_online:
                await self._attempt(self._entries[0])
            self._changed.clear()
            if not (self._entries and self._point.is_online):
                await self._changed.wait()

    async def _attempt(self, entry):
        try:
            answer = await self._point.client.call(entry.action, entry.message())
        except CallFailed as failure:
            if failure.outcome in ("error", "timeout"):
                entry.attempts += 1
                await self._point.clock.sleep(self._wait(entry.attempts))
            return
        self._entries.popleft()
        self._point.charging.answered(entry.transaction, entry.action, answer)
        self._progress.set()

    def _wait(self, attempts):
        settings = self._point.configuration
        most = max(1, settings.number("TransactionMessageAttempts"))
        return min(attempts, most) * settings.number("TransactionMessageRetryInterval")
