"""A program that takes JSON lines and prints JSON lines."""

import json
import subprocess
import threading

from tests.kit.live import ROOT


class LineProgram:
    """The program, running; `hear` is called with each line, in a thread of its own.

    It may take `seconds` to end.
    """

    seconds = 20

    def __init__(self, *command):
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def hear(self, line):
        """Take in what it printed."""
        raise NotImplementedError

    def write(self, line):
        with self._writing:
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()

    def close(self):
        """End it as a program ends that had nothing to complain about."""
        try:
            self._process.stdin.close()
            assert self._process.wait(timeout=self.seconds) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(timeout=self.seconds)
            self._process.stdout.close()

    def _read(self):
        for text in self._process.stdout:
            self.hear(json.loads(text))
