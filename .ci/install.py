"""Installs a lock file into a virtual environment, and does nothing when that has been done.

Runs on the standard library alone: a bare machine has Python and pip, but no ensurepip, which is why the
environment is made without pip and filled from outside.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV_LOCK = ROOT / "requirements-dev.lock"
# What pip would disturb us with, whoever configured it.
QUIET = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
# A company's own certificate authority is known to the system, not to uv's built-in list.
ENVIRONMENT = {"UV_SYSTEM_CERTS": "1", **os.environ, **QUIET}


def main():
    """Bring the environment to what the lock file says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    arguments = parser.parse_args()
    folder, lock = arguments.venv.absolute(), arguments.lock.absolute()
    if not _same_python(folder):
        venv.create(folder, clear=True, symlinks=True, with_pip=False)
    stamp = folder / f".{lock.name}.sha256"
    digest = _digest(lock)
    if stamp.is_file() and stamp.read_text() == digest:
        return
    print(f"Installing {lock.name} into {folder.name} ...", flush=True)
    _install(folder, lock)
    stamp.write_text(digest)
    if lock == DEV_LOCK:
        # The development lock holds every line of the other one: a test keeps it so.
        (folder / ".requirements.lock.sha256").write_text(_digest(ROOT / "requirements.lock"))


def _digest(lock):
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _same_python(folder):
    """Whether the environment's interpreter runs and is of this one's version."""
    question = [folder / "bin" / "python", "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _install(folder, lock):
    """By uv where that works (measured: 3 s instead of 13), else by pip."""
    python = str(folder / "bin" / "python")
    pip = None
    if os.environ.get("INSTALLER") != "pip":
        uv = shutil.which("uv")
        if not uv:
            pip = _pip(python)
            uv = _bring_uv(pip, folder)
        if uv and _run([uv, "pip", "install", "--python", python, "-q", "--require-hashes", "-r", str(lock)]):
            return
        print("uv cannot be used here; pip takes over.", flush=True)
    pip = pip or _pip(python)
    if not _run([*pip, "install", "-q", "--require-hashes", "-r", str(lock)]):
        sys.exit(f"The packages of {lock.name} could not be installed; the reason stands above.")


def _pip(python):
    """The command of a pip that installs into the environment."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", python]
    if not _run([python, "-m", "ensurepip"], stdout=subprocess.DEVNULL):
        sys.exit("This Python has neither pip nor ensurepip; Debian's package is python3-pip.")
    return [python, "-m", "pip"]


def _bring_uv(pip, folder):
    """Install the locked uv and return its path, or None where pip should do the work."""
    question = [*pip, "config", "list"]
    settings = subprocess.run(question, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    # uv does not read pip's settings: a mirror that somebody chose must not be passed over.
    if re.search(r"\.(index-url|no-index)=", settings.stdout):
        return None
    # A pinned requirement is its line and the indented lines after it.
    pinned = re.search(r"^uv==.*\n(?:[ \t]+.*\n)+", DEV_LOCK.read_text(), re.MULTILINE)
    if not pinned:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(pinned[0])
        requirement.flush()
        # Without a wheel for this machine pip would try to build it, which takes Rust and minutes.
        options = ["-qq", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", requirement.name]
        return str(folder / "bin" / "uv") if _run([*pip, "install", *options]) else None


def _run(command, **options):
    try:
        return subprocess.run(command, env=ENVIRONMENT, check=False, **options).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
