"""The settings of chargers: what they reported, what is wanted of them, and asking them for more."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from chargers.api.native.base import Conflict, Order, Rows, RowsOfCharger
from chargers.api.native.commands import CommandSerializer
from chargers.filters import ReportFilter, VariableFilter, VariableOfChargerFilter
from chargers.models import Report, Variable
from chargers.services import commands, device_model
from csms.api import LimitPages

_PLACE = ["component", "component_instance", "evse_id", "connector_id", "name", "instance", "attribute"]
_DESIRED = [
    "desired_value",
    "desired_state",
    "desired_reason",
    "desired_at",
    "desired_by",
    "desired_origin",
    "verified_at",
    "attempts",
    "next_attempt_at",
]
MOST_WISHES = 200


class VariableSerializer(serializers.ModelSerializer):
    value = serializers.SerializerMethodField(help_text="Null where it is secret or unknown.")
    desired_value = serializers.CharField(
        required=False,
        max_length=2500,
        trim_whitespace=False,
        allow_blank=True,
        allow_null=True,
        help_text="What it is to be; null where nothing is wanted or it is secret. Write null to forget it.",
    )
    mutability = serializers.ChoiceField(Variable.Mutability.choices, allow_blank=True, read_only=True)
    desired_state = serializers.ChoiceField(Variable.Desired.choices, allow_blank=True, read_only=True)

    class Meta:
        model = Variable
        fields = [
            "id",
            "charger",
            *_PLACE,
            "value",
            "mutability",
            "data_type",
            "unit",
            "is_secret",
            "reported_at",
            "is_monitored",
            *_DESIRED,
        ]
        read_only_fields = [name for name in fields if name not in ("is_monitored", "desired_value")]

    def get_value(self, variable) -> str | None:
        return None if variable.is_secret else variable.value

    def to_representation(self, variable):
        shown = super().to_representation(variable)
        return shown | ({"desired_value": None} if variable.is_secret else {})


class Wish(Order):
    """A value that a variable is to have; in OCPP 1.6 `name` is the configuration key."""

    component = serializers.CharField(
        required=False, allow_blank=True, max_length=50, help_text="In OCPP 2.0.1."
    )
    component_instance = serializers.CharField(required=False, allow_blank=True, max_length=50)
    evse_id = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    connector_id = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    name = serializers.CharField(max_length=50)
    instance = serializers.CharField(required=False, allow_blank=True, max_length=50)
    attribute = serializers.ChoiceField(["Actual", "Target", "MinSet", "MaxSet"], required=False)
    value = serializers.CharField(max_length=2500, trim_whitespace=False, allow_blank=True)


class Wishes(Order):
    variables = Wish(many=True, allow_empty=False, max_length=MOST_WISHES)


class Reading(Order):
    """What to ask for: everything, or the variables with these numbers."""

    variables = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=MOST_WISHES,
        help_text="Numbers of variables of this charger; without any, all that it has.",
    )
    report_base = serializers.ChoiceField(
        ["FullInventory", "ConfigurationInventory", "SummaryInventory"],
        required=False,
        help_text="OCPP 2.0.1.",
    )

    class Meta:
        ref_name = "VariableReading"


def _wanted(charger, wishes, user):
    """Want it, and say what stands against it in words of HTTP."""
    try:
        return device_model.want(charger, wishes, user=user, origin="native")
    except device_model.Refused as refusal:
        errors = [{} for _ in range(refusal.index)] + [{refusal.field: [refusal.message]}]
        raise ValidationError({"variables": errors}) from refusal


class VariableViewSet(
    Rows, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet
):
    """Settings as the charger last reported them; an OCPP 1.6 key is a variable without a component.

    `desired_value` is what is wanted of it, and `desired_state` what became of that.
    """

    http_method_names = ["get", "patch", "post", "delete", "head", "options"]
    queryset = Variable.objects.all()
    serializer_class = VariableSerializer
    pagination_class = LimitPages
    filterset_class = VariableFilter
    refusals = {"retry": ["409"]}

    def perform_update(self, serializer):
        row, given = serializer.instance, serializer.validated_data
        if "desired_value" in given and given["desired_value"] is None:
            device_model.forget(row)
        elif "desired_value" in given:
            wish = {name: getattr(row, name) for name in _PLACE} | {"value": given["desired_value"]}
            try:
                device_model.want(row.charger, [wish], user=self.request.user, origin="native")
            except device_model.Refused as refusal:
                raise ValidationError({"desired_value": [refusal.message]}) from refusal
        if "is_monitored" in given:
            device_model.monitor(row, is_monitored=given["is_monitored"])
        # One of which nothing but the wish was known is gone with it.
        serializer.instance = Variable.objects.filter(pk=row.pk).first() or row

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["delete"], filterset_class=None, pagination_class=None)
    def desired(self, request, pk):
        """Want nothing more of it; the charger keeps what it has."""
        device_model.forget(self.get_object())
        return Response(status=204)

    @extend_schema(request=None, responses={200: VariableSerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def retry(self, request, pk):
        """Deliver what is wanted again, whatever became of it; 409 where nothing is wanted."""
        row = self.get_object()
        if not device_model.retry(row):
            raise Conflict("Nothing is wanted of this variable.")
        row.refresh_from_db()
        return Response(self.get_serializer(row).data)


@extend_schema(parameters=[OpenApiParameter("charger_id", int, location="path")])
class ChargerVariableViewSet(RowsOfCharger):
    """The settings of one charger: chargers/{id}/variables."""

    queryset = Variable.objects.all()
    serializer_class = VariableSerializer
    pagination_class = LimitPages
    filterset_class = VariableOfChargerFilter
    refusals = {"read": ["409"]}

    def list(self, request, charger_id):
        """List what this charger reported and what is wanted of it."""
        return super().list(request, charger_id)

    @extend_schema(request=Wishes, responses={200: VariableSerializer(many=True)})
    def create(self, request, charger_id):
        """Want values of variables: all of them are taken, or none.

        They are delivered once the charger is online and quiet, however long that takes.
        """
        charger = self.get_charger()
        order = Wishes(data=request.data)
        order.is_valid(raise_exception=True)
        rows = _wanted(charger, order.validated_data["variables"], request.user)
        return Response(self.get_serializer(rows, many=True).data)

    @extend_schema(request=Reading, responses={202: CommandSerializer})
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def read(self, request, charger_id):
        """Ask the charger for its variables; the answer is the last of the commands that do so."""
        charger = self.get_charger()
        order = Reading(data=request.data)
        order.is_valid(raise_exception=True)
        numbers = order.validated_data.get("variables")
        rows = list(self.get_queryset().filter(pk__in=numbers)) if numbers else []
        if numbers and len(rows) != len(set(numbers)):
            raise ValidationError({"variables": ["There is no such variable of this charger."]})
        base = order.validated_data.get("report_base", "")
        try:
            command = device_model.read(charger, rows, base=base, origin="native", user=request.user)
        except commands.NotConnected as error:
            raise Conflict("The charger is not connected.") from error
        except commands.InvalidPayload as error:
            raise ValidationError({"variables": [error.message]}) from error
        except commands.Refused as error:
            raise Conflict(str(error)) from error
        return Response(CommandSerializer(command).data, status=202)


class ReportSerializer(serializers.ModelSerializer):
    class Meta:
        model = Report
        fields = [
            "id",
            "charger",
            "kind",
            "request_id",
            "command",
            "state",
            "parts",
            "highest_seq_no",
            "opened_at",
            "heard_at",
            "closed_at",
        ]


class ReportViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Reports that stations were asked for, newest first; what they told stands where it belongs."""

    queryset = Report.objects.all()
    serializer_class = ReportSerializer
    filterset_class = ReportFilter
