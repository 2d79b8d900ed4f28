"""The native API's nouns that belong to chargers; csms/urls.py hangs `router` under /api/v1/."""

from chargers.api.native import chargers, commands, connectors, events, locations, logs, transactions
from csms.api import Router

router = Router()
router.register("chargers", chargers.ChargerViewSet, "charger")
router.register(
    "chargers/(?P<charger_id>[0-9]{1,18})/commands", commands.ChargerCommandViewSet, "charger-command"
)
router.register("connectors", connectors.ConnectorViewSet, "connector")
router.register("locations", locations.LocationViewSet, "location")
router.register("transactions", transactions.TransactionViewSet, "transaction")
router.register("stop-reports", transactions.StopReportViewSet, "stop-report")
router.register("readings", transactions.ReadingViewSet, "reading")
router.register("variables", connectors.VariableViewSet, "variable")
router.register("messages", logs.MessageViewSet, "message")
router.register("failed-handshakes", logs.FailedHandshakeViewSet, "failed-handshake")
router.register("commands", commands.CommandViewSet, "command")
router.register("events", events.EventViewSet, "event")
