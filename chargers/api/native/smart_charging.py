"""Smart charging: limits of chargers and connectors, charging profiles, limits from outside, vehicles."""

from contextlib import contextmanager

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from chargers.api.native.base import Conflict, Order, OwnedRelatedField, Rows, RowsOfCharger, WaitField
from chargers.filters import (
    AnyChargingProfileFilter,
    ChargingLimitFilter,
    ChargingNeedsFilter,
    ChargingProfileFilter,
    ExternalLimitFilter,
)
from chargers.models import ChargingLimit, ChargingNeeds, ChargingProfile, Connector, ExternalLimit
from chargers.services import commands, smart_charging

_PLACE = ["charger", "evse_id", "connector_id"]


class ChargingLimitSerializer(serializers.ModelSerializer):
    steps = serializers.ListField(child=serializers.DictField(), read_only=True)
    composite = serializers.DictField(read_only=True)
    measured = serializers.DictField(read_only=True)

    class Meta:
        model = ChargingLimit
        fields = [
            "id",
            *_PLACE,
            "value",
            "unit",
            "phases",
            "until",
            "may_walk",
            "state",
            "reason",
            "steps",
            "profile",
            "command",
            "accepted_at",
            "composite_verified",
            "composite",
            "measured_verified",
            "measured",
            "created_at",
            "created_by",
            "origin",
            "ended_at",
        ]


class ChargingProfileSerializer(serializers.ModelSerializer):
    schedules = serializers.ListField(child=serializers.DictField(), read_only=True)
    installed = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = ChargingProfile
        fields = [
            "id",
            *_PLACE,
            "profile_id",
            "stack_level",
            "purpose",
            "kind",
            "recurrency",
            "valid_from",
            "valid_to",
            "transaction",
            "schedules",
            "source",
            "is_desired",
            "state",
            "reason",
            "installed",
            "installed_at",
            "reported_at",
            "command",
            "created_at",
            "created_by",
            "origin",
        ]


class ExternalLimitSerializer(serializers.ModelSerializer):
    schedules = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = ExternalLimit
        fields = [
            "id",
            "charger",
            "evse_id",
            "source",
            "is_grid_critical",
            "schedules",
            "told_at",
            "cleared_at",
        ]


class ChargingNeedsSerializer(serializers.ModelSerializer):
    needs = serializers.DictField(read_only=True)
    schedule = serializers.DictField(read_only=True)

    class Meta:
        model = ChargingNeeds
        fields = [
            "id",
            "charger",
            "evse_id",
            "needs",
            "needs_at",
            "max_schedule_tuples",
            "schedule",
            "time_base",
            "schedule_at",
        ]


class LimitStateSerializer(serializers.Serializer):
    """What limits a place at the moment."""

    limit = ChargingLimitSerializer(allow_null=True, help_text="Ours, or null.")
    external_limits = ExternalLimitSerializer(many=True, help_text="Those that others set, as it told.")


class _Sending(Order):
    keep = serializers.BooleanField(
        required=False, default=False, help_text="Whether it waits for a charger that is offline."
    )
    wait = WaitField(help_text="Seconds to wait for what comes of it.")


class LimitRequest(_Sending):
    """At most so much; give either amps or watts."""

    amps = serializers.FloatField(required=False, allow_null=True, default=None, help_text="On each phase.")
    watts = serializers.FloatField(required=False, allow_null=True, default=None)
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)
    phases = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=3,
        help_text="On how many; without it a conversion between A and W assumes what allows least.",
    )
    may_walk = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Whether other ways are tried when the charger does not obey the first.",
    )


class ProfileRequest(_Sending):
    """A chargingProfile in OCPP 2.0.1's words, whatever the charger speaks; `id` may be left out."""

    connector = OwnedRelatedField(
        queryset=Connector.objects.all(),
        required=False,
        allow_null=True,
        default=None,
        help_text="Without it: the whole charger.",
    )
    profile = serializers.DictField()


@contextmanager
def in_words_of_http():
    """Say what stands against a wish as a problem document."""
    try:
        yield
    except smart_charging.Invalid as error:
        raise ValidationError({error.field or "non_field_errors": [error.message]}) from error
    except commands.NotConnected as error:
        raise Conflict("The charger is not connected; with keep it would wait.") from error
    except commands.Refused as error:
        raise Conflict(str(error)) from error


class LimitMixin:
    """The limit of what the viewset shows: a charger, or a connector."""

    @extend_schema(responses={200: LimitStateSerializer})
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def limit(self, request, pk):
        """Show the limit in force and whether the charger obeys, and the limits that others set."""
        target = self.get_object()
        charger = target.charger if isinstance(target, Connector) else target
        evses = {0, getattr(target, "evse_id", 0)}
        outside = ExternalLimit.objects.filter(charger=charger, evse_id__in=evses, cleared_at=None)
        shown = {"limit": smart_charging.of(target), "external_limits": outside}
        return Response(LimitStateSerializer(shown).data)

    @extend_schema(
        request=LimitRequest, responses={200: ChargingLimitSerializer, 202: ChargingLimitSerializer}
    )
    @limit.mapping.post
    def set_limit(self, request, pk):
        """Set a limit: 200 when `wait` seconds show what the charger makes of it, else 202."""
        target = self.get_object()
        order = LimitRequest(data=request.data)
        order.is_valid(raise_exception=True)
        wait = order.validated_data.pop("wait")
        with in_words_of_http():
            limit = smart_charging.limit(target, user=request.user, origin="native", **order.validated_data)
        if wait:
            limit = smart_charging.wait(limit, wait)
        is_settled = limit.state in ChargingLimit.SETTLED
        return Response(ChargingLimitSerializer(limit).data, status=200 if is_settled else 202)

    @extend_schema(responses={200: ChargingLimitSerializer, 204: None})
    @limit.mapping.delete
    def lift_limit(self, request, pk):
        """Lift the limit: 204 where there is none. An offline charger is told when it is back."""
        with in_words_of_http():
            limit = smart_charging.unlimit(self.get_object(), user=request.user, origin="native")
        if limit is None:
            return Response(status=204)
        return Response(ChargingLimitSerializer(limit).data)


class ChargingLimitViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Limits of all chargers, newest first.

    New ones are posted to chargers/{id}/limit or connectors/{id}/limit.
    """

    queryset = ChargingLimit.objects.all()
    serializer_class = ChargingLimitSerializer
    filterset_class = ChargingLimitFilter


class ChargingProfileViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Charging profiles of all chargers, desired and as installed.

    New ones are posted to chargers/{id}/charging-profiles.
    """

    queryset = ChargingProfile.objects.all()
    serializer_class = ChargingProfileSerializer
    filterset_class = AnyChargingProfileFilter
    refusals = {"destroy": ["409"]}

    @extend_schema(responses={200: ChargingProfileSerializer})
    def destroy(self, request, pk):
        """Have it removed from its charger; the row says when that is done."""
        with in_words_of_http():
            row = smart_charging.clear_profile(self.get_object(), user=request.user, origin="native")
        return Response(ChargingProfileSerializer(row).data)


@extend_schema(parameters=[OpenApiParameter("charger_id", int, location="path")])
class ChargerChargingProfileViewSet(RowsOfCharger):
    """The charging profiles of one charger."""

    queryset = ChargingProfile.objects.all()
    serializer_class = ChargingProfileSerializer
    filterset_class = ChargingProfileFilter
    refusals = {"create": ["409"], "report": ["409"]}

    def list(self, request, charger_id):
        """List this charger's charging profiles, newest first."""
        return super().list(request, charger_id)

    @extend_schema(
        request=ProfileRequest, responses={200: ChargingProfileSerializer, 202: ChargingProfileSerializer}
    )
    def create(self, request, charger_id):
        """Set a profile: 200 with what came of it if `wait` seconds suffice, else 202."""
        charger = self.get_charger()
        order = ProfileRequest(data=request.data, context=self.get_serializer_context())
        order.is_valid(raise_exception=True)
        wait, target = order.validated_data["wait"], order.validated_data["connector"] or charger
        if target is not charger and target.charger_id != charger.pk:
            raise ValidationError({"connector": ["This connector belongs to another charger."]})
        with in_words_of_http():
            row = smart_charging.set_profile(
                target,
                order.validated_data["profile"],
                keep=order.validated_data["keep"],
                user=request.user,
                origin="native",
            )
        if wait and row.command is not None:
            commands.wait(row.command, wait)
            row.refresh_from_db()
        is_open = row.state in (ChargingProfile.State.WAITING, ChargingProfile.State.SENT)
        return Response(ChargingProfileSerializer(row).data, status=202 if is_open else 200)

    @extend_schema(request=None, responses={202: None})
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def report(self, request, charger_id):
        """Ask an OCPP 2.0.1 station for the profiles that it has; the list fills as it tells."""
        with in_words_of_http():
            smart_charging.ask_for_profiles(self.get_charger(), user=request.user, origin="native")
        return Response(status=202)


class ExternalLimitViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Limits that others than we put on chargers, as the chargers told."""

    queryset = ExternalLimit.objects.all()
    serializer_class = ExternalLimitSerializer
    filterset_class = ExternalLimitFilter


class ChargingNeedsViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """What the vehicle at an EVSE needs and how it means to charge, as told last."""

    queryset = ChargingNeeds.objects.all()
    serializer_class = ChargingNeedsSerializer
    filterset_class = ChargingNeedsFilter
