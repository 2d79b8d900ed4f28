"""OCPP 2.0.1 requests to a charging station: (action, payload) for each thing one can ask of it.

And which connector a message from one is about.
"""

from chargers.wire import tolerance


def start(id_token, *, evse_id=None, connector_id=None, remote_start_id):
    payload = {"idToken": {"idToken": id_token, "type": "Central"}, "remoteStartId": remote_start_id}
    return "RequestStartTransaction", payload | ({"evseId": evse_id} if evse_id else {})


def stop(transaction_id):
    return "RequestStopTransaction", {"transactionId": transaction_id}


def unlock(*, evse_id, connector_id):
    return "UnlockConnector", {"evseId": evse_id, "connectorId": connector_id}


def reset(*, hard):
    return "Reset", {"type": "Immediate" if hard else "OnIdle"}


def trigger(message, *, evse_id=None, connector_id=None):
    payload = {"requestedMessage": message}
    return "TriggerMessage", payload | _evse(evse_id, connector_id)


def availability(operative, *, evse_id=None, connector_id=None):
    payload = {"operationalStatus": "Operative" if operative else "Inoperative"}
    return "ChangeAvailability", payload | _evse(evse_id, connector_id)


def _evse(evse_id, connector_id):
    if not evse_id:
        return {}
    return {"evse": {"id": evse_id} | ({"connectorId": connector_id} if connector_id else {})}


def place(payload):
    """Return (EVSE, connector) that a message is about; (0, 0) where it is about the whole station."""
    evse = payload.get("evse")
    if isinstance(evse, dict):
        return tolerance.index(evse.get("id")), tolerance.index(evse.get("connectorId"))
    return tolerance.index(payload.get("evseId")), tolerance.index(payload.get("connectorId"))


TRIGGERS = (
    "BootNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "PublishFirmwareStatusNotification",
    "SignChargingStationCertificate",
    "SignCombinedCertificate",
    "SignV2GCertificate",
    "StatusNotification",
    "TransactionEvent",
)
