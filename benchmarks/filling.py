"""Fill our readings table with millions of rows that look like what chargers have sent for a week."""

import shutil
from datetime import UTC, datetime, timedelta

from benchmarks.process import BenchmarkError

TABLE = "chargers_reading"
# Rows a statement; each is a transaction of its own.
CHUNK = 100_000
WEEK = timedelta(days=7)
# Disk a row: about 1.5 kB with its indexes, and as much again for journals on the way.
ROW_BYTES = 3000

# How each database writes the moment that lies so many steps after the start.
_MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', '{start}', (step.number * {seconds}) || ' seconds')",
    "postgresql": "timestamptz '{start}+00' + step.number * interval '{seconds} seconds'",
}
_STEPS = {
    "sqlite": (
        "WITH RECURSIVE step(number) AS (SELECT {first} UNION ALL "
        "SELECT number + 1 FROM step WHERE number < {last})"
    ),
    "postgresql": "WITH step(number) AS (SELECT generate_series({first}, {last}))",
}


def fill(database, rows):
    """Add about `rows` readings: copies of each charger's latest, spread over the last week.

    In the order in which they would have come: at each moment one of every charger. Call with the
    server stopped, after some readings were stored; returns how many rows there are then.
    """
    # PostgreSQL's data is taken to lie on the same disk as ours.
    if shutil.disk_usage(database.folder).free < rows * ROW_BYTES:
        raise BenchmarkError(f"{rows} readings may not fit on this disk; choose fewer with --rows")
    with database.connect() as connection:
        connection.execute(
            f"CREATE TEMPORARY TABLE sample AS SELECT * FROM {TABLE} WHERE id IN "
            f"(SELECT max(id) FROM {TABLE} GROUP BY charger_id)"
        )
        chargers = connection.execute("SELECT count(*) FROM sample").fetchone()[0]
        cursor = connection.execute("SELECT * FROM sample LIMIT 0")
        columns = [column[0] for column in cursor.description if column[0] != "id"]
        steps = max(1, rows // chargers)
        statement = _statement(database.kind, columns, WEEK.total_seconds() / steps)
        stride = max(1, CHUNK // chargers)
        for first in range(0, steps, stride):
            connection.execute(statement.format(first=first, last=min(first + stride, steps) - 1))
        connection.execute("DROP TABLE sample")
        _settle(database.kind, connection)
        return connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]


def _statement(kind, columns, seconds):
    start = (datetime.now(UTC) - WEEK).strftime("%Y-%m-%d %H:%M:%S")
    moment = _MOMENT[kind].format(start=start, seconds=f"{seconds:.6f}")
    values = [moment if name in ("measured_at", "received_at") else name for name in columns]
    return (
        f"INSERT INTO {TABLE} ({', '.join(columns)}) {_STEPS[kind]} "
        f"SELECT {', '.join(values)} FROM step CROSS JOIN sample ORDER BY step.number"
    )


def _settle(kind, connection):
    """Leave no debt of the filling for the measurement to pay."""
    if kind == "sqlite":
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        connection.execute(f"VACUUM (ANALYZE) {TABLE}")
        connection.execute("CHECKPOINT")
