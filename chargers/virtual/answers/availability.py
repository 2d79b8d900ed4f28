"""In and out of service (OCPP 1.6 section 5.2; 2.0.1 block G)."""

from chargers.virtual.answers.answering import accepted, chosen, numbered


def _change_16(point, payload):
    connectors = numbered(point, payload["connectorId"])
    if not connectors:
        return accepted(False)
    return {"status": point.operations.change_availability(connectors, payload["type"] == "Operative")}


def _change_201(point, payload):
    connectors = chosen(point, payload.get("evse"))
    if not connectors:
        return accepted(False)
    return {
        "status": point.operations.change_availability(
            connectors, payload["operationalStatus"] == "Operative"
        )
    }


HANDLERS_16 = {
    "ChangeAvailability": _change_16,
}
HANDLERS_201 = {
    "ChangeAvailability": _change_201,
}
