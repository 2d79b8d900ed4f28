"""Making and changing what people and chargers identify themselves with.

Every secret leaves here once, in clear, to be shown to whoever asked; the rows hold hashes, or,
where a signature must be checked with it, an encrypted text.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from csms import secrets
from tokens.models import ApiToken, Credential, UsedSignature

# Twenty characters carry 120 bits, and fit OCPP 1.6's AuthorizationKey also as 40 hex digits.
CHARGER_SECRET_LENGTH = 20


def create_api_token(
    owner,
    *,
    kind: str = ApiToken.Kind.USER,
    expires_at: datetime | None = None,
    policy: dict | None = None,
    description: str = "",
) -> tuple[ApiToken, str]:
    """Make a program's key for `owner`; return it with its secret, which cannot be read again.

    Raises ValidationError for a policy that cannot be enforced.
    """
    secret = secrets.generate()
    token = ApiToken(
        owner=owner,
        kind=kind,
        expires_at=expires_at,
        policy={} if policy is None else policy,
        description=description,
        secret_encrypted=secrets.encrypt(secret),
        secret_sha256=sha256(secret),
    )
    token.clean()
    token.save()
    return token, secret


def use_signature(signature: str, *, until: datetime) -> bool:
    """Remember `signature` until then; return whether it is seen for the first time.

    A row, so that all processes know of it.
    """
    try:
        with transaction.atomic():
            UsedSignature.objects.create(signature=signature, expires_at=until)
    except IntegrityError:
        return False
    return True


def sha256(secret: str) -> str:
    """Return the hash by which an API token is found by its secret."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def create_credential(
    owner,
    username: str,
    *,
    password: str | None = None,
    allowed_charge_points: Iterable[str] = (),
    enabled: bool = True,
) -> tuple[Credential, str | None]:
    """Make a charger's login; return it with the password that was generated, None where one was chosen."""
    columns, secret = hashed(password)
    credential = Credential.objects.create(
        owner=owner,
        username=username,
        allowed_charge_points=list(allowed_charge_points),
        enabled=enabled,
        **columns,
    )
    return credential, secret


def set_password(credential: Credential, password: str | None = None) -> str | None:
    """Replace the password by `password` or a generated one, which is returned; the old one is void."""
    columns, secret = hashed(password)
    for name, value in columns.items():
        setattr(credential, name, value)
    credential.save(update_fields=list(columns))
    return secret


def hashed(password: str | None = None, *, length: int = CHARGER_SECRET_LENGTH):
    """Return (a credential's columns for `password`, the password that was generated where it is None).

    To hash a chosen one takes a good part of a second: do so outside of transactions.
    """
    if password is None:
        secret = secrets.generate(length)
        return {"password_hash": secrets.hash_generated(secret), "password_verifier": ""}, secret
    if not password:
        raise ValueError("an empty password would never match")
    return {"password_hash": secrets.hash_chosen(password), "password_verifier": ""}, None
