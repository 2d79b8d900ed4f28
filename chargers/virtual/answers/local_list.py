"""The local list of tokens (OCPP 1.6 sections 5.10 and 5.15; 2.0.1 block D)."""


def _version_16(point, payload):
    return {"listVersion": point.local_list.version if point.local_list.is_enabled else -1}


def _version_201(point, payload):
    return {"versionNumber": point.local_list.version if point.local_list.is_enabled else 0}


def _send_16(point, payload):
    if not point.local_list.is_enabled:
        return {"status": "NotSupported"}
    return _sent(point, payload, payload["listVersion"])


def _send_201(point, payload):
    if not point.local_list.is_enabled:
        return {"status": "Failed", "statusInfo": {"reasonCode": "NotEnabled"}}
    return _sent(point, payload, payload["versionNumber"])


def _sent(point, payload, version):
    entries = point.words.local_entries(payload)
    if payload["updateType"] == "Full":
        return {"status": point.local_list.replace(version, entries)}
    return {"status": point.local_list.update(version, entries)}


HANDLERS_16 = {
    "GetLocalListVersion": _version_16,
    "SendLocalList": _send_16,
}
HANDLERS_201 = {
    "GetLocalListVersion": _version_201,
    "SendLocalList": _send_201,
}
