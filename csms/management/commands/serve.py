"""`manage.py serve`: the server, the worker loop and, on a fresh database, a first user and a demo."""

import argparse
import contextlib
import os
import socket
import threading

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chargers.services import registration
from csms import first_run, jobs, logs, partitions, servers


def _port(text):
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"PORT must be a number from 0 to 65535, not {text!r}")
    return int(text)


def _check_address(host, port):
    """Raise where we cannot listen, before anything is made, printed once or begun."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CommandError(f"Cannot listen on HOST {host}, PORT {port}: {error.strerror}") from None


class Command(BaseCommand):
    help = "Serve HTTP and websockets, and run the jobs unless --no-worker."

    def add_arguments(self, parser):
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        # A text as default is read like one from the command line, and refused like it.
        parser.add_argument("--port", type=_port, default=os.environ.get("PORT", "8000"))
        parser.add_argument("--server", choices=["uvicorn", "daphne"], default="uvicorn")
        parser.add_argument("--no-worker", action="store_true", help="leave the jobs to manage.py worker")
        parser.add_argument("--no-demo", action="store_true", help="no demo fleet, as DEMO=0")

    def handle(self, *, host, port, server, no_worker, no_demo, **options):
        _check_address(host, port)
        logs.configure(level=settings.CSMS_LOG_LEVEL, as_json=settings.CSMS_LOG_JSON)
        self._prepare()
        url = f"http://{host}:{port}"
        stop = threading.Event()
        threads = [] if no_worker else [threading.Thread(target=jobs.run_forever, args=[stop], name="jobs")]
        if not no_demo and os.environ.get("DEMO", "1") != "0":
            threads += self._demo(url, stop)
        self.stdout.write(
            f"Stationmaster serves {url}/admin/ ; chargers connect to ws://{host}:{port}/ocpp/<id>"
        )
        for thread in threads:
            thread.daemon = True
            thread.start()
        try:
            servers.run(server, host, port, stop)
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=10)

    def _demo(self, url, stop):
        from csms import demo  # a production server needs no virtual chargers in its memory

        fleet = demo.prepare()
        if fleet is None:
            return []
        self.stdout.write(f"Demo: {len(fleet.chargers)} virtual chargers connect; DEMO=0 leaves them out.")
        return [threading.Thread(target=demo.run, args=[fleet, url, stop], name="demo")]

    def _prepare(self):
        partitions.ensure(timezone.now())
        for line in first_run.prepare():
            self.stdout.write(self.style.SUCCESS(line))
        if settings.CSMS_DEFAULT_OWNER and registration.default_owner() is None:
            self.stderr.write(f"CSMS_DEFAULT_OWNER: no active user {settings.CSMS_DEFAULT_OWNER!r} yet.")
        if settings.CSMS_UNKNOWN_CHARGERS == "accept":
            self.stderr.write("CSMS_UNKNOWN_CHARGERS=accept: anyone who can reach this server is a charger.")
        if settings.CSMS_METRICS_OPEN:
            self.stderr.write("CSMS_METRICS_OPEN=1: anyone who can reach this server may read /metrics.")
        with contextlib.suppress(Exception):
            self.stdout.flush()
