"""Which chargers are connected, and when each action was last heard of."""

from django.utils import timezone
from rest_framework import serializers

from chargers.api.solar.base import CHARGER_QUERY, PAGE_QUERY, TIME_QUERY, ChargersView
from chargers.models import ActionStatus, Presence
from csms import solar, solar_filters
from csms.solar_renderers import LIST_RENDERERS


class StatusList(ChargersView):
    """A list that can be had as CBOR and CSV too; it is whole unless `max` says otherwise."""

    renderer_classes = LIST_RENDERERS
    entity = None

    def get(self, request):
        """List them."""
        offset, most = solar_filters.window(request, most=None)
        rows = self.rows()[offset : None if most is None else offset + most]
        entity = self.entity(rows, many=True, context={"now": timezone.now()})
        return solar.answer(entity.data)


class ConnectionEntity(solar.Entity):
    """A charger's connection. Of one that is not connected only the last time is told when it was."""

    created = solar.Moment(source="charger.created_at")
    userId = serializers.IntegerField(source="charger.owner_id")
    chargePointId = serializers.IntegerField(source="charger_id")
    connectedTo = serializers.CharField(
        source="process.name", required=False, help_text="The server process."
    )
    sessionId = serializers.UUIDField(source="token", required=False, help_text="This connection's own name.")
    connectedDate = solar.Moment(source="connected_at", required=False)

    def to_representation(self, presence):
        shown = super().to_representation(presence)
        if not presence.is_online(self.context["now"]):
            shown.pop("connectedTo", None)
            shown.pop("sessionId", None)
        return shown


class Statuses(StatusList):
    """Connections of the chargers that have ever been connected."""

    entity = ConnectionEntity
    answers = {"get": [ConnectionEntity]}
    queries = {"get": [*CHARGER_QUERY, *TIME_QUERY, *PAGE_QUERY]}

    def rows(self):
        rows = self.chosen(self.of_chargers(Presence)).select_related("charger", "process")
        return rows.filter(**solar_filters.between(self.request, "connected_at")).order_by("charger_id")


class ActionStatusEntity(solar.Entity):
    """When an action of a charger was last heard of, for one connector."""

    created = solar.Moment(source="created_at")
    userId = serializers.IntegerField(source="charger.owner_id")
    chargePointId = serializers.IntegerField(source="charger_id")
    evseId = serializers.IntegerField(source="evse_id")
    connectorId = serializers.IntegerField(source="connector_id")
    action = serializers.CharField()
    messageId = serializers.CharField(source="message_id", required=False)
    ts = solar.Moment(source="seen_at")


class ActionStatuses(StatusList):
    """The last times of all actions."""

    entity = ActionStatusEntity
    answers = {"get": [ActionStatusEntity]}
    plurals = ("evseId", "connectorId", "action")
    queries = {
        "get": [
            *(*CHARGER_QUERY, *plurals, *(f"{name}s" for name in plurals)),
            *(*TIME_QUERY, *PAGE_QUERY),
        ]
    }

    def rows(self):
        rows = self.chosen(self.of_chargers(ActionStatus)).select_related("charger")
        for name, field in (("evseId", "evse_id"), ("connectorId", "connector_id")):
            if (numbers := solar_filters.numbers(self.request, name)) is not None:
                rows = rows.filter(**{f"{field}__among": numbers})
        if (actions := solar_filters.texts(self.request, "action")) is not None:
            rows = rows.filter(action__among=actions)
        rows = rows.filter(**solar_filters.between(self.request, "seen_at"))
        return rows.order_by("charger_id", "evse_id", "connector_id", "action")
