"""The figures of a run as a table of targets and as JSON, with the conditions of the run."""

import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import databases
from benchmarks.process import ROOT

FOLDER = ROOT / "var" / "bench"
PACKAGES = ("Django", "channels", "uvicorn", "uvloop", "websockets", "ocpp", "psycopg")

# section -> (what, our figure, the figure it is held against, "least" or "most", the target)
# A figure is a path into the section's result; without a second figure the first one counts itself.
TARGETS = {
    "meter": [
        ("acknowledged/s over the storing reference", "ours.rate", "reference.rate", "least", 6),
        ("acknowledged/s over the storeless reference", "ours.rate", "no_store.rate", "least", 2),
    ],
    "datum": [("acknowledged/s with datum over those without", "on.rate", "off.rate", "least", 0.75)],
    "storm": [
        ("seconds until all are accepted", "ours.wall_s", "reference.wall_s", "most", 0.6),
    ],
    "idle": [("kB per idle connection", "ours.kb_per_connection", None, "most", 40)],
    "command": [
        (
            "p50 of a command over an empty authenticated view",
            "command.p50_ms",
            "empty_authenticated.p50_ms",
            "most",
            2,
        ),
        ("p50 of a command over /healthz", "command.p50_ms", "empty.p50_ms", None, None),
    ],
    "heartbeat": [("p99 of Heartbeats, ms, while a table is locked", "p99_ms", None, "most", 50)],
    "growth": [("acknowledged/s on full over empty tables", "full.rate", "empty.rate", "least", 0.8)],
}


def conditions(options):
    """Where, when and with what the figures were taken."""
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "databases": [databases.describe(kind) for kind in options.database],
        "options": {key: value for key, value in vars(options).items() if key != "output"},
    }


def _cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _figure(result, path):
    for key in path.split("."):
        result = result[key]
    return result


def verdicts(name, result):
    """One (what, figures, ratio, target, reached) for each target of the section `name`."""
    for what, ours, other, bound, target in TARGETS[name.split(" ")[0]]:
        mine = _figure(result, ours)
        against = _figure(result, other) if other else None
        ratio = round(mine / against, 3) if other else mine
        reached = None
        if bound:
            reached = ratio >= target if bound == "least" else ratio <= target
        yield what, (mine, against), ratio, f"at {bound} {target}" if bound else "", reached


def markdown(report):
    """The report as people read it: the targets first, then every figure."""
    lines = ["# Benchmark", "", *_conditions(report["conditions"]), "", "## Targets", ""]
    lines += ["| run | what | measured | against | ratio | target | reached |", "|---" * 7 + "|"]
    for name, result in report["results"].items():
        for what, (mine, against), ratio, target, reached in verdicts(name, result):
            word = {True: "yes", False: "**NO**", None: ""}[reached]
            cells = (name, what, mine, "" if against is None else against, ratio, target, word)
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [f"| {name} | **failed** | {why} | | | | **NO** |" for name, why in report["failed"].items()]
    lines += ["", "## Figures (medians)", ""]
    for name, result in report["results"].items():
        lines += [f"### {name}", "", *_figures(result), ""]
    return "\n".join(lines)


def _conditions(conditions):
    return [f"* {key}: {value}" for key, value in conditions.items()]


def _figures(result, prefix=""):
    """One line for each leaf of `result`, the single runs left out."""
    for key, value in result.items():
        if key == "runs":
            continue
        if isinstance(value, dict):
            flat = {name: leaf for name, leaf in value.items() if name != "runs"}
            yield f"* {prefix}{key}: " + ", ".join(f"{name} {leaf}" for name, leaf in flat.items())
        else:
            yield f"* {prefix}{key}: {value}"


def save(report):
    """Write the report as JSON and markdown under var/bench; returns the JSON's path."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
    path.write_text(json.dumps(report, indent=1))
    path.with_suffix(".md").write_text(markdown(report))
    return path
