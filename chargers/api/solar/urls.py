"""Every route of SolarNetwork's dialect, whichever app serves it."""

from django.urls import include, path, re_path

from chargers.api.solar import chargers, connectors, events, instructions, query, sessions, settings, status
from csms.solar import NoRoute, route
from tokens.api import solar as tokens

_ocpp = [
    *tokens.routes,
    route("chargers", chargers.Chargers.as_view()),
    route("chargers/action-status", status.ActionStatuses.as_view()),
    route("chargers/find", chargers.Find.as_view()),
    route("chargers/settings", settings.ChargersSettings.as_view()),
    route("chargers/status", status.Statuses.as_view()),
    route("chargers/{id}", chargers.OneCharger.as_view()),
    route("chargers/{charge_point}/settings", settings.OneChargersSettings.as_view()),
    route("connectors", connectors.Connectors.as_view()),
    route("connectors/{charge_point}", connectors.ConnectorsOfCharger.as_view()),
    route("connectors/{charge_point}/{connector}", connectors.OneConnector.as_view()),
    route("connectors/{charge_point}/{evse}/{connector}", connectors.OneConnector.as_view()),
    route("sessions", sessions.Sessions.as_view()),
    route("sessions/end", sessions.EndSession.as_view()),
    route("sessions/incomplete/{charge_point}", sessions.IncompleteSessions.as_view()),
    route("sessions/{id}", sessions.OneSession.as_view()),
    route("settings", settings.AccountSettings.as_view()),
    route("settings/{charge_point}/settings", settings.DeleteSettings.as_view()),
]

urlpatterns = [
    path("solaruser/api/v1/sec/user/ocpp/", include(_ocpp)),
    path("solaruser/api/v1/sec/user/", include([route("events", events.Events.as_view())])),
    *instructions.routes(),
    *query.routes(),
    re_path(r"^(solaruser|solarquery)(/|$)", NoRoute.as_view()),
]
