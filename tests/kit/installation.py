"""A Stationmaster of its own: a data folder, a database, and servers started as an operator starts them.

What is in the database is asked in SQL, from outside, as the servers run in processes of their own.
"""

import asyncio
import contextlib
import json
import os
import re
import resource
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = ("CSMS_", "DATABASE_URL", "REDIS_URL", "MQTT_URL", "DEBUG", "ALLOWED_HOSTS", "HOST", "PORT", "DEMO")
START_SECONDS = 30


class SqliteDatabase:
    """An SQLite file, copied from the migrated database of the tests."""

    def __init__(self, folder):
        self.path = folder / "csms.sqlite3"
        self.url = f"sqlite:///{self.path}"
        migrated = sqlite3.connect(connection.settings_dict["NAME"])
        with contextlib.closing(migrated), contextlib.closing(sqlite3.connect(self.path)) as copy:
            migrated.backup(copy)

    def rows(self, question):
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as asked:
            return asked.execute(question).fetchall()

    def drop(self):
        """The folder goes, and the file with it."""


class PostgresDatabase:
    """A database on the tests' PostgreSQL server, copied from the migrated one of the tests."""

    def __init__(self, folder):
        settings = connection.settings_dict
        login = f"{settings['USER']}:{settings['PASSWORD']}".rstrip(":")
        self._server = f"postgres://{login}@{settings['HOST']}:{settings['PORT'] or 5432}"
        self._name = f"{settings['NAME']}_{secrets.token_hex(4)}"
        self.url = f"{self._server}/{self._name}"
        # A template must not be in use.
        connection.close()
        connection.close_pool()
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._administrate(statement, self._name, settings["NAME"])

    def _administrate(self, statement, *names):
        with psycopg.connect(f"{self._server}/postgres", autocommit=True) as admin:
            admin.execute(statement.format(*map(sql.Identifier, names)))

    def rows(self, question):
        with psycopg.connect(self.url) as asked:
            return asked.execute(question).fetchall()

    def drop(self):
        self._administrate(sql.SQL("DROP DATABASE {} WITH (FORCE)"), self._name)


def copied_database(folder):
    """Return a fresh database of the kind that this run is about."""
    return (SqliteDatabase if connection.vendor == "sqlite" else PostgresDatabase)(folder)


class Installation:
    """One database and the servers on it; `token` opens the API for the administrator.

    Any charger is let in, so that tests need not enter them.
    """

    def __init__(self, folder, database, **settings):
        self.folder, self.database = folder, database
        self._settings = {
            "CSMS_DATA_DIR": str(folder),
            "CSMS_SECRET_KEYS": "only-this-installation-knows-it",
            "CSMS_ADMIN_PASSWORD": "staff's password",
            "CSMS_UNKNOWN_CHARGERS": "accept",
            "CSMS_REDIS_PREFIX": secrets.token_hex(4),
            "DATABASE_URL": database.url,
            "DEMO": "0",
            "PYTHONWARNINGS": "default",
            **settings,
        }
        self.servers = []
        self.token = ""

    def rows(self, question):
        return self.database.rows(question)

    def manage(self, *arguments):
        """Run a command of manage.py to its end."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment(), check=True)

    def serve(self, *arguments):
        """Start `manage.py serve` and return it once it is ready."""
        return self.serve_many(1, *arguments)[0]

    def serve_many(self, count, *arguments):
        """Start some servers at once and return them when all are ready."""
        started = [self.start("serve", "--port", "{port}", *arguments) for _ in range(count)]
        for server in started:
            server.await_ready()
        return started

    def start(self, *arguments):
        """Start a command of manage.py that serves on {port}."""
        self.servers.append(Server(self, len(self.servers), arguments))
        return self.servers[-1]

    def environment(self):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        # A server starts sooner from compiled modules, whatever the tests themselves run with.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        return {**inherited, **self._settings}

    def close(self):
        for server in self.servers:
            server.kill()
        self.database.drop()


class Server:
    """A server process of an installation."""

    def __init__(self, installation, number, arguments):
        self._installation = installation
        self._log_path = installation.folder / f"serve-{number}.log"
        self.port = free_port()
        command = [sys.executable, "manage.py", *(word.format(port=self.port) for word in arguments)]
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=installation.environment(), stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def log(self):
        """What it wrote so far."""
        return self._log_path.read_text(errors="replace")

    def await_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.readiness() == 200:
                break
            time.sleep(0.02)
        else:
            raise AssertionError(f"the server did not become ready:\n{self.log}")
        if shown := re.search(r"API token: (\S+)", self.log):
            self._installation.token = shown[1]

    def readiness(self):
        """Return the status of /readyz; None when nobody answers."""
        try:
            return self.request("GET", "/readyz")[0]
        except OSError:
            return None

    def request(self, method, path, body=None):
        """Ask the API as the administrator; return (status, decoded body)."""
        headers = {"Content-Type": "application/json"}
        if self._installation.token:
            headers["Authorization"] = f"Bearer {self._installation.token}"
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urlopen(Request(url, data, headers, method=method), timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    async def ask(self, *question):
        """`request`, while the loop goes on."""
        return await asyncio.to_thread(self.request, *question)

    def memory(self):
        """Return the bytes of memory that it occupies."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def limit_files(self, size):
        """Let no file of it grow beyond `size` bytes, as a full disk does; None lifts the limit."""
        soft = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    def end(self, seconds=20):
        """Ask it to end, as a service manager does; return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=seconds)

    def kill(self):
        """Kill it without warning, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
