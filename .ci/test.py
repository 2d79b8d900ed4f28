"""Runs the whole suite on SQLite and again on PostgreSQL, and says by name what had to be left out.

Arguments go to pytest. Call it by `make test`, which installs what it needs.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import services  # noqa: E402  (the path first)

# A developer's own settings must not decide what the tests see.
# Nor must the many programs that tests start each be compiled anew.
OURS = {
    "PYTHONDONTWRITEBYTECODE",
    "DATABASE_URL",
    "REDIS_URL",
    "MQTT_URL",
    "DEBUG",
    "ALLOWED_HOSTS",
    "HOST",
    "PORT",
    "DEMO",
}
KEY = "only-the-tests-know-this-key"


def main():
    """Exit with 0 when all that could run is green, and nothing required was left out."""
    npm_problem = _npm_problem()
    environment = {name: value for name, value in os.environ.items() if not _is_setting(name)}
    environment["CSMS_DATA_DIR"] = str(ROOT / "var" / "test")
    has_server = not services.without_server()
    # What goes over every route need not do so twice.
    first = environment | ({"POSTGRESQL_FOLLOWS": "1"} if has_server else {})
    results = {"SQLite": _pytest("SQLite", first)}
    if has_server:
        environment |= {"DATABASE_URL": services.DATABASE_URL, "CSMS_SECRET_KEYS": KEY}
        results["PostgreSQL"] = _pytest("PostgreSQL", environment)
    problems = [problem for problem in [npm_problem, *services.missing()] if problem]
    print("", *(f"{name}: {'green' if ok else 'FAILED'}" for name, ok in results.items()), sep="\n")
    for problem in problems:
        print(f"LEFT OUT: {problem}")
    sys.exit(not all(results.values()) or (services.required() and bool(problems)))


def _is_setting(name):
    return name in OURS or name.startswith("CSMS_")


def _npm_problem():
    """Install the packages of tests/peers unless they are there; return what went wrong."""
    lock = services.PEERS / "package-lock.json"
    installed = services.PEERS / "node_modules" / ".package-lock.json"
    if not shutil.which("npm"):
        return ""  # the tests say it themselves, with their names
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return ""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    failed = subprocess.run(command, cwd=services.PEERS, check=False, stdin=subprocess.DEVNULL).returncode
    return "node packages: `npm ci` in tests/peers failed, see above" if failed else ""


def _pytest(name, environment):
    """Run the suite; nothing collected is fine only where arguments narrow it."""
    # What is marked slow is a matter of CI, and of `make test ARGS="-m slow"`.
    arguments = sys.argv[1:] if "-m" in sys.argv else ["-m", "not slow", *sys.argv[1:]]
    workers = ["-n", os.environ.get("WORKERS", "2"), "--dist", "worksteal"]
    print(f"\n== {name}, Python {sys.version.split()[0]}", flush=True)
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", *workers, *arguments]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)
    return code == 0 or (code == 5 and bool(arguments))


if __name__ == "__main__":
    main()
