"""The security profile of OCPP 1.6 (security whitepaper A05), which the CSMS can only raise.

0 is none, 1 a password, 2 a password over TLS, 3 a certificate of the charge point's own over TLS. After
the answer the new profile is tried once; what does not connect is taken back. The connection trusts the
system's roots, and shows no certificate of its own.
"""

from urllib.parse import urlsplit

from chargers.virtual.certificates import CSMS_ROOT, STATION

NO_SECURITY, PASSWORD, TLS, CERTIFICATE = range(4)
KEY = "SecurityProfile"


def given(url, password):
    """Return the profile that a point has from the beginning, by how it connects."""
    if not password:
        return NO_SECURITY
    return TLS if urlsplit(url).scheme == "wss" else PASSWORD


def may_rise(point, profile):
    """Say whether a point has what it needs for a higher profile."""
    kinds = {entry.kind for entry in point.certificates.entries}
    has_key = bool(point.configuration["AuthorizationKey"])
    needs = {
        PASSWORD: has_key,
        TLS: has_key and CSMS_ROOT in kinds,
        CERTIFICATE: {CSMS_ROOT, STATION} <= kinds,
    }
    return profile > point.configuration.number(KEY) and needs[profile]


def rise(point, before):
    """Connect by the profile that has just been set; go back to `before` if that cannot be done."""
    client, profile = point.client, point.configuration.number(KEY)
    url = client.url if profile < TLS else client.url.replace("ws://", "wss://", 1)
    client.switch(url, on_failed=lambda: point.configuration.learn(KEY, before))
    point.operations.reconnect_soon()
