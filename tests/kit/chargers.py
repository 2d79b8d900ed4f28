"""A charger's end of the wire: the real consumer in process, or a real websocket to a server."""

import asyncio
import base64
import itertools
import json

from channels.testing import WebsocketCommunicator
from django.db import connection

from chargers import switchboard
from csms.asgi import application

ANSWER_SECONDS = 10


def basic(username, password):
    """Return the Authorization header of HTTP Basic."""
    raw = f"{username}:{password}" if isinstance(password, str) else username.encode() + b":" + password
    encoded = base64.b64encode(raw.encode() if isinstance(raw, str) else raw)
    return b"Basic " + encoded


class InProcessCharger:
    """A charger that talks to the consumer without a socket between them."""

    def __init__(self, path="/ocpp/CP-1", *, subprotocols=("ocpp1.6",), headers=()):
        self._communicator = WebsocketCommunicator(
            application, path, headers=list(headers), subprotocols=list(subprotocols)
        )
        # What uvicorn offers and Channels' communicator does not.
        self._communicator.scope["extensions"] = {"websocket.http.response": {}}
        self._communicator.scope["raw_path"] = path.partition("?")[0].encode()
        self._numbers = itertools.count(1)

    async def connect(self):
        """Return (subprotocol, None) when let in, else (None, HTTP status or close code)."""
        await self._communicator.send_input({"type": "websocket.connect"})
        answer = await self._communicator.receive_output(ANSWER_SECONDS)
        if answer["type"] == "websocket.accept":
            return answer.get("subprotocol"), None
        return None, answer.get("status") or answer.get("code")

    async def send(self, text):
        await self._communicator.send_to(text_data=text)

    async def receive(self, timeout=ANSWER_SECONDS):
        """Return the next frame, decoded, or the close event."""
        event = await self._communicator.receive_output(timeout)
        return json.loads(event["text"]) if event["type"] == "websocket.send" else event

    async def call(self, action, payload):
        """Send a CALL and return the frame that comes next."""
        await self.send(json.dumps([2, str(next(self._numbers)), action, payload]))
        return await self.receive()

    async def disconnect(self):
        await self._communicator.disconnect()


async def boards_closed():
    """End the switchboard of the running loop, so that its lanes let go of the database."""
    for board in switchboard.boards():
        await board.close()


async def in_thread(query, *args, **options):
    """Return what `query` returns, asked over a connection of its own, which is closed again."""

    def ask():
        try:
            return query(*args, **options)
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def until(condition, seconds=10):
    """Wait until `condition()` holds; the deadline only ends a test that failed."""
    async with asyncio.timeout(seconds):
        while not (found := await in_thread(condition)):
            await asyncio.sleep(0.01)
    return found
