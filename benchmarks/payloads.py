"""What the simulated OCPP 1.6 chargers say: their CALLs, and fixed valid answers to ours."""

from datetime import UTC, datetime

BOOT = b'{"chargePointVendor":"Bench","chargePointModel":"Generator","firmwareVersion":"1.0"}'

POWER_W = 11040.0

# Every action that a central system may send, with an answer that the 1.6 schemas accept.
ANSWERS = {
    "CancelReservation": {"status": "Rejected"},
    "CertificateSigned": {"status": "Rejected"},
    "ChangeAvailability": {"status": "Accepted"},
    "ChangeConfiguration": {"status": "Accepted"},
    "ClearCache": {"status": "Accepted"},
    "ClearChargingProfile": {"status": "Accepted"},
    "DataTransfer": {"status": "Accepted"},
    "DeleteCertificate": {"status": "NotFound"},
    "ExtendedTriggerMessage": {"status": "Accepted"},
    "GetCompositeSchedule": {"status": "Rejected"},
    "GetConfiguration": {"configurationKey": [], "unknownKey": []},
    "GetDiagnostics": {},
    "GetInstalledCertificateIds": {"status": "NotFound"},
    "GetLocalListVersion": {"listVersion": 0},
    "GetLog": {"status": "Rejected"},
    "InstallCertificate": {"status": "Rejected"},
    "RemoteStartTransaction": {"status": "Rejected"},
    "RemoteStopTransaction": {"status": "Rejected"},
    "ReserveNow": {"status": "Rejected"},
    "Reset": {"status": "Accepted"},
    "SendLocalList": {"status": "Accepted"},
    "SetChargingProfile": {"status": "Accepted"},
    "SignedUpdateFirmware": {"status": "Rejected"},
    "TriggerMessage": {"status": "Accepted"},
    "UnlockConnector": {"status": "Unlocked"},
    "UpdateFirmware": {},
}

_SAMPLES = (
    ("Energy.Active.Import.Register", "Wh", None),
    ("Power.Active.Import", "W", None),
    ("Current.Import", "A", "L1"),
    ("Current.Import", "A", "L2"),
    ("Current.Import", "A", "L3"),
    ("Voltage", "V", "L1-N"),
    ("SoC", "Percent", None),
    ("Temperature", "Celsius", None),
)


def _sample(measurand, unit, phase):
    phase = f'"phase":"{phase}",' if phase else ""
    return (
        f'{{"value":"%s","context":"Sample.Periodic","format":"Raw","measurand":"{measurand}",'
        f'{phase}"location":"Outlet","unit":"{unit}"}}'
    )


_METER_VALUES = (
    '{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":['
    + ",".join(_sample(*sample) for sample in _SAMPLES)
    + "]}]}"
)


def now():
    """The time as chargers write it, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status(connector):
    """A StatusNotification of an available connector (0 is the charger itself)."""
    return (
        f'{{"connectorId":{connector},"errorCode":"NoError","status":"Available","timestamp":"{now()}"}}'
    ).encode()


def start(tag):
    """A StartTransaction on connector 1."""
    return (f'{{"connectorId":1,"idTag":"{tag}","meterStart":0,"timestamp":"{now()}"}}').encode()


def meter_values(transaction, seconds):
    """The MeterValues of a transaction after `seconds`: eight sampled values, about 1.1 kB.

    The register follows the power: a server may rightly doubt one that rises faster.
    """
    register = f"{POWER_W * seconds / 3600:.3f}"
    values = (register, f"{POWER_W}", "16.0", "15.9", "16.1", "230.4", int(seconds) % 100, "31.5")
    return (_METER_VALUES % (transaction, now(), *values)).encode()
