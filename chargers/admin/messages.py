"""The OCPP log: request and answer in one row."""

import json

from django.contrib import admin

from chargers.admin import filters, states
from chargers.models import Message
from csms import badges
from csms.admin_base import LogAdmin, WindowFilter


class ReceivedFilter(WindowFilter):
    field = "received_at"


class ActionFilter(admin.SimpleListFilter):
    """Actions people look for; any other can be typed into the search box."""

    title = parameter_name = "action"
    COMMON = [
        "Authorize",
        "BootNotification",
        "Heartbeat",
        "MeterValues",
        "NotifyEvent",
        "NotifyReport",
        "RemoteStartTransaction",
        "RequestStartTransaction",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
    ]

    def lookups(self, request, model_admin):
        return [(action, action) for action in self.COMMON]

    def queryset(self, request, queryset):
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(Message)
class MessageAdmin(LogAdmin):
    list_display = ["what", "charger", "from_whom", "outcome_badge", "took", "received", "oddities"]
    list_filter = [filters.ChargerFilter, "outcome", ReceivedFilter, ActionFilter, "origin"]
    search_fields = ["=action", "=message_id"]
    search_help_text = "Action or message id, in full"
    list_select_related = ["charger"]
    ordering = ["-id"]
    bounded_by = ["charger"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.defer("request", "answer") if self._is_list(request) else rows

    def _is_list(self, request):
        match = request.resolver_match
        return match is not None and match.url_name.endswith("_changelist")

    def get_ordering(self, request):
        return ["-received_at", "-id"] if request.GET.get("charger") else ["-id"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        message = self.found(request, object_id)
        context = {"message": message, "payload": _payload(message.request)}
        return self.page(request, "admin/chargers/message/page.html", str(message), **context)

    @admin.display(description="Action")
    def what(self, message):
        return message.action or "Unreadable frame"

    @admin.display(description="From")
    def from_whom(self, message):
        return message.get_origin_display()

    @admin.display(description="Outcome")
    def outcome_badge(self, message):
        return states.OUTCOME[message.outcome].__html__()

    @admin.display(description="Took")
    def took(self, message):
        return badges.NOTHING if message.seconds is None else f"{message.seconds * 1000:,.0f} ms"

    @admin.display(description="When")
    def received(self, message):
        return badges.exact(message.received_at)


def _payload(request):
    """Return what a CALL carries, without its frame; None where `request` is no CALL."""
    try:
        frame = json.loads(request)
    except ValueError:
        return None
    match frame:
        case [2, _, _, payload]:
            return payload
    return None
