"""Encryption and keyed hashes."""

import re

import pytest
from django.contrib.auth.hashers import make_password
from hypothesis import given
from hypothesis import strategies as st

from csms import secrets

HEX = "4F4341".ljust(40, "a")


@pytest.fixture(autouse=True)
def keys(settings):
    settings.CSMS_SECRET_KEYS = ["current key", "older key"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@given(st.text())
def test_decrypt_returns_what_was_encrypted(text):
    assert secrets.decrypt(secrets.encrypt(text)) == text


def test_older_key_still_decrypts(settings):
    stored = secrets.encrypt("token")

    settings.CSMS_SECRET_KEYS = ["newest key", "current key"]

    assert secrets.decrypt(stored) == "token"


def test_lost_key_is_reported(settings):
    stored = secrets.encrypt("token")

    settings.CSMS_SECRET_KEYS = ["another key"]

    with pytest.raises(secrets.Undecryptable):
        secrets.decrypt(stored)


@pytest.mark.parametrize("stored", ["", "aes", "aes$", "plain text", "aes$00000000$AAAA"])
def test_garbage_is_undecryptable(stored):
    with pytest.raises(secrets.Undecryptable):
        secrets.decrypt(stored)


def test_changed_text_is_undecryptable():
    stored = secrets.encrypt("token")

    with pytest.raises(secrets.Undecryptable):
        secrets.decrypt(stored[:-6] + ("A" if stored[-6] != "A" else "B") + stored[-5:])


def test_generated_secrets_are_url_safe():
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", secrets.generate())


def test_generated_secret_is_checked_fast():
    stored = secrets.hash_generated("s3cret")

    assert secrets.check_fast(b"s3cret", stored) is True


def test_wrong_secret_is_refused_fast():
    assert secrets.check_fast(b"other", secrets.hash_generated("s3cret")) is False


def test_hash_of_an_older_key_is_still_checked(settings):
    stored = secrets.hash_generated("s3cret")

    settings.CSMS_SECRET_KEYS = ["newest key", "current key"]

    assert secrets.check_fast(b"s3cret", stored) is True


def test_hash_of_a_lost_key_matches_nothing(settings):
    stored = secrets.hash_generated("s3cret")

    settings.CSMS_SECRET_KEYS = ["another key"]

    assert secrets.check_fast(b"s3cret", stored) is False


@pytest.mark.parametrize("make", [str, secrets.hash_generated, make_password])
def test_empty_password_never_matches(make):
    stored = make("")

    assert not secrets.check_fast(b"", stored)
    assert not secrets.check_slow(b"", stored)


def test_chosen_password_needs_the_slow_check():
    stored = secrets.hash_chosen("correct horse")

    assert secrets.check_fast(b"correct horse", stored) is None
    assert secrets.check_slow(b"correct horse", stored)
    assert not secrets.check_slow(b"wrong horse", stored)


@pytest.mark.parametrize(("password", "right"), [(b"correct horse", True), (b"wrong horse", False)])
def test_verifier_answers_for_its_hash(password, right):
    stored = secrets.hash_chosen("correct horse")
    verifier = secrets.verifier(b"correct horse", stored)

    assert secrets.check_fast(password, stored, verifier) is right


def test_verifier_dies_with_its_hash():
    verifier = secrets.verifier(b"correct horse", secrets.hash_chosen("correct horse"))

    assert secrets.check_fast(b"correct horse", secrets.hash_chosen("correct horse"), verifier) is None


@pytest.mark.parametrize("make", [secrets.hash_generated, secrets.hash_chosen])
@pytest.mark.parametrize("sent", [HEX.encode(), HEX.lower().encode(), bytes.fromhex(HEX)])
def test_hex_key_matches_as_digits_and_as_bytes(make, sent):
    """AuthorizationKey is set as 40 hex digits; chargers send these, or the bytes they mean."""
    assert secrets.check_slow(sent, make(HEX))


def test_text_matches_when_sent_as_hex_digits():
    text = "OCA_OCTT_admin_test!"

    assert secrets.check_fast(text.encode().hex().encode(), secrets.hash_generated(text))


@given(st.binary(min_size=1, max_size=40))
def test_any_bytes_can_be_verified(password):
    stored = secrets.hash_chosen("correct horse")

    assert secrets.check_fast(password, stored, secrets.verifier(password, stored)) is True
    assert not secrets.check_slow(password + b"!", stored)


def test_fingerprint_hides_and_recognizes():
    assert secrets.fingerprint("name") == secrets.fingerprint("name") != secrets.fingerprint("other")
