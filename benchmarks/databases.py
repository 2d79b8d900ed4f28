"""The databases that a benchmark makes, copies, looks into and drops again."""

import os
import secrets
import shutil
import sqlite3
from contextlib import contextmanager

import psycopg
from psycopg import sql

from benchmarks.process import BenchmarkError

# A role here may create databases; ours are all called bench_<hex>.
ADMIN_URL = os.environ.get("BENCH_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


class Sqlite:
    """An SQLite file in a data folder of its own."""

    kind = "sqlite"

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def store(self):
        """What the reference server is given."""
        return str(self.folder / "csms.sqlite3")

    def environment(self):
        """What our server is given: the default, a file in its data folder."""
        return {"CSMS_DATA_DIR": str(self.folder)}

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Sqlite(folder)

    @contextmanager
    def connect(self):
        """A connection that commits each statement, for the benchmark's own questions."""
        connection = sqlite3.connect(self.store, isolation_level=None, timeout=30)
        try:
            yield connection
        finally:
            connection.close()

    def lock(self, connection):
        """Take the one write lock that SQLite has, until the connection rolls back."""
        connection.execute("BEGIN IMMEDIATE")

    def drop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgresql:
    """A PostgreSQL database named bench_..., and a data folder beside it."""

    kind = "postgresql"

    def __init__(self, folder, template=None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"bench_{secrets.token_hex(6)}"
        self.secret = template.secret if template else secrets.token_urlsafe(48)
        statement = "CREATE DATABASE {}" + (" TEMPLATE {}" if template else "")
        names = [self.name, *([template.name] if template else [])]
        administrate(sql.SQL(statement).format(*map(sql.Identifier, names)))

    @property
    def store(self):
        return f"{ADMIN_URL.rpartition('/')[0]}/{self.name}"

    def environment(self):
        return {
            "CSMS_DATA_DIR": str(self.folder),
            "DATABASE_URL": self.store,
            "CSMS_SECRET_KEYS": self.secret,
        }

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Postgresql(folder, template=self)

    @contextmanager
    def connect(self):
        with psycopg.connect(self.store, autocommit=True) as connection:
            yield connection

    def lock(self, connection):
        """Let nobody store a reading or an authorization until the connection rolls back."""
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE chargers_reading IN ACCESS EXCLUSIVE MODE")
        connection.execute("LOCK TABLE tokens_authorization IN SHARE ROW EXCLUSIVE MODE")

    def drop(self):
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        administrate(statement.format(sql.Identifier(self.name)))
        shutil.rmtree(self.folder, ignore_errors=True)


KINDS = {kind.kind: kind for kind in (Sqlite, Postgresql)}


def administrate(statement):
    """Run one statement where databases are made; no PostgreSQL there is a BenchmarkError."""
    try:
        with psycopg.connect(ADMIN_URL, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)
    except psycopg.OperationalError as error:
        raise BenchmarkError(f"no PostgreSQL at BENCH_POSTGRES_URL: {error}") from error


def last_id(database, table):
    """The highest id in `table`, 0 when it is empty."""
    with database.connect() as connection:
        return connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]


def count_after(database, table, mark):
    """How many rows of `table` have an id above `mark`; cheap however large the table is."""
    with database.connect() as connection:
        return connection.execute(f"SELECT count(*) FROM {table} WHERE id > {mark}").fetchone()[0]


def switch_datum_off(database):
    """Have all accounts neither store nor publish datum."""
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO chargers_publishsettings "
            "(owner_id, created_at, publish_to_solar_in, publish_to_solar_flux, source_id_template) "
            "SELECT id, date_joined, false, false, '' FROM auth_user"
        )


def describe(kind):
    """The version of the database, and whether its commits reach the disk."""
    if kind == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}, WAL, synchronous=FULL"
    try:
        with psycopg.connect(ADMIN_URL, connect_timeout=5) as connection:
            names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
            values = [connection.execute(f"SHOW {name}").fetchone()[0] for name in names]
    except psycopg.OperationalError:
        return "PostgreSQL: not reachable"
    return "PostgreSQL " + ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
