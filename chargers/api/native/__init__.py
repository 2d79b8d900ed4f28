"""The native API's nouns that belong to chargers; csms/urls.py hangs `router` under /api/v1/."""

from chargers.api.native import (
    chargers,
    commands,
    connectors,
    events,
    locations,
    logs,
    schedules,
    smart_charging,
    transactions,
    variables,
)
from csms.api import Router

router = Router()
router.register("chargers", chargers.ChargerViewSet, "charger")
router.register(
    "chargers/(?P<charger_id>[0-9]{1,18})/commands", commands.ChargerCommandViewSet, "charger-command"
)
router.register(
    "chargers/(?P<charger_id>[0-9]{1,18})/charging-profiles",
    smart_charging.ChargerChargingProfileViewSet,
    "charger-charging-profile",
)
router.register("charging-profiles", smart_charging.ChargingProfileViewSet, "charging-profile")
router.register("charging-limits", smart_charging.ChargingLimitViewSet, "charging-limit")
router.register("external-limits", smart_charging.ExternalLimitViewSet, "external-limit")
router.register("charging-needs", smart_charging.ChargingNeedsViewSet, "charging-needs")
router.register(
    "chargers/(?P<charger_id>[0-9]{1,18})/schedules", schedules.ScheduleViewSet, "charger-schedule"
)
router.register("connectors", connectors.ConnectorViewSet, "connector")
router.register("locations", locations.LocationViewSet, "location")
router.register("transactions", transactions.TransactionViewSet, "transaction")
router.register("stop-reports", transactions.StopReportViewSet, "stop-report")
router.register("readings", transactions.ReadingViewSet, "reading")
router.register("variables", variables.VariableViewSet, "variable")
router.register(
    "chargers/(?P<charger_id>[0-9]{1,18})/variables", variables.ChargerVariableViewSet, "charger-variable"
)
router.register("reports", variables.ReportViewSet, "report")
router.register("messages", logs.MessageViewSet, "message")
router.register("failed-handshakes", logs.FailedHandshakeViewSet, "failed-handshake")
router.register("commands", commands.CommandViewSet, "command")
router.register("events", events.EventViewSet, "event")
