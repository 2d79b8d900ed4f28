"""SolarNetwork's request signatures, SNWS2: what is signed, and does it fit? Pure.

A signature covers the method, the path as it was on the wire, the query, chosen headers and a hash of
the body. Its key is derived from the token's secret and a day, and holds for seven days, so that a
client may keep the derived key instead of the secret (spec: solarnetwork, section 4).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote, unquote_to_bytes

SCHEME = "SNWS2"
LARGEST_SKEW = timedelta(minutes=15)
KEY_DAYS = 7
FORM = "application/x-www-form-urlencoded"
# As many as Django takes. To sort the million that fit into a body would cost seconds, before anyone knows
# who sent them.
MOST_FIELDS = 1000

_CREDENTIAL = re.compile(r"[\x21-\x7e]{1,64}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
# Received, these change what a request means, so nobody may have added them on the way.
_MUST_BE_SIGNED = ("content-type", "content-md5", "digest")
_HASHES = {"md5": "MD5", "sha": "SHA-1", "sha-256": "SHA-256", "sha-512": "SHA-512"}
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC)", re.ASCII
)
_MONTHS = dict(zip("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), range(1, 13), strict=True))


class Refused(Exception):
    """Why a request is not even compared with a secret; the text is for the caller."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was on the wire.

    `hosts` and `paths` are what the client may have signed: proxies change both. The first is what
    arrived. Names of `headers` are in lower case.
    """

    method: str
    paths: tuple[str, ...]
    query: str
    headers: Mapping[str, str]
    hosts: tuple[str, ...]
    body: bytes = b""

    @property
    def is_form(self):
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Authorization header says, and the moment at which the request was made."""

    token_id: str
    signed: tuple[str, ...]  # names of headers: lower case, sorted
    signature: str
    at: datetime


# Reading --------------------------------------------------------------------------------------


def examine(value: str, request: Request, *, now: datetime) -> Claim:
    """Return the claim in `value`, what follows the scheme of the Authorization header.

    Raises Refused for whatever is wrong without knowing the secret: form, headers that should have been
    signed, the clock, the body's digest, its size as a form.
    """
    token_id, signed, signature = _components(value)
    _check_coverage(request.headers, signed)
    at = _made_at(request.headers, signed)
    if abs(now - at) >= LARGEST_SKEW:
        raise Refused("Date skew too large")
    _check_digest(request)
    if request.is_form and request.body.count(b"&") >= MOST_FIELDS:
        raise Refused(f"A form must have {MOST_FIELDS} fields or less")
    return Claim(token_id, signed, signature, at)


def _components(value):
    pairs = (part.strip().partition("=") for part in value.split(","))
    found = {name: text.strip() for name, _, text in pairs}
    token_id, signature = found.get("Credential", ""), found.get("Signature", "")
    if not _CREDENTIAL.fullmatch(token_id):
        raise Refused("Invalid Credential value")
    if not _SIGNATURE.fullmatch(signature):
        raise Refused("Invalid Signature value")
    names = {name.strip().lower() for name in found.get("SignedHeaders", "").split(";")} - {""}
    if len(names) < 2:
        raise Refused("Invalid SignedHeaders value")
    return token_id, tuple(sorted(names)), signature


def _check_coverage(headers, signed):
    if "host" not in signed:
        raise Refused("The 'Host' HTTP header must be included in SignedHeaders")
    if not {"date", "x-sn-date"} & set(signed):
        raise Refused("One of the 'Date' or 'X-SN-Date' HTTP headers must be included in SignedHeaders")
    for name in headers:
        if (name in _MUST_BE_SIGNED or name.startswith("x-sn-")) and name not in signed:
            raise Refused(f"The '{name}' HTTP header must be included in SignedHeaders")


def _made_at(headers, signed):
    # X-SN-Date is signed whenever it is there; Date counts only where it is not, and then must be.
    name = "x-sn-date" if "x-sn-date" in headers else "date"
    if name not in signed:
        raise Refused("One of the 'Date' or 'X-SN-Date' HTTP headers must be included in SignedHeaders")
    match = _HTTP_DATE.fullmatch(headers.get(name, "").strip())
    try:
        day, month, year, *time = match.groups()
        return datetime(int(year), _MONTHS[month], int(day), *map(int, time), tzinfo=UTC)
    except (AttributeError, KeyError, ValueError):
        raise Refused(f"Missing or invalid HTTP {'X-SN-Date' if name != 'date' else 'Date'} header") from None


def _check_digest(request):
    """Hold the body against Digest (the first algorithm known here), else against Content-MD5."""
    digest = request.headers.get("digest")
    if digest is None and "content-md5" in request.headers:
        digest = f"md5={request.headers['content-md5']}"
    for name, _, value in (part.strip().partition("=") for part in (digest or "").split(",")):
        if (algorithm := _HASHES.get(name.lower())) is not None:
            computed = hashlib.new(algorithm.replace("-", ""), request.body, usedforsecurity=False).digest()
            if not _says(value.strip(), computed):
                raise Refused(f"Content {algorithm} digest value mismatch")
            return


def _says(value, computed):
    """Whether `value` is the hash in hex or base64."""
    if value.lower() == computed.hex():
        return True
    try:
        return base64.b64decode(value, validate=True) == computed
    except (binascii.Error, ValueError):
        return False


# Comparing ------------------------------------------------------------------------------------


def fits(claim: Claim, request: Request, secret: str) -> bool:
    """Say whether whoever signed `request` knows `secret`, or a key derived from it in the last week."""
    texts = [_text_to_sign(claim.at, text) for text in _variants(request, claim.signed)]
    for age in range(KEY_DAYS):
        key = signing_key(secret, claim.at - timedelta(days=age))
        for text in texts:
            if hmac.compare_digest(_hmac(key, text).hex(), claim.signature):
                return True
    return False


def _variants(request, signed) -> Iterator[str]:
    """Yield the canonical texts that the client may mean, the likeliest first.

    The fields of a form count as parameters of the query, and then the body as empty; clients that
    do not know this hash the form. Either way all of it is covered.
    """
    for as_parameters in (True, False) if request.is_form else (False,):
        # Once for all hosts: a body may be long.
        query, hashed = _content(request, form_as_parameters=as_parameters)
        for path in request.paths:
            for host in request.hosts:
                yield _joined(request, signed, host, path, query, hashed)


def canonical(
    request: Request, signed: Iterable[str], *, host: str, path: str, form_as_parameters: bool = False
) -> str:
    """Return the canonical text of the request: the six parts that are signed, joined by line ends."""
    content = _content(request, form_as_parameters=form_as_parameters)
    return _joined(request, signed, host, path, *content)


def _content(request, *, form_as_parameters):
    """Return the canonical query and the hash of the body."""
    query, body = request.query.encode("utf-8", "surrogateescape"), request.body
    if form_as_parameters:
        query, body = b"&".join(filter(None, (query, body))), b""
    return canonical_query(query), hashlib.sha256(body).hexdigest()


def _joined(request, signed, host, path, query, hashed):
    headers = {**request.headers, "host": host}
    lines = [f"{name}:{headers.get(name, '').strip()}" for name in signed]
    return "\n".join([request.method.upper(), path, query, *lines, ";".join(signed), hashed])


def canonical_query(query: bytes) -> str:
    """Return the parameters sorted by name, in one and the same encoding; repeated ones keep their order."""
    pairs = [part.replace(b"+", b" ").partition(b"=") for part in query.split(b"&") if part]
    decoded = [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(decoded, key=_by_name))


def _by_name(pair):
    # Their languages sort by units of UTF-16.
    return pair[0].decode("utf-8", "surrogateescape").encode("utf-16-be", "surrogatepass")


def _encoded(text):
    return quote(text, safe="-_.~")


def signing_key(secret: str, day: datetime) -> bytes:
    """Return the key that is derived from a secret for a day."""
    return _hmac(_hmac((SCHEME + secret).encode(), f"{day.astimezone(UTC):%Y%m%d}"), "snws2_request")


def _text_to_sign(at, text):
    hashed = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return f"SNWS2-HMAC-SHA256\n{at.astimezone(UTC):%Y%m%dT%H%M%SZ}\n{hashed}"


def _hmac(key, text):
    return hmac.digest(key, text.encode(), hashlib.sha256)


# Signing --------------------------------------------------------------------------------------


def authorization(
    request: Request,
    token_id: str,
    secret: str,
    *,
    at: datetime,
    signed: Iterable[str] = (),
    key_day: datetime | None = None,
) -> str:
    """Return the Authorization header with which a client signs `request` for the first host and path.

    The date has to be among the headers already (`http_date`); without `signed`, what must be signed is.
    """
    names = tuple(sorted(signed)) or tuple(sorted(_usual(request.headers)))
    text = canonical(
        request, names, host=request.hosts[0], path=request.paths[0], form_as_parameters=request.is_form
    )
    signature = _hmac(signing_key(secret, key_day or at), _text_to_sign(at, text)).hex()
    return f"{SCHEME} Credential={token_id},SignedHeaders={';'.join(names)},Signature={signature}"


def _usual(headers):
    dates = {"x-sn-date"} if "x-sn-date" in headers else {"date"}
    others = {name for name in headers if name in _MUST_BE_SIGNED or name.startswith("x-sn-")}
    return {"host"} | dates | others


def http_date(moment: datetime) -> str:
    """Return `moment` as Date and X-SN-Date hold it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


# Hosts ----------------------------------------------------------------------------------------


def host_forms(names: Iterable[str], *, ports: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what a client may have signed as its host, when it reached us under one of `names`.

    Some sign the host without its port; theirs is signed with 443 behind a proxy with TLS.
    """
    found = {}
    for name in names:
        bare = re.sub(r":[0-9]+$", "", name)
        forms = (
            [name, bare] if bare != name else [name, *(f"{name}:{port}" for port in (*ports, "443", "80"))]
        )
        found.update(dict.fromkeys(forms))
    return tuple(found)
