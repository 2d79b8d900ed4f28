"""The admin's sidebar, grouped by the work that people do."""

from django.apps import apps
from django.contrib import admin
from django.templatetags.static import static
from django.urls import reverse

# Group -> (title, icon of Material Symbols, model).
GROUPS = {
    "Charging": [
        ("Chargers", "ev_station", "chargers.Charger"),
        ("Transactions", "bolt", "chargers.Transaction"),
        ("Datum", "show_chart", "chargers.DatumStream"),
        ("Limits", "speed", "chargers.ChargingLimit"),
        ("Charging profiles", "stacked_line_chart", "chargers.ChargingProfile"),
        ("Unmatched stops", "unpublished", "chargers.StopReport"),
        ("Commands", "send", "chargers.Command"),
        ("Instructions", "assignment", "chargers.Instruction"),
        ("Messages", "forum", "chargers.Message"),
        ("Failed handshakes", "link_off", "chargers.FailedHandshake"),
        ("Locations", "location_on", "chargers.Location"),
    ],
    "Access": [
        ("Authorizations", "badge", "tokens.Authorization"),
        ("Accounts", "account_circle", "tokens.Account"),
        ("Credentials", "password", "tokens.Credential"),
        ("API tokens", "key", "tokens.ApiToken"),
        ("Users", "person", "auth.User"),
        ("Groups", "group", "auth.Group"),
    ],
    "Operations": [
        ("Jobs", "schedule", "csms.Job"),
        ("Outbox", "outbox", "csms.Outbox"),
        ("Events", "history", "csms.Event"),
        ("Processes", "memory", "csms.ServerProcess"),
    ],
}


def favicon(request):
    return static("csms/favicon.svg")


def sidebar(request):
    """Return unfold's navigation with the lists that the signed-in user may see."""
    groups = [{"items": [{"title": "Dashboard", "icon": "space_dashboard", "link": reverse("admin:index")}]}]
    for title, items in GROUPS.items():
        shown = [_item(*item) for item in items if _may_see(request, item[2])]
        if shown:
            groups.append({"title": title, "separator": True, "items": shown})
    return groups


def _item(title, icon, label):
    app, model = label.lower().split(".")
    return {"title": title, "icon": icon, "link": reverse(f"admin:{app}_{model}_changelist")}


def _may_see(request, label):
    model = apps.get_model(label)
    if not admin.site.is_registered(model):
        return False
    return admin.site.get_model_admin(model).has_view_or_change_permission(request)
