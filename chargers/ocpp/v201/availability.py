"""OCPP 2.0.1 functional block G, Availability."""

from chargers import batch
from chargers.services import availability
from chargers.wire import clock, tolerance


def status_notification(charger, payload):
    at, time_flag = clock.read(payload.get("timestamp"), batch.now())
    availability.report(
        charger,
        evse_id=tolerance.index(payload["evseId"]),
        connector_id=tolerance.index(payload.get("connectorId")),
        status=payload["connectorStatus"],
        at=at,
        time_flag=time_flag,
    )
    return {}


HANDLERS = {"StatusNotification": status_notification}
