"""Certificates (OCPP 1.6 security whitepaper sections 4 and 5; OCPP 2.0.1 blocks A and M)."""

from chargers.virtual.answers.answering import accepted, refused
from chargers.virtual.certificates import CSMS_ROOT, STATION, V2G, V2G_CHAIN, NotACertificate

# OCPP 1.6 has another name for the root of what it calls a Central System.
_CENTRAL = "CentralSystemRootCertificate"


def _neutral(kind):
    return CSMS_ROOT if kind == _CENTRAL else kind


def _install(point, payload, is_explained):
    kind = _neutral(payload["certificateType"])
    try:
        point.certificates.install(kind, payload["certificate"])
    except NotACertificate as problem:
        return refused("Rejected", "InvalidCertificate", str(problem) if is_explained else None)
    return accepted(True)


def _install_16(point, payload):
    return _install(point, payload, False)


def _install_201(point, payload):
    return _install(point, payload, True)


def _delete(point, payload):
    """The station's own certificate cannot be deleted (M04.FR.06)."""
    entry = point.certificates.find(payload["certificateHashData"])
    if entry is None:
        return {"status": "NotFound"}
    if entry.kind == STATION:
        return {"status": "Failed"}
    point.certificates.remove(entry)
    return accepted(True)


def _installed_16(point, payload):
    wanted = {_neutral(payload["certificateType"])}
    found = [entry for entry in point.certificates.entries if entry.kind in wanted]
    if not found:
        return {"status": "NotFound"}
    hashed = [point.certificates.hashed(entry.chain)[0] for entry in found]
    return accepted(True) | {"certificateHashData": hashed}


def _installed_201(point, payload):
    wanted = payload.get("certificateType")
    found = [each for each in point.certificates.entries if each.kind != STATION and each.is_in(wanted)]
    if not found:
        return {"status": "NotFound"}
    return accepted(True) | {"certificateHashDataChain": [_chained(point, each) for each in found]}


def _chained(point, entry):
    leaf, *rest = point.certificates.hashed(entry.chain)
    told = {"certificateType": entry.kind, "certificateHashData": leaf}
    return told | ({"childCertificateHashData": rest[:4]} if rest and entry.kind == V2G_CHAIN else {})


def _signed_16(point, payload):
    return _take_signed(point, STATION, payload["certificateChain"], "InvalidChargePointCertificate")[0]


def _signed_201(point, payload):
    kind = payload.get("certificateType", STATION)
    answer, problem = _take_signed(
        point, kind, payload["certificateChain"], "InvalidChargingStationCertificate"
    )
    return refused("Rejected", "InvalidCertificate", problem) if problem else answer


def _take_signed(point, kind, text, event):
    """Return (answer, why not)."""
    try:
        point.certificates.take_signed(kind, text)
    except NotACertificate as problem:
        point.security.record(event, str(problem))
        return accepted(False), str(problem)
    point.signing.end(kind)
    return accepted(True), ""


# What TriggerMessage and ExtendedTriggerMessage may ask for ------------------------------------


def _sign_station(point, *_):
    point.signing.begin(STATION)


def _sign_v2g(point, *_):
    if not point.configuration.is_true("ISO15118PnCEnabled"):
        return False
    point.signing.begin(V2G)
    return True


EXTENDED_TRIGGERS = {"SignChargePointCertificate": _sign_station}
TRIGGERS_201 = {"SignChargingStationCertificate": _sign_station, "SignV2GCertificate": _sign_v2g}

HANDLERS_16 = {
    "CertificateSigned": _signed_16,
    "DeleteCertificate": _delete,
    "GetInstalledCertificateIds": _installed_16,
    "InstallCertificate": _install_16,
}
HANDLERS_201 = {
    "CertificateSigned": _signed_201,
    "DeleteCertificate": _delete,
    "GetInstalledCertificateIds": _installed_201,
    "InstallCertificate": _install_201,
}
