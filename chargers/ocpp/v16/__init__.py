"""What chargers that speak OCPP 1.6 send: `HANDLERS[action](charger, payload) -> answer`."""

from chargers.ocpp.v16 import core, firmware, security

HANDLERS = core.HANDLERS | firmware.HANDLERS | security.HANDLERS
