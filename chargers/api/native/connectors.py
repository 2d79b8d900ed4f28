"""What a charger consists of: its connectors and its variables. Both are written by the charger."""

from rest_framework import serializers, viewsets

from chargers.api.native.base import Rows
from chargers.filters import ConnectorFilter, VariableFilter
from chargers.models import Connector, Variable
from csms.api import LimitPages


class ConnectorSerializer(serializers.ModelSerializer):
    number = serializers.CharField(read_only=True)

    class Meta:
        model = Connector
        fields = [
            "id",
            "charger",
            "evse_id",
            "connector_id",
            "number",
            "status",
            "status_at",
            "status_time_flag",
            "error_code",
            "info",
            "vendor_id",
            "vendor_error_code",
            "reading_at",
            "register_wh",
            "power_w",
            "current_a",
            "voltage_v",
            "soc_percent",
        ]


class ConnectorViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Connectors with their latest status and reading; evse_id 0 and connector_id 0 is the whole charger."""

    queryset = Connector.objects.all()
    serializer_class = ConnectorSerializer
    pagination_class = LimitPages
    filterset_class = ConnectorFilter


class VariableSerializer(serializers.ModelSerializer):
    value = serializers.SerializerMethodField(help_text="Null where it is secret or unknown.")

    class Meta:
        model = Variable
        fields = [
            "id",
            "charger",
            "component",
            "component_instance",
            "evse_id",
            "connector_id",
            "name",
            "instance",
            "attribute",
            "value",
            "mutability",
            "data_type",
            "unit",
            "is_secret",
            "reported_at",
        ]

    def get_value(self, variable) -> str | None:
        return None if variable.is_secret else variable.value


class VariableViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Settings as the charger last reported them; an OCPP 1.6 key is a variable without a component."""

    queryset = Variable.objects.all()
    serializer_class = VariableSerializer
    pagination_class = LimitPages
    filterset_class = VariableFilter
