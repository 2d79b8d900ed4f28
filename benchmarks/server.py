"""The servers under test, each in a process of its own on a fresh database: ours and the reference."""

import itertools
import json
import os
import socket
import time
from contextlib import contextmanager

from benchmarks import databases
from benchmarks.client import Client
from benchmarks.process import BenchmarkError, Process, run

HOST = "127.0.0.1"
# A server that was not there after this long has failed; the first start of a machine is slow.
START_LIMIT = 60


class Peer:
    """A running server: its port, its process and the table where its readings go."""

    def __init__(self, name, port, process, *, database=None, table=None, token=None):
        self.name = name
        self.port = port
        self.process = process
        self.database = database
        self.table = table
        self.token = token

    def mark(self):
        """The id of the latest stored reading, from which stored() counts."""
        return databases.last_id(self.database, self.table) if self.database else None

    def stored(self, mark):
        """How many readings it has stored since; None for a server that stores nothing."""
        if self.database is None:
            return None
        return databases.count_after(self.database, self.table, mark)


class Workshop:
    """A temporary folder, the fleet, and the servers made from them."""

    def __init__(self, folder, fleet_path):
        self.folder = folder
        self.fleet = fleet_path
        self._numbers = itertools.count(1)
        self._templates = {}

    def path(self, name):
        return self.folder / f"{next(self._numbers):03}-{name}"

    def close(self):
        """Drop the template databases."""
        for database, _ in self._templates.values():
            database.drop()

    # Ours -------------------------------------------------------------------------------

    def template(self, kind):
        """A migrated database with the fleet in it, and an API token; made once a kind."""
        if kind not in self._templates:
            database = databases.KINDS[kind](self.path(f"template-{kind}"))
            env, log = environment(database), self.path("template.log")
            run(["manage.py", "migrate", "--verbosity", "0"], env=env, log=log)
            token = run(["-m", "benchmarks.seed", self.fleet], env=env, log=log)
            self._templates[kind] = database, json.loads(token)
        return self._templates[kind]

    @contextmanager
    def ours(self, kind, *, datum=True):
        """Our server on a fresh copy of the template."""
        database = self.template(kind)[0].copy(self.path(f"ours-{kind}"))
        try:
            if not datum:
                databases.switch_datum_off(database)
            with self.serve(database) as peer:
                yield peer
        finally:
            database.drop()

    @contextmanager
    def serve(self, database):
        """Our server as it is shipped, on `database`: uvicorn, worker loop, message log."""
        port, log = free_port(), self.path("serve.log")
        env = {**environment(database), "HOST": HOST, "PORT": str(port), "DEMO": "0"}
        with Process(["manage.py", "serve"], env=env, log=log, talks=False) as process:
            wait_until_ready(process, port)
            token = self.template(database.kind)[1]
            yield Peer("ours", port, process, database=database, table="chargers_reading", token=token)

    # The reference ----------------------------------------------------------------------

    @contextmanager
    def reference(self, kind):
        """The reference server, storing in a fresh database of `kind`."""
        database = databases.KINDS[kind](self.path(f"reference-{kind}"))
        try:
            with self._reference(database.store) as (port, process):
                yield Peer("reference", port, process, database=database, table="reading")
        finally:
            database.drop()

    @contextmanager
    def forgetful(self):
        """The reference server that stores nothing."""
        with self._reference("none") as (port, process):
            yield Peer("reference, no store", port, process)

    @contextmanager
    def _reference(self, store):
        log = self.path("reference.log")
        with Process(["-m", "benchmarks.reference", self.fleet, store], log=log) as process:
            yield process.expect("ready", START_LIMIT)["port"], process


def environment(database):
    """Our environment for `database`: nothing of what the caller's shell sets for a server."""
    ours = ("CSMS_", "DATABASE_URL", "REDIS_URL", "MQTT_URL", "DEBUG", "ALLOWED_HOSTS")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, **database.environment()}


def free_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def wait_until_ready(process, port):
    """Return once /readyz says 200."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.is_running:
        try:
            with Client(HOST, port) as client:
                if client.request("GET", "/readyz").status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise BenchmarkError(f"our server did not become ready; {process.last_words()}")
