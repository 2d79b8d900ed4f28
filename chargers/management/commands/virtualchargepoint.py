"""`manage.py virtualchargepoint`: a charge point on the terminal; it needs no database."""

import argparse
import asyncio
import contextlib
import logging
import math
import os
import random
import signal
import sys
from functools import partial

import orjson
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from chargers.virtual import visit
from chargers.virtual.charge_point import ChargePoint
from chargers.virtual.clock import Clock
from chargers.virtual.commands import Commands
from chargers.virtual.console import Console, read_lines
from chargers.virtual.crowd import Crowd
from chargers.virtual.everest import OcppChargePoint
from chargers.virtual.mqtt import Bridge
from chargers.virtual.power import AC, DC
from chargers.virtual.schedules import Settings
from chargers.virtual.state import StateFile
from chargers.virtual.transfer import protocol, put
from chargers.wire.validation import V16, V201
from csms import environment, mqtt

# How long what was published last may take to reach the broker.
DRAIN_SECONDS = 2.0
# More would have to wait for each other in one process.
MOST_POINTS = 2000
VERSIONS = {"1.6": V16, "2.0.1": V201}
# EVerest's names for what its modules are configured with, what we call them, and how they are read.
EVEREST = {
    "PublishChargingScheduleIntervalS": ("interval_s", int),
    "PublishChargingScheduleDurationS": ("duration_s", int),
    "RequestCompositeScheduleUnit": ("unit", str),
    "TypedChargingSchedules": ("is_typed", lambda text: text.lower() == "true"),
}


class Command(BaseCommand):
    help = (
        'A virtual charge point. Takes JSON lines like {"id": "a", "command": "plug_in", "args": {}} '
        "on stdin and prints JSON lines; --charge plays one session and exits; --count runs many."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--url", required=True, help="ws://host:port/ocpp/ ; the identifier is appended")
        parser.add_argument("--id", required=True, dest="identifier", help="the charge point's identifier")
        parser.add_argument("--ocpp", choices=VERSIONS, default="1.6", help="the OCPP version")
        parser.add_argument("--connectors", type=int, default=1, help="how many connectors it has")
        parser.add_argument("--password", default="", help="for HTTP Basic, with the identifier as user name")
        parser.add_argument("--dc", action="store_true", help="150 kW direct current instead of 11 kW")
        parser.add_argument("--speed", type=_number, default=1.0, help="seconds of charging in each second")
        parser.add_argument("--seed", type=int, help="makes chance repeatable")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="configuration")
        parser.add_argument("--state", metavar="FILE", help="remember what must outlive the process")
        parser.add_argument(
            "--everest", action="append", default=[], metavar="KEY=VALUE", help="its module's"
        )
        parser.add_argument("--trace", action="store_true", help="print every OCPP message as an event")
        parser.add_argument("--upload", action="store_true", help="send logs to where the CSMS wants them")
        parser.add_argument("--count", type=int, help="run so many of them; {n} is the number of each")
        parser.add_argument(
            "--rate", type=_number, default=20.0, help="how many of --count start in a second"
        )
        parser.add_argument("--mqtt", metavar="URL", help="a broker; MQTT_URL by default, '' for none")
        parser.add_argument("--charge", action="store_true", help="play one charging session and exit")
        parser.add_argument("--token", default="VIRTUAL", help="the tag that --charge presents")
        parser.add_argument("--seconds", type=_number, default=10.0, help="how long --charge charges")

    def handle(self, **options):
        # Its log would say again what the lines say.
        logging.getLogger("chargers.virtual").addHandler(logging.NullHandler())
        code = asyncio.run(_many(options) if options["count"] is not None else _one(options))
        if code:
            sys.exit(code)


async def _one(options):
    point = _built(options, options["identifier"], options["password"], random.Random(options["seed"]))
    commands = Commands(OcppChargePoint(point, schedules=_schedules(options)))
    console = Console(commands, _write, trace=options["trace"])
    async with _on_broker(commands, console, options):
        memory = _memory(point, console, options)
        await point.start()
        if memory:
            memory.recover()
        try:
            return await _until_signalled(
                _charge(point, console, options) if options["charge"] else _talk(console)
            )
        finally:
            await point.stop()


def _memory(point, console, options):
    """Return what outlives the process, or None; the point knows by then what it did in its last life."""
    if not options["state"]:
        return None
    memory = StateFile(
        point, options["state"], on_failed=lambda problem: console.say(error=f"--state: {problem}")
    )
    try:
        memory.restore()
        memory.save()
    except (OSError, ValueError) as problem:
        raise CommandError(f"--state: {problem}") from None
    return memory


@contextlib.asynccontextmanager
async def _on_broker(commands, console, options):
    """Have the charge point on the MQTT broker, where there is one."""
    if not (url := _broker(options)):
        yield
        return
    bridge = Bridge(
        commands,
        partial(mqtt.client, url),
        trace=options["trace"],
        on_change=lambda is_connected, cause: console.say(
            mqtt={"is_connected": is_connected, "cause": cause}
        ),
    )
    running = asyncio.create_task(bridge.run())
    try:
        yield
        await bridge.drained(DRAIN_SECONDS)
    finally:
        running.cancel()
        await asyncio.wait([running])


def _broker(options):
    """Return the URL of the broker, or "" for none."""
    if options["mqtt"] is None:
        return settings.MQTT_URL
    example = "mqtt://user:password@127.0.0.1:1883"
    try:
        environment.check_scheme("--mqtt", options["mqtt"], ["mqtt", "mqtts"], example)
        environment.check_place("--mqtt", options["mqtt"], example)
    except ImproperlyConfigured as problem:
        raise CommandError(str(problem)) from None
    return options["mqtt"]


async def _many(options):
    points = _crowd(options)
    _allow_sockets(len(points))
    crowd = Crowd(points, options["token"], lambda told: _say(crowd=told), per_second=options["rate"])
    reporting = asyncio.create_task(crowd.reporting())
    try:
        return await _until_signalled(_play(crowd, options))
    finally:
        reporting.cancel()
        await crowd.stop()
        crowd.tell()


async def _play(crowd, options):
    if not options["charge"]:
        await crowd.live()
    return 0 if await crowd.charge(options["seconds"]) else 1


def _crowd(options):
    if not 1 <= options["count"] <= MOST_POINTS:
        raise CommandError(f"--count must be 1 to {MOST_POINTS}")
    if not 0 < options["rate"] <= MOST_POINTS:
        raise CommandError(f"--rate must be above 0, and at most {MOST_POINTS}")
    if options["trace"] or options["mqtt"] or options["state"]:
        raise CommandError("--trace, --mqtt and --state are for a single charge point, without --count")
    identifier = options["identifier"]
    pattern = identifier if "{n}" in identifier else f"{identifier}-{{n}}"
    dice = random.Random(options["seed"])
    return [
        _built(
            options,
            pattern.replace("{n}", str(number)),
            options["password"].replace("{n}", str(number)),
            random.Random(dice.random()),
        )
        for number in range(1, options["count"] + 1)
    ]


def _allow_sockets(count):
    """Each charge point has a connection, and many systems give a program only 1024 at first."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # which not every system has

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count + 256
        if now != resource.RLIM_INFINITY and now < wanted:
            wanted = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _built(options, identifier, password, dice):
    if protocol(options["url"]) not in ("WS", "WSS"):
        raise CommandError("--url must begin with ws:// or wss://")
    if not 1 <= options["connectors"] <= 1000:
        raise CommandError("--connectors must be 1 to 1000")
    chosen = {"MeterValueSampleInterval": max(1, int(options["seconds"] * options["speed"] / 4))}
    chosen = chosen if options["charge"] else {}
    try:
        return ChargePoint(
            options["url"],
            identifier,
            VERSIONS[options["ocpp"]],
            password=password,
            connectors=options["connectors"],
            transfer=put if options["upload"] else None,
            outlet=DC if options["dc"] else AC,
            configuration=chosen | dict(_pair(text) for text in options["set"]),
            clock=Clock(options["speed"]),
            dice=dice,
        )
    except ValueError as problem:
        raise CommandError(str(problem)) from None


def _number(text):
    """Read a number that is one: float takes nan and inf for numbers too."""
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text} is no number")
    return number


def _schedules(options):
    """Return how charging_schedules are published, by the names that EVerest has for it."""
    given = dict(_pair(text, "--everest") for text in options["everest"])
    if unknown := set(given) - set(EVEREST):
        raise CommandError(f"--everest knows no {min(unknown)}, but {', '.join(EVEREST)}")
    try:
        return Settings(**{EVEREST[key][0]: EVEREST[key][1](value) for key, value in given.items()})
    except ValueError as problem:
        raise CommandError(f"--everest: {problem}") from None


def _pair(text, option="--set"):
    key, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"{option} takes KEY=VALUE, not {text!r}")
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


def _say(**line):
    _write(orjson.dumps(line).decode())


def _write(text):
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever listened has gone; what is still printed goes nowhere, as does the last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.kill(os.getpid(), signal.SIGTERM)
