"""The virtual charge point's time: the wall clock, and the life of its cars, which may pass faster."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

LEAST_CORRECTION = timedelta(seconds=2)


class Clock:
    """Real time, in which `speed` seconds of a car's life pass in each second.

    What belongs to the connection (heartbeats, back-off, time-outs) goes by the wall clock, and so
    do timestamps; charging, sampling and waiting for a driver go by life.
    """

    def __init__(self, speed=1.0):
        if not speed > 0:
            raise ValueError("the speed must be above 0")
        self.speed = speed
        self._ahead = timedelta()  # of the machine's clock, as the CSMS has set it

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def set(self, moment: datetime) -> bool:
        """Show `moment` from now on; False where the difference is no more than a message's delay."""
        if abs(moment - self.now()) <= LEAST_CORRECTION:
            return False
        self._ahead = moment - datetime.now(UTC)
        return True

    def life(self) -> float:
        """Return how many seconds the cars have lived, from any beginning."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)

    async def live(self, seconds):
        """Wait while the cars live for `seconds`."""
        await self.sleep(seconds / self.speed)
