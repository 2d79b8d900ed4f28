"""The virtual charge point's time: the wall clock, and the life of its cars, which may pass faster."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Real time, in which `speed` seconds of a car's life pass in each second.

    What belongs to the connection (heartbeats, back-off, time-outs) goes by the wall clock, and so
    do timestamps; charging, sampling and waiting for a driver go by life.
    """

    def __init__(self, speed=1.0):
        if not speed > 0:
            raise ValueError("the speed must be above 0")
        self.speed = speed

    def now(self) -> datetime:
        return datetime.now(UTC)

    def life(self) -> float:
        """Return how many seconds the cars have lived, from any beginning."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)

    async def live(self, seconds):
        """Wait while the cars live for `seconds`."""
        await self.sleep(seconds / self.speed)
