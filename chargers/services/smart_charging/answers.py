"""What became of a command about charging profiles, in the few kinds that matter here."""

from dataclasses import dataclass
from enum import StrEnum

from chargers.models import Command

# The charger has not heard of it: no attempt was made.
NEVER_LEFT = "NotConnected"
_LOST = {"ConnectionLost", NEVER_LEFT}
_UNSUPPORTED = {"NotImplemented", "NotSupported"}


class Kind(StrEnum):
    ACCEPTED = "accepted"
    # It said no, in the words of the standard.
    REFUSED = "refused"
    # It does not know the request at all.
    UNSUPPORTED = "unsupported"
    # A CALLERROR, or an answer that means nothing.
    FAILED = "failed"
    # No answer: it may have obeyed or not, and may answer the next time.
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: Kind
    text: str


def of(command):
    """Return the Outcome of a Command that has ended, whatever stands in its result."""
    if command.state == Command.State.COMPLETED:
        return _answered(command.result)
    if command.state == Command.State.FAILED and command.error_code not in _LOST:
        kind = Kind.UNSUPPORTED if command.error_code in _UNSUPPORTED else Kind.FAILED
        return Outcome(kind, f"{command.error_code}: {command.error_description}".strip(": ")[:200])
    if command.state == Command.State.TIMED_OUT:
        return Outcome(Kind.SILENT, "no answer")
    return Outcome(Kind.SILENT, command.error_code or command.get_state_display().lower())


def _answered(result):
    status = result.get("status") if isinstance(result, dict) else None
    if not isinstance(status, str) or not status:
        return Outcome(Kind.FAILED, "an answer without a status")
    if status == "Accepted":
        return Outcome(Kind.ACCEPTED, status)
    kind = Kind.UNSUPPORTED if status in _UNSUPPORTED else Kind.REFUSED
    return Outcome(kind, f"{status} {_reason(result)}".strip()[:200])


def _reason(result):
    info = result.get("statusInfo")
    if not isinstance(info, dict):
        return ""
    words = [info.get("reasonCode"), info.get("additionalInfo")]
    told = ", ".join(word for word in words if isinstance(word, str) and word)
    return f"({told})" if told else ""
