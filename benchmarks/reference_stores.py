"""Where the reference server keeps what it hears: nowhere, in SQLite or in PostgreSQL."""

import itertools
import sqlite3
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

# {id} is the one word that the two databases spell differently.
TABLES = """
CREATE TABLE charger (identifier TEXT PRIMARY KEY, vendor TEXT, model TEXT, booted_at TEXT);
CREATE TABLE connector (charger TEXT, number INTEGER, status TEXT, error TEXT, changed_at TEXT,
  PRIMARY KEY (charger, number));
CREATE TABLE charge (id {id}, charger TEXT, connector INTEGER, id_tag TEXT, meter_start INTEGER,
  started_at TEXT);
CREATE TABLE reading (id {id}, charger TEXT, connector INTEGER, charge INTEGER, taken_at TEXT,
  energy_wh DOUBLE PRECISION, sampled {json});
CREATE INDEX reading_time ON reading (charger, taken_at)
"""
BOOT = """INSERT INTO charger VALUES (?, ?, ?, ?) ON CONFLICT (identifier) DO UPDATE
SET vendor = excluded.vendor, model = excluded.model, booted_at = excluded.booted_at"""
STATUS = """INSERT INTO connector VALUES (?, ?, ?, ?, ?) ON CONFLICT (charger, number) DO UPDATE
SET status = excluded.status, error = excluded.error, changed_at = excluded.changed_at"""
START = """INSERT INTO charge (charger, connector, id_tag, meter_start, started_at)
VALUES (?, ?, ?, ?, ?) RETURNING id"""
READING = """INSERT INTO reading (charger, connector, charge, taken_at, energy_wh, sampled)
VALUES (?, ?, ?, ?, ?, ?)"""


class NoStore:
    """Forgets everything; only numbers its transactions."""

    def __init__(self):
        self._numbers = itertools.count(1)

    async def boot(self, *row):
        pass

    async def status(self, *row):
        pass

    async def start(self, *row):
        return next(self._numbers)

    async def readings(self, rows):
        pass


class SqliteStore:
    """One connection, WAL, synchronous=FULL, a commit a message.

    Called in the event loop itself: through a thread of its own it acknowledged no more.
    """

    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.executescript(TABLES.format(id="INTEGER PRIMARY KEY AUTOINCREMENT", json="TEXT"))

    async def boot(self, *row):
        self.connection.execute(BOOT, row)

    async def status(self, *row):
        self.connection.execute(STATUS, row)

    async def start(self, *row):
        return self.connection.execute(START, row).fetchall()[0][0]

    async def readings(self, rows):
        if len(rows) == 1:
            self.connection.execute(READING, rows[0])
            return
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(READING, rows)


class PostgresqlStore:
    """psycopg's asynchronous pool of eight connections, a commit a message."""

    def __init__(self, pool):
        self.pool = pool

    async def create(self):
        tables = TABLES.format(id="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", json="JSONB")
        async with self.pool.connection() as connection:
            for statement in tables.split(";"):
                await connection.execute(statement)

    async def _execute(self, statement, row):
        async with self.pool.connection() as connection:
            return await connection.execute(statement.replace("?", "%s"), row)

    async def boot(self, *row):
        await self._execute(BOOT, row)

    async def status(self, *row):
        await self._execute(STATUS, row)

    async def start(self, *row):
        async with self.pool.connection() as connection:
            cursor = await connection.execute(START.replace("?", "%s"), row)
            return (await cursor.fetchone())[0]

    async def readings(self, rows):
        if len(rows) == 1:
            await self._execute(READING, rows[0])
            return
        async with self.pool.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany(READING.replace("?", "%s"), rows)


@asynccontextmanager
async def open_store(name):
    """The store for `name`: `none`, a postgresql:// URL, or else an SQLite file."""
    if name == "none":
        yield NoStore()
    elif name.startswith("postgresql://"):
        async with AsyncConnectionPool(name, min_size=8, max_size=8, open=False) as pool:
            store = PostgresqlStore(pool)
            await store.create()
            yield store
    else:
        store = SqliteStore(name)
        yield store
        store.connection.close()
