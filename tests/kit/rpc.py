"""A charge point on npm's ocpp-rpc, strict: a program of its own that validates by schemas of its own."""

import json
import threading
from pathlib import Path

from tests.kit.lines import LineProgram

SCRIPT = Path(__file__).resolve().parent.parent / "peers" / "charge_point.js"
SECONDS = 20


class RpcChargePoint(LineProgram):
    """The node program. `call` asks the server; `answers` are for what the server asks.

    An answer is a payload, or a function that makes one of the payload that was asked. `asked` keeps
    what the server asked as (action, payload), `violations` what broke a schema, on either side.
    """

    def __init__(self, url, identity, version, password, answers):
        self.version, self.asked, self.violations = version, [], []
        self._functions = {action: answer for action, answer in answers.items() if callable(answer)}
        self._changed, self._lines = threading.Condition(), []
        fixed = {action: None if callable(answer) else answer for action, answer in answers.items()}
        super().__init__("node", SCRIPT, url, identity, version, password, json.dumps(fixed))
        assert self._next_line() == {"connected": version}

    def call(self, action, payload):
        """Send a CALL; return the answer, or the error's code in a tuple."""
        self.write({"action": action, "payload": payload})
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

    def hear(self, line):
        with self._changed:
            if "violation" in line:
                self.violations.append(line["violation"])
            elif "asked" in line:
                self.asked.append((line["asked"], line["payload"]))
            else:
                self._lines.append(line)
            self._changed.notify_all()
        if function := self._functions.get(line.get("asked")):
            self.write({"say": function(line["payload"])})

    def _next_line(self):
        self._await(lambda: self._lines)
        return self._lines.pop(0)

    def _await(self, condition):
        with self._changed:
            assert self._changed.wait_for(condition, SECONDS), (self.asked, self.violations)
