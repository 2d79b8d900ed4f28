"""A lean websocket client for one OCPP charger, so that the generator is no bottleneck.

It masks, answers pings and closes properly. It knows no extensions and takes no fragmented
messages, since no OCPP server needs either to answer a charger.
"""

import asyncio
import base64
import os
import random

from websockets.frames import apply_mask

TEXT, CLOSE, PING = 0x1, 0x8, 0x9
PONG = 0xA
FINAL = MASKED = 0x80
MAX_FRAME = 1 << 20


class Refused(Exception):
    """The server did not answer the handshake with 101."""


class Connection(asyncio.Protocol):
    """One client socket; `receive(text)` is called with the bytes of each text frame."""

    def __init__(self, receive, lost):
        self.receive = receive
        self.lost = lost
        self.transport = None
        self.opened = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._ready = False

    # asyncio's side ---------------------------------------------------------------------

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self._buffer = self._buffer + data if self._buffer else data
        if not self._ready:
            self._finish_handshake()
        if self._ready:
            self._read_frames()

    def connection_lost(self, error):
        if not self.opened.done():
            self.opened.set_exception(Refused(f"connection lost in the handshake: {error}"))
        self.lost(str(error or "closed by the server"))

    # Frames -----------------------------------------------------------------------------

    def _finish_handshake(self):
        answer, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        status = answer.split(b"\r\n", 1)[0].decode("latin-1")
        if " 101 " not in f"{status} ":
            self.opened.set_exception(Refused(status))
            self.transport.abort()
            return
        self._ready = True
        self._buffer = rest
        self.opened.set_result(None)

    def _read_frames(self):
        complete, self._buffer = frames(self._buffer)
        for opcode, payload in complete:
            self._take(opcode, payload)

    def _take(self, opcode, payload):
        if opcode == TEXT:
            self.receive(payload)
        elif opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            self._send(CLOSE, payload[:2])
            self.transport.close()

    def send(self, text):
        """Send `text` (bytes) as one masked text frame."""
        self._send(TEXT, text)

    def close(self):
        """Say good-bye and close; the server's own close frame is not waited for."""
        if not self.transport.is_closing():
            self._send(CLOSE, b"\x03\xe8")
            self.transport.close()

    def _send(self, opcode, payload):
        mask = random.getrandbits(32).to_bytes(4, "big")
        self.transport.write(head(opcode, len(payload)) + mask + apply_mask(payload, mask))


def head(opcode, size, mask=MASKED):
    """The first bytes of a final frame, up to the masking key."""
    if size < 126:
        return bytes((FINAL | opcode, mask | size))
    if size < 65536:
        return bytes((FINAL | opcode, mask | 126)) + size.to_bytes(2, "big")
    return bytes((FINAL | opcode, mask | 127)) + size.to_bytes(8, "big")


def frames(data):
    """The (opcode, payload) of each complete unmasked frame in `data`, and what is left."""
    found, start = [], 0
    while (frame := _frame(data, start)) is not None:
        opcode, begin, start = frame
        found.append((opcode, data[begin:start]))
    return found, data[start:]


def _frame(data, start):
    """Opcode, begin and end of the frame at `start`, or None while it is incomplete."""
    if len(data) < start + 2:
        return None
    opcode, size, begin = data[start] & 0x0F, data[start + 1] & 0x7F, start + 2
    if size > 125:
        width = 2 if size == 126 else 8
        size = int.from_bytes(data[begin : begin + width], "big")
        begin += width
        if len(data) < begin:
            return None
    if size > MAX_FRAME:
        raise ValueError("the server sent a frame over 1 MiB")
    return (opcode, begin, begin + size) if len(data) >= begin + size else None


async def connect(host, port, path, *, user, password, receive, lost, subprotocol="ocpp1.6"):
    """An open connection with HTTP Basic `user` and `password`; raises Refused."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(receive, lost), host, port)
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    key = base64.b64encode(os.urandom(16)).decode()
    connection.transport.write(
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {subprotocol}\r\nAuthorization: Basic {basic}\r\n\r\n".encode()
    )
    await connection.opened
    return connection
