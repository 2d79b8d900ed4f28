"""Sites."""

from django.contrib import admin
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.html import format_html

from chargers.models import Location
from csms.admin_base import OwnedAdmin


@admin.register(Location)
class LocationAdmin(OwnedAdmin):
    list_display = ["name", "city", "country", "chargers_here"]
    list_filter = ["country"]
    search_fields = ["name", "city", "address"]
    ordering = ["name"]
    autocomplete_fields = ["owner"]
    fieldsets = [
        (None, {"fields": ["name", "address", ("postal_code", "city"), "country", "owner"]}),
        ("On the map", {"fields": [("latitude", "longitude"), "time_zone"]}),
    ]

    def get_queryset(self, request):
        here = Count("chargers", filter=Q(chargers__deleted_at=None))
        return super().get_queryset(request).annotate(here=here)

    @admin.display(description="Chargers")
    def chargers_here(self, location):
        address = f"{reverse('admin:chargers_charger_changelist')}?location={location.pk}"
        return format_html('<a href="{}">{}</a>', address, location.here)
