"""OCPP 2.0.1 in the virtual charge point's mouth: what it says. How it answers is in answers201."""

from chargers.virtual.authorizing import INVALID, Verdict
from chargers.wire import clock

_OCCUPIED = frozenset(["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"])
# The reasons and triggers that 2.0.1 has for what 1.6 calls so (ReasonEnumType, TriggerReasonEnumType).
_REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset"}
_TRIGGERS = {
    "Local": "StopAuthorized",
    "Remote": "RemoteStop",
    "EVDisconnected": "EVCommunicationLost",
    "DeAuthorized": "Deauthorized",
    "HardReset": "ResetCommand",
    "SoftReset": "ResetCommand",
    "UnlockCommand": "UnlockCommand",
}


def boot(identity, reason):
    station = {
        "vendorName": identity["vendor"],
        "model": identity["model"],
        "serialNumber": identity["serial_number"],
        "firmwareVersion": identity["firmware_version"],
    }
    return {"reason": reason, "chargingStation": station}


def statuses(point):
    """Return the status of every connector."""
    return [message for each in point.connectors.values() for message in status(point, each)]


def status(point, connector):
    """Return the status of a connector; of a fault, 2.0.1 tells more in a NotifyEvent."""
    word = connector.status
    told = {
        "timestamp": clock.text(point.clock.now()),
        "connectorStatus": "Occupied" if word in _OCCUPIED else word,
        "evseId": connector.connector_id,
        "connectorId": 1,
    }
    messages = [("StatusNotification", told)]
    return [*messages, _problem(point, connector)] if connector.fault else messages


def _problem(point, connector):
    at = clock.text(point.clock.now())
    event = {
        "eventId": connector.connector_id,
        "timestamp": at,
        "trigger": "Alerting",
        "actualValue": "true",
        "techCode": connector.fault[:50],
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": connector.connector_id, "connectorId": 1}},
        "variable": {"name": "Problem"},
    }
    return "NotifyEvent", {"generatedAt": at, "seqNo": 0, "eventData": [event]}


def authorize(token, token_type):
    return {"idToken": id_token(token, token_type)}


def id_token(token, token_type):
    return {"idToken": token, "type": token_type or "ISO14443"}


def verdict(answer):
    """Return what an answer says of the token it is about."""
    info = answer.get("idTokenInfo") or {}
    group = info.get("groupIdToken") or {}
    return Verdict(info.get("status", INVALID), group.get("idToken", ""))


def transaction_id(transaction):
    return transaction.uid


def started(point, transaction, readout, trigger):
    info = {"chargingState": "EVConnected"}
    if transaction.remote_start_id is not None:
        info["remoteStartId"] = transaction.remote_start_id
    return _event(
        point,
        transaction,
        readout,
        "Started",
        trigger,
        info,
        id_token=id_token(transaction.token, transaction.token_type),
        meterValue=[meter_value(readout, ["Energy.Active.Import.Register"], "Transaction.Begin")],
    )


def state_changed(point, transaction, readout):
    info = {"chargingState": transaction.charging_state}
    return _event(point, transaction, readout, "Updated", "ChargingStateChanged", info)


def sampled(point, transaction, readout, context):
    names = point.configuration.words("MeterValuesSampledData")
    value = meter_value(readout, names, context)
    trigger = "Trigger" if context == "Trigger" else "MeterValuePeriodic"
    info = {"chargingState": transaction.charging_state}
    return _event(point, transaction, readout, "Updated", trigger, info, meterValue=[value])


def ended(point, transaction, readout, token):
    reason = transaction.reason
    info = {"chargingState": "Idle" if reason == "EVDisconnected" else "EVConnected"}
    info["stoppedReason"] = _REASONS.get(reason, reason)
    names = ["Energy.Active.Import.Register", *point.configuration.words("StopTxnSampledData")]
    more = {"meterValue": [meter_value(readout, names, "Transaction.End")]}
    if token:
        more["id_token"] = id_token(token, transaction.token_type)
    trigger = _TRIGGERS.get(reason, "AbnormalCondition")
    return _event(point, transaction, readout, "Ended", trigger, info, **more)


def _event(point, transaction, readout, kind, trigger, info, *, id_token=None, **more):
    payload = {
        "eventType": kind,
        "timestamp": clock.text(readout.at),
        "triggerReason": trigger,
        "seqNo": transaction.next_seq_no(),
        "transactionInfo": {"transactionId": transaction.uid} | info,
        "evse": {"id": transaction.connector_id, "connectorId": 1},
    }
    if not point.is_online:
        payload["offline"] = True
    return "TransactionEvent", payload | more | ({"idToken": id_token} if id_token else {})


def learn(transaction, action, answer):
    """Take in an answer about a transaction; return the verdict on its token, or None."""
    return verdict(answer) if "idTokenInfo" in answer else None


def meter_value(readout, names, context):
    """Return a MeterValue with the measurands of these names."""
    values = [
        {"value": value, "context": context, "measurand": name, "unitOfMeasure": {"unit": unit}} | extra
        for name, value, unit, extra in _samples(readout)
        if name in names
    ]
    return {"timestamp": clock.text(readout.at), "sampledValue": values}


def _samples(readout):
    yield "Energy.Active.Import.Register", readout.register_wh, "Wh", {}
    yield "Power.Active.Import", round(readout.power_w), "W", {}
    phases = [f"L{number}" for number in range(1, readout.phases + 1)]
    for phase in phases or [""]:
        yield "Current.Import", round(readout.amps, 2), "A", {"phase": phase} if phase else {}
    for phase in phases or [""]:
        yield "Voltage", round(readout.volts, 1), "V", {"phase": f"{phase}-N"} if phase else {}
    if readout.soc is not None:
        yield "SoC", round(readout.soc), "Percent", {"location": "EV"}
