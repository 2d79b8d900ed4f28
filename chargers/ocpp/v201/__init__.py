"""What stations that speak OCPP 2.0.1 send: `HANDLERS[action](charger, payload) -> answer`."""

from chargers.ocpp.v201 import authorization, availability, diagnostics, provisioning, transactions

HANDLERS = (
    authorization.HANDLERS
    | availability.HANDLERS
    | diagnostics.HANDLERS
    | provisioning.HANDLERS
    | transactions.HANDLERS
)
