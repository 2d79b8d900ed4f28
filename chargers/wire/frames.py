"""Turning text into OCPP-J frames and back (OCPP-J 1.6 section 4, OCPP 2.0.1 part 4 section 4).

What arrives is made safe before anyone looks at it: bounded nesting, no NUL and no lone
surrogates (replaced by U+FFFD), no NaN or infinity, integers beyond 64 bits kept as text.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

CALL, CALLRESULT, CALLERROR = 2, 3, 4
MAX_NESTING = 64
MAX_MENDABLE = 65_536
UNKNOWN_ID = "-1"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

MessageId = str | int | float | None


@dataclass(slots=True)
class Call:
    """A request: whoever receives it owes an answer."""

    message_id: MessageId
    action: str
    payload: dict
    oddities: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CallResult:
    """The answer to a request."""

    message_id: MessageId
    payload: dict
    oddities: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CallError:
    """A refusal of a request."""

    message_id: MessageId
    code: str
    description: str = ""
    details: dict = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Unreadable:
    """A text that is no frame. `message_id` is what could be made out of it, else "-1".

    `kind` is its message type as far as it can be told: only an unreadable CALL is answered.
    """

    message_id: MessageId
    cause: str
    kind: int | None = None
    is_unknown_type: bool = False


Frame = Call | CallResult | CallError | Unreadable


def encode(frame) -> str:
    """Return the text of `frame`; every value in it must be JSON."""
    if isinstance(frame, CallResult):
        parts = [CALLRESULT, frame.message_id, frame.payload]
    elif isinstance(frame, Call):
        parts = [CALL, frame.message_id, frame.action, frame.payload]
    else:
        # Descriptions are at most 255 characters long (OCPP-J 4.2.3).
        parts = [CALLERROR, frame.message_id, frame.code, frame.description[:255], frame.details]
    return orjson.dumps(parts).decode()


def decode(text: str) -> Frame:
    """Return the frame that `text` holds; never raises, whatever it is."""
    try:
        return _frame(_loads(text), [])
    except (ValueError, RecursionError) as error:
        return _rescued(text, str(error))


# What orjson would let through or get wrong; anything suspicious takes the slow road.
_BAD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
# Every digit as a 0: a search for 19 of them is then one of a fixed text, five times as fast as
# that of a pattern.
_DIGITS_ONLY = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else 32 for byte in range(256))
_LONG_NUMBER = b"0" * 19


def _is_suspicious(text):
    """Whether `text` may hold NUL, half a surrogate pair or an integer beyond 64 bits."""
    return ("\\" in text and _BAD_ESCAPE.search(text)) or (
        _LONG_NUMBER in text.encode("utf-8", "replace").translate(_DIGITS_ONLY)
    )


def _loads(text):
    value = _strict_loads(text) if _is_suspicious(text) else orjson.loads(text)
    if text.count("[") + text.count("{") > MAX_NESTING and _is_deeper(value, MAX_NESTING):
        raise ValueError("nested too deeply")
    return value


def _strict_loads(text):
    """Parse with the standard library, whose integers are exact, and clean the strings."""
    value = json.loads(text, parse_int=_bounded_int, parse_constant=_no_constant, parse_float=_finite)
    if _is_deeper(value, MAX_NESTING):
        raise ValueError("nested too deeply")
    return _cleaned(value)


def _bounded_int(digits):
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else digits


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _finite(digits):
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number


def _cleaned(value):
    if isinstance(value, str):
        return value.replace("\0", REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


def _is_deeper(value, limit):
    level = [value]
    for _ in range(limit):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _frame(parts, oddities):
    """Sort the decoded `parts` into a frame; forgives what carries no meaning."""
    if not isinstance(parts, list) or not parts:
        return Unreadable(UNKNOWN_ID, "a frame is an array")
    kind = parts[0]
    if isinstance(kind, str) and kind in ("2", "3", "4"):
        kind, oddities = int(kind), [*oddities, "message type is a string"]
    message_id = parts[1] if len(parts) > 1 else UNKNOWN_ID
    if isinstance(message_id, dict | list | bool):
        return Unreadable(UNKNOWN_ID, "the message id is no string", kind if kind in (2, 3, 4) else None)
    reader = _READERS.get(kind) if isinstance(kind, int) and not isinstance(kind, bool) else None
    if reader is None:
        return Unreadable(message_id, "unknown message type", is_unknown_type=True)
    return reader(message_id, parts[2:], oddities)


def _call(message_id, rest, oddities):
    if not rest or not isinstance(rest[0], str) or not rest[0]:
        return Unreadable(message_id, "the action is missing", CALL)
    payload = rest[1] if len(rest) > 1 else None
    if payload is None:
        payload, oddities = {}, [*oddities, "payload missing"]
    if not isinstance(payload, dict):
        return Unreadable(message_id, "the payload is no object", CALL)
    return Call(message_id, rest[0], payload, oddities)


def _result(message_id, rest, oddities):
    payload = rest[0] if rest else None
    if payload is None:
        payload, oddities = {}, [*oddities, "payload missing"]
    if not isinstance(payload, dict):
        return Unreadable(message_id, "the payload is no object", CALLRESULT)
    return CallResult(message_id, payload, oddities)


def _error(message_id, rest, oddities):
    code, description, details = (list(rest) + ["", "", {}][len(rest) :])[:3]
    if len(rest) < 3:
        oddities = [*oddities, "error details missing"]
    return CallError(
        message_id,
        code if isinstance(code, str) and code else "GenericError",
        description if isinstance(description, str) else json.dumps(description),
        details if isinstance(details, dict) else {"details": details},
        oddities,
    )


_READERS = {CALL: _call, CALLRESULT: _result, CALLERROR: _error}

# Mending ------------------------------------------------------------------------------------

_STRING = r'"(?:\\.|[^"\\])*"'
_HEAD = re.compile(rf"\s*\[\s*(\d+)\s*,\s*({_STRING}|-?\d+(?:\.\d+)?|null)")
# A string that never ends is taken to the end, which keeps the search linear.
_ANY_STRING = r'"(?:\\.|[^"\\])*(?:"|\\?$)'
_MENDABLE = re.compile(rf"({_ANY_STRING})|(:)(?=\s*[,}}\]])|([\[{{])\s*,(?=\s*[\[{{\"\d])|,(?=\s*[\]}}])")
_UNWRAPPED = re.compile(
    rf"(\s*\[\s*2\s*,\s*(?:{_STRING}|-?\d+|null)\s*,\s*{_STRING}\s*,\s*)(?={_STRING}\s*:)"
)


def _rescued(text, cause):
    """Make out what can be made out of a text that is not JSON.

    Seen from real chargers: a member without a value, a comma too many, a payload without its
    opening brace, an answer cut off before its closing brackets (spec/field-behaviour, 1-3).
    """
    if len(text) <= MAX_MENDABLE:
        with suppress(ValueError, RecursionError):
            frame = _frame(_loads(_mended(text)), ["invalid JSON mended"])
            if not isinstance(frame, Unreadable):
                return frame
    head = _HEAD.match(text)
    if head is None:
        return Unreadable(UNKNOWN_ID, f"not JSON: {cause}"[:120])
    kind = int(head[1])
    return Unreadable(
        _cleaned(json.loads(head[2], strict=False)),
        f"not JSON: {cause}"[:120],
        kind if kind in _READERS else None,
        is_unknown_type=kind not in _READERS,
    )


def _mended(text):
    if unwrapped := _UNWRAPPED.match(text):
        text = f"{unwrapped[1]}{{{text[unwrapped.end() :]}"
    text = _MENDABLE.sub(_mend, text)
    if _HEAD.match(text) and text.lstrip()[1:].lstrip()[:1] == "3":
        text += _closing(text)
    return text


def _mend(match):
    string, colon, opening = match.groups()
    if string is not None:
        return string
    if colon:
        return ":null"
    return opening or ""


def _closing(text):
    """Return the brackets that are still open at the end of `text`."""
    expected = []
    for token in re.findall(rf"{_ANY_STRING}|[\[\]{{}}]", text):
        if token in "[{":
            expected.append("]" if token == "[" else "}")
        elif token in "]}" and expected:
            expected.pop()
    return "".join(reversed(expected))
