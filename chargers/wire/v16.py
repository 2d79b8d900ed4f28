"""OCPP 1.6 requests to a charge point: (action, payload) for each thing one can ask of it.

And which connector a message from one is about.
"""

from chargers.wire import tolerance


def start(id_token, *, evse_id=0, connector_id=None, remote_start_id=None):
    payload = {"idTag": id_token}
    return "RemoteStartTransaction", payload | ({"connectorId": connector_id} if connector_id else {})


def stop(transaction_id):
    return "RemoteStopTransaction", {"transactionId": int(transaction_id)}


def unlock(*, evse_id=0, connector_id):
    return "UnlockConnector", {"connectorId": connector_id}


def reset(*, hard):
    return "Reset", {"type": "Hard" if hard else "Soft"}


def trigger(message, *, evse_id=0, connector_id=None):
    payload = {"requestedMessage": message}
    return "TriggerMessage", payload | ({"connectorId": connector_id} if connector_id else {})


def availability(operative, *, evse_id=0, connector_id=0):
    return "ChangeAvailability", {
        "connectorId": connector_id or 0,
        "type": "Operative" if operative else "Inoperative",
    }


def place(payload):
    """Return (EVSE, connector) that a message is about; (0, 0) where it is about the whole charger."""
    return 0, tolerance.index(payload.get("connectorId"))


TRIGGERS = (
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
)
