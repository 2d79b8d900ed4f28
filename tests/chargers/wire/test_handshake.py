"""Handshakes: identifiers, passwords and versions, however they are written."""

import base64

import pytest

from chargers.wire import handshake
from chargers.wire.validation import V16, V201


@pytest.mark.parametrize(
    ("path", "identifier", "version"),
    [
        (b"/ocpp/CP1", "CP1", ""),
        (b"/OCPP/CP1/", "CP1", ""),
        (b"//ocpp//CP1//", "CP1", ""),
        (b"/ws/CP1", "CP1", ""),
        (b"/ocpp/j/v16/CP1", "CP1", V16),
        (b"/ocpp/v201/CP1", "CP1", V201),
        (b"/ocpp/v16", "v16", ""),
        (b"/ocpp/a%20b%7Cc%2Fd%23%2Be%C3%A9", "a b|c/d#+eé", ""),
        (b"/ocpp/a%2525", "a%25", ""),
        (b"/ocpp/ws://host/ocpp/CP1", "CP1", ""),
        (b"/ws://host:9000/ocpp/v16/CP1", "CP1", V16),
        (b"wss://host/ocpp/CP1", "CP1", ""),
        (b"/ws://host/CP1", "CP1", ""),
        (b"/ocpp/", "", ""),
        (b"/admin/CP1", "", ""),
        (b"/ocpp/" + b"x" * 256, "", ""),
        (b"/ocpp/a%00b", "", ""),
    ],
)
def test_identifier_is_the_last_segment(path, identifier, version):
    """Percent-encoding is undone once; names of aliases may be identifiers."""
    found = handshake.read_path(path)
    assert (found.identifier, found.version) == (identifier, version)


def test_identifier_may_stand_in_the_query():
    """Seen as `?=serial`."""
    assert handshake.read_path(b"/ocpp/", b"=SN123").identifier == "SN123"


def test_password_in_the_path_is_masked():
    """The path is stored with failed handshakes, its secrets are not."""
    found = handshake.read_path(b"/ocpp/j/v16u/user/p%40ss/CP1")
    assert (found.username, found.password, found.identifier) == ("user", b"p@ss", "CP1")
    assert found.masked == "/ocpp/j/v16u/user/***/CP1"


@pytest.mark.parametrize(
    ("path", "hid", "username", "password", "version", "masked"),
    [
        (b"/ocpp/j/v16h/ab2c/CP1", "ab2c", "", None, V16, "/ocpp/j/v16h/ab2c/CP1"),
        (b"/ocpp/v201h/AB2C/CP1/", "ab2c", "", None, V201, "/ocpp/v201h/AB2C/CP1"),
        (b"/ocpp/j/v16hu/ab2c/u/p%40/CP1", "ab2c", "u", b"p@", V16, "/ocpp/j/v16hu/ab2c/u/***/CP1"),
        (b"/ocpp/v201hu/ab2c/u/p/CP1", "ab2c", "u", b"p", V201, "/ocpp/v201hu/ab2c/u/***/CP1"),
        (b"/ocpp/v201u/u/p/CP1", "", "u", b"p", V201, "/ocpp/v201u/u/***/CP1"),
        (b"/ocpp/v16h/v16u/CP1", "v16u", "", None, V16, "/ocpp/v16h/v16u/CP1"),
    ],
)
@pytest.mark.spec("solar-ocpp", "Chargers connect")
def test_account_and_login_may_stand_in_the_path(path, hid, username, password, version, masked):
    """SolarNetwork's URLs: h, a human id follows; u, a user name and a password follow."""
    found = handshake.read_path(path)

    assert (found.identifier, found.hid, found.version) == ("CP1", hid, version)
    assert (found.username, found.password, found.masked) == (username, password, masked)


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        (b"/ocpp/j/v16h/ab2c", "/ocpp/j/v16h/ab2c"),
        (b"/ocpp/j/v16h/a%00b/CP1", "/ocpp/j/v16h/a%00b/CP1"),
        (b"/ocpp/j/v16h/seventeen-letters/CP1", "/ocpp/j/v16h/seventeen-letters/CP1"),
        (b"/ocpp/j/v16u/user/p4ss", "/ocpp/j/v16u/user/***"),
        (b"/ocpp/j/v16hu/ab2c/user/p4ss", "/ocpp/j/v16hu/ab2c/user/***"),
    ],
)
def test_path_that_forgets_the_charger_names_none(path, masked):
    """An account alone, one that cannot be, or a login alone, whose password is no identifier."""
    found = handshake.read_path(path)

    assert (found.identifier, found.masked) == ("", masked)


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        (b"/ocpp/j/v16/user/p4ss/CP1", "/ocpp/j/v16/***/***/CP1"),
        (b"/ocpp/j/v16h/ab2c/user/p4ss/CP1", "/ocpp/j/v16h/ab2c/***/***/CP1"),
        (b"/ocpp/j/v16u/ab2c/user/p4ss/CP1", "/ocpp/j/v16u/ab2c/***/***/CP1"),
        (b"/ocpp/berlin/depot/CP1", "/ocpp/berlin/depot/CP1"),
    ],
)
def test_login_behind_the_wrong_alias_is_masked(path, masked):
    """A letter of it was forgotten; without an alias there is no login."""
    found = handshake.read_path(path)

    assert (found.identifier, found.masked) == ("CP1", masked)


@pytest.mark.parametrize(
    "path", [b"/ws://user:p4ss@host/ocpp/CP1", b"/ocpp/ws://user:p4ss@host/CP1", b"/x/user:p4ss@host"]
)
def test_password_of_a_url_in_the_path_is_masked(path):
    """Wherever the charger has put it."""
    assert "p4ss" not in handshake.read_path(path).masked


@pytest.mark.parametrize(
    ("offered", "default", "chosen"),
    [
        (["ocpp1.6"], "", ("ocpp1.6", V16)),
        (["ocpp2.0.1", "ocpp1.6"], "", ("ocpp2.0.1", V201)),
        (["ocpp2.1", "OCPP1.6"], "", ("OCPP1.6", V16)),
        ([], V201, (None, V201)),
        ([], "", (None, "")),
        (["ocpp1.5"], V16, (None, "")),
    ],
)
def test_first_supported_subprotocol_is_chosen(offered, default, chosen):
    """The charger's order counts; without any, what the URL tells."""
    assert handshake.choose(offered, default) == chosen


@pytest.mark.parametrize(
    ("header", "pair"),
    [
        (b"Basic " + base64.b64encode(b"CP1:pa:ss"), ("CP1", b"pa:ss")),
        (b"basic: " + base64.b64encode(b"CP1:x"), ("CP1", b"x")),
        (b"Basic " + base64.b64encode(b"CP1:\xff\xfe"), ("CP1", b"\xff\xfe")),
        (b"Basic " + base64.b64encode(b"CP1:"), ("CP1", b"")),
        (b"Basic " + base64.b64encode(b"no colon"), None),
        (b"Basic !", None),
        (b"Bearer abc", None),
        (b"", None),
    ],
)
def test_basic_header_is_read(header, pair):
    """Passwords are bytes: some chargers send raw keys."""
    assert handshake.basic(header) == pair
