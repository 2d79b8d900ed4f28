"""The load generator, a process of its own: `python -m benchmarks.generator MODE FLEET PORT ...`.

It talks in JSON lines: prints {"event": "ready"} once its chargers are prepared, waits for a line
on stdin, does its work, prints {"event": "result", ...} and ends. A run with any error answer, lost
connection or start that was not accepted is not reported: {"event": "refused"} and exit code 1.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
from array import array
from pathlib import Path
from time import perf_counter

import uvloop

from benchmarks import fleet, payloads
from benchmarks.charger import Charger, Failed, Tally
from benchmarks.websocket import Refused

# Connections opened at once where the opening is not what is measured.
AT_ONCE = 50
# Nothing here may outlive this, whatever the server does.
HARD_LIMIT = 900


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


async def go():
    """Say that we are ready and wait for the parent's line, or for its end."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), heard.set)
    say("ready")
    await heard.wait()
    loop.remove_reader(sys.stdin.fileno())
    os.read(sys.stdin.fileno(), 4096)


def percentile(values, part):
    """The `part` (0 to 1) percentile in milliseconds, None of nothing."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000, 3) if ordered else None


def summary(latencies):
    return {
        "p50_ms": percentile(latencies, 0.5),
        "p99_ms": percentile(latencies, 0.99),
        "max_ms": percentile(latencies, 1),
    }


class MeterLoop:
    """MeterValues of one charger, the next one as soon as the last is acknowledged."""

    def __init__(self, charger, until):
        self.charger = charger
        self.until = until
        self.latencies = array("d")
        self.in_time = 0
        self.done = asyncio.get_running_loop().create_future()
        charger.on_failure = lambda _: self.done.done() or self.done.set_result(None)
        self._next()

    def _next(self):
        seconds = perf_counter() - self.charger.started_at
        body = payloads.meter_values(self.charger.transaction, seconds)
        self.charger.call(b"MeterValues", body, self._acknowledged)

    def _acknowledged(self, _, seconds):
        self.latencies.append(seconds)
        if perf_counter() < self.until:
            self.in_time += 1
            self._next()
        elif not self.done.done():
            self.done.set_result(None)


# Modes: each prepares its chargers, calls go(), and returns the fields of its result ---------


async def prepare(chargers, options, tag=None):
    """Connect and boot all, and start a transaction on each where `tag` is given."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(charger):
        async with gate:
            await charger.connect(options.host, options.port, options.prefix)
            await charger.boot()
            if tag:
                await charger.start(tag)

    await asyncio.gather(*map(one, chargers))


async def meter(chargers, options, tag):
    """Closed-loop MeterValues of all chargers for `--seconds`."""
    await prepare(chargers, options, tag)
    await go()
    begin = perf_counter()
    loops = [MeterLoop(charger, begin + options.seconds) for charger in chargers]
    await asyncio.wait_for(asyncio.gather(*(loop.done for loop in loops)), options.seconds + 120)
    latencies = [seconds for loop in loops for seconds in loop.latencies]
    return {
        "acked": len(latencies),
        "rate": round(sum(loop.in_time for loop in loops) / options.seconds, 1),
        **summary(latencies),
    }


async def storm(chargers, options, tag):
    """All at once: connect, BootNotification, two StatusNotifications; until all are answered."""

    async def one(charger):
        begin = perf_counter()
        await charger.connect(options.host, options.port, options.prefix)
        await charger.boot()
        for connector in (0, 1):
            await charger.request(b"StatusNotification", payloads.status(connector))
        return perf_counter() - begin

    await go()
    begin = perf_counter()
    each = await asyncio.gather(*map(one, chargers))
    return {"wall_s": round(perf_counter() - begin, 3), **summary(each)}


async def hold(chargers, options, tag):
    """Stay connected, answering what is asked, until the parent says so."""
    await prepare(chargers, options)
    await go()
    return {"alive": sum(charger.connection is not None for charger in chargers)}


async def heartbeat(chargers, options, tag):
    """Paced Heartbeats for `--seconds`, while the last charger sends MeterValues."""
    *beating, metering = chargers
    await prepare(beating, options)
    await prepare([metering], options, tag)
    latencies = array("d")

    async def beat(charger, delay):
        await asyncio.sleep(delay)
        while (left := perf_counter()) < until:
            await charger.request(b"Heartbeat", b"{}")
            latencies.append(perf_counter() - left)
            await asyncio.sleep(max(0, options.interval - (perf_counter() - left)))

    await go()
    until = perf_counter() + options.seconds
    slow = MeterLoop(metering, until)
    delays = (options.interval * number / len(beating) for number in range(len(beating)))
    await asyncio.gather(*map(beat, beating, delays))
    await asyncio.wait_for(slow.done, 120)
    return {"beats": len(latencies), **summary(latencies), "blocked": summary(slow.latencies)}


MODES = {mode.__name__: mode for mode in (meter, storm, hold, heartbeat)}


async def run(options):
    """The whole run of one mode; returns its exit code."""
    tag, pairs = fleet.read(options.fleet)
    tally = Tally()
    chargers = [Charger(*pair, tally) for pair in pairs[: options.connections]]
    if len(chargers) < options.connections:
        raise SystemExit(f"the fleet has only {len(chargers)} chargers")
    try:
        async with asyncio.timeout(HARD_LIMIT):
            fields = await MODES[options.mode](chargers, options, tag)
    except (Failed, Refused, OSError, TimeoutError) as error:
        tally.error(f"{type(error).__name__}: {error}")
    for charger in chargers:
        charger.close()
    if tally.errors:
        say("refused", errors=tally.errors, examples=tally.error_texts)
        return 1
    say("result", connections=len(chargers), answered=tally.answered, **fields)
    return 0


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator")
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("fleet", type=Path, help="file made by benchmarks.fleet")
    parser.add_argument("port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--prefix", default="/ocpp/", help="path before the identifier")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--interval", type=float, default=0.2, help="between Heartbeats")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.exit(uvloop.run(run(options)))


if __name__ == "__main__":
    main()
