"""A clock for virtual charge points that stands still until the test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

from chargers.virtual.clock import Clock

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
# Loops until what woke up has come to rest.
_TURNS = 5


class SteeredClock(Clock):
    """Shows START, which is what the scripted CSMS tells, until `forward`; no CSMS sets it."""

    def __init__(self):
        super().__init__()
        self._now, self._sleepers = START, []

    def now(self):
        return self._now

    def set(self, moment):
        return False

    def life(self):
        return (self._now - START).total_seconds()

    async def sleep(self, seconds):
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + timedelta(seconds=seconds), woken))
        await woken

    async def forward(self, seconds):
        """Let `seconds` pass; who sleeps is woken in turn, each at its time."""
        end = self._now + timedelta(seconds=seconds)
        while due := [each for each in self._sleepers if each[0] <= end and not each[1].done()]:
            self._now, woken = min(due, key=lambda each: each[0])
            woken.set_result(None)
            await self.rest()
        self._now = end
        await self.rest()

    async def rest(self):
        """Let all that was woken do its work."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
