"""A keep-alive HTTP client that costs next to nothing, one request at a time."""

import json
import socket
from collections import namedtuple
from time import perf_counter

Response = namedtuple("Response", "status body seconds")


class Client:
    """One connection, opened at the first request and again when the server closed it."""

    def __init__(self, host, port, *, token=None, timeout=30):
        self._address = (host, port)
        self._timeout = timeout
        self._socket = None
        self._headers = f"Host: {host}:{port}\r\nAccept: application/json\r\n"
        if token:
            self._headers += f"Authorization: Bearer {token['id']}:{token['secret']}\r\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._socket:
            self._socket.close()
            self._socket = None

    def request(self, method, path, body=None):
        """The Response to one request; `body` is sent as JSON."""
        content = b"" if body is None else json.dumps(body).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}{kind if content else ''}\r\n"
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = perf_counter()
        self._socket.sendall(head.encode() + content)
        status, headers, body = self._read()
        seconds = perf_counter() - begin
        if headers.get("connection") == "close":
            self.close()
        return Response(status, body, seconds)

    def _read(self):
        data = self._receive(b"", lambda data: b"\r\n\r\n" in data)
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        if headers.get("transfer-encoding") == "chunked":
            body = self._receive(body, lambda data: data.endswith(b"0\r\n\r\n"))
            return int(first.split()[1]), headers, _joined(body)
        size = int(headers.get("content-length", 0))
        return int(first.split()[1]), headers, self._receive(body, lambda data: len(data) >= size)

    def _receive(self, data, complete):
        while not complete(data):
            if not (more := self._socket.recv(65536)):
                raise ConnectionError("the server closed before it had answered")
            data += more
        return data


def _joined(chunks):
    """The content of a chunked body."""
    content = b""
    while True:
        size, _, chunks = chunks.partition(b"\r\n")
        if not (length := int(size, 16)):
            return content
        content, chunks = content + chunks[:length], chunks[length + 2 :]
