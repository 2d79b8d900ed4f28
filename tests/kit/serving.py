"""`manage.py serve` as people start it: a process with a data directory of its own."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager

from django.db import connection

from tests.kit.live import ROOT, await_answer

ADMIN, PASSWORD = "boss", "a password for the browser"
_OURS = ("CSMS_", "DATABASE_URL", "REDIS_URL", "MQTT_URL", "DEBUG", "DEMO", "HOST", "PORT")


@contextmanager
def system(folder):
    """Serve with the demo fleet from an empty database in `folder`; yield the address.

    Takes the tables of the test database, which is SQLite's and empty, to save the migrations.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment |= {
        "CSMS_DATA_DIR": str(folder),
        "CSMS_ADMIN_USERNAME": ADMIN,
        "CSMS_ADMIN_PASSWORD": PASSWORD,
    }
    manage = [sys.executable, str(ROOT / "manage.py")]
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(folder / "csms.sqlite3")])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*manage, "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        await_answer(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        finally:
            process.kill()
            process.wait()
