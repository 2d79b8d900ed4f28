"""Connections that were refused, and the way to make a charger of one."""

from urllib.parse import urlencode

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from chargers.models import FailedHandshake
from csms import badges
from csms.admin_base import LogAdmin, WindowFilter


class LastFilter(WindowFilter):
    field = "last_at"


@admin.register(FailedHandshake)
class FailedHandshakeAdmin(LogAdmin):
    list_display = ["identifier", "reason", "status_code", "address", "username", "count", "last", "make"]
    list_filter = [LastFilter]
    empty_words = "No connection was refused."
    search_fields = ["identifier", "=address", "=username"]
    list_select_related = ["charger"]
    ordering = ["-last_at"]

    def get_list_display(self, request):
        may_add = request.user.has_perm("chargers.add_charger")
        return self.list_display if may_add else self.list_display[:-1]

    @admin.display(description="Last tried")
    def last(self, handshake):
        return badges.ago(handshake.last_at)

    @admin.display(description="Next step")
    def make(self, handshake):
        if handshake.charger_id:
            address = reverse("admin:chargers_charger_change", args=[handshake.charger_id])
            return format_html('<a class="sm-button sm-small" href="{}">See the charger</a>', address)
        protocol = "ocpp2.0.1" if "ocpp2.0.1" in handshake.subprotocols else "ocpp1.6"
        known = {"identifier": handshake.identifier, "protocol": protocol}
        if not handshake.username:
            known["security_profile"] = 0
        address = f"{reverse('admin:chargers_charger_add')}?{urlencode(known)}"
        return format_html('<a class="sm-button sm-small" href="{}">Make this a charger</a>', address)
