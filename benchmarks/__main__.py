"""`python -m benchmarks`: our server beside the reference, with targets and what was reached.

Everything listens on 127.0.0.1, is bounded in count and time, and drops its databases again. The
CPU figures are those of the server's process tree: PostgreSQL's own are not in them. The reference
keeps no message log and no tenants and checks passwords in memory; ours runs as it is shipped.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import fleet, measures, report
from benchmarks.process import BenchmarkError
from benchmarks.server import Workshop

SECTIONS = ("meter", "datum", "storm", "idle", "command", "heartbeat", "growth")
FULL = {
    "rounds": 3,
    "seconds": 10.0,
    "meter": (200, 1000),
    "datum": 200,
    "storm": 1000,
    "idle": 2000,
    # Longer than the ten seconds after which a booted charger's settings are reconciled.
    "settle": 15.0,
    "command": 50,
    "commands": 500,
    "heartbeat": 100,
    "growth": 200,
    "rows": 10_000_000,
}
QUICK = {
    **FULL,
    "rounds": 1,
    "seconds": 1.0,
    "meter": (20,),
    "datum": 20,
    "storm": 50,
    "idle": 100,
    "settle": 1.0,
    "command": 5,
    "commands": 20,
    "heartbeat": 20,
    "growth": 20,
    "rows": 20_000,
}


def sections(workshop, kind, sizes, only):
    """Yield (name, function) of every measurement on a database of `kind`."""
    both = {
        "reference": lambda: workshop.reference(kind),
        "ours": lambda: workshop.ours(kind),
    }
    three = {"no_store": workshop.forgetful, **both}

    def compare(sides, measure, *arguments):
        return lambda: measures.compare(
            sides, sizes["rounds"], lambda peer: measure(workshop, peer, *arguments)
        )

    def alone(measure, *arguments):
        return lambda: compare({"ours": both["ours"]}, measure, *arguments)()["ours"]

    for connections in sizes["meter"] if "meter" in only else ():
        name = f"meter {connections} {kind}"
        yield name, compare(three, measures.meter, connections, sizes["seconds"])
    datum = {
        "off": lambda: workshop.ours(kind, datum=False),
        "on": lambda: workshop.ours(kind),
    }
    yield f"datum {kind}", compare(datum, measures.datum, sizes["datum"], sizes["seconds"])
    yield f"storm {kind}", compare(both, measures.storm, sizes["storm"])
    yield f"idle {kind}", compare(both, measures.idle, sizes["idle"], sizes["settle"])
    yield f"command {kind}", alone(measures.command, sizes["command"], sizes["commands"])
    yield f"heartbeat {kind}", alone(measures.heartbeat, sizes["heartbeat"])
    yield (
        f"growth {kind}",
        lambda: measures.growth(
            workshop,
            kind,
            connections=sizes["growth"],
            seconds=sizes["seconds"],
            rows=sizes["rows"],
            rounds=sizes["rounds"],
        ),
    )


def run(workshop, options, sizes):
    """All chosen measurements; one that fails is reported and does not stop the others."""
    results, failed = {}, {}
    for kind in options.database:
        for name, measurement in sections(workshop, kind, sizes, options.only):
            if name.split(" ")[0] not in options.only:
                continue
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                results[name] = measurement()
            except (BenchmarkError, OSError) as error:
                failed[name] = f"{type(error).__name__}: {error}"[:1000]
                print(f"{name} FAILED: {failed[name]}", file=sys.stderr, flush=True)
    return results, failed


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers: does it work at all?")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=SECTIONS,
        help="some of " + ",".join(SECTIONS),
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--rows", type=int, help="readings in the tables of `growth`")
    parser.add_argument("--rounds", type=int, help="pairs of which the median is taken")
    parser.add_argument("--seconds", type=float, help="length of a MeterValues run")
    options = parser.parse_args()
    if unknown := set(options.only) - set(SECTIONS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    both = options.database == "both"
    options.database = ("sqlite", "postgresql") if both else (options.database,)
    return options


def main():
    options = arguments()
    sizes = dict(QUICK if options.quick else FULL)
    for name in ("rows", "rounds", "seconds"):
        if (value := getattr(options, name)) is not None:
            sizes[name] = value
    document = {"conditions": report.conditions(options), "sizes": sizes}
    # Beside the report and not in /tmp, which may be memory: fsync must be a real one.
    report.FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=report.FOLDER, ignore_cleanup_errors=True) as folder:
        chargers = max(*sizes["meter"], sizes["storm"], sizes["idle"])
        workshop = Workshop(Path(folder), fleet.make(Path(folder) / "fleet.json", chargers))
        try:
            document["results"], document["failed"] = run(workshop, options, sizes)
        finally:
            workshop.close()
    path = report.save(document)
    print(report.markdown(document))
    print(f"\nwritten to {path.relative_to(report.ROOT)} and .md")
    return 1 if document["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
