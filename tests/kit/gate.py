"""A gate on the way to a service: closed, it is as if the service were down."""

import asyncio
import contextlib
from urllib.parse import urlsplit


class Gate:
    """Passes TCP on to where `url` leads; `self.url` is its own, `open` and `close` what they say."""

    def __init__(self, url, port):
        self._target, self._port = urlsplit(url), port
        login, at, _ = self._target.netloc.rpartition("@")
        self.url = self._target._replace(netloc=f"{login}{at}127.0.0.1:{port}").geturl()
        self._server, self._ends = None, set()

    async def open(self):
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)

    async def close(self):
        """Refuse what comes, and cut what is open."""
        if self._server is not None:
            self._server.close()
            for end in list(self._ends):
                end.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _pass_on(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection(
            self._target.hostname, self._target.port or 6379
        )
        ends = {writer, far_writer}
        self._ends |= ends
        with contextlib.suppress(asyncio.CancelledError):  # the test has ended
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        for end in ends:
            end.transport.abort()
        self._ends -= ends


async def _pump(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
