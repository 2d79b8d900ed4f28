"""SolarUser's chargers."""

from rest_framework import serializers

from chargers.api.solar.base import CHARGER_QUERY, PAGE_QUERY, ChargersView
from chargers.models import Charger, RegistrationStatus
from chargers.services import registration
from csms import solar, solar_filters
from csms.schema import Page
from tokens.entities import Entities, One

MOST_CONNECTORS = 2**31 - 1


class InfoEntity(solar.Entity):
    """What a charger says of itself."""

    id = solar.Text("info ID", 48, required=True, source="identifier")
    chargePointVendor = solar.Text("info charge point vendor", 20, required=True, source="vendor")
    chargePointModel = solar.Text("info charge point model", 20, required=True, source="model")
    chargePointSerialNumber = solar.Text("charge point serial number", 25, source="serial_number")
    chargeBoxSerialNumber = solar.Text("charge box serial number", 25, source="charge_box_serial_number")
    firmwareVersion = solar.Text("firmware version", 50, source="firmware_version")
    iccid = solar.Text("ICCID", 20)
    imsi = solar.Text("IMSI", 20)
    meterType = solar.Text("meter type", 25, source="meter_type")
    meterSerialNumber = solar.Text("meter serial number", 25, source="meter_serial_number")


class ChargerEntity(solar.Entity):
    """A charger of an account, on one of its nodes."""

    not_null = ("registrationStatus",)

    id = solar.Number(required=False)
    created = solar.Moment(source="created_at", read_only=True)
    userId = serializers.IntegerField(source="owner_id", read_only=True)
    nodeId = solar.Number(source="node_id", name="node ID")
    enabled = serializers.BooleanField(default=False)
    registrationStatus = serializers.ChoiceField(
        RegistrationStatus.choices, source="registration_status", default=RegistrationStatus.PENDING
    )
    connectorCount = solar.Number(
        source="connector_count", name="connector count", least=0, most=MOST_CONNECTORS, default=0
    )
    info = InfoEntity(source="*", error_messages={"required": "The info is required."})


class Chargers(ChargersView, Entities):
    """Chargers. One that a client enters needs a credential of the account to log in with."""

    model, entity, unique = Charger, ChargerEntity, "info.id"
    methods_beyond_nodes = None

    def rows(self):
        return self.chargers()

    def prepared(self, values, *, is_new):
        if values["node_id"] < 1:
            raise solar.UnknownObject
        if not self.policy.allows_node(values["node_id"]):
            raise solar.Denied
        return values

    def save(self, row, values):
        _keep_what_is_longer(row, values)
        status = values["registration_status"]
        if row.pk is not None and status == RegistrationStatus.ACCEPTED != row.registration_status:
            registration.approve(row)
        super().save(row, values)


def _keep_what_is_longer(row, values):
    """Leave texts alone that are longer than this API knows, and come back as they were shown: cut."""
    for field in InfoEntity().fields.values():
        stored = getattr(row, field.source)
        if values[field.source] == stored[: field.max_length]:
            values[field.source] = stored


class OneCharger(ChargersView, One):
    """A charger. Deleting it hides it with its connectors and settings; its sessions stay."""

    of = Chargers

    def rows(self):
        return self.chargers()

    def remove(self, row):
        registration.remove(row)


class Find(ChargersView):
    """Chargers, a page at a time."""

    answers = {"get": Page(ChargerEntity)}
    queries = {"get": [*CHARGER_QUERY, *PAGE_QUERY]}
    orders = {"ID": "id", "DATE": "created_at", "IDENTIFIER": "identifier", "NODE": "node_id"}

    def get(self, request):
        """List a page of them."""
        offset, most = solar_filters.window(request)
        order = solar_filters.order(request, self.orders)
        rows = self.chosen(self.chargers(), charger="").order_by(*order, "id")
        found = ChargerEntity(rows[offset : offset + most], many=True).data
        return solar.answer(solar.page(found, offset=offset))
