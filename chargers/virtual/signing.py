"""Asking the CSMS for a certificate, until it comes (OCPP 2.0.1 A02, OCPP 1.6 security whitepaper A02)."""

from chargers.virtual.certificates import STATION
from chargers.virtual.client import CallFailed
from chargers.wire.validation import V201


class Signing:
    """The requests that wait for their CertificateSigned, one for each kind of certificate."""

    def __init__(self, point):
        self._point = point
        self._asking = {}

    def begin(self, kind=STATION):
        """Ask for a certificate of `kind`, in place of a request that still waits."""
        self.end(kind)
        self._asking[kind] = self._point.spawn(self._ask(kind, self._point.certificates.request(kind)))

    def end(self, kind):
        """The certificate has come: ask no more."""
        if task := self._asking.pop(kind, None):
            task.cancel()

    async def _ask(self, kind, request):
        """Ask once, and then CertSigningRepeatTimes again, waiting twice as long each time."""
        settings = self._point.configuration
        payload = {"csr": request}
        if self._point.version == V201:
            payload["certificateType"] = kind
        wait = settings.number("CertSigningWaitMinimum")
        for _ in range(1 + settings.number("CertSigningRepeatTimes")):
            try:
                answer = await self._point.client.call("SignCertificate", payload)
            except CallFailed:
                answer = {}
            if answer.get("status") == "Rejected":
                return
            await self._point.clock.sleep(wait)
            wait *= 2
