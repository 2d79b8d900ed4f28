"""Chargers: entering, changing, approving and hiding them."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from chargers.api.native.base import NamedSerializer, OldestFirst, OwnedRelatedField, Rows
from chargers.api.native.mirror import MirrorActions
from chargers.api.native.smart_charging import LimitMixin
from chargers.filters import ChargerFilter
from chargers.models import Charger, Location, RegistrationStatus
from chargers.services import registration

_REPORTED = [
    "vendor",
    "model",
    "serial_number",
    "charge_box_serial_number",
    "firmware_version",
    "iccid",
    "imsi",
    "meter_type",
    "meter_serial_number",
    "booted_at",
    "firmware_status",
    "diagnostics_status",
]


class ChargerSerializer(NamedSerializer):
    location = OwnedRelatedField(queryset=Location.objects.all(), allow_null=True, required=False)
    is_online = serializers.SerializerMethodField()
    connected_at = serializers.DateTimeField(
        source="presence.connected_at", read_only=True, default=None, allow_null=True
    )
    last_frame_at = serializers.DateTimeField(
        source="presence.last_frame_at", read_only=True, default=None, allow_null=True
    )
    password = serializers.CharField(
        write_only=True,
        required=False,
        min_length=8,
        max_length=64,
        trim_whitespace=False,
        help_text="What it logs in with; its user name is its identifier.",
    )
    generate_password = serializers.BooleanField(
        write_only=True, required=False, help_text="Make a password; this one answer shows it."
    )

    class Meta:
        model = Charger
        fields = [
            "id",
            "owner",
            "identifier",
            "name",
            "location",
            "protocol",
            "enabled",
            "registration_status",
            "security_profile",
            "heartbeat_interval",
            "is_online",
            "connected_at",
            "last_frame_at",
            "stopped_at",
            *_REPORTED,
            "created_at",
            "password",
            "generate_password",
        ]
        read_only_fields = [*_REPORTED, "stopped_at", "created_at"]
        unique_for_owner = "identifier"

    def get_is_online(self, charger) -> bool:
        presence = getattr(charger, "presence", None)
        return presence is not None and presence.is_online(self.context.get("now") or timezone.now())

    def rivals(self, owner):
        return super().rivals(owner).alive()

    def validate(self, attrs):
        attrs = super().validate(attrs)
        location = attrs.get("location")
        if location is not None and location.owner_id != self.owner_of(attrs).pk:
            raise serializers.ValidationError({"location": ["This location belongs to another owner."]})
        spoken = self.instance.spoken(timezone.now()) if self.instance else ""
        if spoken and attrs.get("protocol", spoken) != spoken:
            raise serializers.ValidationError({"protocol": [f"It is connected and speaks {spoken}."]})
        if attrs.get("password") and attrs.get("generate_password"):
            raise serializers.ValidationError({"password": ["Give a password or have one generated."]})
        return attrs

    def create(self, validated_data):
        password, is_generated = _password(validated_data)
        return self._with_password(super().create(validated_data), password, is_generated)

    def update(self, instance, validated_data):
        password, is_generated = _password(validated_data)
        status = validated_data.get("registration_status", instance.registration_status)
        if status == RegistrationStatus.ACCEPTED != instance.registration_status:
            registration.approve(instance)
        charger = super().update(instance, validated_data)
        return self._with_password(charger, password, is_generated)

    def _with_password(self, charger, password, is_generated):
        if is_generated:
            self._shown_once = registration.set_password(charger)
        elif password:
            registration.set_password(charger, password)
        return charger

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        if secret := getattr(self, "_shown_once", None):
            shown["password"] = secret
        return shown


def _password(validated_data):
    """Take out what the model has no column for: (the chosen password, whether to make one)."""
    return validated_data.pop("password", None), validated_data.pop("generate_password", False)


class ChargerViewSet(LimitMixin, MirrorActions, Rows, viewsets.ModelViewSet):
    """Charge points and charging stations. A deleted one is hidden; its history stays."""

    queryset = Charger.objects.alive().select_related("presence__process")
    serializer_class = ChargerSerializer
    filterset_class = ChargerFilter
    pagination_class = OldestFirst
    refusals = {"set_limit": ["409"], "lift_limit": ["409"], "mirror": ["400"]}

    def get_serializer_context(self):
        return {**super().get_serializer_context(), "now": timezone.now()}

    def perform_destroy(self, charger):
        registration.remove(charger)

    @extend_schema(request=None, responses={200: ChargerSerializer})
    @action(detail=True, methods=["post"])
    def approve(self, request, pk):
        """Accept a charger that came by itself; it learns so when it boots again.

        With security profile 0 and no password, whoever knows its name is it: set one.
        """
        charger = self.get_object()
        if charger.registration_status != RegistrationStatus.ACCEPTED:
            registration.approve(charger)
        return Response(self.get_serializer(charger).data)
