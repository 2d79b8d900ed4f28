"""Many charge points in one process: for load, and for demos with more than a few chargers.

They start one after the other at a steady rate, since a thousand handshakes in one instant are what no
yard full of chargers does. Then each charges now and then, or plays one session and is done.
"""

import asyncio
from dataclasses import asdict, dataclass

from chargers.virtual import visit
from chargers.virtual.charging import NotPossible
from chargers.virtual.client import CallFailed
from chargers.virtual.fleet import Driver, Habit

HABIT = Habit(away=(20, 180), minutes=(1, 5), first=(1, 60))
REPORT_SECONDS = 10.0
STOP_SECONDS = 2.0


@dataclass
class Tally:
    """How the crowd fares: `connected` and `charging` now, everything else since the beginning.

    `refused` are connections and starts that were, `failed` the sessions of --charge that did not come
    about. `problem` is the last of them in words.
    """

    count: int
    started: int = 0
    connected: int = 0
    accepted: int = 0
    charging: int = 0
    sessions: int = 0
    refused: int = 0
    failed: int = 0
    problem: str = ""


class Crowd:
    """Charge points whose drivers present `token`; `report(dict)` takes a Tally now and then."""

    def __init__(self, points, token, report, *, per_second=20.0):
        self._points, self._token, self._report = points, token, report
        self._pause = 1 / per_second
        self.tally = Tally(len(points))
        for point in points:
            point.subscribe("connection_refused", self._hear_refusal)
            point.subscribe("transaction", self._hear_transaction)

    async def live(self):
        """Have everyone charge now and then, for ever."""
        for point in self._points:
            for connector in point.connectors.values():
                point.spawn(Driver(point, connector, HABIT, self._token).live())
        await self._start_all()
        await asyncio.Event().wait()

    async def charge(self, seconds):
        """Have everyone play one session; say whether all came about."""
        sessions = []
        try:
            async for point in self._starting():
                sessions.append(asyncio.ensure_future(self._play(point, seconds)))  # noqa: PERF401
            await asyncio.gather(*sessions)
        finally:
            for session in sessions:
                session.cancel()
        return self.tally.failed == 0

    async def reporting(self):
        """Report, for ever."""
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            self.tell()

    async def stop(self):
        """End what charges, and disconnect everyone."""
        await asyncio.gather(*(point.stop(seconds=STOP_SECONDS) for point in self._points))

    def tell(self):
        """Report how the crowd fares."""
        told = self.tally
        told.connected = sum(point.is_connected for point in self._points)
        told.accepted = sum(point.is_online for point in self._points)
        connectors = [each for point in self._points for each in point.connectors.values()]
        told.charging = sum(each.transaction is not None for each in connectors)
        self._report(asdict(told))

    async def _starting(self):
        for point in self._points:
            await point.start()
            self.tally.started += 1
            yield point
            await asyncio.sleep(self._pause)

    async def _start_all(self):
        async for _ in self._starting():
            pass

    async def _play(self, point, seconds):
        try:
            await visit.charge(point, self._token, seconds=seconds)
        except (visit.Refused, NotPossible, CallFailed) as problem:
            self.tally.failed += 1
            self.tally.problem = f"{point.identifier}: {problem}"

    def _hear_refusal(self, value):
        self.tally.refused += 1
        self.tally.problem = value["cause"]

    def _hear_transaction(self, value):
        if value["state"] == "ended":
            self.tally.sessions += 1
        elif value["state"] == "confirmed" and value["verdict"] != "Accepted":
            self.tally.refused += 1
            self.tally.problem = f"the start of {value['token']} is refused: {value['verdict']}"
