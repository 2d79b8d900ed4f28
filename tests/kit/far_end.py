"""A loopback HTTP server that plays a partner: it records requests and gives the answers it was told."""

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Heard:
    """A request as it came in."""

    method: str
    path: str
    headers: dict
    body: str


@dataclass
class Say:
    """An answer; `before` is called with the request ahead of it and may wait, `close` sends nothing."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    before: object = None
    close: bool = False


class FarEnd:
    """A partner. `say` queues answers for a path; without one it says 200."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.heard: list[Heard] = []
        self._answers: dict[str, list[Say]] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.far_end = self
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._scheme = "https" if tls else "http"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self):
        return self._server.server_address[1]

    def url(self, path="/", host="127.0.0.1"):
        return f"{self._scheme}://{host}:{self.port}{path}"

    def say(self, *answers: Say, path="/"):
        self._answers.setdefault(path, []).extend(answers)

    def paths(self):
        return [heard.path for heard in self.heard]

    def hear(self, heard):
        """Note a request and return the answer to it."""
        self.heard.append(heard)
        queue = self._answers.get(heard.path)
        return queue.pop(0) if queue else Say()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Stay silent about clients that hang up: some tests do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        """Answer every method alike."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self):
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        heard = Heard(self.command, self.path, headers, self.rfile.read(length).decode())
        answer = self.server.far_end.hear(heard)
        if answer.before:
            answer.before(heard)
        self.close_connection = answer.close
        if not answer.close:
            self._say(answer)

    def _say(self, answer):
        self.send_response(answer.status)
        for name, value in ({"Content-Length": len(answer.body)} | answer.headers).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_):
        """Stay silent: pytest shows the test's own failure."""
