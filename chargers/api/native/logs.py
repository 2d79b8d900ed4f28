"""What was said and what was refused: the OCPP log and failed handshakes."""

from rest_framework import serializers, viewsets

from chargers.api.native.base import Rows, TimeSeriesPages
from chargers.filters import FailedHandshakeFilter, MessageFilter
from chargers.models import FailedHandshake, Message


class MessageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Message
        fields = [
            "id",
            "charger",
            "received_at",
            "origin",
            "action",
            "message_id",
            "request",
            "answer",
            "outcome",
            "seconds",
            "oddities",
        ]


class MessageViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Calls of both sides with their answers, newest first; secrets are masked.

    Name a charger to see all of its messages. Without, the list goes by arrival and looks no further
    back than the newest 200,000 messages of the whole system.
    """

    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    filterset_class = MessageFilter
    pagination_class = TimeSeriesPages
    time_field = "received_at"
    indexed_with = ["charger"]


class FailedHandshakeSerializer(serializers.ModelSerializer):
    class Meta:
        model = FailedHandshake
        fields = [
            "id",
            "charger",
            "first_at",
            "last_at",
            "count",
            "address",
            "identifier",
            "path",
            "username",
            "subprotocols",
            "reason",
            "status_code",
        ]


class FailedHandshakeViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Refused connections, repeats counted by the hour. Those of no known charger only superusers see."""

    queryset = FailedHandshake.objects.order_by("-id")
    serializer_class = FailedHandshakeSerializer
    filterset_class = FailedHandshakeFilter
