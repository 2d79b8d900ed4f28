"""New firmware for the virtual charge point (OCPP 1.6 section 6.19 and security whitepaper; 2.0.1 block L).

Theory of operation. One task at a time lives through one update, and tells of each step in the queue
of what must not get lost, so that the CSMS hears the whole story even if the network is away. Nothing
is downloaded: an address of a protocol in SupportedFileTransferProtocols counts as one that works, and
the version is the last number in it, else the old one with its last part raised.

    (DownloadScheduled) Downloading Downloaded (SignatureVerified) (InstallScheduled) Installing
    (InstallRebooting) Installed

What is in brackets OCPP 1.6 tells only of a SignedUpdateFirmware. From Downloaded to the end no driver
can begin; what charges may go on to its end, and the installation waits for that.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from chargers.virtual.transfer import protocol
from chargers.wire.validation import V16

DOWNLOAD_SECONDS = INSTALL_SECONDS = 10  # of life
IDLE = "Idle"
_DOWNLOAD = frozenset(["DownloadScheduled", "Downloading"])
_FIXED = frozenset(["Installing", "InstallRebooting"])
_PLAIN = frozenset(
    "Downloading Downloaded DownloadFailed Installing Installed InstallationFailed Idle".split()
)
# What the plain notification of OCPP 1.6 calls the rest, when it is asked for.
_NEAREST = {
    "DownloadScheduled": "Idle",
    "SignatureVerified": "Downloaded",
    "InstallScheduled": "Downloaded",
    "InstallRebooting": "Installing",
}
_EVENTS = {"InvalidSignature": "InvalidFirmwareSignature", "Installed": "FirmwareUpdated"}


@dataclass(frozen=True, slots=True)
class Update:
    """What was asked for; `request_id` is None for the plain UpdateFirmware of OCPP 1.6."""

    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    retries: int = 0
    retry_seconds: int = 0
    request_id: int | None = None
    is_signed: bool = False


class Failed(Exception):
    """The update ends here; the text is its last status."""


class Firmware:
    """The update that runs, if any."""

    def __init__(self, point):
        self._point = point
        self._task = self._update = None
        self._idle = asyncio.Event()
        self.status = IDLE

    def begin(self, update):
        """Begin an update: Accepted, AcceptedCanceled in place of one before, Rejected while one installs."""
        if self.status in _FIXED:
            return "Rejected"
        was_running = self._task is not None
        if was_running:
            self._task.cancel()
        self._update = update
        self._task = self._point.spawn(self._run(update))
        return "AcceptedCanceled" if was_running else "Accepted"

    def became_idle(self):
        """A transaction has ended."""
        self._idle.set()

    def lose_power(self):
        """The charge point restarts: unless that belongs to the update, it has failed."""
        if self._task is None or self.status == "InstallRebooting":
            return
        self._task.cancel()
        self._tell(self._update, "DownloadFailed" if self.status in _DOWNLOAD else "InstallationFailed")

    def message(self, *, is_plain=False):
        """Return the notification of where the update stands now, in plain OCPP 1.6's words if `is_plain`."""
        if is_plain:
            return "FirmwareStatusNotification", {"status": _NEAREST.get(self.status, self.status)}
        return self._message(self.status, self._update and self._update.request_id)

    async def _run(self, update):
        task = self._task
        try:
            await self._download(update)
            self._withdraw(True)
            await self._install(update)
        except Failed as failure:
            self._tell(update, str(failure))
        finally:
            if self._task is task:  # else another has taken over, and withdraws the connectors itself
                self._task = None
                self.status = IDLE
            self._withdraw(False)

    async def _download(self, update):
        outcome = self._outcome = self._point.outcomes.take("firmware")
        await self._until(update, update.retrieve_at, "DownloadScheduled")
        self._tell(update, "Downloading")
        works = outcome != "DownloadFailed" and self._can_fetch(update.location)
        for attempt in range(1 if works else 1 + update.retries):
            if attempt:
                await self._point.clock.sleep(update.retry_seconds)
            await self._point.clock.live(DOWNLOAD_SECONDS)
        if not works:
            raise Failed("DownloadFailed")
        self._tell(update, "Downloaded")
        if update.is_signed:
            if outcome == "InvalidSignature":
                raise Failed(outcome)
            self._tell(update, "SignatureVerified")

    async def _install(self, update):
        if update.install_at:
            await self._until(update, update.install_at, "InstallScheduled")
        await self._until_idle(update)
        self._tell(update, "Installing")
        await self._point.clock.live(INSTALL_SECONDS)
        if self._outcome in ("InstallVerificationFailed", "InstallationFailed"):
            is_known = update.request_id is not None
            raise Failed(self._outcome if is_known else "InstallationFailed")
        self._tell(update, "InstallRebooting")
        version = _version(update.location, self._point.identity["firmware_version"])
        self._point.identity["firmware_version"] = version
        self._point.configuration.learn("FirmwareVersion", version)
        await self._point.operations.reset("Reboot", "FirmwareUpdate")
        self._tell(update, "Installed")

    async def _until(self, update, moment, status):
        seconds = (moment - self._point.clock.now()).total_seconds()
        if seconds > 0:
            self._tell(update, status)
            await self._point.clock.sleep(seconds)

    async def _until_idle(self, update):
        if any(each.transaction for each in self._point.connectors.values()):
            self._tell(update, "InstallScheduled")
        while any(each.transaction for each in self._point.connectors.values()):
            self._idle.clear()
            await self._idle.wait()

    def _can_fetch(self, location):
        protocols = self._point.configuration.words("SupportedFileTransferProtocols")
        return protocol(location) in protocols

    def _withdraw(self, is_updating):
        for connector in self._point.connectors.values():
            connector.is_updating = is_updating
            if is_updating:
                self._point.charging.dismiss(connector)
        self._point.report()

    def _tell(self, update, status):
        """Keep the status, and tell of it in the version's words, where it has any."""
        self.status = status
        if event := _EVENTS.get(status):
            self._point.security.record(event)
        if update.request_id is not None:
            self._point.delivery.put(*self._message(status, update.request_id))
        elif status in _PLAIN:
            self._point.delivery.put("FirmwareStatusNotification", {"status": status})

    def _message(self, status, request_id):
        has_id = status != IDLE and request_id is not None
        payload = {"status": status} | ({"requestId": request_id} if has_id else {})
        is_16 = self._point.version == V16
        return "SignedFirmwareStatusNotification" if is_16 else "FirmwareStatusNotification", payload


def _version(location, before):
    """Return the version that an address names, else the one after `before`."""
    if named := re.findall(r"\d+(?:\.\d+)+", urlsplit(location).path):
        return named[-1][:50]
    head, dot, last = before.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdecimal() else f"{before}.1"[:50]
