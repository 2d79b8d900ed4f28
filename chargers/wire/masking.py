"""Keeping secrets out of logs, answers and pages: keys and passwords are replaced before they are stored."""

import re

import orjson

MASK = "******"

_SECRET_WORDS = {"password", "passwd", "pwd", "passphrase", "passcode", "secret", "pin", "psk", "puk"}
# `Key` and `Token` alone are harmless (TokenCacheLifetime); beside these they are not.
_KEYS_OF = (
    "authorization|authentication|authorisation|auth|api|private|shared|access|encryption|secret|"
    "master|wpa|wifi|wlan|vpn|ssh|security|bearer|refresh|session|admin|service"
)
_SECRET_COMPACT = re.compile(rf"password|passwd|passphrase|secret|({_KEYS_OF})(key|token)$")
_PASSWORD_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
# Inbound messages in which a charger may quote its settings; all others are logged as they came.
_TELLING = frozenset({"NotifyReport", "NotifyEvent", "NotifyMonitoringReport", "DataTransfer"})
# Members that hold the value of what `key` or `variable` names beside them.
_VALUES = frozenset({"value", "attributeValue", "variableAttribute", "actualValue"})
# Without one of these a text that is no JSON holds nothing to hide; members of it are found by the second.
_HINT = re.compile(r"pass|pwd|secret|pin|psk|puk|key|token|://", re.IGNORECASE)
_MEMBER = re.compile(r'"([^"\\]*)"(\s*:\s*)("(?:\\.|[^"\\])*(?:"|\\?$)|[^\s,\[\]{}"]+)')
_QUOTED = re.compile(r'"([^"\\]{1,100})"')


def mask(value) -> str:
    """Return what is shown instead of a secret; an empty one stays empty."""
    return MASK if value else ""


def is_secret_name(name: str) -> bool:
    """Say whether a configuration key or variable of this name holds a secret.

    `SimPIN` does and `WebSocketPingInterval` does not, hence words; vendors write
    `authorizationkey` in one go, hence the compact form.
    """
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return not _SECRET_WORDS.isdisjoint(words) or bool(_SECRET_COMPACT.search("".join(words)))


def inbound(call):
    """Return the text to be logged for a CALL from a charger."""
    if call.action not in _TELLING:
        return call.text
    hidden = masked(call.payload)
    return call.text if hidden == call.payload else text([2, call.message_id, call.action, hidden])


def raw(frame):
    """Return the text of a frame that was not used (refused, late, cut off), fit to be logged."""
    if not _HINT.search(frame):
        return frame
    try:
        value = orjson.loads(frame)
        hidden = masked(value)
    except (ValueError, RecursionError):
        return _scrubbed(frame)
    return frame if hidden == value else orjson.dumps(hidden).decode()


def _scrubbed(frame):
    """Mask what is no JSON: where any name in it is a secret's, every value may be that secret."""
    hides = any(is_secret_name(name) for name in _QUOTED.findall(frame))

    def shown(member):
        name, colon, _ = member.groups()
        hidden = (hides and name in _VALUES) or is_secret_name(name)
        return f'"{name}"{colon}"{MASK}"' if hidden else member[0]

    return _PASSWORD_IN_URL.sub(rf"\1{MASK}", _MEMBER.sub(shown, frame))


def may_tell(action):
    """Say whether a CALL from a charger may quote its settings."""
    return action in _TELLING


def text(value):
    """Return `value` as JSON with every secret in it masked."""
    return orjson.dumps(masked(value)).decode()


def masked(value):
    """Return a copy of `value`, any JSON, without the values of secret keys and variables."""
    if isinstance(value, str):
        if value.lstrip()[:1] in ("{", "["):
            return raw(value)  # vendors put JSON into the text of a DataTransfer
        return _PASSWORD_IN_URL.sub(rf"\1{MASK}", value) if "://" in value else value
    if isinstance(value, list):
        return [masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = _VALUES if is_secret_name(_subject(value)) else ()
    if "key" in value and "server" in value:
        hidden = {"key"}  # the shared secret of a VPN (OCPP 2.0.1, VPNType)
    return {
        name: MASK if name in hidden or is_secret_name(name) else masked(item) for name, item in value.items()
    }


def masked_flat(texts):
    """Return a copy of {name: text}, where dots in names lead into objects, without secrets.

    What stands beside what is not told by names in parts: one secret's name hides all values.
    """
    hides = any(is_secret_name(text) for text in texts.values())
    last = {name: name.rpartition(".")[2] for name in texts}
    return {
        name: MASK if text and hides and "." in name and last[name] in _VALUES else text
        for name, text in masked(texts).items()
    }


def _subject(value):
    """Return the name of the key or variable that an object is about, or ""."""
    variable = value.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else value.get("key")
    return name if isinstance(name, str) else ""
