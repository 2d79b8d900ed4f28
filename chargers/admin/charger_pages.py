"""The pages of one charger: a tab each, orders to it, approval and its password."""

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from chargers.admin import states
from chargers.admin.orders import ORDERS
from chargers.admin.schedule_pages import SchedulePages
from chargers.admin.variables import VariablePages
from chargers.services import registration
from csms.forms import PasswordForm

ROWS_SHOWN = 25
MOST_WARNINGS = 5
TABS = {
    "overview": "Overview",
    "connectors": "Connectors",
    "schedules": "Schedules",
    "transactions": "Transactions",
    "messages": "Messages",
    "commands": "Commands",
    "variables": "Variables",
}


class ChargerPages(VariablePages, SchedulePages):
    """Mixed into ChargerAdmin. The change view shows the overview; its form is the tab Settings."""

    def get_urls(self):
        wrap = self.admin_site.admin_view
        own = [
            path(f"<int:pk>/{tab}/", wrap(self.tab_view), {"tab": tab}, name=f"chargers_charger_{tab}")
            for tab in TABS
            if tab != "overview"
        ]
        own += [
            path("<int:pk>/settings/", wrap(self.settings_view), name="chargers_charger_settings"),
            path("<int:pk>/order/<slug:name>/", wrap(self.order_view), name="chargers_charger_order"),
            path("<int:pk>/approve/", wrap(self.approve_view), name="chargers_charger_approve"),
            path("<int:pk>/password/", wrap(self.password_view), name="chargers_charger_password"),
        ]
        return own + self.variable_urls() + super().get_urls()

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if request.method == "POST" or not unquote(object_id).isdigit():
            return super().change_view(request, object_id, form_url, extra_context)
        return self.tab_view(request, int(object_id), "overview")

    def settings_view(self, request, pk):
        charger = self.found(request, pk)
        return super().change_view(request, str(pk), extra_context=self._frame(request, charger, "settings"))

    def _frame(self, request, charger, tab):
        """Return what every tab needs: the tabs themselves, the state and what may be done."""
        address = {
            name: reverse(f"admin:chargers_charger_{name}", args=[charger.pk])
            for name in TABS
            if name != "overview"
        }
        address["overview"] = reverse("admin:chargers_charger_change", args=[charger.pk])
        tabs = [(name, text, address[name]) for name, text in TABS.items()]
        tabs.append(("settings", "Settings", reverse("admin:chargers_charger_settings", args=[charger.pk])))
        return {
            "charger": charger,
            "original": charger,
            "tabs": tabs,
            "tab": tab,
            "badge": states.of_charger(charger),
            "is_online": states.is_online(charger, timezone.now()),
            "may_change": self.has_change_permission(request, charger),
            "may_order": self._may_order(request, charger),
            "orders": ORDERS.values(),
        }

    def _may_order(self, request, charger):
        """Whoever may add commands may send them, to the chargers that they may see."""
        return request.user.has_perm("chargers.add_command") and self._owns(request, charger)

    def tab_view(self, request, pk, tab):
        charger = self.found(request, pk)
        content = getattr(self, f"_{tab}")(request, charger)
        template = f"admin/chargers/charger/{tab}.html"
        return self.page(request, template, str(charger), **self._frame(request, charger, tab), **content)

    def _overview(self, request, charger):
        return {
            "running": charger.transactions.open().order_by("-id")[:ROWS_SHOWN],
            "plugs": [each for each in charger.connectors.all() if each.connector_id],
            "whole": next((each for each in charger.connectors.all() if not each.connector_id), None),
        }

    def _connectors(self, request, charger):
        return {"connectors": charger.connectors.all()}

    def _transactions(self, request, charger):
        return {"transactions": charger.transactions.select_related("charger").order_by("-id")[:ROWS_SHOWN]}

    def _messages(self, request, charger):
        return {"log": charger.messages.defer("request", "answer").order_by("-received_at")[:ROWS_SHOWN]}

    def _commands(self, request, charger):
        return {"commands": charger.commands.select_related("created_by").order_by("-id")[:ROWS_SHOWN]}

    def order_view(self, request, pk, name):
        """Ask what the order needs, send it, and go on to the page that follows it."""
        charger = self.found(request, pk)
        if name not in ORDERS or not self._may_order(request, charger):
            raise Http404(f"There is no order {name}.")
        form = ORDERS[name](request.POST or None, charger=charger, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            row = form.send(request.user)
            if row is not None:
                page = f"admin:chargers_{row._meta.model_name}_change"
                return HttpResponseRedirect(reverse(page, args=[row.pk]))
        context = {**self._frame(request, charger, ""), "form": form, "order": ORDERS[name]}
        return self.page(request, "admin/chargers/charger/order.html", f"{form.title}: {charger}", **context)

    def approve_view(self, request, pk):
        charger = self.found(request, pk, permission="change")
        if request.method == "POST":
            registration.approve(charger)
            self.log_change(request, charger, "Approved.")
            messages.success(request, f"{charger} is approved; it is accepted when it boots next.")
            warn_of_open(request, [charger])
        return HttpResponseRedirect(reverse("admin:chargers_charger_change", args=[pk]))

    @method_decorator(sensitive_post_parameters("password"))
    @method_decorator(never_cache)
    def password_view(self, request, pk):
        """Set the charger's own password; the answer to this POST is the only place that shows it."""
        charger = self.found(request, pk, permission="change")
        form = PasswordForm(request.POST or None)
        context = {**self._frame(request, charger, ""), "form": form}
        if request.method == "POST" and form.is_valid():
            chosen = form.cleaned_data["password"]
            made = registration.set_password(charger, password=chosen or None)
            context |= {"done": True, "secret": None if chosen else made}
            self.log_change(request, charger, "Password set.")
        return self.page(request, "admin/chargers/charger/password.html", f"Password: {charger}", **context)


def warn_of_open(request, approved):
    """Say which of the chargers that were approved anybody can be, and where to change that."""
    open_ones = [charger for charger in approved if charger.needs_no_password]
    words = '{} has no password: whoever knows its name is it. <a class="sm-link" href="{}">Set one</a>'
    for charger in open_ones[:MOST_WARNINGS]:
        address = reverse("admin:chargers_charger_password", args=[charger.pk])
        messages.warning(request, format_html(words, charger, address))
    more = len(open_ones) - MOST_WARNINGS
    if more > 0:
        messages.warning(request, f"Without a password too: {more} more.")
