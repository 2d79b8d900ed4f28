"""Composite schedules: what limits a charger and its connectors, as it says."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from chargers.api.native.base import Conflict, Order, RowsOfCharger, WaitField
from chargers.filters import ScheduleFilter
from chargers.models import ChargingRateUnit, CompositeSchedule
from chargers.services import commands, schedule_places, schedules
from chargers.wire import composite
from csms.api import LimitPages


class PeriodSerializer(serializers.Serializer):
    start = serializers.IntegerField(help_text="Seconds after starts_at.")
    limit = serializers.FloatField()
    phases = serializers.IntegerField(allow_null=True)


class ScheduleSerializer(serializers.ModelSerializer):
    periods = PeriodSerializer(many=True, help_text="Each holds until the next begins.")

    class Meta:
        model = CompositeSchedule
        fields = [
            "id",
            "charger",
            "evse_id",
            "connector_id",
            "state",
            "reason",
            "unit",
            "starts_at",
            "duration",
            "periods",
            "min_rate",
            "fetched_at",
            "asked_at",
            "due_at",
            "command",
        ]


class ScheduleRequest(Order):
    """The place whose schedule is asked for: a connector (1.6), an EVSE (2.0.1), or the whole charger."""

    evse_id = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    connector_id = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    duration = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=composite.LONGEST_SECONDS,
        help_text="Seconds; default: beyond the next time that it is asked for anyway.",
    )
    unit = serializers.ChoiceField(
        choices=ChargingRateUnit,
        required=False,
        allow_null=True,
        default=None,
        help_text="Default: the one that was answered before, else A. A refused one is tried in the other.",
    )
    wait = WaitField()


@extend_schema(parameters=[OpenApiParameter("charger_id", int, location="path")])
class ScheduleViewSet(RowsOfCharger):
    """What limits one charger and its connectors: chargers/{id}/schedules."""

    queryset = CompositeSchedule.objects.all()
    serializer_class = ScheduleSerializer
    filterset_class = ScheduleFilter
    pagination_class = LimitPages
    refusals = {"create": ["409"]}

    def list(self, request, charger_id):
        """List the schedules as they were last told; the whole charger first."""
        return super().list(request, charger_id)

    @extend_schema(request=ScheduleRequest, responses={200: ScheduleSerializer, 202: ScheduleSerializer})
    def create(self, request, charger_id):
        """Ask the charger now: 200 with what became of it if `wait` seconds suffice, else 202."""
        charger = self.get_charger()
        order = ScheduleRequest(data=request.data)
        order.is_valid(raise_exception=True)
        wait = order.validated_data.pop("wait")
        row = _ask(charger, user=request.user, **order.validated_data)
        if wait:
            row = schedules.wait(row, wait)
        is_open = row.state == CompositeSchedule.State.ASKED
        return Response(ScheduleSerializer(row).data, status=202 if is_open else 200)


def _ask(charger, *, evse_id, connector_id, **options):
    """Ask, and say what stands against it in words of HTTP."""
    if (evse_id, connector_id) not in schedule_places.of(charger):
        field = "evse_id" if evse_id else "connector_id"
        raise ValidationError({field: ["The charger has no such place."]})
    try:
        return schedules.ask(charger, evse_id=evse_id, connector_id=connector_id, origin="native", **options)
    except commands.Refused as refusal:  # all else has been looked at
        raise Conflict(str(refusal)) from refusal
