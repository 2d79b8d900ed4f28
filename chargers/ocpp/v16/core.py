"""OCPP 1.6 Core profile, as sent by charge points (specification section 4)."""

import orjson
from ocpp.v16.enums import ChargePointErrorCode

from chargers import batch
from chargers.models import Protocol
from chargers.services import authorizing, availability, metering, registration, smart_charging, transactions
from chargers.services import data_transfer as transfers
from chargers.wire import clock, tolerance

_ERROR_CODES = frozenset(ChargePointErrorCode)


def boot_notification(charger, payload):
    status, interval = registration.boot(
        charger,
        vendor=payload.get("chargePointVendor") or "",
        model=payload.get("chargePointModel") or "",
        serial_number=payload.get("chargePointSerialNumber") or "",
        charge_box_serial_number=payload.get("chargeBoxSerialNumber") or "",
        firmware_version=payload.get("firmwareVersion") or "",
        iccid=payload.get("iccid") or "",
        imsi=payload.get("imsi") or "",
        meter_type=payload.get("meterType") or "",
        meter_serial_number=payload.get("meterSerialNumber") or "",
    )
    return {"currentTime": clock.text(batch.now()), "interval": interval, "status": status}


def heartbeat(charger, payload):
    return {"currentTime": clock.text(batch.now())}


def status_notification(charger, payload):
    at, time_flag = clock.read(payload.get("timestamp"), batch.now())
    connector_id = tolerance.index(payload["connectorId"])
    error_code, info = _error(payload)
    connector = availability.report(
        charger,
        evse_id=0,
        connector_id=connector_id,
        status=payload["status"],
        at=at,
        time_flag=time_flag,
        error_code=error_code,
        info=info,
        vendor_id=payload.get("vendorId") or "",
        vendor_error_code=payload.get("vendorErrorCode") or "",
    )
    transaction = transactions.running_on(charger, 0, connector_id)
    if transaction is not None:
        transactions.change_state(charger, transaction, availability.charging_state(connector.status))
    return {}


def _error(payload):
    """Return (error code, info); a code that the standard does not know is OtherError and begins the info."""
    code, info = payload.get("errorCode") or "NoError", payload.get("info") or ""
    return (code, info) if code in _ERROR_CODES else ("OtherError", f"{code} {info}".strip())


def authorize(charger, payload):
    return {"idTagInfo": _id_tag_info(authorizing.check(charger, payload["idTag"], now=batch.now()))}


def _id_tag_info(verdict):
    info = {"status": verdict.status}
    if verdict.expiry_date:
        info["expiryDate"] = clock.text(verdict.expiry_date)
    if verdict.parent_token:
        info["parentIdTag"] = verdict.parent_token[:20]
    return info


def start_transaction(charger, payload):
    at, oddity = clock.read(payload.get("timestamp"), batch.now())
    content = {
        "connector_id": tolerance.index(payload.get("connectorId")),
        "id_token": payload.get("idTag") or "",
        "reported_start": payload.get("timestamp") or "",
        "meter_wh": payload.get("meterStart"),
    }
    transaction = transactions.repeated_start(charger, is_clock_sane=not oddity, **content)
    if transaction is None:
        transaction = _start(charger, payload, content, at)
        if oddity:
            metering.flag(transaction, f"start time {oddity}")
            batch.update(transaction, "flags")
    # A repeat hears what the first one heard: asking again could find itself concurrent.
    verdict = authorizing.Verdict(transaction.authorization_status, transaction.authorization)
    return {"transactionId": transaction.pk, "idTagInfo": _id_tag_info(verdict)}


def _start(charger, payload, content, at):
    verdict = authorizing.check(charger, content["id_token"], now=batch.now(), for_start=True)
    transaction = transactions.start(
        charger,
        protocol=Protocol.OCPP16,
        evse_id=0,
        at=at,
        verdict=verdict,
        is_refused=not verdict.is_accepted,
        reservation_id=payload.get("reservationId"),
        **content,
    )
    if not transaction.is_refused:
        smart_charging.transaction_started(charger, transaction)
    return transaction


def stop_transaction(charger, payload):
    at, oddity = clock.read(payload.get("timestamp"), batch.now())
    number = payload.get("transactionId")
    transaction = transactions.numbered(charger, number) or _stopped(charger, payload, at, oddity)
    if transaction is None:
        _keep_stop(charger, None, payload, tolerance.index(payload.get("connectorId")))
    elif not transactions.has_ended(transaction):
        _stop(charger, transaction, payload, at, oddity)
    elif not _is_same_stop(transaction, payload, at):
        _keep_stop(charger, transaction, payload, transaction.connector_id)
    return _stop_answer(charger, payload)


def _stop(charger, transaction, payload, at, oddity):
    data = payload.get("transactionData") or []
    metering.record(charger, data, evse_id=0, connector_id=transaction.connector_id, transaction=transaction)
    if oddity:
        metering.flag(transaction, f"stop time {oddity}")
    transactions.stop(
        charger,
        transaction,
        at=at,
        meter_wh=payload.get("meterStop"),
        reason=payload.get("reason") or "Local",
        id_token=payload.get("idTag") or "",
    )


def _keep_stop(charger, transaction, payload, connector_id):
    """Keep a stop that ends nothing; what it says of the meter belongs to the connector."""
    data = payload.get("transactionData") or []
    metering.record(charger, data, evse_id=0, connector_id=connector_id, is_live=False)
    transactions.park_stop(charger, transaction, payload, reported_id=payload.get("transactionId"))


def _stopped(charger, payload, at, oddity):
    """Return the running transaction that a stop with an unknown number can only mean, or None.

    Chargers that were offline stop with 0, -1 or a number of their own (spec/field-behaviour no. 13).
    """
    transaction = transactions.meant_by_stop(
        charger,
        # A clock that is wrong tells nothing of the order.
        at=None if oddity else at,
        connector_id=tolerance.index(payload.get("connectorId")),
        id_token=payload.get("idTag") or "",
        meter_wh=payload.get("meterStop"),
        is_made_up=not tolerance.index(payload.get("transactionId")),
    )
    if transaction is not None:
        metering.flag(transaction, "stopped by an unknown number")
    return transaction


def _is_same_stop(transaction, payload, at):
    return transaction.end_wh == payload.get("meterStop") and transaction.ended_at == max(
        at, transaction.started_at
    )


def _stop_answer(charger, payload):
    if id_tag := payload.get("idTag"):
        return {"idTagInfo": _id_tag_info(authorizing.check(charger, id_tag, now=batch.now()))}
    return {}


def meter_values(charger, payload):
    connector_id = tolerance.index(payload.get("connectorId"))
    values = payload.get("meterValue") or []
    transaction = _metered(charger, connector_id, payload.get("transactionId"), values)
    metering.record(charger, values, evse_id=0, connector_id=connector_id, transaction=transaction)
    return {}


def _metered(charger, connector_id, number, values):
    """Return the transaction that the values belong to.

    Many chargers leave the number out though they charge; others go on naming one that has
    ended, which is not reopened.
    """
    named = transactions.numbered(charger, number) if number is not None else None
    if named is not None and named.ended_at is None:
        return named
    running = transactions.running_on(charger, 0, connector_id)
    if running is None or number is not None:
        return None
    first, _ = clock.read(values[0].get("timestamp") if values else None, batch.now())
    return running if first >= running.started_at else None


def data_transfer(charger, payload):
    status, data = transfers.receive(charger, payload)
    if data is not None and not isinstance(data, str):
        data = orjson.dumps(data).decode()  # in this version data is text
    return {"status": status} | ({} if data is None else {"data": data})


HANDLERS = {
    "Authorize": authorize,
    "BootNotification": boot_notification,
    "DataTransfer": data_transfer,
    "Heartbeat": heartbeat,
    "MeterValues": meter_values,
    "StartTransaction": start_transaction,
    "StatusNotification": status_notification,
    "StopTransaction": stop_transaction,
}
