"""Filters of the charger lists; none offers more choices than a page can hold."""

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.utils import timezone

from chargers.admin import states
from chargers.models import Charger, Connector, ConnectorStatus, Location

MOST_CHOICES = 100


class StateFilter(admin.SimpleListFilter):
    """The state that the badge shows."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [(name, badge.text) for name, badge in states.CHARGER.items()]

    def queryset(self, request, queryset):
        known = self.value() in states.CHARGER
        return states.in_state(queryset, self.value(), timezone.now()) if known else queryset


class ConnectorFilter(admin.SimpleListFilter):
    """Chargers that have a connector in this status."""

    title = "connector status"
    parameter_name = "connectors"

    def lookups(self, request, model_admin):
        return ConnectorStatus.choices

    def queryset(self, request, queryset):
        if self.value() not in ConnectorStatus.values:
            return queryset
        return queryset.filter(Exists(Connector.objects.filter(charger=OuterRef("pk"), status=self.value())))


class LocationFilter(admin.SimpleListFilter):
    """The location; the first hundred are offered, all can be named in the address."""

    title = "location"
    parameter_name = "location"

    def lookups(self, request, model_admin):
        mine = Location.objects.owned_by(request.user).order_by("name")
        return list(mine.values_list("pk", "name")[:MOST_CHOICES])

    def queryset(self, request, queryset):
        return queryset.filter(location=self.value()) if (self.value() or "").isdigit() else queryset


class ChargerFilter(admin.SimpleListFilter):
    """One charger's rows. A filter with a box for the identifier instead of a list of all chargers."""

    title = "charger"
    parameter_name = "charger"
    template = "admin/chargers/charger_filter.html"

    def lookups(self, request, model_admin):
        # Django shows no filter without choices; the template does not read this one.
        return [("", "")]

    def choices(self, changelist):
        others = [pair for pair in changelist.params.items() if pair[0] != self.parameter_name]
        yield {"value": self.value() or "", "hidden": others, "name": self.parameter_name}

    def queryset(self, request, queryset):
        text = (self.value() or "").strip()
        if not text:
            return queryset
        mine = Charger.objects.owned_by(request.user)
        found = mine.filter(identifier=text)
        if text.isdigit():
            # Our own links name the row by its number; an identifier that is a number wins.
            found = found if found.exists() else mine.filter(pk=text)
        return queryset.filter(charger__in=list(found.values_list("pk", flat=True)[:MOST_CHOICES]))


class RunningFilter(admin.SimpleListFilter):
    """Transactions that go on, or that ended."""

    title = "state"
    parameter_name = "running"

    def lookups(self, request, model_admin):
        return [("yes", "Running"), ("no", "Ended"), ("refused", "Refused")]

    def queryset(self, request, queryset):
        return {
            "yes": lambda: queryset.filter(ended_at=None),
            "no": lambda: queryset.exclude(ended_at=None).filter(is_refused=False),
            "refused": lambda: queryset.filter(is_refused=True),
        }.get(self.value(), lambda: queryset)()
