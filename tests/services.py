"""The services that marked tests need: where each is looked for, and what becomes of a test without it.

A missing service leaves its tests out, by name; with REQUIRE_SERVICES=1 it fails them.
"""

import os
import shutil
import socket
import zlib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "tests" / "peers"
# Two checkouts on one machine must not share test databases, so the name tells whose they are.
_DATABASE = f"stationmaster_{zlib.crc32(os.fsencode(ROOT)):08x}"
DATABASE_URL = os.environ.get("TEST_DATABASE_URL") or f"postgres://postgres@127.0.0.1:5432/{_DATABASE}"
REDIS_URL = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/0"
MQTT_URL = os.environ.get("TEST_MQTT_URL") or "mqtt://127.0.0.1:1883"
_BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
CHROMIUM = next(filter(None, map(shutil.which, _BROWSERS)), None)


def required():
    """Whether a missing service is a failure."""
    return os.environ.get("REQUIRE_SERVICES", "") not in ("", "0")


@cache
def without_server():
    """Why no PostgreSQL server can be used, or an empty string."""
    import psycopg

    # The database itself is made by the tests: the one that every server has is asked.
    url = urlsplit(DATABASE_URL)._replace(scheme="postgresql", path="/postgres").geturl()
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.Error as error:
        return f"needs PostgreSQL: {' '.join(str(error).split())}"
    return ""


def _without_postgres():
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return ""
    return "needs PostgreSQL: this run is on SQLite (DATABASE_URL)"


def _without_redis():
    import redis

    try:
        with redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3) as client:
            client.ping()
    except redis.RedisError as error:
        return f"needs Redis: {error}"
    return ""


def _without_mqtt():
    url = urlsplit(MQTT_URL)
    try:
        socket.create_connection((url.hostname, url.port or 1883), timeout=3).close()
    except OSError as error:
        return f"needs an MQTT broker at {url.hostname}:{url.port or 1883}: {error}"
    return ""


def _without_node():
    if not shutil.which("node"):
        return "needs node: it is not on the PATH"
    if not (PEERS / "node_modules").is_dir():
        return "needs node packages: `npm ci` in tests/peers, which `make test` does"
    return ""


def _without_browser():
    return "" if CHROMIUM else "needs Chromium: it is not on the PATH"


def _without_cluster():
    from tests.kit import cluster

    return "" if cluster.programs() else "needs PostgreSQL's server programs: there is no initdb"


PROBES = {
    "postgres": _without_postgres,
    "cluster": cache(_without_cluster),
    "redis": cache(_without_redis),
    "mqtt": cache(_without_mqtt),
    "node": cache(_without_node),
    "browser": cache(_without_browser),
}


def missing():
    """What is missing on this machine, as sentences."""
    others = [PROBES[name]() for name in PROBES if name != "postgres"]
    return [reason for reason in [without_server(), *others] if reason]


def pytest_runtest_setup(item):
    """Leave a test out whose service is missing, or fail it where services are required."""
    is_on_sqlite = bool(PROBES["postgres"]())
    if item.get_closest_marker("once") and not is_on_sqlite:
        pytest.skip("says the same on every database: run on SQLite")
    if item.get_closest_marker("strictest") and is_on_sqlite and os.environ.get("POSTGRESQL_FOLLOWS"):
        pytest.skip("says more on PostgreSQL: run there")
    for name in {mark.name for mark in item.iter_markers()} & PROBES.keys():
        reason = PROBES[name]()
        # On SQLite the tests of PostgreSQL have their turn in the other run, so they are never a failure.
        if reason and required() and name != "postgres":
            pytest.fail(reason, pytrace=False)
        if reason:
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter):
    """Say at the end of every run which scenarios of the acceptance list are not supported."""
    from tests.fullstack.scenarios.names import NAMES, UNSUPPORTED

    terminalreporter.section("acceptance list (docs/acceptance.md)")
    terminalreporter.line(f"{len(NAMES)} scenarios, {len(UNSUPPORTED)} not supported")
    for name, reason in UNSUPPORTED.items():
        terminalreporter.line(f"NOT SUPPORTED {name}: {reason}")
