"""Making tokens and credentials."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from csms import secrets
from tokens import services
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def test_api_token_s_secret_is_stored_encrypted(owner):
    token, secret = services.create_api_token(owner)

    assert re.fullmatch("[A-Za-z0-9]{20}", token.identifier)
    assert secret not in (token.secret_encrypted, token.secret_sha256)
    assert secrets.decrypt(token.secret_encrypted) == secret


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ({"nodeIds": []}, "nodeIds must be a list"),
        ([], "A policy is a JSON object"),
        ({"x": 1}, "x is not known"),
    ],
)
def test_token_with_a_policy_that_cannot_be_enforced_is_not_made(owner, policy, problem):
    """Whoever asks for a limit must not believe in one that is none."""
    with pytest.raises(ValidationError, match=problem):
        services.create_api_token(owner, policy=policy)

    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("expires_at", "not_after", "ends_at"),
    [(None, None, None), (NOON, None, NOON), (None, NOON, NOON), (NOON, LATER, NOON), (LATER, NOON, NOON)],
)
def test_token_ends_with_the_earlier_of_its_two_ends(owner, expires_at, not_after, ends_at):
    """Its own, and the one of its policy."""
    policy = {"notAfter": not_after.isoformat()} if not_after else None

    token, _ = services.create_api_token(owner, expires_at=expires_at, policy=policy)

    assert token.ends_at == ends_at


def test_signature_is_used_once(owner):
    """The second one learns that there was a first."""
    assert services.use_signature("0" * 64, until=NOON)
    assert not services.use_signature("0" * 64, until=LATER)


def test_generated_password_is_returned_once_and_hashed(owner):
    credential, secret = services.create_credential(owner, "box", allowed_charge_points=["CP1"])

    assert secrets.check_fast(secret.encode(), credential.password_hash)
    assert secret not in credential.password_hash
    assert credential.allows("CP1")
    assert not credential.allows("CP2")


def test_generated_password_fits_an_authorization_key_as_hex_digits(owner):
    _, secret = services.create_credential(owner, "box")

    assert len(secret.encode().hex()) == 40


def test_chosen_password_is_not_returned(owner):
    credential, secret = services.create_credential(owner, "box", password="chosen by people")

    assert secret is None
    assert secrets.check_slow(b"chosen by people", credential.password_hash)


def test_new_password_voids_the_old_and_its_verifier(owner):
    credential, _ = services.create_credential(owner, "box", password="old one")
    credential.password_verifier = secrets.verifier(b"old one", credential.password_hash)
    credential.save()

    services.set_password(credential, "new one")

    credential.refresh_from_db()
    assert credential.password_verifier == ""
    assert not secrets.check_slow(b"old one", credential.password_hash)


def test_empty_password_cannot_be_chosen(owner):
    with pytest.raises(ValueError, match="empty"):
        services.create_credential(owner, "box", password="")


def test_command_prints_json_and_nothing_else(owner, capsys):
    call_command("create_api_token", user="owner", json=True)

    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"id", "secret"}
    assert secrets.decrypt(ApiToken.objects.get(identifier=answer["id"]).secret_encrypted) == answer["secret"]


def test_command_takes_kind_and_days(owner, capsys):
    call_command("create_api_token", "--user", "owner", "--data", "--days", "2", "--description", "reports")

    token = ApiToken.objects.get()
    assert (token.kind, token.description) == ("ReadNodeData", "reports")
    assert timedelta(days=1) < token.expires_at - timezone.now() <= timedelta(days=2)
    assert "Bearer" in capsys.readouterr().out


def test_command_takes_a_policy(owner, capsys):
    call_command("create_api_token", "--user", "owner", "--policy", '{"nodeIds": [1]}')

    assert ApiToken.objects.get().policy == {"nodeIds": [1]}


def test_command_refuses_a_policy_that_cannot_be_enforced(owner):
    with pytest.raises(CommandError, match="nodes is not known"):
        call_command("create_api_token", "--user", "owner", "--policy", '{"nodes": [1]}')


def test_command_refuses_an_unknown_user(db):
    with pytest.raises(CommandError, match="nobody"):
        call_command("create_api_token", user="nobody")
