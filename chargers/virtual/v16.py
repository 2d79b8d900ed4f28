"""OCPP 1.6 in the virtual charge point's mouth: what it says. How it answers is in answers."""

from chargers.virtual.authorizing import INVALID, Verdict
from chargers.wire import clock

ERROR_CODES = frozenset(
    "ConnectorLockFailure EVCommunicationError GroundFailure HighTemperature InternalError LocalListConflict "
    "NoError OtherError OverCurrentFailure OverVoltage PowerMeterFailure PowerSwitchFailure ReaderFailure "
    "ResetFailure UnderVoltage WeakSignal".split()
)


# What is kept for the end of a transaction is read as often as what is sent.
KEPT_SAMPLED_INTERVAL, KEPT_ALIGNED_INTERVAL = "MeterValueSampleInterval", "ClockAlignedDataInterval"
IS_RESERVATION_LOST = False  # by a fault or by going out of service


def boot(identity, reason):
    return {
        "chargePointVendor": identity["vendor"],
        "chargePointModel": identity["model"],
        "chargePointSerialNumber": identity["serial_number"],
        "firmwareVersion": identity["firmware_version"],
    }


def statuses(point):
    """Return the status of the whole charge point (connector 0) and of every connector."""
    connectors = [message for each in point.connectors.values() for message in status(point, each)]
    return station(point) + connectors


def station(point):
    """Return the status of the whole charge point."""
    word, fault = seen_station(point)
    return [_notification(point, 0, word, fault)]


def status(point, connector):
    """Return the status of a connector."""
    return [_notification(point, connector.connector_id, connector.status, connector.fault)]


def seen(connector):
    """Return what the CSMS sees of a connector's status."""
    return connector.status, connector.fault


def seen_station(point):
    """Return what it sees of the whole charge point: Available, Unavailable or Faulted."""
    if point.fault:
        return "Faulted", point.fault
    is_operative = any(each.is_operative for each in point.connectors.values())
    return "Available" if is_operative else "Unavailable", ""


def error(point, connector, kind, message, origin):
    """Return the report of an error that is no fault, as EVerest words it."""
    texts = {"info": origin[:50], "vendorErrorCode": kind[:50], "vendorId": message[:255]}
    action, payload = _notification(point, connector.connector_id, connector.status, "OtherError")
    return [(action, payload | {name: text for name, text in texts.items() if text})]


def reservation_ended(reservation, why):
    """Nothing: 1.6 has no message for it, the StatusNotification tells."""
    return []


def _notification(point, number, word, fault):
    payload = {
        "connectorId": number,
        "errorCode": fault if fault in ERROR_CODES else "OtherError" if fault else "NoError",
        "status": word,
        "timestamp": clock.text(point.clock.now()),
    }
    if fault and fault not in ERROR_CODES:
        payload |= {"info": fault[:50], "vendorErrorCode": fault[:50]}
    return "StatusNotification", payload


def authorize(token, token_type):
    return {"idTag": token}


def verdict(answer):
    """Return what an answer says of the token it is about."""
    return _verdict(answer.get("idTagInfo") or {})


def _verdict(info):
    expires_at = clock.moment(info.get("expiryDate"))
    return Verdict(info.get("status", INVALID), info.get("parentIdTag", ""), expires_at)


def local_entries(payload):
    """Return the (token, Verdict or None) of a SendLocalList."""
    entries = payload.get("localAuthorizationList") or []
    return [(each["idTag"], _verdict(each["idTagInfo"]) if "idTagInfo" in each else None) for each in entries]


def transaction_id(transaction):
    return transaction.number


def started(point, transaction, readout, trigger):
    payload = {
        "connectorId": transaction.connector_id,
        "idTag": transaction.token,
        "meterStart": readout.register_wh,
        "timestamp": clock.text(readout.at),
    }
    if names := point.configuration.words("StopTxnSampledData"):
        transaction.kept.append(meter_value(readout, names, "Transaction.Begin"))
    reserved = {} if transaction.reservation_id is None else {"reservationId": transaction.reservation_id}
    return "StartTransaction", payload | reserved


def state_changed(point, transaction, readout):
    """Nothing: in 1.6 the StatusNotification tells."""


def sampled(point, transaction, readout, context):
    names = point.configuration.words("MeterValuesSampledData")
    return "MeterValues", {
        "connectorId": transaction.connector_id,
        "transactionId": None,  # filled in by the delivery
        "meterValue": [meter_value(readout, names, context)],
    }


def aligned(point, connector, readout, names):
    """Return a reading that is aligned with the clock, in a transaction or out of it."""
    payload = {"connectorId": connector.connector_id}
    if connector.transaction:
        payload["transactionId"] = None  # filled in by the delivery
    return "MeterValues", payload | {"meterValue": [meter_value(readout, names, "Sample.Clock")]}


def ended(point, transaction, readout, token):
    payload = {
        "transactionId": None,
        "meterStop": readout.register_wh,
        "timestamp": clock.text(readout.at),
        "reason": "Local" if transaction.reason == "MasterPass" else transaction.reason,
    }
    kept = list(transaction.kept)
    if names := point.configuration.words("StopTxnSampledData"):
        kept.append(meter_value(readout, names, "Transaction.End"))
    if kept:
        payload["transactionData"] = kept
    return "StopTransaction", payload | ({"idTag": token} if token else {})


def learn(transaction, action, payload, answer):
    """Take in an answer about a transaction; return (token, what it says of that), or None."""
    if action == "StartTransaction":
        transaction.number = answer["transactionId"]
    token = payload.get("idTag")
    return (token, verdict(answer)) if token and "idTagInfo" in answer else None


def meter_value(readout, names, context):
    """Return a MeterValue with the measurands of these names."""
    values = [
        {"value": value, "context": context, "measurand": name, "unit": unit} | extra
        for name, value, unit, extra in _samples(readout)
        if name in names
    ]
    return {"timestamp": clock.text(readout.at), "sampledValue": values}


def _samples(readout):
    yield "Energy.Active.Import.Register", str(readout.register_wh), "Wh", {}
    yield "Power.Active.Import", f"{readout.power_w:.0f}", "W", {}
    phases = [f"L{number}" for number in range(1, readout.phases + 1)]
    for phase in phases or [""]:
        yield "Current.Import", f"{readout.amps:.2f}", "A", {"phase": phase} if phase else {}
    for phase in phases or [""]:
        yield "Voltage", f"{readout.volts:.1f}", "V", {"phase": f"{phase}-N"} if phase else {}
    if readout.soc is not None:
        yield "SoC", f"{readout.soc:.0f}", "Percent", {"location": "EV"}
