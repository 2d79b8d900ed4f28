"""Whose address a request came from, and how addresses are counted against limits."""

from ipaddress import ip_address, ip_network

from django.conf import settings


def client(peer: str, forwarded_for: str = "") -> str:
    """Return the address of the client behind `peer`, believing only CSMS_TRUSTED_PROXIES.

    X-Forwarded-For is read from its end: what stands before the first address that is not one
    of our proxies can be anyone's invention.
    """
    for hop in [peer, *reversed(forwarded_for.split(","))]:
        address = _parsed(hop)
        if address is None:
            break
        peer = str(address)
        if not _is_trusted(address):
            break
    return peer


def client_of(request) -> str:
    """Return the client's address of an HTTP request."""
    return client(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def is_trusted(peer: str) -> bool:
    """Say whether `peer` is one of CSMS_TRUSTED_PROXIES, whose headers are believed."""
    address = _parsed(peer)
    return address is not None and _is_trusted(address)


def bucket(address: str) -> str:
    """Return what counts as one party: an IPv4 address, or the /64 that an IPv6 client commands."""
    parsed = _parsed(address)
    if parsed is None or parsed.version == 4:
        return str(parsed or address)
    return str(ip_network((parsed, 64), strict=False))


def _parsed(text):
    try:
        address = ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address):
    return any(address in ip_network(proxy, strict=False) for proxy in settings.CSMS_TRUSTED_PROXIES)
