"""Messages on the display (OCPP 2.0.1 block O); what drivers see, whoever plays hears as events."""

from dataclasses import dataclass
from datetime import datetime

MOST_MESSAGES = 50
FORMATS = ("ASCII", "UTF8")
_ALWAYS = "AlwaysFront"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the CSMS gave it; `until` is None where it stays."""

    payload: dict
    until: datetime | None = None

    @property
    def id(self):
        return self.payload["id"]

    @property
    def transaction(self):
        return self.payload.get("transactionId")


class Displays:
    """What there is to be shown, by id."""

    def __init__(self, point):
        self._point = point
        self._messages = {}

    @property
    def messages(self):
        """The messages that count now: those of transactions and times that are over are gone."""
        now, running = self._point.clock.now(), self._running()
        over = [
            each
            for each in self._messages.values()
            if (each.until and each.until <= now) or (each.transaction and each.transaction not in running)
        ]
        for each in over:
            del self._messages[each.id]
        return list(self._messages.values())

    def show(self, message):
        """Take a message on, in place of the one of its id: the status in OCPP's words."""
        if problem := self._problem(message):
            return problem
        if message.payload["priority"] == _ALWAYS:
            # There is room for one of these: the last wins.
            before = [each.id for each in self.messages if each.payload["priority"] == _ALWAYS]
            for number in before:
                del self._messages[number]
        self._messages[message.id] = message
        self._publish(message, is_shown=True)
        return "Accepted"

    def _problem(self, message):
        if message.payload["message"]["format"] not in FORMATS:
            return "NotSupportedMessageFormat"
        if message.transaction and message.transaction not in self._running():
            return "UnknownTransaction"
        is_off = not self._point.configuration.is_true("DisplayMessageCtrlr.Enabled")
        is_over = message.until and message.until <= self._point.clock.now()
        is_full = len(self.messages) >= MOST_MESSAGES and message.id not in self._messages
        return "Rejected" if is_off or is_over or is_full else ""

    def remove(self, number):
        """Take a message away; say whether there was one."""
        message = self._messages.pop(number, None)
        if message is not None:
            self._publish(message, is_shown=False)
        return message is not None

    def chosen(self, ids=None, priority=None, state=None):
        """Return the payloads of the messages that fit all that is given."""
        return [
            each.payload
            for each in self.messages
            if (not ids or each.id in ids)
            and priority in (None, each.payload["priority"])
            and state in (None, each.payload.get("state"))
        ]

    def _running(self):
        return {each.transaction.uid for each in self._point.connectors.values() if each.transaction}

    def _publish(self, message, *, is_shown):
        payload = message.payload
        told = {"id": message.id, "priority": payload["priority"], "state": payload.get("state")}
        self._point.publish(
            "display", told | {"content": payload["message"]["content"] if is_shown else None}
        )
