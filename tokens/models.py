"""Who may charge (Authorization), connect (Credential) and call (ApiToken)."""

import secrets
import string

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from csms.ownership import OwnedQuerySet
from tokens.policy import Policy, read

_ALPHANUMERIC = string.ascii_letters + string.digits


def human_id():
    """Return eight characters that are not mistaken for each other when read aloud or typed."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(8))


class Account(models.Model):
    """What an owner has set for everything that is theirs."""

    owner_path = "owner"

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="account")
    concurrent_transactions = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many transactions one token may run at once; empty: no limit."
    )
    hid = models.CharField(
        "human id",
        max_length=16,
        unique=True,
        default=human_id,
        editable=False,
        help_text="Names the account in the URLs of its chargers: /ocpp/j/v16h/<human id>/<identifier>.",
    )

    objects = OwnedQuerySet.as_manager()

    def __str__(self):
        return str(self.owner)


def normalized(token):
    """Return the form in which tokens are compared: OCPP's identifiers ignore case.

    It is never longer than the token: letters that grow when folded (ß becomes ss) stay as they are.
    """
    folded = token.strip().casefold()
    if len(folded) == len(token.strip()):
        return folded
    return "".join(low if len(low := char.casefold()) == 1 else char for char in token.strip())


class AuthorizationQuerySet(OwnedQuerySet):
    def presented(self, owner_id, token):
        """Return the rows (none or one) that `token` means for this owner."""
        return self.filter(owner_id=owner_id, token_key=normalized(token))


class Authorization(models.Model):
    """What a driver presents: an idTag, an OCPP 2 idToken or an OCPI token.

    Stored as it was sent and compared without regard to case; unique per owner.
    """

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="authorizations")
    token = models.CharField(max_length=255)
    token_key = models.CharField(max_length=255, editable=False)
    enabled = models.BooleanField(default=True)
    expiry_date = models.DateTimeField(null=True, blank=True)
    parent_token = models.CharField(
        max_length=255,
        blank=True,
        help_text="Tokens with the same parent form a group and may stop each other.",
    )
    concurrent_transactions = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How many transactions it may run at once; empty: as the account says.",
    )
    description = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AuthorizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "token_key"],
                name="authorization_token_of_owner",
                violation_error_message="This owner has an authorization with this token already.",
            )
        ]
        ordering = ["id"]

    def __str__(self):
        return self.token

    def clean(self):
        self.token_key = normalized(self.token)

    def save(self, **kwargs):
        self.token_key = normalized(self.token)
        if (fields := kwargs.get("update_fields")) is not None and "token" in fields:
            kwargs["update_fields"] = [*fields, "token_key"]
        super().save(**kwargs)

    def is_expired(self, now):
        return self.expiry_date is not None and self.expiry_date <= now


def validate_identifiers(value):
    """Refuse what is not a list of charge point identifiers."""
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValidationError("This must be a list of charge point identifiers.")


class Credential(models.Model):
    """What a charger logs in with, and the identifiers it may then connect as."""

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="credentials")
    username = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"^[^:\x00-\x1f]+\Z", "HTTP Basic allows no colon in a user name.")],
    )
    password_hash = models.CharField(max_length=255, editable=False)
    # An HMAC beside a slow hash, written at its first success; dies with the hash.
    password_verifier = models.CharField(max_length=255, blank=True, editable=False)
    allowed_charge_points = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_identifiers],
        help_text="Identifiers it may connect as; empty: any of the owner's.",
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.username

    def allows(self, identifier):
        """Say whether this credential may connect as `identifier`."""
        return not self.allowed_charge_points or identifier in self.allowed_charge_points


def _token_identifier():
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(20))


class ApiToken(models.Model):
    """A program's key: an id to name it and a secret that was shown once.

    The secret is kept encrypted, since SNWS2 signatures need it, beside a SHA-256 by which
    `X-API-Key` finds it.
    """

    class Kind(models.TextChoices):
        USER = "User"
        DATA = "ReadNodeData", "Data"

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    identifier = models.CharField(max_length=20, unique=True, default=_token_identifier, editable=False)
    secret_encrypted = models.TextField(editable=False)
    secret_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.USER)
    policy = models.JSONField(default=dict, blank=True)
    description = models.CharField(max_length=255, blank=True)
    enabled = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = "API token"

    def __str__(self):
        return self.identifier

    def clean(self):
        if self.policy is None:  # an empty field of a form
            self.policy = {}
        if problems := self.limits.problems:
            raise ValidationError({"policy": list(problems)})

    @property
    def limits(self) -> Policy:
        """What the policy says."""
        return read(self.policy)

    @property
    def ends_at(self):
        """When the token expires, by itself or by its policy; None if never."""
        return min(filter(None, (self.expires_at, self.limits.not_after)), default=None)

    def is_valid(self, now):
        """Say whether the token may be used at all at `now`."""
        ends_at = self.ends_at
        return self.enabled and (ends_at is None or ends_at > now)


class UsedSignature(models.Model):
    """The signature of a request that has changed something, so that nobody can send it again.

    Kept while the request's date would still be believed, and only with CSMS_SNWS2_REPLAY_CACHE.
    """

    signature = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self):
        return self.signature


class FailedLogin(models.Model):
    """A wrong password at a login form of ours.

    The user name is kept as a keyed hash only, since people type their password there too.
    """

    address = models.CharField(max_length=64)
    username_hash = models.CharField(max_length=64)
    failed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["address", "failed_at"], name="failed_login_by_address"),
            models.Index(fields=["username_hash", "failed_at"], name="failed_login_by_name"),
            models.Index(fields=["failed_at"], name="failed_login_by_age"),
        ]

    def __str__(self):
        return f"{self.address} at {self.failed_at:%Y-%m-%d %H:%M}"
