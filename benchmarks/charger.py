"""One simulated charger: sends its CALLs one at a time and answers what it is asked."""

import asyncio
import random
from array import array
from time import perf_counter

import orjson

from benchmarks import payloads, websocket

CALL, CALLRESULT, CALLERROR = 2, 3, 4
# Enough to see what went wrong without keeping a million repetitions of it.
ERRORS_KEPT = 20
PATIENCE = 120


class Failed(Exception):
    """A charger could not do what its mode needs; the run does not count."""


class Tally:
    """What all chargers of a run have seen: acknowledgements, their latencies, answers, errors."""

    def __init__(self):
        self.latencies = array("d")
        self.answered = 0
        self.errors = 0
        self.error_texts = []

    def error(self, text):
        self.errors += 1
        if len(self.error_texts) < ERRORS_KEPT:
            self.error_texts.append(text[:300])


class Charger:
    """A charge point that holds one connection and at most one unanswered CALL."""

    def __init__(self, identifier, password, tally):
        self.identifier = identifier
        self.password = password
        self.tally = tally
        self.transaction = None
        self.started_at = 0.0
        self.connection = None
        # Called with a text when this charger can not go on: an error answer or a lost socket.
        self.on_failure = None
        self._stem = f"{random.getrandbits(48):012x}-"  # message ids never repeat between runs
        self._count = 0
        # Of the CALL in the air: its id, when it left, and what to do with its answer.
        self._pending = None
        self._left = 0.0
        self._answered = None

    async def connect(self, host, port, prefix):
        self.connection = await websocket.connect(
            host,
            port,
            f"{prefix}{self.identifier}",
            user=self.identifier,
            password=self.password,
            receive=self._receive,
            lost=self._lost,
        )

    def close(self):
        """Leave; from here on a lost connection is no error."""
        connection, self.connection = self.connection, None
        if connection:
            connection.close()

    # CALLs ------------------------------------------------------------------------------

    def call(self, action, payload, answered):
        """Send a CALL; `answered(payload, seconds)` runs at its CALLRESULT."""
        self._count += 1
        self._pending = f"{self._stem}{self._count}"
        self._answered = answered
        self._left = perf_counter()
        self.connection.send(b'[2,"%b","%b",%b]' % (self._pending.encode(), action, payload))

    async def request(self, action, payload):
        """The payload of the CALLRESULT; raises Failed at a CALLERROR or a lost connection."""
        future = asyncio.get_running_loop().create_future()
        self.call(action, payload, lambda answer, _: future.done() or future.set_result(answer))
        self.on_failure = lambda text: future.done() or future.set_exception(Failed(text))
        try:
            return await asyncio.wait_for(future, PATIENCE)
        except TimeoutError:
            raise Failed(f"{self.identifier}: {action.decode()} unanswered") from None
        finally:
            self.on_failure = None

    async def boot(self):
        answer = await self.request(b"BootNotification", payloads.BOOT)
        if answer.get("status") != "Accepted":
            raise Failed(f"{self.identifier}: boot answered {answer}")

    async def start(self, tag):
        """Start a transaction; anything but an accepted tag fails the run."""
        answer = await self.request(b"StartTransaction", payloads.start(tag))
        if answer.get("idTagInfo", {}).get("status") != "Accepted":
            raise Failed(f"{self.identifier}: start answered {answer}")
        self.transaction = answer["transactionId"]
        self.started_at = perf_counter()

    # What comes in ----------------------------------------------------------------------

    def _receive(self, text):
        frame = orjson.loads(text)
        if frame[0] == CALL:
            self._reply(frame)
        elif frame[0] == CALLRESULT and frame[1] == self._pending:
            seconds = perf_counter() - self._left
            self._pending = None
            self._answered(frame[2], seconds)
        else:
            self._fail(f"{self.identifier}: unexpected {text[:200].decode()}")

    def _reply(self, frame):
        answer = payloads.ANSWERS.get(frame[2])
        if answer is None:
            reply = [CALLERROR, frame[1], "NotImplemented", "", {}]
        else:
            reply = [CALLRESULT, frame[1], answer]
            self.tally.answered += 1
        self.connection.send(orjson.dumps(reply))

    def _lost(self, why):
        if self.connection is not None:
            self.connection = None
            self._fail(f"{self.identifier}: connection lost: {why}")

    def _fail(self, text):
        self.tally.error(text)
        if self.on_failure:
            self.on_failure(text)
