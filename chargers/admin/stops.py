"""Stops that ended nothing: reported for a transaction that nobody knows, or for one that had ended."""

from django.contrib import admin

from chargers.admin import filters
from chargers.models import StopReport
from csms import badges
from csms.admin_base import LogAdmin, WindowFilter


class ReceivedFilter(WindowFilter):
    field = "received_at"


@admin.register(StopReport)
class StopReportAdmin(LogAdmin):
    list_display = ["number", "charger", "cause", "transaction", "received"]
    list_filter = [filters.ChargerFilter, "cause", ReceivedFilter]
    empty_words = "Every stop that was reported ended its transaction."
    search_fields = ["=reported_id"]
    search_help_text = "The transaction's number as the charger gave it, in full"
    list_select_related = ["charger", "transaction__charger"]
    ordering = ["-id"]
    bounded_by = ["charger"]
    fields = ["reported_id", "charger", "cause", "transaction", "received_at", "payload"]

    @admin.display(description="Reported number")
    def number(self, report):
        return f"#{report.reported_id}"

    @admin.display(description="Received")
    def received(self, report):
        return badges.ago(report.received_at)
