"""The security log: what happened that a guard should know (OCPP 2.0.1 block A04)."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from chargers.wire import clock

LOG_LENGTH = 1000
_LONGEST_TYPE, _LONGEST_INFO = 50, 255
# OCPP 2.0.1 part 2 appendix 1; what is not in its list counts as critical.
_NOT_CRITICAL = frozenset(
    "FailedToAuthenticateAtCsms CsmsFailedToAuthenticate ReconfigurationOfSecurityParameters InvalidMessages "
    "AttemptedReplayAttacks InvalidFirmwareSignature InvalidFirmwareSigningCertificate "
    "InvalidCsmsCertificate InvalidChargingStationCertificate InvalidTLSVersion InvalidTLSCipherSuite".split()
)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One entry of the log."""

    at: datetime
    type: str
    info: str

    @property
    def is_critical(self):
        return self.type not in _NOT_CRITICAL

    def line(self):
        return f"{clock.text(self.at)} {self.type} {self.info}".rstrip()


class SecurityLog:
    """Keeps the last events, and has each delivered to the CSMS for certain."""

    def __init__(self, point):
        self._point = point
        self.events = deque(maxlen=LOG_LENGTH)

    def record(self, kind, info=""):
        """Something happened: keep it, publish it, and tell the CSMS unless that is switched off."""
        point = self._point
        event = SecurityEvent(point.clock.now(), kind[:_LONGEST_TYPE], info[:_LONGEST_INFO])
        self.events.append(event)
        at = clock.text(event.at)
        told = {"type": event.type, "info": event.info, "critical": event.is_critical, "timestamp": at}
        point.publish("security_event", told)
        if not point.configuration.is_true("DisableSecurityEventNotifications"):
            payload = {"type": event.type, "timestamp": at}
            info = {"techInfo": event.info} if event.info else {}
            point.delivery.put("SecurityEventNotification", payload | info)
