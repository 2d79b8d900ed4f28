"""Transactions: the list, and a page with its curve that follows a running one."""

from django.contrib import admin
from django.http import JsonResponse
from django.urls import path
from django.utils import timezone

from chargers.admin import curve, filters, states
from chargers.models import Transaction
from csms import badges
from csms.admin_base import LogAdmin, WindowFilter
from csms.lookups import is_row_number

MOST_NAMED_ALIKE = 500


class StartedFilter(WindowFilter):
    title, field = "start", "started_at"


@admin.register(Transaction)
class TransactionAdmin(LogAdmin):
    list_display = ["number", "charger", "plug", "state", "id_token", "started", "length", "energy", "power"]
    list_filter = [filters.ChargerFilter, filters.RunningFilter, StartedFilter]
    search_fields = ["=transaction_id", "=id_token"]
    search_help_text = "Transaction number or id, or token, in full"
    list_select_related = ["charger"]
    ordering = ["-id"]
    bounded_by = ["charger", "running"]

    def get_search_results(self, request, queryset, search_term):
        """Find by our number too, however old the row is; "#17" is how the list writes it."""
        term = search_term.strip().removeprefix("#")
        found, may_have_duplicates = super().get_search_results(request, queryset, term)
        if is_row_number(term) and queryset.filter(pk=term).exists():
            # By their keys: an OR of a bounded and an unbounded look may be made by reading everything.
            others = found.values_list("pk", flat=True)[:MOST_NAMED_ALIKE]
            found = queryset.filter(pk__in=[int(term), *others])
        return found, may_have_duplicates

    def get_urls(self):
        view = self.admin_site.admin_view(self.curve_view)
        return [path("<int:pk>/curve.json", view, name="chargers_transaction_curve"), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        transaction = self.found(request, object_id)
        points = curve.of_transaction(transaction)
        context = {
            "transaction": transaction,
            "length": badges.duration((transaction.ended_at or timezone.now()) - transaction.started_at),
            "summary": curve.in_words(points),
            "has_points": bool(points["time"]),
            "stop_reports": transaction.stop_reports.order_by("-id")[:10],
            "may_stop": request.user.has_perm("chargers.add_command") and not transaction.ended_at,
        }
        template = "admin/chargers/transaction/page.html"
        return self.page(request, template, f"Transaction {transaction}", **context)

    def curve_view(self, request, pk):
        return JsonResponse(curve.of_transaction(self.found(request, pk)))

    @admin.display(description="Transaction", ordering="id")
    def number(self, transaction):
        return f"#{transaction.transaction_id or transaction.pk}"

    @admin.display(description="Connector")
    def plug(self, transaction):
        return transaction.plug or badges.NOTHING

    @admin.display(description="State")
    def state(self, transaction):
        return states.of_transaction(transaction).__html__()

    @admin.display(description="Started")
    def started(self, transaction):
        return badges.ago(transaction.started_at)

    @admin.display(description="Duration")
    def length(self, transaction):
        return badges.duration((transaction.ended_at or timezone.now()) - transaction.started_at)

    @admin.display(description="Energy")
    def energy(self, transaction):
        return badges.kwh(transaction.energy_wh)

    @admin.display(description="Power")
    def power(self, transaction):
        return badges.NOTHING if transaction.ended_at else badges.kw(transaction.power_w)
