"""What a websocket handshake says: who connects, with which password, in which OCPP version. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from chargers.wire.validation import V16, V201

SUPPORTED = {"ocpp1.6": V16, "ocpp2.0.1": V201}
LONGEST_IDENTIFIER = 255

# First segments under which chargers are served, and what may follow before the identifier.
_ROOTS = {"ocpp", "ws"}
_SCHEMES = {"ws:", "wss:", "http:", "https:"}
_PASSWORD_OF_HOST = re.compile(r"([^/:@]*:)[^/@]+(?=@)")
# After the version: h, the human id of an account follows; u, a user name and a password follow.
_VERSIONS = {"j": ""} | {f"v16{end}": V16 for end in ("", "u", "h", "hu")}
_VERSIONS |= {f"v201{end}": V201 for end in ("", "u", "h", "hu")}
_OF_ACCOUNT = ("h", "hu")
_HID = re.compile("[0-9a-z]{1,16}")


@dataclass(frozen=True, slots=True)
class Path:
    """What the URL tells. `identifier` is "" where it names no charger, `hid` where it names no account."""

    identifier: str
    version: str = ""
    username: str = ""
    password: bytes | None = None
    masked: str = ""
    hid: str = ""


def read_path(raw_path, query=b""):
    """Understand the path of a charger's URL, however odd; percent-encoding is undone once.

    The identifier is the last segment that is not empty; a few chargers put it into the query,
    or a whole URL into the path.
    """
    segments = _segments(raw_path.decode("latin-1"))
    if not segments or segments[0].lower() not in _ROOTS:
        return Path("", masked=_hidden(raw_path.decode("latin-1")))
    rest, version, alias = segments[1:], "", ""
    while len(rest) > 1 and rest[0].lower() in _VERSIONS and not alias.endswith(_OF_ACCOUNT):
        alias = rest.pop(0).lower()
        version = _VERSIONS[alias] or version
    hid = unquote(rest.pop(0)).lower() if alias.endswith(_OF_ACCOUNT) else ""
    shown, username, password = segments[: len(segments) - len(rest)], "", None
    if alias.endswith("u") and len(rest) >= 2:
        username, password = unquote(rest[0]), unquote_to_bytes(rest[1])
        shown, rest = [*shown, rest[0], "***"], rest[2:]
    # What else stands behind an alias is a login, most likely, that a letter of the alias was forgotten for.
    shown += ["***" if alias else segment for segment in rest[:-1]]
    masked = "/".join(["", *shown, *rest[-1:]])
    identifier = unquote(rest[-1]) if rest else _identifier_in(query)
    is_odd = len(identifier) > LONGEST_IDENTIFIER or re.search(r"[\0\r\n]", identifier)
    if is_odd or (hid and not _HID.fullmatch(hid)):
        identifier = ""
    return Path(identifier, version, username, password, _hidden(masked), hid)


def _segments(path):
    """Return the segments of `path`; of a URL in it only those that follow its host."""
    segments = [segment for segment in path.split("/") if segment]
    for place, segment in enumerate(segments[:2]):
        rest = segments[place + 2 :]
        if segment.lower() in _SCHEMES and rest and (not place or segments[0].lower() in _ROOTS):
            return rest if rest[0].lower() in _ROOTS else ["ocpp", *rest]
    return segments


def _hidden(path):
    """Return `path` without the password of a URL in it, as short as its column."""
    return _PASSWORD_OF_HOST.sub(r"\1***", path)[:1000]


def _identifier_in(query):
    values = [value for _, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if value]
    return values[0] if values else ""


def choose(offered, default=""):
    """Return (subprotocol to confirm, version) for the subprotocols offered, in the charger's order.

    None offered: nothing to confirm, and the version that the URL tells. Offered but none of
    ours: (None, "").
    """
    if not offered:
        return None, default
    for name in offered:
        if version := SUPPORTED.get(name.strip().lower()):
            return name, version
    return None, ""


def basic(header):
    """Return (username, password) of an Authorization header, or None if it holds none.

    The user name is text; the password stays bytes, since some chargers send raw ones.
    """
    scheme, _, encoded = header.strip().partition(b" ")
    if scheme.lower().rstrip(b":") != b"basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=False)
    except (binascii.Error, ValueError):
        return None
    username, colon, password = decoded.partition(b":")
    return (username.decode("utf-8", "replace"), password) if colon else None
