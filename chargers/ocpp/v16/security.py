"""OCPP 1.6 security whitepaper, as sent by charge points."""

from chargers.services import notices


def security_event_notification(charger, payload):
    notices.record(charger, "charger.security_event", payload)
    return {}


def log_status_notification(charger, payload):
    notices.diagnostics(charger, payload["status"], payload)
    return {}


HANDLERS = {
    "LogStatusNotification": log_status_notification,
    "SecurityEventNotification": security_event_notification,
}
