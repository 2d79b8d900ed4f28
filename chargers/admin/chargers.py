"""The list of chargers and the form with their settings; their pages are in `charger_pages`."""

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from chargers.admin import filters, states
from chargers.admin.charger_pages import ChargerPages, warn_of_open
from chargers.admin.publishing import ChargerSettingsInline
from chargers.models import Charger
from chargers.services import registration
from csms import badges
from csms.admin_base import OneOwnerForm, OwnedAdmin

CONNECTORS_SHOWN = 6


class ChargerForm(OneOwnerForm):
    class Meta:
        help_texts = {"identifier": "It connects to /ocpp/ followed by this."}

    def clean_protocol(self):
        protocol, spoken = self.cleaned_data["protocol"], self.instance.spoken(timezone.now())
        if spoken and protocol != spoken:
            raise forms.ValidationError(f"It is connected and speaks {spoken}.")
        return protocol


@admin.register(Charger)
class ChargerAdmin(ChargerPages, OwnedAdmin):
    form = ChargerForm
    empty_words = "No charger here yet. Point one at /ocpp/ and its identifier, and it appears."
    list_display = ["title", "state", "last_seen", "connector_states", "site", "protocol"]
    list_filter = [filters.StateFilter, filters.ConnectorFilter, "protocol", filters.LocationFilter]
    search_fields = ["identifier", "name", "serial_number", "vendor", "model"]
    ordering = ["identifier"]
    autocomplete_fields = ["owner", "location"]
    actions = ["approve_selected"]
    fieldsets = [
        (None, {"fields": ["identifier", "name", "location", "enabled", "owner"]}),
        (
            "Connection",
            {"fields": ["protocol", "security_profile", "registration_status", "heartbeat_interval"]},
        ),
        ("SolarNetwork", {"fields": ["node_id", "connector_count"]}),
    ]
    inlines = [ChargerSettingsInline]

    def get_queryset(self, request):
        rows = super().get_queryset(request).alive()
        return rows.select_related("location", "presence__process").prefetch_related("connectors")

    @admin.display(description="Charger", ordering="identifier")
    def title(self, charger):
        if not charger.name:
            return charger.identifier
        return format_html('{}<span class="sm-under">{}</span>', charger.name, charger.identifier)

    @admin.display(description="State")
    def state(self, charger):
        return states.of_charger(charger).__html__()

    @admin.display(description="Last seen", ordering="presence__last_frame_at")
    def last_seen(self, charger):
        presence = getattr(charger, "presence", None)
        return badges.ago(presence and presence.last_frame_at)

    @admin.display(description="Connectors")
    def connector_states(self, charger):
        plugs = [each for each in charger.connectors.all() if each.connector_id]
        shown = ((each.number, states.of_connector(each).__html__()) for each in plugs[:CONNECTORS_SHOWN])
        inner = format_html_join("", '<span class="sm-connector"><b>{}</b> {}</span>', shown)
        more = len(plugs) - CONNECTORS_SHOWN
        rest = f"and {more} more" if more > 0 else ""
        return format_html('<span class="sm-badges">{}{}</span>', inner, rest) if plugs else badges.NOTHING

    @admin.display(description="Location", ordering="location__name")
    def site(self, charger):
        return charger.location or badges.NOTHING

    @admin.action(description="Approve the selected chargers", permissions=["change"])
    def approve_selected(self, request, queryset):
        pending = list(states.in_state(queryset, "pending", timezone.now()))
        for charger in pending:
            registration.approve(charger)
        self.message_user(request, f"Approved: {len(pending)}.")
        warn_of_open(request, pending)

    def get_deleted_objects(self, objs, request):
        """Say what removing does; Django would list every transaction and reading."""
        lines = [f"{each}, its connectors and variables; transactions and readings stay" for each in objs]
        return lines, {"chargers": len(objs)}, set(), []

    def delete_model(self, request, obj):
        registration.remove(obj)

    def delete_queryset(self, request, queryset):
        for charger in queryset:
            registration.remove(charger)
