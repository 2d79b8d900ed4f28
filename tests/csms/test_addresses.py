"""Whose address a request came from."""

import pytest

from csms import addresses


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.CSMS_TRUSTED_PROXIES = ["10.0.0.0/8", "::1"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "not an address", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, not an address", "10.0.0.1"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer, forwarded, client):
    assert addresses.client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("address", "bucket"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8::1:2:3:4", "2001:db8::/64"), ("?", "?")],
)
def test_an_ipv6_client_is_its_network(address, bucket):
    assert addresses.bucket(address) == bucket
