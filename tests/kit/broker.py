"""A Mosquitto of a test's own, which may go away and come back, and what a subscriber hears of a broker."""

import getpass
import queue
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import paho.mqtt.client as paho

SECONDS = 10
PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class Broker:
    """A Mosquitto on a free port of the loopback address; `configuration` are lines for its file."""

    def __init__(self, folder, configuration=()):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        # As root it would become another user, who cannot read the folders of tests.
        lines = [
            f"user {getpass.getuser()}",
            f"listener {self.port} 127.0.0.1",
            *(configuration or ["allow_anonymous true"]),
        ]
        self._file = folder / "mosquitto.conf"
        self._file.write_text("\n".join(lines))
        self._process = None

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self):
        command = [PROGRAM, "-c", str(self._file)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "mosquitto did not start"
            time.sleep(0.02)

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SECONDS)
            self._process = None


@dataclass(frozen=True)
class Heard:
    topic: str
    payload: bytes
    is_retained: bool


class Subscriber:
    """What is published under a topic; it comes back when the broker does."""

    def __init__(self, url, topic):
        self._heard = queue.SimpleQueue()
        self._subscribed = queue.SimpleQueue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.05, 0.1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.put(None)
        self._client.on_message = lambda _, __, message: self._heard.put(
            Heard(message.topic, message.payload, message.retain)
        )
        parts = urlsplit(url)
        self._client.connect(parts.hostname, parts.port or 1883)
        self._client.loop_start()

    def wait_until_subscribed(self):
        self._subscribed.get(timeout=SECONDS)

    def hear(self, count=1):
        """Return the next messages."""
        return [self._heard.get(timeout=SECONDS) for _ in range(count)]

    def has_heard_all(self):
        """Whether nothing is left of what has arrived so far."""
        return self._heard.empty()

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def subscribed(url, topic="#"):
    """A subscriber that hears everything published from now on."""
    subscriber = Subscriber(url, topic)
    try:
        subscriber.wait_until_subscribed()
        yield subscriber
    finally:
        subscriber.close()


class Deaf:
    """A broker that lets everyone in and acknowledges nothing."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve_one(self):
        """Let one client in and read what it says until it leaves; return how many bytes that were."""
        client, _ = self._listener.accept()
        with client:
            client.recv(1024)
            client.sendall(b"\x20\x02\x00\x00")
            count = 0
            while part := client.recv(65536):
                count += len(part)
        return count

    def close(self):
        self._listener.close()
