"""OCPP 2.0.1 functional block B, Provisioning: boot, heartbeat and the device model."""

from chargers import batch
from chargers.services import device_model, notices, registration
from chargers.wire import clock


def boot_notification(charger, payload):
    station = payload.get("chargingStation") or {}
    modem = station.get("modem") or {}
    status, interval = registration.boot(
        charger,
        vendor=station.get("vendorName") or "",
        model=station.get("model") or "",
        serial_number=station.get("serialNumber") or "",
        firmware_version=station.get("firmwareVersion") or "",
        iccid=modem.get("iccid") or "",
        imsi=modem.get("imsi") or "",
    )
    return {"currentTime": clock.text(batch.now()), "interval": interval, "status": status}


def heartbeat(charger, payload):
    return {"currentTime": clock.text(batch.now())}


def notify_report(charger, payload):
    """Store the variables of one part; parts may be missing or come in any order."""
    device_model.take_report(charger, payload)
    if not payload.get("tbc"):
        notices.record(charger, "charger.report_ended", {"requestId": payload.get("requestId")})
    return {}


HANDLERS = {
    "BootNotification": boot_notification,
    "Heartbeat": heartbeat,
    "NotifyReport": notify_report,
}
