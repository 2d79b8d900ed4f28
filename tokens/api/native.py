"""The native API's authorizations and credentials, below /api/v1/."""

import django_filters
from django.db import IntegrityError, transaction
from rest_framework import serializers
from rest_framework.viewsets import ModelViewSet

from csms.api import LimitPages, OwnedRows, OwnedSerializer, Router
from csms.filters import FilterSet
from tokens import services
from tokens.models import Authorization, Credential, normalized


class AuthorizationSerializer(OwnedSerializer):
    class Meta:
        model = Authorization
        fields = [
            "id",
            "owner",
            "token",
            "enabled",
            "expiry_date",
            "parent_token",
            "concurrent_transactions",
            "description",
            "created_at",
        ]
        read_only_fields = ["created_at"]

    def validate(self, attrs):
        attrs = super().validate(attrs)
        if "token" in attrs:
            owner = self.instance.owner if self.instance else attrs["owner"]
            same = Authorization.objects.presented(owner.pk, attrs["token"])
            if same.exclude(pk=self.instance and self.instance.pk).exists():
                raise serializers.ValidationError({"token": [_TAKEN]})
        return attrs

    def save(self, **fields):
        try:
            with transaction.atomic():
                return super().save(**fields)
        except IntegrityError:
            # Someone else was faster, between our look and the insert.
            raise serializers.ValidationError({"token": [_TAKEN]}) from None


_TAKEN = "This owner has an authorization with this token already."


class AuthorizationFilter(FilterSet):
    token = django_filters.CharFilter(method="with_token", help_text="Compared without regard to case.")

    class Meta:
        model = Authorization
        fields = ["token", "enabled", "parent_token", "owner"]

    def with_token(self, queryset, name, value):
        return queryset.filter(token_key=normalized(value))


class Authorizations(OwnedRows, ModelViewSet):
    """What drivers present: idTags and idTokens. Tokens are unique for an owner, whatever their case."""

    queryset = Authorization.objects.all()
    serializer_class = AuthorizationSerializer
    filterset_class = AuthorizationFilter
    pagination_class = LimitPages


class CredentialSerializer(OwnedSerializer):
    """Its answer to a create holds the generated password, if none was chosen; no other answer does."""

    password = serializers.CharField(
        write_only=True,
        required=False,
        allow_null=True,
        max_length=128,
        trim_whitespace=False,
        help_text="Chosen password. Without one, or with null, one is generated and shown once.",
    )
    allowed_charge_points = serializers.ListField(
        child=serializers.CharField(max_length=255), required=False, help_text="Empty: any of the owner's."
    )

    class Meta:
        model = Credential
        fields = ["id", "owner", "username", "allowed_charge_points", "enabled", "password", "created_at"]
        read_only_fields = ["created_at"]

    def create(self, validated_data):
        try:
            with transaction.atomic():
                credential, self.secret = services.create_credential(**validated_data)
        except IntegrityError:
            raise serializers.ValidationError({"username": ["This user name is taken."]}) from None
        return credential

    def update(self, instance, validated_data):
        """Change what was sent; `"password": null` asks for a new generated one."""
        changes_password = "password" in validated_data
        password = validated_data.pop("password", None)
        with transaction.atomic():
            credential = super().update(instance, validated_data)
            if changes_password:
                self.secret = services.set_password(credential, password)
        return credential

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        if secret := getattr(self, "secret", None):
            shown["password"] = secret
        return shown


class CredentialFilter(FilterSet):
    class Meta:
        model = Credential
        fields = ["username", "enabled", "owner"]


class Credentials(OwnedRows, ModelViewSet):
    """What chargers log in with."""

    queryset = Credential.objects.all()
    serializer_class = CredentialSerializer
    filterset_class = CredentialFilter
    pagination_class = LimitPages


router = Router()
router.register("authorizations", Authorizations, basename="authorization")
router.register("credentials", Credentials, basename="credential")
