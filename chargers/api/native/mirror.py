"""What EVerest's charge points tell their own modules, told by the central system under the same names."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from chargers.api.native.base import LONGEST_WAIT, Order, WaitField
from chargers.services import commands, data_transfer, registration
from csms.api import timestamp

MOST_KEYS = 1000
SHAPES = ("typed", "seed")
_SCHEDULES = {
    "type": "object",
    "description": "With shape=seed an object of OCPP 1.6's ChargingSchedule by connector number.",
    "properties": {"schedules": {"type": "array", "items": {"type": "object", "additionalProperties": {}}}},
    "additionalProperties": {},
}


class KeyValueSerializer(serializers.Serializer):
    key = serializers.CharField()
    read_only = serializers.BooleanField()
    value = serializers.CharField(allow_null=True, help_text="Null where it is secret or unknown.")


class MirrorSerializer(serializers.Serializer):
    charger = serializers.IntegerField()
    is_connected = serializers.BooleanField()
    connected_at = serializers.DateTimeField(allow_null=True)
    disconnected_at = serializers.DateTimeField(allow_null=True)
    last_frame_at = serializers.DateTimeField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)
    configuration_key = KeyValueSerializer(many=True)
    unknown_keys = serializers.ListField(child=serializers.CharField())
    charging_schedules = serializers.SerializerMethodField()

    @extend_schema_field(_SCHEDULES)
    def get_charging_schedules(self, mirror):
        return mirror["charging_schedules"]


class DoneSerializer(serializers.Serializer):
    result = serializers.BooleanField(help_text="Whether that changed anything.")


class DataTransferRequest(Order):
    vendor_id = serializers.CharField(max_length=255)
    message_id = serializers.CharField(max_length=50, required=False, allow_blank=True, default="")
    data = serializers.JSONField(
        required=False, allow_null=True, default=None, help_text="Text for OCPP 1.6, any JSON for 2.0.1."
    )
    wait = WaitField(LONGEST_WAIT, "Seconds; who does not answer within a minute counts as offline.")


class DataTransferResponse(serializers.Serializer):
    status = serializers.ChoiceField(
        choices=data_transfer.Status, allow_null=True, help_text="Null while the answer may still come."
    )
    data = serializers.JSONField(allow_null=True)
    command = serializers.IntegerField(allow_null=True)


class MirrorActions:
    """Mixed into the viewset of chargers: EVerest's variables and commands, seen from this side."""

    @extend_schema(
        parameters=[
            OpenApiParameter("keys", str, description="Only these, with commas between them."),
            OpenApiParameter("shape", str, enum=SHAPES, description="Of the schedules; default: typed."),
        ],
        responses=MirrorSerializer,
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def mirror(self, request, pk):
        """Tell whether it is connected, its configuration, and what limits it, in EVerest's words."""
        charger = self.get_object()
        shape = request.query_params.get("shape") or "typed"
        if shape not in SHAPES:
            raise ValidationError({"shape": [f"One of {', '.join(SHAPES)}."]})
        wanted = [key.strip() for key in request.query_params.get("keys", "").split(",") if key.strip()]
        known, unknown = _configuration(charger, wanted)
        mirror = _connection(charger) | {
            "charger": charger.pk,
            "configuration_key": known,
            "unknown_keys": unknown,
            "charging_schedules": _SHAPED[shape](charger),
        }
        return Response(MirrorSerializer(mirror).data)

    @extend_schema(request=None, responses=DoneSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request, pk):
        """Close its connection and refuse new ones until it is restarted."""
        return Response({"result": registration.stop(self.get_object())})

    @extend_schema(request=None, responses=DoneSerializer)
    @action(detail=True, methods=["post"])
    def restart(self, request, pk):
        """Let a stopped charger connect again."""
        return Response({"result": registration.restart(self.get_object())})

    @extend_schema(
        request=DataTransferRequest, responses={200: DataTransferResponse, 202: DataTransferResponse}
    )
    @action(detail=True, methods=["post"], url_path="data-transfer")
    def data_transfer(self, request, pk):
        """Send it a message of a vendor: 200 with its answer, or Offline; 202 if `wait` was too short."""
        charger = self.get_object()
        order = DataTransferRequest(data=request.data)
        order.is_valid(raise_exception=True)
        outcome, command = _exchange(charger, user=request.user, **order.validated_data)
        answer = {
            "status": outcome and outcome.status,
            "data": outcome and outcome.data,
            "command": command and command.pk,
        }
        return Response(answer, status=200 if outcome else 202)


def _connection(charger):
    presence = getattr(charger, "presence", None)
    times = ("connected_at", "disconnected_at", "last_frame_at")
    return {
        "is_connected": presence is not None and presence.is_online(timezone.now()),
        "stopped_at": charger.stopped_at,
        **{name: getattr(presence, name, None) for name in times},
    }


def _configuration(charger, wanted):
    """Return the keys that it told of, as EVerest's KeyValue, and those of `wanted` that it did not."""
    told = charger.variables.filter(attribute="Actual", reported_at__isnull=False)
    names, known, found = {key.casefold(): key for key in wanted}, set(), []
    for row in told.order_by("component", "name", "evse_id", "connector_id", "instance"):
        called = {str(row).casefold(), row.full_name.casefold()}
        if not names or called & names.keys():
            known |= called
            found.append(row)
    unknown = [key for name, key in names.items() if name not in known]
    return [_key_value(row) for row in found[:MOST_KEYS]], unknown


def _key_value(row):
    return {
        "key": row.full_name,
        "read_only": row.mutability == row.Mutability.READ_ONLY,
        "value": None if row.is_secret else row.value,
    }


def _schedules(charger):
    return [row for row in charger.composite_schedules.all() if row.is_known]


def _typed(charger):
    """Return the schedules in the shape of EVerest's types."""
    return {"schedules": [_typed_schedule(row) for row in _schedules(charger)]}


def _typed_schedule(row):
    periods = [
        {"start_period": each["start"], "limit": each["limit"]}
        | ({"number_phases": each["phases"]} if each["phases"] else {})
        for each in row.periods
    ]
    told = {"evse": row.number, "charging_rate_unit": row.unit, "charging_schedule_period": periods}
    more = {
        "duration": row.duration,
        "start_schedule": timestamp(row.starts_at),
        "min_charging_rate": row.min_rate,
    }
    return told | {name: value for name, value in more.items() if value is not None}


def _seed(charger):
    """Return the schedules by connector number, each as OCPP 1.6's ChargingSchedule."""
    return {str(row.number): _seed_schedule(row) for row in _schedules(charger)}


def _seed_schedule(row):
    words = {"start_period": "startPeriod", "limit": "limit", "number_phases": "numberPhases"}
    told = _typed_schedule(row)
    periods = [
        {words[name]: value for name, value in each.items()} for each in told["charging_schedule_period"]
    ]
    names = {
        "duration": "duration",
        "start_schedule": "startSchedule",
        "charging_rate_unit": "chargingRateUnit",
        "min_charging_rate": "minChargingRate",
    }
    return {names[name]: told[name] for name in names if name in told} | {"chargingSchedulePeriod": periods}


_SHAPED = {"typed": _typed, "seed": _seed}
_FIELDS = {"payload.vendorId": "vendor_id", "payload.messageId": "message_id"}


def _exchange(charger, *, wait, **message):
    """Send a DataTransfer, and say what stands against it in words of HTTP."""
    try:
        return data_transfer.exchange(charger, **message, patience=wait, origin="native")
    except commands.InvalidPayload as error:
        raise ValidationError({_FIELDS.get(error.field, "data"): [error.message]}) from error
