"""The demo fleet: virtual charge points with drivers who come, charge and leave, for ever.

Each connector has a driver of its own, who stays away for a while, arrives, plugs in, presents a tag,
charges and leaves. A start from afar brings a car to a free connector, so that staff can try it. As
long as anyone charges, one does at any moment: the last driver stays until another has begun.
"""

import asyncio
import random
from dataclasses import dataclass

from chargers.virtual.charge_point import ChargePoint
from chargers.virtual.charging import NotPossible
from chargers.virtual.client import Backoff
from chargers.virtual.clock import Clock
from chargers.virtual.power import AC, DC
from chargers.virtual.visit import Watch
from chargers.wire.validation import V16, V201

# Real time: energy that outruns its own power would be flagged, and rightly.
SPEED = 1.0
SAMPLE_SECONDS = 5
# A demo comes back quickly when its server is restarted.
BACKOFF = Backoff(minimum=0.5, spread=0.5, repeats=3)


@dataclass(frozen=True, slots=True)
class Habit:
    """How the drivers of one kind of charger behave: seconds awake and away, minutes of charging."""

    away: tuple[float, float]
    minutes: tuple[float, float]
    first: tuple[float, float] = (2, 15)


HABITS = {
    "ac": Habit(away=(20, 60), minutes=(2, 6)),
    "dc": Habit(away=(10, 30), minutes=(2, 4)),
    "faulty": Habit(away=(30, 90), minutes=(1, 3), first=(10, 20)),
    "idle": Habit(away=(240, 600), minutes=(1, 2), first=(60, 180)),
}
FAULTS = ("GroundFailure", "ConnectorLockFailure", "HighTemperature", "ReaderFailure")
REMOTE_MINUTES = 5
# Seconds awake: how long a called driver takes to come, and anyone to unhook the cable.
ARRIVE, UNHOOK = 1.0, (2, 5)


async def run(url, chargers, token, stop, *, speed=SPEED, seed=None):
    """Run the fleet against the server at `url` until the asyncio.Event `stop` is set.

    Each charger is a dict: identifier, password, version ("1.6" or "2.0.1"), connectors and kind
    (ac, dc, faulty or idle; anything else is ac). `token` is the tag of every driver.
    """
    dice = random.Random(seed)
    points = [_point(url, each, speed, random.Random(dice.random())) for each in chargers]
    yard = Yard(points)
    drivers = [
        Driver(point, connector, HABITS.get(each.get("kind"), HABITS["ac"]), token, yard)
        for point, each in zip(points, chargers, strict=True)
        for connector in point.connectors.values()
    ]
    if drivers:
        drivers[0].is_first = True
    lives = [driver.point.spawn(driver.live()) for driver in drivers]
    lives += [
        point.spawn(_break_now_and_then(point))
        for point, each in zip(points, chargers, strict=True)
        if each.get("kind") == "faulty"
    ]
    for point in points:
        await point.start()
    try:
        await stop.wait()
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await asyncio.gather(*(point.stop(seconds=2.0) for point in points))


def _point(url, charger, speed, dice):
    is_dc = charger.get("kind") == "dc"
    return ChargePoint(
        url,
        charger["identifier"],
        V201 if charger["version"] == "2.0.1" else V16,
        password=charger.get("password", ""),
        connectors=charger.get("connectors", 1),
        outlet=DC if is_dc else AC,
        identity={"model": "Virtual DC" if is_dc else "Virtual AC", "serial_number": charger["identifier"]},
        # Nothing of a demo gets lost, however long its server is away.
        configuration={"MeterValueSampleInterval": SAMPLE_SECONDS, "TransactionMessageAttempts": 0},
        register_wh=float(dice.randrange(1_000_000, 9_000_000)),
        backoff=BACKOFF,
        # Whoever approves a charger wants to see it come alive.
        boot_retry_seconds=10.0,
        clock=Clock(speed),
        dice=dice,
    )


class Yard:
    """All chargers together: whether anyone charges."""

    def __init__(self, points):
        self._points = points
        self.watch = Watch(points, "status", "transaction", "is_connected")

    def is_busy(self, *, without):
        """Say whether a car charges at another connector than `without`."""
        return any(
            each.status == "Charging"
            for point in self._points
            if point.is_online
            for each in point.connectors.values()
            if each is not without
        )


class Driver:
    """Whoever comes to one connector; without a `yard`, whether others charge is the same to them."""

    def __init__(self, point, connector, habit, token, yard=None):
        self.point, self._connector = point, connector
        self._number = connector.connector_id
        self._habit, self._token, self._yard = habit, token, yard
        self._called = asyncio.Event()  # by a start from afar
        self._online = Watch([point], "is_connected", "boot_notification_response")
        self._charging = Watch([point], "transaction")
        self.is_first = False
        point.subscribe("remote_start", self._hear_start)

    async def live(self):
        """Come and go, for ever."""
        away = (0, 0) if self.is_first else self._habit.first
        while True:
            is_called = await self._stay_away(away)
            away = self._habit.away
            if is_called or (self.point.is_online and self._connector.is_free):
                await self._visit(is_called=is_called)

    def _hear_start(self, value):
        if value["connector"] == self._number:
            self._called.set()

    async def _stay_away(self, seconds):
        """Wait for the next time to come; True when called by a start from afar."""
        await self._online.until(lambda: self.point.is_online)
        self._called.clear()
        try:
            async with asyncio.timeout(self.point.dice.uniform(*seconds)):
                await self._called.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(ARRIVE)
        return True

    async def _visit(self, *, is_called):
        point = self.point
        soc = round(point.dice.uniform(15, 45), 1)
        battery_wh = 90_000.0 if self._connector.outlet.is_dc else 60_000.0
        try:
            await point.plug_in(self._number, soc, battery_wh)
            if not is_called and not self._connector.transaction:
                await point.present_tag(self._token, self._number)
        except NotPossible:
            pass  # broken, out of service or taken meanwhile: leave again
        minutes = REMOTE_MINUTES if is_called else point.dice.uniform(*self._habit.minutes)
        if transaction := self._connector.transaction:
            await self._charge(transaction, 60 * minutes / point.clock.speed)
        await self._leave()

    async def _charge(self, transaction, seconds):
        """Stay for `seconds`, and on while nobody else charges, unless the charge ends before."""

        def is_over():
            return transaction.ended_at is not None

        def may_go():
            return is_over() or self._yard.is_busy(without=self._connector)

        if not await self._charging.until(is_over, seconds) and self._yard:
            await self._yard.watch.until(may_go)

    async def _leave(self):
        if self._connector.transaction:
            await self.point.present_tag(self._connector.transaction.token, self._number)
        await asyncio.sleep(self.point.dice.uniform(*UNHOOK))
        if self._connector.is_plugged:
            await self.point.unplug(self._number)


async def _break_now_and_then(point):
    while True:
        await asyncio.sleep(point.dice.uniform(60, 180))
        if point.is_online:
            await point.raise_fault(1, point.dice.choice(FAULTS))
            await asyncio.sleep(point.dice.uniform(10, 25))
            await point.clear_fault(1)
