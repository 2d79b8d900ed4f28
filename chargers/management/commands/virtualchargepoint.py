"""`manage.py virtualchargepoint`: a charge point on the terminal; it needs no database."""

import asyncio
import contextlib
import logging
import os
import random
import signal
import sys
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from chargers.virtual import visit
from chargers.virtual.charge_point import ChargePoint
from chargers.virtual.clock import Clock
from chargers.virtual.console import Console, read_lines
from chargers.virtual.power import AC, DC
from chargers.wire.validation import V16, V201

VERSIONS = {"1.6": V16, "2.0.1": V201}


class Command(BaseCommand):
    help = (
        'A virtual charge point. Takes JSON lines like {"id": "a", "command": "plug_in", "args": {}} '
        "on stdin and prints JSON lines; --charge plays one session and exits."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--url", required=True, help="ws://host:port/ocpp/ ; the identifier is appended")
        parser.add_argument("--id", required=True, dest="identifier", help="the charge point's identifier")
        parser.add_argument("--ocpp", choices=VERSIONS, default="1.6", help="the OCPP version")
        parser.add_argument("--connectors", type=int, default=1, help="how many connectors it has")
        parser.add_argument("--password", default="", help="for HTTP Basic, with the identifier as user name")
        parser.add_argument("--dc", action="store_true", help="150 kW direct current instead of 11 kW")
        parser.add_argument("--speed", type=float, default=1.0, help="seconds of charging in each second")
        parser.add_argument("--seed", type=int, help="makes chance repeatable")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="configuration")
        parser.add_argument("--trace", action="store_true", help="print every OCPP message as an event")
        parser.add_argument("--charge", action="store_true", help="play one charging session and exit")
        parser.add_argument("--token", default="VIRTUAL", help="the tag that --charge presents")
        parser.add_argument("--seconds", type=float, default=10.0, help="how long --charge charges")

    def handle(self, **options):
        # Its log would say again what the lines say.
        logging.getLogger("chargers.virtual").addHandler(logging.NullHandler())
        code = asyncio.run(_main(options))
        if code:
            sys.exit(code)


async def _main(options):
    point = _built(options)
    console = Console(point, _write, trace=options["trace"])
    await point.start()
    try:
        return await _until_signalled(
            _charge(point, console, options) if options["charge"] else _talk(console)
        )
    finally:
        await point.stop()


def _built(options):
    if urlsplit(options["url"]).scheme not in ("ws", "wss"):
        raise CommandError("--url must begin with ws:// or wss://")
    if not 1 <= options["connectors"] <= 1000:
        raise CommandError("--connectors must be 1 to 1000")
    settings = {"MeterValueSampleInterval": max(1, int(options["seconds"] * options["speed"] / 4))}
    settings = settings if options["charge"] else {}
    try:
        return ChargePoint(
            options["url"],
            options["identifier"],
            VERSIONS[options["ocpp"]],
            password=options["password"],
            connectors=options["connectors"],
            outlet=DC if options["dc"] else AC,
            configuration=settings | dict(_pair(text) for text in options["set"]),
            clock=Clock(options["speed"]),
            dice=random.Random(options["seed"]),
        )
    except ValueError as problem:
        raise CommandError(str(problem)) from None


def _pair(text):
    key, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--set takes KEY=VALUE, not {text!r}")
    return key, value


async def _talk(console):
    lines = asyncio.Queue()
    read_lines(sys.stdin.fileno(), asyncio.get_running_loop(), lines)
    await console.run(lines)
    return 0


async def _charge(point, console, options):
    try:
        transaction = await visit.charge(point, options["token"], seconds=options["seconds"])
    except visit.Refused as problem:
        console.say(error=str(problem))
        return 1
    energy = transaction.end_wh - transaction.start_wh
    console.say(result={"transaction_id": point.words.transaction_id(transaction), "energy_wh": energy})
    return 0


async def _until_signalled(work):
    """Run `work` and return its exit code; a SIGTERM or SIGINT ends it early."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    signals = [signal.SIGTERM, signal.SIGINT]
    for number in signals:
        with contextlib.suppress(NotImplementedError, RuntimeError):  # no such thing there
            loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0


def _write(text):
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever listened has gone; what is still printed goes nowhere, as does the last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.kill(os.getpid(), signal.SIGTERM)
