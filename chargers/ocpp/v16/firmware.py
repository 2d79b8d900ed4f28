"""OCPP 1.6 Firmware Management profile, as sent by charge points."""

from chargers.services import notices


def firmware_status_notification(charger, payload):
    notices.firmware(charger, payload["status"], payload)
    return {}


def diagnostics_status_notification(charger, payload):
    notices.diagnostics(charger, payload["status"], payload)
    return {}


HANDLERS = {
    "DiagnosticsStatusNotification": diagnostics_status_notification,
    "FirmwareStatusNotification": firmware_status_notification,
    "SignedFirmwareStatusNotification": firmware_status_notification,
}
