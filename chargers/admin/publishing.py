"""What becomes of datum, as forms on the pages of a charger and of a user."""

from django.forms import BaseInlineFormSet

from chargers.models import PublishSettings
from csms.admin import UserAdmin
from csms.admin_base import StackedInline


class _OfOneOwner(BaseInlineFormSet):
    """Gives the row the owner that its charger has."""

    def save_new(self, form, commit=True):
        form.instance.owner_id = self.instance.owner_id
        return super().save_new(form, commit)

    def save_existing(self, form, obj, commit=True):
        obj.owner_id = self.instance.owner_id
        return super().save_existing(form, obj, commit)

    def save(self, commit=True):
        # Of a charger that is given away also those that nobody touched.
        PublishSettings.objects.filter(charger=self.instance).update(owner_id=self.instance.owner_id)
        return super().save(commit)


class _SettingsInline(StackedInline):
    model = PublishSettings
    fields = ["publish_to_solar_in", "publish_to_solar_flux", "source_id_template"]
    extra = 0
    max_num = 1


class ChargerSettingsInline(_SettingsInline):
    """The charger's own settings; without them those of its account hold."""

    fk_name = "charger"
    formset = _OfOneOwner
    verbose_name = verbose_name_plural = "datum settings of this charger"


class AccountSettingsInline(_SettingsInline):
    """The settings for all chargers of an account that have none of their own."""

    fk_name = "owner"
    verbose_name = verbose_name_plural = "datum settings of the account"

    def get_queryset(self, request):
        return super().get_queryset(request).filter(charger=None)


# Users are of the kit, which knows no chargers.
UserAdmin.inlines = [*UserAdmin.inlines, AccountSettingsInline]
