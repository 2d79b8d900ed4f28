"""Charging sessions and their readings. Chargers write them; here they are read."""

from rest_framework import serializers, viewsets

from chargers.api.native.base import Rows, TimeSeriesPages
from chargers.filters import ReadingFilter, StopReportFilter, TransactionFilter
from chargers.models import Reading, StopReport, Transaction


class TransactionSerializer(serializers.ModelSerializer):
    is_open = serializers.SerializerMethodField()
    flags = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="What was odd about the reports."
    )

    class Meta:
        model = Transaction
        fields = [
            "id",
            "uuid",
            "owner",
            "charger",
            "protocol",
            "transaction_id",
            "evse_id",
            "connector_id",
            "id_token",
            "authorization",
            "authorization_status",
            "is_refused",
            "is_open",
            "charging_state",
            "started_at",
            "ended_at",
            "start_wh",
            "end_wh",
            "register_wh",
            "register_at",
            "energy_wh",
            "power_w",
            "soc_percent",
            "end_id_token",
            "stop_reason",
            "reservation_id",
            "remote_start_id",
            "is_offline",
            "flags",
        ]

    def get_is_open(self, transaction) -> bool:
        return transaction.ended_at is None


class TransactionViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Charging sessions, newest first, whichever OCPP version reported them. They outlive their charger."""

    queryset = Transaction.objects.all()
    serializer_class = TransactionSerializer
    filterset_class = TransactionFilter


class StopReportSerializer(serializers.ModelSerializer):
    payload = serializers.DictField(read_only=True, help_text="The charger's request as it was understood.")

    class Meta:
        model = StopReport
        fields = ["id", "charger", "transaction", "reported_id", "cause", "received_at", "payload"]


class StopReportViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Stops that ended nothing, newest first: of a transaction that nobody knows, or one that had ended."""

    queryset = StopReport.objects.all()
    serializer_class = StopReportSerializer
    filterset_class = StopReportFilter


class ReadingSerializer(serializers.ModelSerializer):
    samples = serializers.ListField(
        child=serializers.DictField(), read_only=True, help_text="The sampled values as they were sent."
    )

    class Meta:
        model = Reading
        fields = [
            "id",
            "charger",
            "transaction",
            "evse_id",
            "connector_id",
            "measured_at",
            "time_flag",
            "received_at",
            "seq_no",
            "context",
            "register_wh",
            "power_w",
            "current_a",
            "voltage_v",
            "soc_percent",
            "samples",
        ]


class ReadingViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Meter values, newest first.

    Name a charger or a transaction to see all of its readings. Without, the list goes by arrival and
    looks no further back than the newest 200,000 readings of the whole system.
    """

    queryset = Reading.objects.all()
    serializer_class = ReadingSerializer
    filterset_class = ReadingFilter
    pagination_class = TimeSeriesPages
    time_field = "measured_at"
    indexed_with = ["charger", "transaction"]
