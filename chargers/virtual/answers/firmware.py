"""New firmware (OCPP 1.6 section 6.19 and its security whitepaper section 3; 2.0.1 block L)."""

from chargers.virtual.answers.answering import accepted, moment, refused, retries
from chargers.virtual.certificates import NotACertificate, read_chain
from chargers.virtual.firmware import Update


def _update_16(point, payload):
    """The answer of 1.6 has no status: what cannot be done is left undone."""
    update = Update(payload["location"], moment(payload["retrieveDate"]), **retries(payload))
    point.firmware.begin(update)
    return {}


def _update_signed(point, payload, is_explained=False):
    firmware = payload["firmware"]
    certificate = firmware.get("signingCertificate")
    if problem := _problem(point, certificate):
        point.security.record("InvalidFirmwareSigningCertificate", problem)
        return refused("InvalidCertificate", "InvalidCertificate", problem if is_explained else None)
    install = firmware.get("installDateTime")
    update = Update(
        firmware["location"],
        moment(firmware["retrieveDateTime"]),
        moment(install) if install else None,
        request_id=payload["requestId"],
        is_signed=certificate is not None,
        **retries(payload),
    )
    return {"status": point.firmware.begin(update)}


def _update_201(point, payload):
    return _update_signed(point, payload, True)


def _problem(point, certificate):
    """Return what is wrong with a signing certificate, "" when nothing is or none was given."""
    try:
        if certificate is not None:
            read_chain(certificate, point.clock.now())
    except NotACertificate as problem:
        return str(problem)
    return ""


def _publish(point, payload):
    point.firmware_publishing.publish(payload["checksum"], payload["requestId"])
    return accepted(True)


def _unpublish(point, payload):
    return {"status": point.firmware_publishing.unpublish(payload["checksum"])}


# What TriggerMessage may ask for ----------------------------------------------------------------


def _tell_plain_status(point, *_):
    point.tell_soon(*point.firmware.message(is_plain=True), is_triggered=True)


def _tell_status(point, *_):
    point.tell_soon(*point.firmware.message(), is_triggered=True)


def _tell_publishing(point, *_):
    point.tell_soon(*point.firmware_publishing.message(), is_triggered=True)


TRIGGERS_16 = {"FirmwareStatusNotification": _tell_plain_status}
EXTENDED_TRIGGERS = {"FirmwareStatusNotification": _tell_status}
TRIGGERS_201 = {
    "FirmwareStatusNotification": _tell_status,
    "PublishFirmwareStatusNotification": _tell_publishing,
}

HANDLERS_16 = {
    "SignedUpdateFirmware": _update_signed,
    "UpdateFirmware": _update_16,
}
HANDLERS_201 = {
    "PublishFirmware": _publish,
    "UnpublishFirmware": _unpublish,
    "UpdateFirmware": _update_201,
}
