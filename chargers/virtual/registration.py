"""BootNotification until the CSMS accepts, and the heartbeats after it."""

import asyncio

from chargers.virtual.client import CallFailed
from chargers.wire import clock

# What else made it boot is a reset, for those who guard it.
_STARTS = frozenset(["PowerUp", "ApplicationReset", "LocalReset", "Watchdog", "Unknown"])
ACCEPTED, PENDING, REJECTED = "Accepted", "Pending", "Rejected"


class Registration:
    """Where a charge point stands with its CSMS.

    `status` is "" until a BootNotification was answered; it outlives the connection, since a
    charge point that has booted does not boot again when it comes back.
    """

    def __init__(self, point, *, retry_seconds=60.0):
        self._point = point
        self._retry_seconds = retry_seconds
        self.status = ""
        self.reason, self._is_new = "PowerUp", True
        self._booting = self._beating = None

    @property
    def is_accepted(self):
        return self.status == ACCEPTED

    def forget(self, reason):
        """The charge point restarts: it must boot again, for `reason` in 2.0.1's words."""
        self.status, self.reason, self._is_new = "", reason, True
        self._cancel()

    def connected(self):
        """There is a connection: boot, or go on if that was done before."""
        if self.is_accepted:
            self._go_on()
        else:
            self.boot()

    def disconnected(self):
        self._cancel()

    def beat(self):
        """Begin the heartbeats anew, with the interval that holds now."""
        if self._beating is not None:
            self._beating.cancel()
        self._beating = self._point.spawn(self._beat())

    def boot(self):
        """Send a BootNotification at once, and others until the CSMS accepts."""
        if self._booting is not None:
            self._booting.cancel()
        self._booting = self._point.spawn(self._boot())

    async def _notify(self):
        """Send one BootNotification, take its answer in and return how long to wait for the next."""
        answer = await self._point.client.call(
            "BootNotification", self._point.words.boot(self._point.identity, self.reason)
        )
        before, self.status = self.status, answer["status"]
        self._point.publish("boot_notification_response", answer)
        self.hear_time(answer)
        if self.is_accepted:
            if answer["interval"] > 0:
                self._point.configuration.learn("HeartbeatInterval", answer["interval"])
            if before != ACCEPTED:
                self._go_on()
        return answer["interval"] if answer["interval"] > 0 else self._retry_seconds

    def hear_time(self, answer):
        """Set the clock by the answer to a BootNotification or a Heartbeat."""
        here = self._point.clock.now()
        moment, problem = clock.read(answer.get("currentTime"), here)
        if not problem and self._point.clock.set(moment):
            self._point.smart_charging.apply()  # other periods may hold now

    async def _boot(self):
        while True:
            try:
                wait = await self._notify()
            except CallFailed:
                wait = self._retry_seconds
            if self.is_accepted:
                return
            await self._point.clock.sleep(wait)

    def _go_on(self):
        self.beat()
        self._point.greet()
        if self._is_new:
            self._is_new = False
            is_start = self.reason in _STARTS
            self._point.security.record("StartupOfTheDevice" if is_start else "ResetOrReboot", self.reason)

    async def _beat(self):
        while interval := self._point.configuration.number("HeartbeatInterval"):
            await self._point.clock.sleep(interval)
            await self._point.tell("Heartbeat", {})

    def _cancel(self):
        for task in (self._booting, self._beating):
            # A boot may end the connection that it runs on; it must not cancel itself.
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        self._booting = self._beating = None
