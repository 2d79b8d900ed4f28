"""What stations that speak OCPP 2.0.1 send: `HANDLERS[action](charger, payload) -> answer`."""

from chargers.ocpp.v201 import (
    authorization,
    availability,
    diagnostics,
    provisioning,
    smart_charging,
    transactions,
)

HANDLERS = (
    authorization.HANDLERS
    | availability.HANDLERS
    | diagnostics.HANDLERS
    | provisioning.HANDLERS
    | smart_charging.HANDLERS
    | transactions.HANDLERS
)
