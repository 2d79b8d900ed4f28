"""A charge point on npm's ocpp-rpc, strict: a program of its own that validates by schemas of its own."""

import json
import subprocess
import threading
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "peers" / "charge_point.js"
SECONDS = 20


class RpcChargePoint:
    """The node program. `call` asks the server; `answers` are for what the server asks.

    An answer is a payload, or a function that makes one of the payload that was asked. `asked` keeps
    what the server asked as (action, payload), `violations` what broke a schema, on either side.
    """

    def __init__(self, url, identity, version, password, answers):
        self.version, self.asked, self.violations = version, [], []
        self._functions = {action: answer for action, answer in answers.items() if callable(answer)}
        self._changed, self._lines = threading.Condition(), []
        self._writing = threading.Lock()
        fixed = {action: None if callable(answer) else answer for action, answer in answers.items()}
        self._process = subprocess.Popen(
            ["node", SCRIPT, url, identity, version, password, json.dumps(fixed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._next_line() == {"connected": version}

    def call(self, action, payload):
        """Send a CALL; return the answer, or the error's code in a tuple."""
        self._write({"action": action, "payload": payload})
        line = self._next_line()
        return line["answer"] if "answer" in line else (line["error"],)

    def hears(self, action, payload=None):
        """Wait until the server has asked for `action`, with that payload if one is given; return the payload.

        It may ask more of its own accord.
        """

        def found():
            return [told for asked, told in self.asked if asked == action and payload in (None, told)]

        self._await(found)
        return found()[0]

    def close(self):
        """End it as a program ends that had nothing to complain about."""
        try:
            self._process.stdin.close()
            assert self._process.wait(timeout=SECONDS) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(timeout=SECONDS)
            self._process.stdout.close()

    def _read(self):
        for text in self._process.stdout:
            line = json.loads(text)
            with self._changed:
                if "violation" in line:
                    self.violations.append(line["violation"])
                elif "asked" in line:
                    self.asked.append((line["asked"], line["payload"]))
                else:
                    self._lines.append(line)
                self._changed.notify_all()
            if function := self._functions.get(line.get("asked")):
                self._write({"say": function(line["payload"])})

    def _next_line(self):
        self._await(lambda: self._lines)
        return self._lines.pop(0)

    def _await(self, condition):
        with self._changed:
            assert self._changed.wait_for(condition, SECONDS), (self.asked, self.violations)

    def _write(self, line):
        with self._writing:
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()
