"""Which rows a list shows: the query parameters of the native API, by noun."""

from datetime import UTC

from django import forms
from django.db.models import Q
from django.utils import timezone
from django_filters import fields
from django_filters import rest_framework as filters

from chargers.models import (
    Charger,
    ChargingLimit,
    ChargingNeeds,
    ChargingProfile,
    Command,
    CompositeSchedule,
    Connector,
    ExternalLimit,
    FailedHandshake,
    Location,
    Message,
    Presence,
    Reading,
    Report,
    StopReport,
    Transaction,
    Variable,
)
from csms.filters import FilterSet, SwitchFilter

_LARGEST_ID = 2**63 - 1


class IdFilter(filters.NumberFilter):
    """Filter by our number of a row, without a look whether it exists; strangers' rows are out anyway."""

    field_class = forms.IntegerField

    def __init__(self, *args, **kwargs):
        super().__init__(*args, min_value=1, max_value=_LARGEST_ID, **kwargs)

    def get_max_validator(self):
        return None


class MomentField(fields.IsoDateTimeField):
    """A moment, in UTC: PostgreSQL refuses offsets that ISO 8601 allows."""

    def clean(self, value):
        moment = super().clean(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("This moment is out of range.") from None


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField


class SearchFilter(filters.CharFilter):
    """Text that may be anywhere in one of `fields`."""

    def __init__(self, *fields):
        super().__init__(label="Text in " + ", ".join(fields))
        self.fields = fields

    def filter(self, queryset, value):
        if not value:
            return queryset
        found = Q()
        for field in self.fields:
            found |= Q(**{f"{field}__icontains": value})
        return queryset.filter(found)


def _since(field):
    return MomentFilter(field_name=field, lookup_expr="gte", label="At or after")


def _before(field):
    return MomentFilter(field_name=field, lookup_expr="lt", label="Before")


class ChargerFilter(FilterSet):
    location = IdFilter(field_name="location_id")
    is_online = SwitchFilter(method="filter_online", label="Connected or not")
    search = SearchFilter("identifier", "name", "vendor", "model", "serial_number")

    class Meta:
        model = Charger
        fields = ["identifier", "registration_status", "protocol", "enabled"]

    def filter_online(self, queryset, name, value):
        online = Presence.objects.online(timezone.now()).values("charger_id")
        return queryset.filter(pk__in=online) if value else queryset.exclude(pk__in=online)


class ConnectorFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")

    class Meta:
        model = Connector
        fields = ["status", "evse_id", "connector_id"]


class ScheduleFilter(FilterSet):
    class Meta:
        model = CompositeSchedule
        fields = ["state", "evse_id", "connector_id"]


class LocationFilter(FilterSet):
    search = SearchFilter("name", "address", "city")

    class Meta:
        model = Location
        fields = ["name", "country"]


class TransactionFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")
    transaction_id = filters.CharFilter(
        method="filter_number",
        label="The station's own id; for OCPP 1.6 our number, which the charger was told",
    )
    is_open = SwitchFilter(field_name="ended_at", lookup_expr="isnull", label="Not ended")
    id_token = filters.CharFilter(lookup_expr="iexact")
    started_from = _since("started_at")
    started_before = _before("started_at")

    class Meta:
        model = Transaction
        fields = ["is_refused"]

    def filter_number(self, queryset, name, value):
        return queryset.numbered(value)


class ReadingFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")
    transaction = IdFilter(field_name="transaction_id")
    measured_from = _since("measured_at")
    measured_before = _before("measured_at")

    class Meta:
        model = Reading
        fields = ["evse_id", "connector_id"]


class StopReportFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")
    transaction = IdFilter(field_name="transaction_id")

    class Meta:
        model = StopReport
        fields = ["cause"]


class VariableFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")
    search = SearchFilter("component", "name")

    class Meta:
        model = Variable
        fields = ["component", "name", "attribute", "desired_state", "is_monitored"]


class VariableOfChargerFilter(FilterSet):
    """What the list under one charger takes."""

    search = SearchFilter("component", "name")

    class Meta:
        model = Variable
        fields = ["component", "name", "attribute", "desired_state", "is_monitored"]


class ReportFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")

    class Meta:
        model = Report
        fields = ["kind", "state", "request_id"]


class MessageFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")
    received_from = _since("received_at")
    received_before = _before("received_at")

    class Meta:
        model = Message
        fields = ["origin", "action", "outcome", "message_id"]


class FailedHandshakeFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")

    class Meta:
        model = FailedHandshake
        fields = ["identifier", "address", "reason"]


class CommandFilter(FilterSet):
    """What the list under one charger takes."""

    class Meta:
        model = Command
        fields = ["action", "state"]


class AnyCommandFilter(CommandFilter):
    charger = IdFilter(field_name="charger_id")


class ChargingProfileFilter(FilterSet):
    """What the list under one charger takes."""

    class Meta:
        model = ChargingProfile
        fields = ["state", "purpose", "source", "is_desired"]


class AnyChargingProfileFilter(ChargingProfileFilter):
    charger = IdFilter(field_name="charger_id")


class ChargingLimitFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")
    in_force = SwitchFilter(field_name="ended_at", lookup_expr="isnull", label="Not ended")

    class Meta:
        model = ChargingLimit
        fields = ["state", "evse_id", "connector_id"]


class ExternalLimitFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")
    in_force = SwitchFilter(field_name="cleared_at", lookup_expr="isnull", label="Not cleared")

    class Meta:
        model = ExternalLimit
        fields = ["source", "evse_id"]


class ChargingNeedsFilter(FilterSet):
    charger = IdFilter(field_name="charger_id")

    class Meta:
        model = ChargingNeeds
        fields = ["evse_id"]
