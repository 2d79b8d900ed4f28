"""The virtual charge point's websocket: it connects, stays connected and carries a Session.

Theory of operation. One task connects, reads until the connection ends, waits, and begins again.
Whatever arrives is handed to the session at once; the session's texts are written by a second task,
so a handler never waits for the wire and a call made inside one cannot block it. A session lives as
long as its connection: what is unanswered when that ends fails as `lost`.
"""

import asyncio
import base64
import contextlib
import logging
import random
import uuid
from dataclasses import dataclass
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from chargers.virtual.clock import Clock
from chargers.wire.session import Finished, Inbound, Role, Session

log = logging.getLogger(__name__)
LARGEST_FRAME = 1024 * 1024
HANDSHAKE_SECONDS = 15


class CallFailed(Exception):
    """A call without a result. `outcome` is error, timeout, lost (sent, then cut off) or unsent."""

    def __init__(self, outcome, code="", description=""):
        super().__init__(" ".join(filter(None, [outcome, code, description])))
        self.outcome, self.code, self.description = outcome, code, description


class Ignored(Exception):
    """Raised by a handler to leave a CALL without any answer."""


class Refusal(Exception):
    """Raised by a handler to answer a CALLERROR; `code` is in OCPP 2.0.1's words."""

    def __init__(self, code, description=""):
        super().__init__(f"{code} {description}".strip())
        self.code, self.description = code, description


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before each new attempt (OCPP 2.0.1 part 4 section 5.3)."""

    minimum: float = 3.0
    spread: float = 10.0
    repeats: int = 3

    def waits(self, dice):
        """Yield the waits for ever: the first, doubled `repeats` times, then constant; random on top."""
        wait = self.minimum
        for _ in range(self.repeats):
            yield wait + dice.uniform(0, self.spread)
            wait *= 2
        while True:
            yield wait + dice.uniform(0, self.spread)


BACKOFF = Backoff()


class Client:
    """A charge point's side of the wire.

    `on_call(action, payload)` answers a CALL of the CSMS: it returns the payload of the answer or
    raises Refusal or Ignored, and must not wait. `on_change(is_connected)` hears of every change,
    `on_refused` why an attempt failed (a text, and the HTTP status or None), `on_message(direction,
    text)` every frame, direction being "in" or "out". `ping_interval()` is asked at each connect, 0
    meaning none, and `backoff()` when a connection has ended.
    """

    def __init__(
        self,
        url,
        identifier,
        version,
        *,
        on_call,
        on_change,
        password="",
        on_refused=None,
        on_message=None,
        ping_interval=lambda: 0,
        backoff=lambda: BACKOFF,
        call_timeout=30.0,
        clock=None,
        dice=None,
    ):
        self.url = f"{url.rstrip('/')}/{quote(identifier, safe='')}"
        self.identifier, self.version, self.password = identifier, version, password
        self._on_call, self._on_change = on_call, on_change
        self._on_refused = on_refused or (lambda cause, status: None)
        self._on_message = on_message or (lambda direction, text: None)
        self._ping_interval = ping_interval
        self._backoff, self._call_timeout = backoff, call_timeout
        self._clock, self._dice = clock or Clock(), dice or random.Random()
        self._session = self._socket = self._task = self._timer = None
        self._allowed, self._hurry = asyncio.Event(), asyncio.Event()
        self._allowed.set()
        self._to_write, self._all_written = asyncio.Event(), asyncio.Event()
        self._fallback = None  # (url, on_failed) while a new address has not worked yet

    @property
    def is_connected(self):
        return self._session is not None

    # Connecting -------------------------------------------------------------------------------

    def start(self):
        """Connect, and again whenever the connection ends."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected())

    async def stop(self):
        """Close the connection and stay away."""
        if self._task is None:
            return
        await self._close()
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    def switch(self, url, on_failed):
        """Connect to `url` from the next time on, unless that fails: then as before, and tell so."""
        # What was to be tried and has not been yet is nothing to go back to.
        self._fallback, self.url = self._fallback or (self.url, on_failed), url

    async def reconnect(self):
        """Close the connection properly and connect again at once."""
        self._hurry.set()
        await self._close()

    def drop(self):
        """Lose the connection without a word, and connect again at once."""
        self._hurry.set()
        if self._socket is not None:
            self._socket.transport.abort()

    def ping(self):
        """Ping as often as the interval says now, and no more as it did."""
        if (socket := self._socket) is not None:
            if socket.keepalive_task is not None:
                socket.keepalive_task.cancel()
                socket.keepalive_task = None
            socket.ping_interval = self._ping_interval() or None
            socket.start_keepalive()

    def cut(self):
        """Lose the network: the connection breaks without a word, and none is tried."""
        self._allowed.clear()
        if self._socket is not None:
            self._socket.transport.abort()

    def mend(self):
        """The network is back: try at once."""
        was_cut = not self._allowed.is_set()
        self._allowed.set()
        # What was cut a moment ago may not have noticed yet.
        if was_cut or not self.is_connected:
            self._hurry.set()

    async def _close(self):
        """Close properly: whoever was asked something hears the answer first."""
        if (socket := self._socket) is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_written.wait(), 1)
            await socket.close()

    async def _stay_connected(self):
        waits = self._backoff().waits(self._dice)
        while True:
            await self._allowed.wait()
            if await self._converse():
                waits = self._backoff().waits(self._dice)
            elif self._fallback:
                (self.url, on_failed), self._fallback = self._fallback, None
                on_failed()
                continue
            await self._pause(next(waits))

    async def _pause(self, seconds):
        """Wait, unless there is a reason to hurry."""
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait([sleep, hurry], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            hurry.cancel()
        self._hurry.clear()

    async def _converse(self):
        """Hold one connection from its handshake to its end; False when there was none."""
        try:
            self._socket = await self._connect()
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            self._on_refused(f"the server answers HTTP {status}", status)
            return False
        except (OSError, ValueError, TimeoutError, WebSocketException) as error:  # ValueError: no address
            self._on_refused(str(error) or type(error).__name__, None)
            return False
        try:
            self._fallback = None
            self._hurry.clear()
            if self._allowed.is_set():  # the network may have been cut during the handshake
                await self._talk(self._socket)
        finally:
            socket, self._socket = self._socket, None
            await socket.close()
        return True

    async def _connect(self):
        headers = {}
        if self.password:
            pair = f"{self.identifier}:{self.password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return await connect(
            self.url,
            subprotocols=[self.version],
            additional_headers=headers,
            # Charge points reach their CSMS directly, whatever this machine uses for its browsers.
            proxy=None,
            compression=None,
            open_timeout=HANDSHAKE_SECONDS,
            close_timeout=1,
            ping_interval=self._ping_interval() or None,
            max_size=LARGEST_FRAME,
        )

    async def _talk(self, socket):
        session = self._session = Session(Role.CHARGER, self.version, call_timeout=self._call_timeout)
        self._to_write.clear()
        self._all_written.set()
        writer = asyncio.create_task(self._write(socket, session))
        self._on_change(True)
        try:
            async for text in socket:
                text = text if isinstance(text, str) else text.decode("utf-8", "replace")
                self._on_message("in", text)
                session.receive(text, self._time())
                self._settle(session)
                # Who waited for this answer goes on before the next text is looked at: it may build upon it.
                await asyncio.sleep(0)
        except ConnectionClosed:
            pass
        finally:
            writer.cancel()
            self._all_written.set()
            self._session = None
            session.close()
            self._settle(session)
            self._on_change(False)

    async def _write(self, socket, session):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._to_write.wait()
                texts, session.outgoing = session.outgoing, []
                for text in texts:
                    self._on_message("out", text)
                    await socket.send(text)
                if not session.outgoing:
                    self._to_write.clear()
                    self._all_written.set()

    # Talking ----------------------------------------------------------------------------------

    async def call(self, action, payload):
        """Ask the CSMS and return the payload of its answer; raises CallFailed."""
        session = self._session
        if session is None:
            raise CallFailed("unsent", description="not connected")
        answered = asyncio.get_running_loop().create_future()
        message_id = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        session.call(answered, message_id, action, payload, self._time())
        self._settle(session)
        return await answered

    def _settle(self, session):
        """Deal with what happened in the session, have it written, and mind its deadline."""
        while session.events:
            events, session.events = session.events, []
            for event in events:
                if isinstance(event, Finished):
                    _finish(event)
                elif isinstance(event, Inbound) and event.answer is None:
                    self._serve(session, event)
        if session.outgoing:
            self._all_written.clear()
            self._to_write.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if session.deadline is not None and session is self._session:
            self._timer = asyncio.get_running_loop().call_at(session.deadline, self._tick, session)

    def _tick(self, session):
        # The loop may call a shade early; the session asks whether the time is over.
        session.tick(max(self._time(), session.deadline or 0.0))
        self._settle(session)

    def _serve(self, session, call):
        try:
            session.answer(call, self._on_call(call.action, call.payload))
        except Ignored:
            session.ignore(call)
        except Refusal as refusal:
            session.refuse(call, refusal.code, refusal.description)
        except Exception as error:  # noqa: BLE001  (a bug here must not cost the connection)
            log.error("%s failed: %r", call.action, error)
            session.refuse(call, "InternalError", type(error).__name__)

    @staticmethod
    def _time():
        return asyncio.get_running_loop().time()


def _finish(event):
    answered = event.call.key
    if answered.done():
        return
    if event.outcome == "result":
        answered.set_result(event.payload)
    else:
        answered.set_exception(CallFailed(event.outcome, event.code, event.description))
