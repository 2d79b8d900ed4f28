"""A real server in a process of its own, on the test database."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent.parent

# Tests empty the tables between them: what the server remembers of their rows is then wrong.
_SERVE = """
import sys, threading
from django.core.signals import request_started
from csms import servers

def forget(**_):
    from django.contrib.contenttypes.models import ContentType

    ContentType.objects.clear_cache()

request_started.connect(forget)
servers.run("uvicorn", "127.0.0.1", int(sys.argv[1]), threading.Event())
"""


@contextmanager
def server(**settings):
    """Start the server and yield (its address, its process); it is killed if it does not end by itself.

    `settings` are environment variables on top of those that name the test database.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Without what `manage.py serve` does first: it would enter a first user.
    command = [sys.executable, "-c", _SERVE, str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **_settings(), **settings}, stdout=subprocess.DEVNULL
    )
    try:
        await_answer(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}", process
        process.terminate()
        process.wait(timeout=15)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _settings():
    from django.conf import settings
    from django.db import connection

    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        login = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
        url = f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    return {"DATABASE_URL": url, "CSMS_SECRET_KEYS": ",".join(settings.CSMS_SECRET_KEYS)}


def await_answer(url, process):
    """Return what `url` answers as soon as the server `process` does."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return urlopen(url, timeout=2).read()
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")
