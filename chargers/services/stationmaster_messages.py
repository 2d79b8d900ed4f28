"""Messages of our own vendor id, for charge points that want to know whether and when they are heard."""

from chargers import batch
from chargers.services import data_transfer
from chargers.wire import clock

VENDOR = "org.stationmaster"


@data_transfer.vendor(VENDOR, "Ping")
def ping(charger, data):
    """Answer with what came: all of the way is alive, to the database and back."""
    return data_transfer.Status.ACCEPTED, data


@data_transfer.vendor(VENDOR, "Time")
def time(charger, data):
    """Answer with our time, for a charge point that must not wait for its next heartbeat."""
    return data_transfer.Status.ACCEPTED, clock.text(batch.now())
