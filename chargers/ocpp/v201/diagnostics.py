"""OCPP 2.0.1 functional blocks A, L, N and P: notices that are kept and answered."""

from chargers.services import notices


def notify_event(charger, payload):
    notices.record(charger, "charger.event", payload)
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
    """Keep what vendors say to themselves; no vendor is registered yet."""
    notices.record(charger, "charger.data_transfer", payload)
    return {"status": "UnknownVendorId"}


HANDLERS = {
    "DataTransfer": data_transfer,
    "FirmwareStatusNotification": firmware_status_notification,
    "LogStatusNotification": log_status_notification,
    "NotifyEvent": notify_event,
    "SecurityEventNotification": security_event_notification,
}
