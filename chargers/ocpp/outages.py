"""Whose fault an error of the database is: its own, or that of the work that met it.

contention    two transactions got in each other's way          run again at once
outage        away, restarting, full, locked, read-only         wait, for as long as it takes
doubt         refused for a reason that either may have         run again, but not for ever
work          everything else                                   the work fails, alone
"""

from django.db import InterfaceError, OperationalError, connection

_CONTENTION = {"40001", "40P01"}  # serialization failure, deadlock
# Connection lost, disk full, too many connections, shutting down or starting, I/O error, standby server.
_OUTAGES = ("08", "53100", "53300", "57P", "58", "25006")
# SQLite's primary result codes: busy, locked, no memory, read-only, I/O error, corrupt, full, cannot
# open, locking protocol, not a database.
_SQLITE_OUTAGES = {5, 6, 7, 8, 10, 11, 13, 14, 15, 26}


def is_trouble(error):
    """Say whether the work that met `error` should be run again."""
    return isinstance(error, OperationalError | InterfaceError) or is_contention(error) or is_outage(error)


def is_contention(error):
    """Say whether another transaction was merely in the way."""
    return getattr(error.__cause__, "sqlstate", None) in _CONTENTION


def is_outage(error):
    """Say whether no work can be to blame. Ask before the connection is used again."""
    cause = error.__cause__
    if code := getattr(cause, "sqlite_errorcode", None):
        # The higher bits tell the variety.
        return code & 0xFF in _SQLITE_OUTAGES
    if state := getattr(cause, "sqlstate", None):
        return state.startswith(_OUTAGES)
    return isinstance(error, OperationalError | InterfaceError) and _is_cut()


def _is_cut():
    """Say whether this thread's connection is unusable; SQLite's is a file, and says so by its codes."""
    if connection.vendor == "sqlite":
        return False
    return connection.connection is None or connection.connection.closed
