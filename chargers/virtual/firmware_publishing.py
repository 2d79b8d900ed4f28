"""Firmware for the neighbours, as a local controller has it (OCPP 2.0.1 L03, L04).

It only says so: nothing is downloaded, and nobody finds anything at the address that it tells.
"""

from chargers.virtual.firmware import DOWNLOAD_SECONDS

IDLE, PUBLISHED = "Idle", "Published"


class FirmwarePublishing:
    """What is published, by checksum, and what is on the way to it."""

    def __init__(self, point):
        self._point = point
        self._published, self._fetching = set(), {}
        self._latest = {"status": IDLE}

    def publish(self, checksum, request_id):
        """Fetch and publish a firmware, in place of the same that is on the way."""
        self._end(checksum)
        self._fetching[checksum] = self._point.spawn(self._run(checksum, request_id))

    def unpublish(self, checksum):
        """Offer it no longer: Unpublished, DownloadOngoing or NoFirmware."""
        if checksum in self._fetching:
            return "DownloadOngoing"
        if checksum not in self._published:
            return "NoFirmware"
        self._published.remove(checksum)
        self._latest = {"status": IDLE}
        return "Unpublished"

    def message(self):
        """Return the notification of where the latest stands."""
        return "PublishFirmwareStatusNotification", self._latest

    def lose_power(self):
        for checksum in list(self._fetching):
            self._end(checksum)
        self._latest = {"status": IDLE}

    def _end(self, checksum):
        if task := self._fetching.pop(checksum, None):
            task.cancel()

    async def _run(self, checksum, request_id):
        outcome = self._point.outcomes.take("publish")
        self._tell(request_id, "Downloading")
        await self._point.clock.live(DOWNLOAD_SECONDS)
        del self._fetching[checksum]
        if outcome == "DownloadFailed":
            return self._tell(request_id, outcome)
        self._tell(request_id, "Downloaded")
        if outcome == "InvalidChecksum":
            return self._tell(request_id, outcome)
        self._tell(request_id, "ChecksumVerified")
        if outcome == "PublishFailed":
            return self._tell(request_id, outcome)
        self._published.add(checksum)
        address = f"http://{self._point.identifier}.invalid/firmware/{checksum}"
        return self._tell(request_id, PUBLISHED, location=[address])

    def _tell(self, request_id, status, **more):
        self._latest = {"status": status, "requestId": request_id} | more
        self._point.delivery.put(*self.message())
