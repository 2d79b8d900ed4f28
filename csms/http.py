"""The one way in which requests leave the house: guarded against URLs that lead back into it.

Partners give us URLs. Unless CSMS_ALLOW_PRIVATE_URLS is set, none may reach a private, loopback,
link-local or reserved address. What is checked is the address that the socket connects to, so a
name that resolves differently a moment later gains nothing; each redirect passes the same check.
"""

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore2
import httpx2
from django.conf import settings
from django.core.exceptions import ValidationError

TIMEOUT_SECONDS = 30.0
CONNECT_SECONDS = 10.0
MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 3
_NAT64 = IPv6Network("64:ff9b::/96")
_DEFAULT_PORTS = {"http": 80, "https": 443}

_deadline = threading.local()
_making = threading.Lock()


class RequestFailed(Exception):
    """No answer came, for whichever reason; the text is fit for a delivery log."""


class AddressRefused(RequestFailed):
    """The URL leads where partners may not send us."""


@dataclass(frozen=True)
class Answer:
    """What came back. `content` is short of its end only where the caller allowed that."""

    status_code: int
    headers: httpx2.Headers
    content: bytes
    url: str


def request(
    method: str,
    url: str,
    *,
    headers: dict | None = None,
    secret_headers: dict | None = None,
    content: bytes = b"",
    timeout: float = TIMEOUT_SECONDS,
    max_bytes: int = MAX_BYTES,
    cut: bool = False,
    transport: httpx2.BaseTransport | None = None,
) -> Answer:
    """Send a request and return its whole answer within `timeout` seconds, or raise RequestFailed.

    Redirects are followed where they repeat the request (307, 308, and all of them for GET and
    HEAD); `secret_headers` stay with the first origin. An answer over `max_bytes` is an error,
    or cut off there with `cut`.
    """
    plain, secret = headers or {}, secret_headers or {}
    with _until(time.monotonic() + timeout):
        for _ in range(MAX_REDIRECTS + 1):
            target = check_url(url)
            answer = _once(transport or _shared(), method, target, plain | secret, content, max_bytes, cut)
            following = _redirect(method, target, answer)
            if following is None:
                return answer
            if _origin(following) != _origin(target):
                secret = {}
            url = str(following)
    raise RequestFailed(f"more than {MAX_REDIRECTS} redirects")


def check_url(url: str) -> httpx2.URL:
    """Return the parsed `url`, or raise RequestFailed for what could never be requested."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise RequestFailed(f"not a URL: {error}") from error
    if parsed.scheme not in _DEFAULT_PORTS or not parsed.host:
        raise RequestFailed("only http:// and https:// URLs can be requested")
    return parsed


def validate_partner_url(value: str) -> None:
    """Refuse, as a Django validator, a URL that could never be requested.

    Names are not resolved here, since what they mean may change; the request itself decides.
    """
    try:
        host = check_url(value).host
    except RequestFailed as error:
        raise ValidationError(str(error)) from error
    try:
        forbidden = is_forbidden(host)
    except ValueError:
        forbidden = host == "localhost"
    if forbidden and not settings.CSMS_ALLOW_PRIVATE_URLS:
        raise ValidationError("This address is private.")


def is_forbidden(address: str) -> bool:
    """Say whether a partner's URL may not reach this IP address."""
    ip = _embedded(ip_address(address.partition("%")[0]))
    # `is_reserved` covers, for IPv6, all that lies outside of what was ever handed out.
    return not ip.is_global or ip.is_multicast or ip.is_reserved or getattr(ip, "is_site_local", False)


def _embedded(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that a mapped, NAT64 or 6to4 address leads to, else `ip`."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


class GuardedTransport(httpx2.HTTPTransport):
    """An httpx2 transport that connects only to permitted addresses, and knows no proxies."""

    def __init__(self, *, verify: ssl.SSLContext | bool = True):
        super().__init__(verify=verify)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(verify=verify),
            max_connections=100,
            max_keepalive_connections=20,
            # Shorter than the 5 s after which common servers hang up, perhaps on our next request.
            keepalive_expiry=2.0,
            network_backend=_GuardedBackend(),
        )


@cache
def _transport():
    return GuardedTransport()


def _shared():
    """Return the transport of all threads; without the lock two that start together make two."""
    with _making:
        return _transport()


def close() -> None:
    """Close the connections that were kept for a next request, at the end of the process."""
    _shared().close()
    _transport.cache_clear()


class _GuardedBackend(httpcore2.SyncBackend):
    """Resolves once, and connects to the very address that was checked; TLS still sees the name."""

    def connect_tcp(self, host, port, timeout=None, **options):
        last = AddressRefused(f"{host} leads to an address that partners may not name")
        for address in _resolve(host, port):
            if is_forbidden(address) and not settings.CSMS_ALLOW_PRIVATE_URLS:
                continue
            try:
                stream = super().connect_tcp(address, port, timeout=_left(timeout), **options)
                return _TimedStream(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last


def _resolve(host, port):
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} cannot be resolved: {error}") from error
    return list(dict.fromkeys(address[0] for *_, address in found))


class _TimedStream(httpcore2.NetworkStream):
    """A stream on which the whole request has a deadline: a drip of bytes cannot hold a thread."""

    def __init__(self, stream):
        self._stream = stream

    def read(self, max_bytes, timeout=None):
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer, timeout=None):
        self._stream.write(buffer, _left(timeout))

    def close(self):
        self._stream.close()

    def start_tls(self, ssl_context, server_hostname=None, timeout=None):
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info):
        return self._stream.get_extra_info(info)


@contextmanager
def _until(moment):
    _deadline.at = moment
    try:
        yield
    finally:
        del _deadline.at


def _left(timeout):
    """Return the seconds that the next step may take."""
    left = getattr(_deadline, "at", float("inf")) - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the answer took too long")
    return min(left, timeout) if timeout is not None else min(left, TIMEOUT_SECONDS)


def _once(transport, method, url, headers, content, max_bytes, cut):
    """Send one request, follow nothing."""
    try:
        response = transport.handle_request(
            httpx2.Request(
                method,
                url,
                headers={"User-Agent": "Stationmaster", "Accept-Encoding": "identity"} | headers,
                content=content,
                extensions={"timeout": {"connect": CONNECT_SECONDS, "pool": TIMEOUT_SECONDS}},
            )
        )
        try:
            body = _body(response, max_bytes, cut)
        finally:
            response.close()
    except (httpx2.HTTPError, httpcore2.TimeoutException, ValueError) as error:
        raise RequestFailed(f"{type(error).__name__}: {error}".rstrip(": ")) from error
    return Answer(response.status_code, response.headers, body, str(url))


def _body(response, max_bytes, cut):
    body = bytearray()
    for chunk in response.stream:
        body += chunk
        if len(body) > max_bytes:
            if not cut:
                raise RequestFailed(f"the answer is longer than {max_bytes} bytes")
            break
    return bytes(body[:max_bytes])


def _redirect(method, url, answer):
    """Return where the same request is to be sent next, or None.

    301 to 303 turn a POST into a GET; whoever waits for a delivery must not take the answer to
    that for a receipt, so the redirect itself is the answer.
    """
    repeats = {307, 308} if method.upper() not in ("GET", "HEAD") else {301, 302, 303, 307, 308}
    location = answer.headers.get("location")
    if answer.status_code not in repeats or not location:
        return None
    try:
        return url.join(location)
    except httpx2.InvalidURL as error:
        raise RequestFailed(f"redirected to what is not a URL: {error}") from error


def _origin(url):
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)
