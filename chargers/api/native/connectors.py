"""What a charger consists of: its connectors, written by the charger."""

from rest_framework import serializers, viewsets

from chargers.api.native.base import Rows
from chargers.api.native.smart_charging import LimitMixin
from chargers.filters import ConnectorFilter
from chargers.models import Connector
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


class ConnectorViewSet(LimitMixin, Rows, viewsets.ReadOnlyModelViewSet):
    """Connectors with their latest status and reading; evse_id 0 and connector_id 0 is the whole charger."""

    queryset = Connector.objects.all()
    serializer_class = ConnectorSerializer
    pagination_class = LimitPages
    filterset_class = ConnectorFilter
    refusals = {"set_limit": ["409"], "lift_limit": ["409"]}
