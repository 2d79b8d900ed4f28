"""OCPP 2.0.1 functional blocks A, L, N and P: notices that are kept, and what vendors say."""

from chargers.services import data_transfer as transfers
from chargers.services import device_model, notices
from chargers.wire import v201_variables


def notify_event(charger, payload):
    notices.record(charger, "charger.event", payload)
    told = v201_variables.notified(payload)
    device_model.report(charger, told, source=device_model.Source.STATION, only_known=True)
    return {}


def security_event_notification(charger, payload):
    notices.record(charger, "charger.security_event", payload)
    return {}


def firmware_status_notification(charger, payload):
    notices.firmware(charger, payload["status"], payload)
    return {}


def log_status_notification(charger, payload):
    notices.diagnostics(charger, payload["status"], payload)
    return {}


def data_transfer(charger, payload):
    status, data = transfers.receive(charger, payload)
    return {"status": status} | ({} if data is None else {"data": data})


HANDLERS = {
    "DataTransfer": data_transfer,
    "FirmwareStatusNotification": firmware_status_notification,
    "LogStatusNotification": log_status_notification,
    "NotifyEvent": notify_event,
    "SecurityEventNotification": security_event_notification,
}
