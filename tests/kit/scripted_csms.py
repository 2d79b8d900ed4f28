"""A CSMS of a few lines for charge points to talk to: the other role of the Session, in this process."""

import asyncio
import contextlib
import functools
import itertools
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode

from chargers.wire.session import Finished, Inbound, Role, Session
from chargers.wire.validation import V16

NOW = "2026-11-21T12:00:00.000Z"
SILENCE = object()


@dataclass
class Heard:
    """A CALL of the charge point."""

    action: str
    payload: dict
    message_id: str
    connection: int


@dataclass
class ScriptedCsms:
    """Answers every CALL with something fitting, or with what `script[action]` holds.

    A script is a list of answers, used up one by one: a payload, SILENCE, or (code, description)
    for a CALLERROR. `heard` keeps what came in. `orders[action]` holds a CALL, (action, payload), that follows the
    next answer to that action at once; how it ended is in `ends`. Whatever the schemas do not allow, be it a CALL or an
    answer, is `nonsense`, which no test survives.
    """

    version: str = V16
    script: dict = field(default_factory=dict)
    heard: list = field(default_factory=list)
    orders: dict = field(default_factory=dict)
    ends: list = field(default_factory=list)
    nonsense: list = field(default_factory=list)
    connections: int = 0
    pings: int = 0
    headers: object = None
    path: str = ""
    paths: list = field(default_factory=list)

    async def __aenter__(self):
        self._numbers, self._ids = itertools.count(100), itertools.count(1)
        self._session = self._socket = None
        self._changed = asyncio.Event()
        self._server = await serve(
            self._talk,
            "127.0.0.1",
            0,
            subprotocols=[self.version],
            compression=None,
            close_timeout=0.1,
            create_connection=functools.partial(_Counting, self),
        )
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()
        assert self.nonsense == []

    @property
    def url(self):
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp/"

    def of(self, *actions):
        """Return the payloads of these actions, in order."""
        return [heard.payload for heard in self.heard if heard.action in actions]

    async def until(self, condition, seconds=5):
        """Wait until `condition()` holds, which is asked again after every frame."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.02)

    async def hears(self, action, count=1):
        """Wait for the `count`-th CALL of an action and return its payload."""
        await self.until(lambda: len(self.of(action)) >= count)
        return self.of(action)[count - 1]

    async def call(self, action, payload, seconds=5):
        """Ask the charge point; return the Finished event."""
        answered = asyncio.get_running_loop().create_future()
        self._session.call(answered, str(next(self._ids)), action, payload, 0.0)
        await _flush(self._session, self._socket)
        return await asyncio.wait_for(answered, seconds)

    async def hang_up(self):
        """Close the connection from this side."""
        await self._socket.close()

    async def _talk(self, socket):
        self.connections += 1
        number = self.connections
        self.headers, self.path = socket.request.headers, socket.request.path
        self.paths.append(self.path)
        self._socket, session = socket, Session(Role.CSMS, self.version)
        self._session = session
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                session.receive(text, 0.0)
                events, session.events = session.events, []
                for event in events:
                    self._take(event, session, number)
                await _flush(session, socket)
                self._changed.set()

    def _take(self, event, session, number):
        if isinstance(event, Finished):
            # An answer that the schema refuses ends as an error, but holds the payload as it came.
            is_refused = event.outcome != "result" and event.payload is not None
            if event.oddities or is_refused:
                self.nonsense.append((event.call.action, event.payload, event.oddities, event.description))
            if event.call.key is None:
                self.ends.append(event)
            elif not event.call.key.done():
                event.call.key.set_result(event)
        elif isinstance(event, Inbound):
            if event.oddities or event.refusal:
                self.nonsense.append((event.text, event.oddities, event.refusal))
                return
            self.heard.append(Heard(event.action, event.payload, event.message_id, number))
            self._answer(event, session)

    def _answer(self, event, session):
        scripted = self.script.get(event.action)
        answer = scripted.pop(0) if scripted else self._usual(event)
        if isinstance(answer, tuple):
            session.refuse(event, *answer)
        elif answer is SILENCE:
            # Answered as far as the session knows, so that it goes on, but never written.
            session.answer(event, {})
            session.outgoing.pop()
        else:
            session.answer(event, answer)
        if order := self.orders.pop(event.action, None):
            session.call(None, str(next(self._ids)), *order, 0.0)

    def _usual(self, event):
        accepted = {"status": "Accepted"}
        usual = {
            "BootNotification": {"currentTime": NOW, "interval": 300} | accepted,
            "Heartbeat": {"currentTime": NOW},
            "Authorize": {"idTagInfo": accepted} if self.version == V16 else {"idTokenInfo": accepted},
            "StartTransaction": {"idTagInfo": accepted},
            "TransactionEvent": {"idTokenInfo": accepted} if "idToken" in event.payload else {},
        }.get(event.action, {})
        return usual | ({"transactionId": next(self._numbers)} if event.action == "StartTransaction" else {})


async def _flush(session, socket):
    texts, session.outgoing = session.outgoing, []
    with contextlib.suppress(ConnectionClosed):
        for text in texts:
            await socket.send(text)


class _Counting(ServerConnection):
    """A connection that counts the pings of the other side."""

    def __init__(self, csms, *args, **options):
        super().__init__(*args, **options)
        self._csms = csms

    def process_event(self, event):
        self._csms.pings += getattr(event, "opcode", None) is Opcode.PING
        super().process_event(event)
