"""Chargers under load that remember what was acknowledged, to be compared with what is stored.

Each plays sessions without pause: a start, three meter values, a stop. Whatever got no answer, since
the server died or its database was away, is sent again until it has one, as real chargers do.
"""

import asyncio
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.kit.wire import Refused, Wire

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
VALUES_A_SESSION = 3


@dataclass
class Session:
    """What a charger believes about a transaction."""

    started_at: str
    number: int | None = None
    registers: list = field(default_factory=list)
    is_stopped: bool = False


class Meter:
    """One charger. `servers` is asked for the servers there are; they take turns."""

    def __init__(self, identifier, servers):
        self.identifier = identifier
        self.sessions = []
        self.close_codes = []
        self.refusals = []
        self.is_stopping = False
        self.is_abandoned = False
        self._servers = servers
        self._turns = itertools.count()
        self._ticks = itertools.count()

    @property
    def acknowledged(self):
        return sum(len(session.registers) for session in self.sessions)

    async def run(self):
        """Play until `is_stopping`, and then the present session to its end, unless `is_abandoned`."""
        while not (self.is_abandoned or self._is_done()):
            try:
                await self._visit()
            except Refused as refusal:
                self.refusals.append(refusal.status)
            except (OSError, EOFError, TimeoutError):
                pass
            # A charger that is turned away tries again a little later.
            await asyncio.sleep(0 if self._is_done() else 0.05)

    def _is_done(self):
        return self.is_stopping and all(session.is_stopped for session in self.sessions)

    async def _visit(self):
        servers = self._servers()
        server = servers[next(self._turns) % len(servers)]
        wire = await Wire.open(server.port, f"/ocpp/{self.identifier}")
        try:
            assert (await wire.call("BootNotification", BOOT))["status"] == "Accepted"
            while not self._is_done():
                await self._play(wire)
        finally:
            self.close_codes.append(wire.close_code)
            wire.abort()

    async def _play(self, wire):
        if not self.sessions or self.sessions[-1].is_stopped:
            self.sessions.append(Session(self._stamp()))
        session = self.sessions[-1]
        if session.number is None:
            start = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": session.started_at}
            session.number = (await wire.call("StartTransaction", start))["transactionId"]
        while len(session.registers) < VALUES_A_SESSION:
            register = len(session.registers) + 1
            assert await wire.call("MeterValues", self._values(session, register)) == {}
            session.registers.append(register)
        stop = {
            "transactionId": session.number,
            "meterStop": VALUES_A_SESSION,
            "timestamp": self._stamp(),
        }
        assert await wire.call("StopTransaction", stop) == {}
        session.is_stopped = True

    def _values(self, session, register):
        sample = {"value": str(register), "measurand": "Energy.Active.Import.Register"}
        value = {"timestamp": self._stamp(), "sampledValue": [sample]}
        return {"connectorId": 1, "transactionId": session.number, "meterValue": [value]}

    def _stamp(self):
        return (BEGIN + timedelta(seconds=next(self._ticks))).isoformat().replace("+00:00", "Z")


class Fleet:
    """Some meters, and what the database has of them."""

    def __init__(self, servers, size=6):
        self.meters = [Meter(f"METER-{number}", servers) for number in range(size)]

    @property
    def acknowledged(self):
        return sum(meter.acknowledged for meter in self.meters)

    @property
    def close_codes(self):
        return {code for meter in self.meters for code in meter.close_codes}

    @property
    def refusals(self):
        return {status for meter in self.meters for status in meter.refusals}

    @asynccontextmanager
    async def at_work(self):
        """Play while the block runs, then let everyone finish its session."""
        async with asyncio.TaskGroup() as tasks:
            for meter in self.meters:
                tasks.create_task(meter.run())
            yield
            for meter in self.meters:
                meter.is_stopping = True

    def abandon(self):
        """There will be no server any more: have everyone end where it stands."""
        for meter in self.meters:
            meter.is_abandoned = True

    async def more(self, count=60):
        """Wait until so many more meter values were acknowledged."""
        goal = self.acknowledged + count
        async with asyncio.timeout(40):
            while self.acknowledged < goal:
                await asyncio.sleep(0.01)

    async def halt(self):
        """Wait until a second passes without an answer to anyone."""
        before = -1
        async with asyncio.timeout(40):
            while before != self.acknowledged:
                before = self.acknowledged
                await asyncio.sleep(1)

    def check(self, rows):
        """Hold what was acknowledged against what `rows` (SQL -> rows) finds; nothing may lack or double."""
        answered = [
            (meter.identifier, session)
            for meter in self.meters
            for session in meter.sessions
            if session.number is not None
        ]
        assert sorted(rows(_TRANSACTIONS)) == sorted(
            (identifier, session.number, VALUES_A_SESSION if session.is_stopped else -1)
            for identifier, session in answered
        )
        # A reading that was stored and whose answer was lost is sent again: a repeat is no loss.
        assert set(rows(_READINGS)) == {
            (identifier, session.number, register)
            for identifier, session in answered
            for register in session.registers
        }


_TRANSACTIONS = """
    SELECT identifier, t.id, COALESCE(t.end_wh, -1) FROM chargers_transaction t JOIN chargers_charger c ON c.id = charger_id
"""
_READINGS = """
    SELECT identifier, transaction_id, register_wh FROM chargers_reading r
    JOIN chargers_charger c ON c.id = charger_id
"""
