"""Child processes of a benchmark: started, spoken to in JSON lines, measured through /proc, ended."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """A run that does not count: a process failed, or more was acknowledged than stored."""


class Process:
    """A child with pipes to its stdin and stdout; what it writes to stderr goes to `log`.

    So does, unless it `talks` in JSON lines, what it writes to stdout: a full pipe would stop it.
    """

    def __init__(self, arguments, *, log, env=None, talks=True):
        self.log = log
        self._buffer = b""
        with log.open("ab") as stderr:
            self._popen = subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else stderr,
                stderr=stderr,
            )
        self.pid = self._popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # Talk -------------------------------------------------------------------------------

    def expect(self, event, timeout):
        """The next JSON line, which must be of `event`."""
        line = self._line(time.monotonic() + timeout)
        message = json.loads(line) if line.startswith(b"{") else {"event": None, "line": str(line)}
        if message["event"] != event:
            raise BenchmarkError(f"expected {event}, got {message}; {self.last_words()}")
        return message

    def go(self):
        """Send the line for which a prepared generator waits."""
        self._popen.stdin.write(b"go\n")
        self._popen.stdin.flush()

    def _line(self, deadline):
        while b"\n" not in self._buffer:
            left = max(0, deadline - time.monotonic())
            if not select.select([self._popen.stdout], [], [], left)[0]:
                raise BenchmarkError(f"process {self.pid} is silent; {self.last_words()}")
            if not (data := os.read(self._popen.stdout.fileno(), 65536)):
                raise BenchmarkError(f"process {self.pid} ended; {self.last_words()}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def last_words(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"its log ends: {text[-300:]!r}"

    # Measure and end --------------------------------------------------------------------

    @property
    def is_running(self):
        return self._popen.poll() is None

    def cpu_us(self):
        """User and system time of the process tree so far, ended children included."""
        return sum(sum(_stat(pid)[11:15]) for pid in tree(self.pid)) * TICK_US

    def rss_kb(self):
        """Resident memory of the process tree."""
        return sum(_rss_kb(pid) for pid in tree(self.pid))

    def stop(self, patience=40):
        """End it by SIGTERM, by SIGKILL when it does not listen; its exit code."""
        if self.is_running:
            self._popen.send_signal(signal.SIGTERM)
        try:
            return self._popen.wait(patience)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()
        finally:
            for pipe in filter(None, (self._popen.stdin, self._popen.stdout)):
                pipe.close()


def run(arguments, *, log, env=None, timeout=600):
    """Run a Python program to its end and return what it printed; a failure raises."""
    with log.open("ab") as stderr:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=env,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    if done.returncode:
        raise BenchmarkError(f"{arguments[:3]} failed: ...{log.read_text(errors='replace')[-300:]!r}")
    return done.stdout.decode()


def _stat(pid):
    """The numbers of /proc/<pid>/stat from the state on, with the state left out as 0."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return [0] * 20
    return [0, *map(int, fields[1:])]


def _rss_kb(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def tree(root):
    """The process ids of `root` and all its living descendants."""
    parents = {int(path.name): _stat(path.name)[1] for path in Path("/proc").glob("[0-9]*")}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found
