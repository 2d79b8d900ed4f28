"""The websocket shell: handshake, reading, refusing. What is said goes to the Connection.

The consumer replaces Channels' loop with its own: theirs makes a future per event, hops into the one
thread that all ORM calls share before each of them, and takes one event at a time.
"""

import asyncio
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError

from chargers import switchboard
from chargers.connections import Connection
from chargers.ocpp import works
from chargers.services.handshakes import STOPPED, Attempt
from chargers.wire import handshake
from csms import addresses, health, secrets, tls

log = structlog.get_logger(__name__)
# Slow hashes take 0.3 s of a core each; a few at a time leave the rest of the server alone.
_comparing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
MOST_COMPARING = 100
# Of these no single party may have more, or whoever guesses keeps all others waiting.
MOST_COMPARING_FOR_ONE = 10
_comparing_for = Counter()
HANDSHAKE_SECONDS = 15
# Chargers of several owners may have one name, and each a chosen password.
MOST_HASHES = 8
CLOSE_SECONDS = 5
PROTOCOL_ERROR, UNSUPPORTED_DATA = 1002, 1003
_REASONS = {
    400: b"No subprotocol",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Unknown charger",
    503: b"Try again later",
}


class ChargePointConsumer(AsyncWebsocketConsumer):
    """A charger's websocket, from the handshake to the close."""

    _is_given_up = False

    async def __call__(self, scope, receive, send):
        self.scope, self._asgi_send = scope, send
        self._reader = asyncio.current_task()
        await receive()  # websocket.connect
        connection = await self._let_in()
        if connection is None:
            return
        try:
            await self._read(receive, connection)
        except asyncio.CancelledError:
            if not self._is_given_up:
                raise
        finally:
            connection.ended()
            self.board.leave(connection)

    async def _read(self, receive, connection):
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            text = event.get("text")
            if text is None:
                # OCPP-J frames are texts; what is text in a binary frame can be understood.
                text = (event.get("bytes") or b"").decode("utf-8", "replace")
            connection.receive(text)
            while connection.is_full:
                connection.room.clear()
                await connection.room.wait()

    # Handshake --------------------------------------------------------------------------------

    async def _let_in(self):
        """Return the connection, accepted, or None after a refusal."""
        attempt, subprotocol, refusal = self._attempt()
        if not await self._has_board():
            return await self._refuse(503)
        if refusal:
            return await self._turn_away(attempt, *refusal)
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                token, arrival = await self._decide(attempt)
        except Exception:  # noqa: BLE001  whatever went wrong in the lane, the charger may try again
            return await self._refuse(503)
        if arrival.decision.refusal:
            # Who is told more has shown who it is.
            said = b"Stopped by its operator" if arrival.decision is STOPPED else b""
            return await self._refuse(arrival.decision.status_code, said)
        return await self._accept(token, arrival, subprotocol)

    async def _has_board(self):
        """Say whether this process takes sockets at the moment."""
        if health.is_draining:  # its switchboard may be gone already, and none is to be started
            return False
        try:
            self.board = await switchboard.current()
        except DatabaseError:
            return False
        committer = self.board.committer
        return not (self.board.is_draining or committer.is_down or committer.is_full)

    def _attempt(self):
        """Read the handshake; the refusal is None or (reason, status) for what needs no look-up."""
        headers = dict(self.scope["headers"])
        raw_path = self.scope.get("raw_path") or self.scope["path"].encode()
        path = handshake.read_path(raw_path.partition(b"?")[0], self.scope.get("query_string", b""))
        given = handshake.basic(headers.get(b"authorization", b""))
        username, password = given or (path.username, path.password)
        offered = self.scope.get("subprotocols") or []
        subprotocol, version = handshake.choose(offered, path.version)
        attempt = Attempt(
            identifier=path.identifier,
            address=_address(self.scope),
            path=path.masked,
            hid=path.hid,
            username=username.replace("\0", ""),
            password=password,
            protocol=version,
            offered=offered,
            is_secure=tls.is_used(self.scope),
        )
        refusal = None
        if not path.identifier:
            refusal = ("no charger identifier in the path", 404)
        elif offered and not version:
            refusal = ("no supported subprotocol", 0)
        elif not offered and settings.CSMS_REQUIRE_SUBPROTOCOL:
            refusal = ("no subprotocol offered", 400)
        return attempt, subprotocol, refusal

    async def _decide(self, attempt):
        """Look the charger up, with slow password comparisons in between; take its lease."""
        token = uuid.uuid4()
        for _ in range(MOST_HASHES):
            future = asyncio.get_running_loop().create_future()
            done = partial(self._decided, attempt, token, future)
            work = works.LetIn(attempt, token, self.board.process.pk, done=done, failed=_fail(future))
            self.board.committer.submit(attempt.identifier, work)
            arrival = await future
            stored = arrival.decision.compare
            if not stored:
                return token, arrival
            attempt.compared[stored] = await _compared(attempt, stored)
        raise RuntimeError("the password changed while it was compared")

    def _decided(self, attempt, token, future, arrival):
        """Hand the decision on; a lease that was taken for a handshake that gave up waiting goes back."""
        charger = arrival.decision.charger
        if not future.done():
            future.set_result(arrival)
        elif charger is not None and not arrival.decision.refusal:
            self.board.committer.submit(attempt.identifier, works.Leave(charger.pk, token))

    async def _accept(self, token, arrival, subprotocol):
        charger = arrival.decision.charger
        connection = Connection(
            self.board,
            charger,
            token=token,
            protocol=arrival.protocol,
            write=self._write,
            hang_up=self._hang_up,
            call_timeout=settings.CSMS_CALL_TIMEOUT,
            boot_patience=settings.CSMS_BOOT_TRIGGER_SECONDS,
            quiet=(settings.CSMS_QUIET_SECONDS, settings.CSMS_QUIET_LATEST_SECONDS),
        )
        if subprotocol is None:
            log.info("handshake.without_subprotocol", charger=charger.identifier, assumed=arrival.protocol)
        self.board.enter(connection, arrival.superseded)
        try:
            await self._asgi_send({"type": "websocket.accept", "subprotocol": subprotocol})
        except BaseException:
            connection.ended()
            self.board.leave(connection)
            raise
        if self.board.is_draining:
            connection.retire(*switchboard.RESTART)
        elif arrival.has_commands:
            connection.look_once_greeted()
        return connection

    # Refusing -----------------------------------------------------------------------------------

    async def _turn_away(self, attempt, reason, status):
        self.board.committer.submit(attempt.identifier, works.RecordFailure(attempt, reason, status))
        if status:
            return await self._refuse(status)
        # OCPP-J 1.6 section 3.1.2: complete the handshake without a subprotocol, then close.
        await self._asgi_send({"type": "websocket.accept", "subprotocol": None})
        await self._asgi_send({"type": "websocket.close", "code": PROTOCOL_ERROR, "reason": reason})
        return None

    async def _refuse(self, status, said=b""):
        """Answer the handshake with an HTTP status where the server can; else it becomes a 403."""
        if "websocket.http.response" not in (self.scope.get("extensions") or {}):
            await self._asgi_send({"type": "websocket.close", "code": 1008})
            return
        headers = [(b"content-type", b"text/plain")]
        if status == 401:
            headers.append((b"www-authenticate", b'Basic realm="OCPP"'))
        if status == 503:
            headers.append((b"retry-after", b"10"))
        await self._asgi_send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        body = said or _REASONS.get(status, b"Refused")
        await self._asgi_send({"type": "websocket.http.response.body", "body": body})

    # For the connection -------------------------------------------------------------------------

    async def _write(self, text):
        await self._asgi_send({"type": "websocket.send", "text": text})

    async def _hang_up(self, code, reason):
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})
        except TimeoutError:
            # It does not read what we write, so it would not hear of the close either.
            self._is_given_up = True
            self._reader.cancel()
        except Exception:  # noqa: BLE001, S110  closed already, and each server says so in its own way
            pass


async def _compared(attempt, stored):
    """Compare a password slowly, in its turn."""
    party = addresses.bucket(attempt.address)
    if _comparing_for.total() >= MOST_COMPARING or _comparing_for[party] >= MOST_COMPARING_FOR_ONE:
        raise OverflowError("too many password comparisons wait")
    _comparing_for[party] += 1
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_comparing, secrets.check_slow, attempt.password, stored)
    finally:
        _comparing_for[party] -= 1
        if not _comparing_for[party]:
            del _comparing_for[party]


def _fail(future):
    return lambda error: future.done() or future.set_exception(error)


def _address(scope):
    peer = (scope.get("client") or ("",))[0]
    return addresses.client(peer, _header(scope, b"x-forwarded-for"))


def _header(scope, name):
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
