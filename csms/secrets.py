"""Secrets at rest: encryption and keyed hashes. Which rows hold secrets is not known here.

Every stored text names the key that made it. The first of CSMS_SECRET_KEYS makes new texts, all of
them are good for reading. Keys for different uses are derived from each, so that no text made
for one use is valid in another.
"""

import hashlib
import hmac
import re
import secrets as _random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

_NONCE_BYTES = 12


class Undecryptable(Exception):
    """The text was damaged, or its key is no longer among CSMS_SECRET_KEYS."""


def encrypt(text: str) -> str:
    """Return `text` encrypted with the current key, as `aes$<key id>$<base64>`."""
    key_id = _current()
    nonce = _random.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_derived(key_id, "encrypt")).encrypt(nonce, text.encode(), key_id.encode())
    return f"aes${key_id}${urlsafe_b64encode(nonce + sealed).decode()}"


def decrypt(stored: str) -> str:
    """Return the text that `encrypt` was given; raise Undecryptable where that is impossible."""
    kind, key_id, sealed = _parts(stored)
    if kind != "aes" or key_id not in _keys():
        raise Undecryptable("the key of this text is not among CSMS_SECRET_KEYS")
    try:
        raw = urlsafe_b64decode(sealed)
        opened = AESGCM(_derived(key_id, "encrypt")).decrypt(
            raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], key_id.encode()
        )
    except (ValueError, InvalidTag) as error:
        raise Undecryptable("the text was damaged") from error
    return opened.decode()


def generate(length: int = 22) -> str:
    """Return a random secret of `length` characters from [A-Za-z0-9_-], six bits each."""
    return _random.token_urlsafe(length)[:length]


def fingerprint(text: str) -> str:
    """Return a keyed hash by which `text` can be counted or found without being stored."""
    return _mac(_current(), "fingerprint", text.encode())


# Passwords of chargers ------------------------------------------------------------------------


def hash_generated(secret: str) -> str:
    """Return the hash of a secret that `generate` made; quick, for it cannot be guessed."""
    key_id = _current()
    return f"hmac${key_id}${_mac(key_id, 'password', canonical(secret.encode()))}"


def hash_chosen(password: str) -> str:
    """Return Django's slow hash of a password that a person chose."""
    return make_password(_as_text(canonical(password.encode())))


def verifier(password: bytes, stored: str) -> str:
    """Return what lets `check_fast` answer for the slow hash `stored`, of which `password` is right.

    It holds for this very hash: a new password or a new salt makes it worthless.
    """
    key_id = _current()
    return f"{_binding(key_id, stored)}{_verified(key_id, password, stored)}"


def check_fast(password: bytes, stored: str, verifier: str = "") -> bool | None:
    """Say whether `password` is right, or None when only `check_slow` can tell."""
    if not password or not stored:
        return False
    kind, key_id, digest = _parts(stored)
    if kind == "hmac":
        if key_id not in _keys():
            return False
        return hmac.compare_digest(digest, _mac(key_id, "password", canonical(password)))
    return _check_verifier(password, stored, verifier)


def check_slow(password: bytes, stored: str) -> bool:
    """Say whether `password` is right; takes a third of a second where a person chose it."""
    quick = check_fast(password, stored)
    return check_password(_as_text(canonical(password)), stored) if quick is None else quick


def canonical(password: bytes) -> bytes:
    """Return the form in which passwords are hashed and compared.

    OCPP 1.6 sets an AuthorizationKey as 32 to 40 hex digits. Chargers then log in with these
    digits, in either case, or with the 16 to 20 bytes that they mean, which need not be UTF-8.
    """
    if re.fullmatch(rb"(?:[0-9A-Fa-f]{2}){16,20}", password):
        return bytes.fromhex(password.decode())
    return password


def _check_verifier(password, stored, verifier):
    kind, key_id, _ = _parts(verifier)
    if kind != "seen" or key_id not in _keys() or not verifier.startswith(_binding(key_id, stored)):
        return None
    return hmac.compare_digest(verifier.rpartition("$")[2], _verified(key_id, password, stored))


def _binding(key_id, stored):
    """Name the hash that a verifier is for: a wrong password is then told from an old verifier."""
    return f"seen${key_id}${_mac(key_id, 'bind', stored.encode())[:16]}$"


def _verified(key_id, password, stored):
    return _mac(key_id, "verify", stored.encode() + b"\0" + canonical(password))


def _as_text(password):
    """Return bytes that need not be UTF-8 as text, since not every hasher takes bytes."""
    try:
        return password.decode()
    except UnicodeDecodeError:
        return "\0" + password.decode("latin-1")


# Keys -----------------------------------------------------------------------------------------


def _keys():
    return _keys_of(tuple(settings.CSMS_SECRET_KEYS))


@lru_cache(maxsize=8)
def _keys_of(texts):
    """Return {key id: key}, current first; the id tells nothing about the key."""
    return {_hkdf(text.encode(), "key id")[:4].hex(): text.encode() for text in texts}


def _current():
    return next(iter(_keys()))


def _derived(key_id, use):
    return _hkdf(_keys()[key_id], use)


@lru_cache(maxsize=64)
def _hkdf(key, use):
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"stationmaster {use}".encode()).derive(key)


def _mac(key_id, use, message):
    return hmac.digest(_derived(key_id, use), message, hashlib.sha256).hex()


def _parts(stored):
    kind, _, rest = stored.partition("$")
    key_id, _, value = rest.partition("$")
    return kind, key_id, value
