"""SolarUser's authorizations and credentials: who may charge, and what chargers log in with."""

from django.core.validators import RegexValidator
from django.utils import timezone
from rest_framework import serializers

from csms import solar
from csms.solar import route
from tokens import services
from tokens.entities import Entities, One
from tokens.models import Authorization, Credential

# Sixteen random bytes as base64 without padding.
PASSWORD_LENGTH = 22


class AuthorizationEntity(solar.Entity):
    """An identifier that drivers present."""

    id = solar.Number(required=False)
    created = solar.Moment(source="created_at", read_only=True)
    userId = serializers.IntegerField(source="owner_id", read_only=True)
    token = solar.Text("authorization token", 20, required=True)
    enabled = serializers.BooleanField(default=False)
    expired = serializers.SerializerMethodField()
    expiryDate = solar.Moment(source="expiry_date", required=False, default=None)
    parentId = solar.Text("parent ID", 20, source="parent_token")

    def get_expired(self, authorization) -> bool:
        return authorization.is_expired(timezone.now())


class Authorizations(Entities):
    """Identifiers that drivers present. Tokens are unique in an account, whatever their case."""

    model, entity, unique = Authorization, AuthorizationEntity, "token"


class OneAuthorization(One):
    """An authorization."""

    of = Authorizations


class CredentialEntity(solar.Entity):
    """What chargers log in with. The password comes back once, and only if it was generated."""

    id = solar.Number(required=False)
    created = solar.Moment(source="created_at", read_only=True)
    userId = serializers.IntegerField(source="owner_id", read_only=True)
    username = solar.Text(
        "username",
        64,
        required=True,
        validators=[RegexValidator(r"^[^:\x00-\x1f]+\Z", "The username must not contain a colon.", "colon")],
    )
    allowedChargePoints = serializers.ListField(
        source="allowed_charge_points",
        child=solar.Text("charge point ID", 48, required=True),
        default=list,
        max_length=1000,
    )
    password = serializers.CharField(
        write_only=True,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        max_length=255,
        error_messages={"max_length": "The password must be 255 characters or less."},
    )

    def validate_allowedChargePoints(self, identifiers):  # noqa: N802  the member's name
        return list(dict.fromkeys(identifiers))

    def to_representation(self, credential):
        shown = super().to_representation(credential)
        if not credential.allowed_charge_points:  # any
            del shown["allowedChargePoints"]
        return shown


class Credentials(Entities):
    """What chargers log in with. User names are unique among all accounts."""

    model, entity, unique = Credential, CredentialEntity, "username"
    methods_beyond_nodes = ()  # they name chargers
    queries = {"get": ["username"]}

    def get(self, request):
        """List them, or show the one with `username`."""
        if "username" not in request.query_params:
            return super().get(request)
        wanted = request.query_params["username"].replace("\0", "")
        found = self.rows().filter(username=wanted).first()
        if found is None:
            raise solar.Absent
        return solar.answer(self.entity(found).data)

    def prepared(self, values, *, is_new):
        password = values.pop("password")
        self._generated = None
        if is_new or password:
            columns, self._generated = services.hashed(password or None, length=PASSWORD_LENGTH)
            values.update(columns)
        return values

    def shown(self, row):
        shown = super().shown(row)
        return shown | {"password": self._generated} if self._generated else shown


class OneCredential(One):
    """A credential."""

    of = Credentials


routes = [
    route("authorizations", Authorizations.as_view()),
    route("authorizations/{id}", OneAuthorization.as_view()),
    route("credentials", Credentials.as_view()),
    route("credentials/{id}", OneCredential.as_view()),
]
