"""SolarUser's connectors. Chargers make and change them by their status notifications; clients may too."""

from django.db import transaction
from django.utils import timezone
from ocpp.v16.enums import ChargePointErrorCode
from rest_framework import serializers

from chargers.api.solar.base import ChargersView
from chargers.models import Connector, ConnectorStatus
from chargers.services import availability
from csms import solar
from csms.parsers import Parser

# Mode3Error is OCPP 1.5's.
ERROR_CODES = sorted({"Unknown", "Mode3Error", *(code.value for code in ChargePointErrorCode)})
LARGEST_NUMBER = 2**31 - 1


class EvseNumber(solar.Number):
    """An EVSE; in OCPP 1.6 there are none, which is 0, and is not shown."""

    may_be_empty = True

    def __init__(self, **kwargs):
        super().__init__(source="evse_id", name="EVSE ID", least=0, most=LARGEST_NUMBER, **kwargs)

    def to_representation(self, value):
        return value or None


class StatusEntity(solar.Entity):
    """A connector's status as it was last told."""

    evseId = EvseNumber(read_only=True)
    connectorId = serializers.IntegerField(source="connector_id", read_only=True)
    timestamp = solar.Moment(source="status_at", required=False)
    status = serializers.ChoiceField(ConnectorStatus.choices, required=False)
    errorCode = serializers.ChoiceField(ERROR_CODES, source="error_code", required=False)
    info = solar.Text("info", 50)
    vendorId = solar.Text("vendor ID", 255, source="vendor_id")
    vendorErrorCode = solar.Text("vendor error code", 50, source="vendor_error_code")


class ConnectorEntity(solar.Entity):
    """A connector of a charger; connector 0 is the whole charger."""

    chargePointId = solar.Number(source="charger_id", name="charge point ID")
    evseId = EvseNumber(default=0)
    connectorId = solar.Number(source="connector_id", name="connector ID", least=0, most=LARGEST_NUMBER)
    userId = serializers.IntegerField(source="charger.owner_id", read_only=True)
    created = solar.Moment(source="created_at", read_only=True)
    info = StatusEntity(source="*", error_messages={"required": "The info is required."})


class Connectors(ChargersView):
    """Connectors of all chargers."""

    parser_classes = (Parser,)
    answers = {"get": [ConnectorEntity], "post": ConnectorEntity}
    bodies = {"post": ConnectorEntity}

    def get(self, request):
        """List them, by charger."""
        return _listed(self.of_chargers(Connector))

    def post(self, request):
        """Create or update the connector with these numbers."""
        solar.check_account(request.data, self.account)
        entity = ConnectorEntity(data=request.data)
        entity.is_valid(raise_exception=True)
        values = entity.validated_data
        key = {name: values.pop(name) for name in ("evse_id", "connector_id")}
        with transaction.atomic():
            charger = self.charger_named(values.pop("charger_id"))
            row = availability.enter(charger, **key, now=timezone.now(), **values)
        return solar.answer(ConnectorEntity(row).data)


class ConnectorsOfCharger(ChargersView):
    """Connectors of one charger."""

    answers = {"get": [ConnectorEntity]}

    def get(self, request, charge_point):
        """List them, by number."""
        number = solar.number(charge_point, "chargePointId")
        return _listed(self.of_chargers(Connector).filter(charger=number))


class OneConnector(ChargersView):
    """A connector: of the charger itself in OCPP 1.6, of an EVSE in 2.0.1."""

    answers = {"get": ConnectorEntity, "delete": None}

    def get(self, request, **path):
        """Show it."""
        return solar.answer(ConnectorEntity(self._find(**path)).data)

    def delete(self, request, **path):
        """Delete it. The charger's next status notification makes it again."""
        self._find(**path).delete()
        return solar.answer()

    def _find(self, charge_point, connector, evse="0"):
        rows = self.of_chargers(Connector).select_related("charger")
        found = rows.filter(
            charger=solar.number(charge_point, "chargePointId"),
            evse_id=solar.number(evse, "evseId"),
            connector_id=solar.number(connector, "connectorId"),
        ).first()
        if found is None:
            raise solar.Absent
        return found


def _listed(rows):
    return solar.answer(ConnectorEntity(rows.select_related("charger"), many=True).data)
