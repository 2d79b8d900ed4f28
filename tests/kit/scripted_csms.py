"""A CSMS of a few lines for charge points to talk to: the other role of the Session, in this process."""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

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
    for a CALLERROR. `heard` keeps what came in.
    """

    version: str = V16
    script: dict = field(default_factory=dict)
    heard: list = field(default_factory=list)
    outcomes: list = field(default_factory=list)
    connections: int = 0
    headers: object = None
    path: str = ""

    async def __aenter__(self):
        self._numbers, self._ids = itertools.count(100), itertools.count(1)
        self._session = self._socket = None
        self._changed = asyncio.Event()
        self._server = await serve(
            self._talk, "127.0.0.1", 0, subprotocols=[self.version], compression=None, close_timeout=0.1
        )
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

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

    async def call(self, action, payload):
        """Ask the charge point; return the Finished event."""
        answered = asyncio.get_running_loop().create_future()
        self._session.call(answered, str(next(self._ids)), action, payload, 0.0)
        await self._flush()
        return await asyncio.wait_for(answered, 5)

    async def hang_up(self):
        """Close the connection from this side."""
        await self._socket.close()

    async def _talk(self, socket):
        self.connections += 1
        number = self.connections
        self.headers, self.path = socket.request.headers, socket.request.path
        self._socket, session = socket, Session(Role.CSMS, self.version)
        self._session = session
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                session.receive(text, 0.0)
                events, session.events = session.events, []
                for event in events:
                    self._take(event, session, number)
                await self._flush()
                self._changed.set()

    def _take(self, event, session, number):
        if isinstance(event, Finished):
            event.call.key.done() or event.call.key.set_result(event)
        elif isinstance(event, Inbound):
            assert not event.oddities, (event.text, event.oddities)
            assert not event.refusal, (event.text, event.refusal)
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

    async def _flush(self):
        texts, self._session.outgoing = self._session.outgoing, []
        with contextlib.suppress(ConnectionClosed):
            for text in texts:
                await self._socket.send(text)
