"""Logs that the CSMS fetches (OCPP 1.6 section 6.24 and its security whitepaper section 4; 2.0.1 N01).

Theory of operation. One upload at a time: it tells Uploading, and in the end Uploaded or what went
wrong. A later request takes the place of one that runs. The file is real; it leaves the house only
through `transfer`, where whoever built the charge point gave one, since a CSMS could name any address.
"""

from dataclasses import dataclass, field

import orjson

from chargers.virtual.transfer import protocol
from chargers.wire import clock
from chargers.wire.validation import V16, V201

UPLOAD_SECONDS = 5  # of life
IDLE, UPLOADING, UPLOADED, FAILED = "Idle", "Uploading", "Uploaded", "UploadFailure"


@dataclass(frozen=True, slots=True)
class Upload:
    """What was asked for; `request_id` is None for the GetDiagnostics of OCPP 1.6."""

    location: str
    kind: str = "DiagnosticsLog"
    since: object = None
    until: object = None
    retries: int = 0
    retry_seconds: int = 0
    request_id: int | None = None
    name: str = field(default="", kw_only=True)


class Logs:
    """The upload that runs, if any."""

    def __init__(self, point, transfer=None):
        self._point, self._transfer = point, transfer
        self._task = self._upload = None
        self.status = IDLE

    def name(self, kind):
        """Return a name for a file of that kind, from now."""
        at = self._point.clock.now().strftime("%Y%m%dT%H%M%SZ")
        return f"{kind}-{at}.txt"

    def begin(self, upload):
        """Begin an upload: Accepted, or AcceptedCanceled in place of one before."""
        was_running = self._task is not None
        if was_running:
            self._task.cancel()
            if self._point.version == V201:
                self._tell(self._upload, "AcceptedCanceled")
        self._upload = upload
        self._task = self._point.spawn(self._run(upload))
        return "AcceptedCanceled" if was_running else "Accepted"

    def lose_power(self):
        """The charge point restarts: what was being uploaded is not any more."""
        if self._task is not None:
            self._task.cancel()
            self._tell(self._upload, FAILED)

    def message(self, *, is_plain=False):
        """Return the notification of where the upload stands now, in GetDiagnostics' words if `is_plain`."""
        request_id = self._upload and self._upload.request_id
        return _message(self.status, None if is_plain else request_id, is_plain=is_plain)

    def content(self, kind, since=None, until=None):
        """Return the lines of a log within a time; the diagnostics tell only of now."""
        if kind == "SecurityLog":
            within = [
                each
                for each in self._point.security.events
                if (since is None or each.at >= since) and (until is None or each.at <= until)
            ]
            return [each.line() for each in within]
        settings = {each.name: self._point.configuration.shown(each) for each in self._settings()}
        told = {"at": clock.text(self._point.clock.now()), "identity": self._point.identity}
        return [orjson.dumps(told | {"configuration": settings}).decode()]

    def _settings(self):
        settings = self._point.configuration
        return settings.keys if self._point.version == V16 else settings.variables

    async def _run(self, upload):
        task = self._task
        outcome = self._point.outcomes.take("log")
        try:
            self._tell(upload, UPLOADING)
            for attempt in range(1 + upload.retries):
                if attempt:
                    await self._point.clock.sleep(upload.retry_seconds)
                status = await self._attempt(upload, outcome)
                if status == UPLOADED:
                    break
            self._tell(upload, status)
        finally:
            if self._task is task:
                self._task, self.status = None, IDLE

    async def _attempt(self, upload, outcome):
        await self._point.clock.live(UPLOAD_SECONDS)
        protocols = self._point.configuration.words("SupportedFileTransferProtocols")
        if outcome or protocol(upload.location) not in protocols:
            return outcome or "NotSupportedOperation"
        if self._transfer is None:
            return UPLOADED
        lines = self.content(upload.kind, upload.since, upload.until)
        worked = await self._transfer(upload.location, upload.name, "\n".join(lines).encode())
        return UPLOADED if worked else FAILED

    def _tell(self, upload, status):
        self.status = status
        is_plain = upload.request_id is None
        action, payload = _message(status, upload.request_id, is_plain=is_plain)
        self._point.tell_soon(action, payload)


def _message(status, request_id, *, is_plain):
    if is_plain:
        word = status if status in (IDLE, UPLOADING, UPLOADED) else "UploadFailed"
        return "DiagnosticsStatusNotification", {"status": word}
    has_id = status != IDLE and request_id is not None
    return "LogStatusNotification", {"status": status} | ({"requestId": request_id} if has_id else {})
