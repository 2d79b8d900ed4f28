"""SolarUser's settings of what becomes of datum: of single chargers, and of the account."""

from django.contrib.auth import get_user_model
from django.db import transaction
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

from chargers.api.solar.base import ChargersView
from chargers.models import PublishSettings
from csms import solar
from csms.parsers import Parser
from tokens.models import Account

_FIELDS = ("publish_to_solar_in", "publish_to_solar_flux", "source_id_template")


class ChargerSettingsEntity(solar.Entity):
    """Settings of one charger; they win over the account's."""

    chargePointId = solar.Number(source="charger_id", name="charger ID")
    userId = serializers.IntegerField(source="owner_id", read_only=True)
    created = solar.Moment(source="created_at", read_only=True)
    publishToSolarIn = serializers.BooleanField(source="publish_to_solar_in", default=True)
    publishToSolarFlux = serializers.BooleanField(source="publish_to_solar_flux", default=True)
    sourceIdTemplate = solar.Text("source ID template", 255, required=True, source="source_id_template")


class AccountSettingsEntity(solar.Entity):
    """Settings of an account, for its chargers without their own."""

    userId = serializers.IntegerField(source="owner_id", read_only=True)
    created = solar.Moment(source="created_at", read_only=True)
    hid = serializers.SerializerMethodField(help_text="Names the account in the URLs of its chargers.")
    publishToSolarIn = serializers.BooleanField(source="publish_to_solar_in", default=True)
    publishToSolarFlux = serializers.BooleanField(source="publish_to_solar_flux", default=True)
    sourceIdTemplate = solar.Text("source ID template", 255, required=True, source="source_id_template")

    def get_hid(self, settings) -> str:
        return Account.objects.get_or_create(owner_id=settings.owner_id)[0].hid


def _read(entity, request, account):
    """Return the values that a body says."""
    solar.check_account(request.data, account)
    entity = entity(data=request.data)
    entity.is_valid(raise_exception=True)
    return entity.validated_data


class ChargersSettings(ChargersView):
    """Settings of chargers."""

    parser_classes = (Parser,)
    answers = {"get": [ChargerSettingsEntity], "post": ChargerSettingsEntity}
    bodies = {"post": ChargerSettingsEntity}

    def get(self, request):
        """List them, by charger."""
        rows = self.of_chargers(PublishSettings).exclude(charger=None).order_by("charger_id")
        return solar.answer(ChargerSettingsEntity(rows, many=True).data)

    def post(self, request):
        """Create or replace those of the charger that is named."""
        values = _read(ChargerSettingsEntity, request, self.account)
        with transaction.atomic():
            charger = self.charger_named(values.pop("charger_id"))
            row, _ = PublishSettings.objects.update_or_create(
                charger=charger, defaults={**values, "owner_id": charger.owner_id}
            )
        return solar.answer(ChargerSettingsEntity(row).data)


class OneChargersSettings(ChargersView):
    """Settings of one charger; Absent where it has none of its own, whatever the account has."""

    answers = {"get": ChargerSettingsEntity, "delete": None}

    def get(self, request, charge_point):
        """Show them."""
        return solar.answer(ChargerSettingsEntity(self._find(charge_point)).data)

    def delete(self, request, charge_point):
        """Delete them: the account's hold from now on."""
        self._find(charge_point).delete()
        return solar.answer()

    def _find(self, charge_point):
        number = solar.number(charge_point, "chargePointId")
        found = self.of_chargers(PublishSettings).filter(charger=number).first()
        if found is None:
            raise solar.Absent
        return found


class DeleteSettings(OneChargersSettings):
    """The same settings at the other path that the document prints for deleting them."""

    http_method_names = ["delete", "options"]
    answers = {"delete": None}


class AccountSettings(ChargersView):
    """Settings of the account."""

    parser_classes = (Parser,)
    methods_beyond_nodes = SAFE_METHODS
    answers = {"get": AccountSettingsEntity, "post": AccountSettingsEntity, "delete": None}
    bodies = {"post": AccountSettingsEntity}

    def _row(self):
        return self.account_rows(PublishSettings).filter(charger=None).first()

    def get(self, request):
        """Show them; without any there is no data."""
        row = self._row()
        return solar.answer(row and AccountSettingsEntity(row).data)

    def post(self, request):
        """Create or replace them."""
        values = _read(AccountSettingsEntity, request, self.account)
        with transaction.atomic():
            # In turns, as saves of a charger's settings are.
            get_user_model().objects.select_for_update(no_key=True).get(pk=self.account.pk)
            row, _ = PublishSettings.objects.update_or_create(
                owner=self.account, charger=None, defaults=values
            )
        return solar.answer(AccountSettingsEntity(row).data)

    def delete(self, request):
        """Delete them: the built-in ones hold from now on."""
        row = self._row()
        if row is None:
            raise solar.Absent
        row.delete()
        return solar.answer()
