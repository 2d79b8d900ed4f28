"""OCPP 1.6 in the virtual charge point's mouth: what it says. How it answers is in answers16."""

from chargers.virtual.authorizing import INVALID, Verdict
from chargers.wire import clock

ERROR_CODES = frozenset(
    "ConnectorLockFailure EVCommunicationError GroundFailure HighTemperature InternalError LocalListConflict "
    "NoError OtherError OverCurrentFailure OverVoltage PowerMeterFailure PowerSwitchFailure ReaderFailure "
    "ResetFailure UnderVoltage WeakSignal".split()
)


def boot(identity, reason):
    return {
        "chargePointVendor": identity["vendor"],
        "chargePointModel": identity["model"],
        "chargePointSerialNumber": identity["serial_number"],
        "firmwareVersion": identity["firmware_version"],
    }


def statuses(point):
    """Return the status of the whole charge point (connector 0) and of every connector."""
    operative = any(each.is_operative for each in point.connectors.values())
    station = {
        "connectorId": 0,
        "errorCode": "NoError",
        "status": "Available" if operative else "Unavailable",
    }
    messages = [("StatusNotification", station | {"timestamp": clock.text(point.clock.now())})]
    return messages + [message for each in point.connectors.values() for message in status(point, each)]


def status(point, connector):
    fault = connector.fault
    payload = {
        "connectorId": connector.connector_id,
        "errorCode": fault if fault in ERROR_CODES else "OtherError" if fault else "NoError",
        "status": connector.status,
        "timestamp": clock.text(point.clock.now()),
    }
    if fault and fault not in ERROR_CODES:
        payload |= {"info": fault[:50], "vendorErrorCode": fault[:50]}
    return [("StatusNotification", payload)]


def authorize(token, token_type):
    return {"idTag": token}


def verdict(answer):
    """Return what an answer says of the token it is about."""
    info = answer.get("idTagInfo") or {}
    return Verdict(info.get("status", INVALID), info.get("parentIdTag", ""))


def transaction_id(transaction):
    return transaction.number


def started(point, transaction, readout, trigger):
    return "StartTransaction", {
        "connectorId": transaction.connector_id,
        "idTag": transaction.token,
        "meterStart": readout.register_wh,
        "timestamp": clock.text(readout.at),
    }


def state_changed(point, transaction, readout):
    """Nothing: in 1.6 the StatusNotification tells."""


def sampled(point, transaction, readout, context):
    names = point.configuration.words("MeterValuesSampledData")
    return "MeterValues", {
        "connectorId": transaction.connector_id,
        "transactionId": None,  # filled in by the delivery
        "meterValue": [meter_value(readout, names, context)],
    }


def ended(point, transaction, readout, token):
    payload = {
        "transactionId": None,
        "meterStop": readout.register_wh,
        "timestamp": clock.text(readout.at),
        "reason": transaction.reason,
    }
    if names := point.configuration.words("StopTxnSampledData"):
        payload["transactionData"] = [meter_value(readout, names, "Transaction.End")]
    return "StopTransaction", payload | ({"idTag": token} if token else {})


def learn(transaction, action, answer):
    """Take in an answer about a transaction; return the verdict on its token, or None."""
    if action != "StartTransaction":
        return None
    transaction.number = answer["transactionId"]
    return verdict(answer)


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
