"""Facts that chargers report and that need no more than being kept and told."""

from chargers import batch
from chargers.models import Charger
from chargers.wire import masking
from csms import events


def record(charger, kind, payload):
    """Keep what a charger notified, as an event of `kind` with the payload as it came but for its secrets."""
    events.record(kind, charger=charger, payload=masking.masked(payload))


def firmware(charger, status, payload):
    """Follow the firmware status."""
    charger.firmware_status = batch.fitted(Charger, firmware_status=status)["firmware_status"]
    batch.update(charger, "firmware_status")
    record(charger, "charger.firmware", payload)


def diagnostics(charger, status, payload):
    """Follow the status of a diagnostics or log upload."""
    charger.diagnostics_status = batch.fitted(Charger, diagnostics_status=status)["diagnostics_status"]
    batch.update(charger, "diagnostics_status")
    record(charger, "charger.diagnostics", payload)
