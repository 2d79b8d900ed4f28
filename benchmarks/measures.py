"""What is measured: each function takes a running peer and returns a dict of figures."""

import json
import statistics
import threading
import time
from contextlib import contextmanager

from benchmarks import databases, filling
from benchmarks.client import Client
from benchmarks.generator import summary
from benchmarks.process import BenchmarkError, Process

# Connections that warm a server up before its memory is read.
WARM = 10
LOCKED_SECONDS = 2.0


@contextmanager
def generator(workshop, peer, mode, connections, **options):
    """A generator that has prepared its chargers and waits for go()."""
    arguments = ["-m", "benchmarks.generator", mode, workshop.fleet, peer.port]
    options["connections"] = connections
    for name, value in options.items():
        arguments += [f"--{name}", value]
    with Process(arguments, log=workshop.path(f"{mode}.log")) as load:
        load.expect("ready", 300)
        yield load


def finish(load, timeout=300):
    """Let the generator run and return its result."""
    load.go()
    return {key: value for key, value in load.expect("result", timeout).items() if key != "event"}


def meter(workshop, peer, connections, seconds):
    """Closed-loop MeterValues; every acknowledged one must be a stored row, and no other."""
    with generator(workshop, peer, "meter", connections, seconds=seconds) as load:
        mark, cpu = peer.mark(), peer.process.cpu_us()
        result = finish(load)
        cpu = peer.process.cpu_us() - cpu
        check_stored(peer, mark, result["acked"])
    return {**result, "cpu_us_per_message": round(cpu / result["acked"], 1)}


def datum(workshop, peer, connections, seconds):
    """`meter`, and whether each reading became a datum: all of them, or none where that is switched off."""
    mark = databases.last_id(peer.database, "chargers_datum")
    result = meter(workshop, peer, connections, seconds)
    written = databases.count_after(peer.database, "chargers_datum", mark)
    # Messages of one charger within a millisecond would be one datum; its start is another one.
    if written and written < result["acked"]:
        raise BenchmarkError(f"{result['acked']} acknowledged, but {written} datum")
    return {**result, "datum": written}


def check_stored(peer, mark, acked):
    """Fail unless exactly the acknowledged readings were added since `mark`."""
    stored = peer.stored(mark)
    if stored is not None and stored != acked:
        raise BenchmarkError(f"{peer.name}: {acked} acknowledged, but {stored} rows stored")


def storm(workshop, peer, connections):
    """A whole fleet reconnects to a server that has just started."""
    with generator(workshop, peer, "storm", connections) as load:
        cpu = peer.process.cpu_us()
        result = finish(load)
        cpu = peer.process.cpu_us() - cpu
    return {**result, "cpu_ms_per_charger": round(cpu / connections / 1000, 3)}


def idle(workshop, peer, connections, settle):
    """Resident memory a connection: booted chargers, silent for `settle` seconds."""
    with generator(workshop, peer, "hold", WARM) as load:
        finish(load)
    time.sleep(1)
    before = peer.process.rss_kb()
    with generator(workshop, peer, "hold", connections) as load:
        time.sleep(settle)
        after = peer.process.rss_kb()
        result = finish(load)
    if result["alive"] != connections:
        raise BenchmarkError(f"only {result['alive']} of {connections} connections stayed")
    return {"kb_per_connection": round((after - before) / connections, 1), "rss_mb": after // 1024}


def command(workshop, peer, connections, times):
    """HTTP to a charger and back, beside views that do nothing, taking turns, one at a time."""
    order = {"action": "TriggerMessage", "payload": {"requestedMessage": "Heartbeat"}, "wait": 5}
    with generator(workshop, peer, "hold", connections) as load:
        with Client("127.0.0.1", peer.port, token=peer.token) as client:
            found = client.request("GET", "/api/v1/chargers?identifier=BENCH000000")
            charger = json.loads(found.body)["results"][0]["id"]
            requests = {
                "command": ("POST", f"/api/v1/chargers/{charger}/commands", order),
                "empty_authenticated": ("GET", "/api/v1/", None),
                "empty": ("GET", "/healthz", None),
            }
            latencies = _take_turns(client, requests, times)
        finish(load)
    return {name: summary(values) for name, values in latencies.items()}


def _take_turns(client, requests, times):
    latencies = {name: [] for name in requests}
    for turn in range(-max(3, times // 10), times):
        for name, request in requests.items():
            response = client.request(*request)
            if response.status != 200:
                raise BenchmarkError(f"{request}: {response.status} {response.body[:300]}")
            if turn >= 0:  # those before 0 only warm up
                latencies[name].append(response.seconds)
    return latencies


def heartbeat(workshop, peer, connections):
    """Heartbeats of a fleet while one of its chargers and an HTTP request wait for a locked table."""
    with (
        generator(workshop, peer, "heartbeat", connections, seconds=LOCKED_SECONDS) as load,
        peer.database.connect() as connection,
    ):
        mark = peer.mark()
        peer.database.lock(connection)
        load.go()
        writer = threading.Thread(target=_write, args=(peer,), daemon=True)
        writer.start()
        time.sleep(LOCKED_SECONDS)
        connection.execute("ROLLBACK")
        result = load.expect("result", 120)
        writer.join(30)
    if result["blocked"]["max_ms"] < LOCKED_SECONDS * 900:
        raise BenchmarkError(f"nothing was blocked: {result['blocked']}")
    if not peer.stored(mark):
        raise BenchmarkError("the reading that waited was acknowledged but not stored")
    return {key: value for key, value in result.items() if key != "event"}


def _write(peer):
    """A request whose ORM call hangs; what it answers in the end does not matter here."""
    with Client("127.0.0.1", peer.port, token=peer.token) as client:
        client.request("POST", "/api/v1/authorizations", {"token": "WAITED"})


def growth(workshop, kind, *, connections, seconds, rows, rounds):
    """The acknowledged rate on empty tables and on `rows` readings, taking turns."""
    full = workshop.template(kind)[0].copy(workshop.path(f"full-{kind}"))
    try:
        with workshop.serve(full) as peer:
            meter(workshop, peer, connections, min(seconds, 2))
        total = filling.fill(full, rows)
        results = {"empty": [], "full": []}
        for _ in range(rounds):
            with workshop.ours(kind) as peer:
                results["empty"].append(meter(workshop, peer, connections, seconds))
            with workshop.serve(full) as peer:
                results["full"].append(meter(workshop, peer, connections, seconds))
    finally:
        full.drop()
    return {"rows": total, **{name: medians(runs) for name, runs in results.items()}}


def compare(sides, rounds, measure):
    """The medians of `measure(peer)` for each side, a fresh server each time, taking turns."""
    results = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            with side() as peer:
                results[name].append(measure(peer))
    return {name: medians(runs) for name, runs in results.items()}


def medians(runs):
    """One result with the median of each figure, and the runs it was taken from."""
    return {**_medians(runs), "runs": runs}


def _medians(runs):
    return {
        key: _medians([run[key] for run in runs])
        if isinstance(value, dict)
        else round(statistics.median(run[key] for run in runs), 3)
        for key, value in runs[0].items()
    }
