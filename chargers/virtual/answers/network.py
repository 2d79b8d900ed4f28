"""Ways to the CSMS (OCPP 2.0.1 B09): kept, but this point is told its address from outside."""

from chargers.virtual.answers.answering import accepted, refused

SLOTS = range(1, 4)


def _set_network_profile(point, payload):
    slot, data = payload["configurationSlot"], payload["connectionData"]
    if slot not in SLOTS:
        return refused("Rejected", "InvalidConfSlot", f"there are {SLOTS[0]} to {SLOTS[-1]}")
    if (data["ocppVersion"], data["ocppTransport"]) != ("OCPP20", "JSON"):
        return refused("Rejected", "UnsupportedParam", "only OCPP 2.0 over JSON")
    if not data["ocppCsmsUrl"].startswith(("ws://", "wss://")):
        return refused("Rejected", "InvalidURL", "it must begin with ws:// or wss://")
    if data["securityProfile"] < point.configuration.number("SecurityProfile"):
        return refused("Rejected", "NoSecurityDowngrade", "security profiles only go up")
    point.network_profiles[slot] = data
    return accepted(True)


HANDLERS_16 = {}
HANDLERS_201 = {
    "SetNetworkProfile": _set_network_profile,
}
