"""uvicorn's protocols, made safe against what broken and hostile clients send.

As they come, the HTTP one takes a request line, headers and a body of any length, and the websocket one
leaves an over-long handshake open without a word, logs a traceback for bad UTF-8, drops the connection in
the middle of a frame that it refuses, and answers pings that nobody reads.
"""

import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

LARGEST_HEAD = 64 * 1024
# Views take less, but Django writes all of it to the disk before they are asked.
LARGEST_BODY = 4 * 1024 * 1024
# A dead peer is noticed within about 4 minutes, also where nothing is sent, by these socket options.
KEEPALIVE = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 240_000}
# How long a refused client may go on writing, so that it gets to read why.
LINGER_SECONDS = 2.0
_TOO_LONG = b"The request line or a header is too long, or there are too many of them.\n"
_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_TOO_LONG), _TOO_LONG)
)
_BODY_TOO_LONG = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 22\r\n\r\nThe body is too long.\n"
)


class Http(HttpToolsProtocol):
    """One HTTP connection, which may become a websocket."""

    _head = 0  # bytes of the request's line and headers, None once they are complete
    _body = 0
    _is_refused = False

    def data_received(self, data):
        if self._is_refused:
            return
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is not None and self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response(_TOO_LONG.decode())

    def on_headers_complete(self):
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > LARGEST_HEAD:
            raise ValueError("the request line and the headers are too long")  # answered with 400
        self._head, self._body = None, 0
        super().on_headers_complete()

    def on_body(self, body):
        self._body += len(body)
        if self._body <= LARGEST_BODY:
            super().on_body(body)
        elif not self._is_refused:
            self._is_refused = True
            self.transport.write(_BODY_TOO_LONG)
            self.flow.resume_reading()
            # What is closed on a client that still writes is lost to it.
            self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def on_message_complete(self):
        if self._is_refused:
            return  # the application has seen a part of the body only
        super().on_message_complete()
        self._head = 0  # of the next request on this connection


class WebSocket(WebSocketsSansIOProtocol):
    """One websocket, from its handshake on."""

    _is_refused = False

    def connection_made(self, transport):
        super().connection_made(transport)
        keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data):
        if self._is_refused:
            return
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self.transport.write(_REFUSAL)
            self._linger()

    def send_receive_event_to_app(self):
        if self.curr_msg_data_type == "text" and not self._is_text():
            self.conn.fail(CloseCode.INVALID_DATA, "invalid UTF-8")
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def _is_text(self):
        try:
            b"".join(self.frames).decode()
        except UnicodeDecodeError:
            return False
        return True

    def handle_parser_exception(self):
        closed = self.conn.close_sent
        self.queue.put_nowait({"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._linger()

    def _linger(self):
        """Close a little later: what is closed on a client that still writes is lost to it."""
        self._is_refused = True
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    # uvicorn answers pings at once, without asking whether the client reads.

    def pause_writing(self):
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self):
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()


def keep_alive(accepted):
    """Have the kernel find out when the other end of a TCP socket is gone."""
    if accepted is None or accepted.family not in (socket.AF_INET, socket.AF_INET6):
        return
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):  # other systems know fewer
            accepted.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
