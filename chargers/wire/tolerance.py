"""Understanding what the schema refuses (spec/field-behaviour.md).

Real chargers send numbers as text, one object where a list belongs, words of their own and texts
that are too long. Such a payload is put right member by member and what was done is noted; only
one that lacks what its action is about stays refused.
"""

import copy

from chargers.wire import masking, validation
from chargers.wire.validation import V16, V201

# Without these an action means nothing. Everything else has a sensible stand-in.
_INDISPENSABLE = {
    V16: {
        "Authorize": {"idTag"},
        "DataTransfer": {"vendorId"},
        "DiagnosticsStatusNotification": {"status"},
        "FirmwareStatusNotification": {"status"},
        "LogStatusNotification": {"status"},
        "SecurityEventNotification": {"type"},
        "SignCertificate": {"csr"},
        "SignedFirmwareStatusNotification": {"status"},
        "StatusNotification": {"connectorId", "status"},
    },
    V201: {
        "Authorize": {"idToken", "idToken.idToken"},
        "DataTransfer": {"vendorId"},
        "FirmwareStatusNotification": {"status"},
        "LogStatusNotification": {"status"},
        "SecurityEventNotification": {"type"},
        "StatusNotification": {"evseId", "connectorStatus"},
        "TransactionEvent": {"eventType", "transactionInfo", "transactionInfo.transactionId"},
    },
}
_SYNONYMS = {
    "Hz": "Hertz",
    "Celcius": "Celsius",
    "C": "Celsius",
    "°C": "Celsius",
    "%": "Percent",
    "kwh": "kWh",
    "Wh ": "Wh",
}
_KEPT_NUMBERS = {"meterStart", "meterStop"}
_ROUNDS = 4
_MOST_ODDITIES = 20
_DROP = object()


def normalise(version, action, payload, *, is_answer=False):
    """Return (payload, oddities, problem) for a payload that the schema refuses.

    The payload returned holds no member of a wrong type. `problem` is None when it can be
    used; else it is the validation.Problem that makes it unusable.
    """
    payload = copy.deepcopy(payload)
    oddities = {}
    # What may be a secret of the charger's is not quoted.
    quotes = not (is_answer or masking.may_tell(action))
    for _ in range(_ROUNDS):
        found = validation.problems(version, action, payload, is_answer=is_answer)
        # Backwards, so that dropping an item of a list leaves the places of earlier ones alone.
        mended = [_mend(payload, problem, quotes=quotes) for problem in reversed(found)]
        oddities |= dict.fromkeys(filter(None, mended))
        if not any(mended):
            break
    lasting = validation.problems(version, action, payload, is_answer=is_answer)
    oddities |= dict.fromkeys(f"{problem.member}: {problem.keyword}" for problem in lasting)
    return payload, list(oddities)[:_MOST_ODDITIES], _fatal(version, action, lasting, is_answer)


def _fatal(version, action, problems, is_answer):
    if not is_answer and action not in validation.from_charger(version):
        # An order to a charger is carried out as it stands or not at all.
        return problems[0] if problems else None
    needed = None if is_answer else _INDISPENSABLE[version].get(action, set())
    for problem in problems:
        if problem.keyword == "required" and (needed is None or problem.member in needed):
            return problem
    return None


def _mend(payload, problem, *, quotes):
    """Put one member right in place; return what was done, or "" when it is left as it is."""
    mender = _MENDERS.get(problem.keyword)
    if mender is None or not problem.path:
        return ""
    container = _container(payload, problem.path)
    key = problem.path[-1]
    try:
        value = container[key]
    except (KeyError, IndexError, TypeError):
        return ""
    mended = mender(key, value, problem.expected)
    quoted = repr(value) if quotes else problem.keyword
    if mended is _DROP:
        del container[key]
        return f"{problem.member} dropped: {quoted}"[:100]
    if mended is value:
        return ""
    container[key] = mended
    return f"{problem.member}: {quoted}"[:100]


def _container(payload, path):
    for part in path[:-1]:
        payload = payload[part]
    return payload


def _as_type(key, value, expected):
    """Return `value` in the type that belongs there, or _DROP where there is no telling."""
    wanted = expected[0] if expected else ""
    converter = _CONVERTERS.get(wanted)
    return converter(key, value) if converter and value is not None else _DROP


def _as_string(key, value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else _DROP


def _as_number(key, value):
    if isinstance(value, bool) or not isinstance(value, str):
        return _DROP
    try:
        number = float(value.strip().replace(",", "."))
    except ValueError:
        return _DROP
    return number if abs(number) < 1e300 else _DROP


def _as_integer(key, value):
    if isinstance(value, str):
        try:
            number = int(value.strip())
        except ValueError:
            return _as_number(key, value) if key in _KEPT_NUMBERS else _DROP
        return _within_64_bits(number)
    if isinstance(value, float):
        return value if key in _KEPT_NUMBERS else _within_64_bits(int(value))
    return _DROP


def _within_64_bits(number):
    return number if -(2**63) <= number < 2**63 else _DROP


def _as_boolean(key, value):
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).strip().lower(), _DROP)


def _as_array(key, value):
    return [value] if isinstance(value, dict) else _DROP


def _as_object(key, value):
    # An idToken written as a plain text, as in OCPP 1.6.
    return {"idToken": value, "type": "Central"} if key == "idToken" and isinstance(value, str) else _DROP


_CONVERTERS = {
    "string": _as_string,
    "number": _as_number,
    "integer": _as_integer,
    "boolean": _as_boolean,
    "array": _as_array,
    "object": _as_object,
}


def _as_word(key, value, options):
    if not isinstance(value, str):
        return value
    by_case = {option.casefold(): option for option in options if isinstance(option, str)}
    word = _SYNONYMS.get(value.strip(), value.strip())
    return by_case.get(word.casefold(), value)


_MENDERS = {"type": _as_type, "enum": _as_word}


def index(value):
    """Return an EVSE or connector number as rows hold it; what cannot be one is 0."""
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0
