"""A charger's end of a real websocket, byte by byte: it can say what no library would let it say."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import struct

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
ANSWER_SECONDS = 20


class Refused(Exception):
    """The handshake was not answered with 101; `status` is what it was answered with."""

    def __init__(self, head):
        super().__init__(head)
        self.status = int(head.split()[1])


class Wire:
    """An open websocket. `close_code` is set once the server closed it: 1006 without a word."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count(1)
        self.close_code = None
        self.port = writer.get_extra_info("sockname")[1]

    @classmethod
    async def open(cls, port, path="/ocpp/CP-1", *, protocol="ocpp1.6"):
        """Connect and shake hands; raises Refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        wire = cls(reader, writer)
        try:
            await wire.write(_handshake(path, protocol))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_SECONDS)
        except BaseException:
            writer.close()
            raise
        if b" 101 " not in head.partition(b"\r\n")[0]:
            writer.close()
            raise Refused(head.decode("latin-1"))
        return wire

    async def write(self, data):
        """Write bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def send(self, text):
        await self.write(frame(TEXT, text.encode() if isinstance(text, str) else text))

    async def receive(self):
        """Return the next message, decoded; None once the server has closed, see `close_code`."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while (found := await self._frame()) is not None:
                opcode, payload = found
                if opcode == TEXT:
                    return json.loads(payload)
                if opcode == PING:
                    await self.write(frame(PONG, payload))
                if opcode == CLOSE:
                    self.close_code = struct.unpack(">H", payload[:2])[0] if payload else 1005
                    with contextlib.suppress(OSError):
                        await self.write(frame(CLOSE, payload[:2]))
                    break
        self.close_code = self.close_code or 1006
        return None

    async def _frame(self):
        try:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
            return first & 0x0F, await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def call(self, action, payload):
        """Send a CALL and return the payload of its answer; raises ConnectionError without one."""
        message_id = f"c{next(self._numbers)}"
        await self.send(json.dumps([2, message_id, action, payload]))
        while (answer := await self.receive()) is not None:
            if answer[0] in (3, 4) and answer[1] == message_id:
                return answer[2] if answer[0] == 3 else answer
        raise ConnectionError(f"closed with {self.close_code}")

    async def closed(self):
        """Read until the server closes; return the code."""
        while await self.receive() is not None:
            pass
        return self.close_code

    def abort(self):
        """Vanish, as a charger does whose power is cut."""
        self._writer.transport.abort()


def frame(opcode, payload=b"", *, fin=True, masked=True):
    """Return the bytes of one frame."""
    size, mask_bit = len(payload), 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([mask_bit | size])
    else:
        width, marker = (2, 126) if size < 65536 else (8, 127)
        head += bytes([mask_bit | marker]) + size.to_bytes(width)
    # A mask of zeros leaves the payload as it is.
    return head + (bytes(4) if masked else b"") + payload


def _handshake(path, protocol):
    key = base64.b64encode(os.urandom(16)).decode()
    offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n"
    ).encode()
