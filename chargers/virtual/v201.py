"""OCPP 2.0.1 in the virtual charge point's mouth: what it says. How it answers is in answers."""

from chargers.virtual.authorizing import INVALID, Verdict
from chargers.wire import clock

KEPT_SAMPLED_INTERVAL = "SampledDataCtrlr.TxEndedInterval"
KEPT_ALIGNED_INTERVAL = "AlignedDataCtrlr.TxEndedInterval"
IS_RESERVATION_LOST = True  # by a fault or by going out of service (H01)
_OCCUPIED = frozenset(["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"])
# The reasons and triggers that 2.0.1 has for what 1.6 calls so (ReasonEnumType, TriggerReasonEnumType).
_REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset"}
_TRIGGERS = {
    "Local": "StopAuthorized",
    "MasterPass": "StopAuthorized",
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
    word, fault = seen(connector)
    told = {
        "timestamp": clock.text(point.clock.now()),
        "connectorStatus": word,
        "evseId": connector.connector_id,
        "connectorId": 1,
    }
    messages = [("StatusNotification", told)]
    return [*messages, _problem(point, connector, fault)] if fault else messages


def station(point):
    """Return the status of the whole station: nothing, 2.0.1 has no message for it."""
    return []


def seen(connector):
    """Return what the CSMS sees of a connector's status."""
    word = connector.status
    return "Occupied" if word in _OCCUPIED else word, connector.fault


def seen_station(point):
    """Return what it sees of the whole station: nothing."""


def error(point, connector, kind, message, origin):
    """Return the report of an error that is no fault."""
    return [_problem(point, connector, kind, " ".join(filter(None, [origin, message])))]


def reservation_ended(reservation, why):
    """Return the news that a reservation has ended before it was used."""
    told = {"reservationId": reservation.reservation_id, "reservationUpdateStatus": why}
    return [("ReservationStatusUpdate", told)]


def _problem(point, connector, code, info=""):
    at = clock.text(point.clock.now())
    event = {
        "eventId": connector.connector_id,
        "timestamp": at,
        "trigger": "Alerting",
        "actualValue": "true",
        "techCode": code[:50],
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": connector.connector_id, "connectorId": 1}},
        "variable": {"name": "Problem"},
    }
    event |= {"techInfo": info[:500]} if info else {}
    return "NotifyEvent", {"generatedAt": at, "seqNo": 0, "eventData": [event]}


def authorize(token, token_type):
    return {"idToken": id_token(token, token_type)}


def id_token(token, token_type):
    return {"idToken": token, "type": token_type or "ISO14443"}


def verdict(answer):
    """Return what an answer says of the token it is about."""
    return _verdict(answer.get("idTokenInfo") or {})


def _verdict(info):
    group = (info.get("groupIdToken") or {}).get("idToken", "")
    return Verdict(info.get("status", INVALID), group, clock.moment(info.get("cacheExpiryDateTime")))


def local_entries(payload):
    """Return the (token, Verdict or None) of a SendLocalList."""
    return [
        (each["idToken"]["idToken"], _verdict(each["idTokenInfo"]) if "idTokenInfo" in each else None)
        for each in payload.get("localAuthorizationList") or []
    ]


def transaction_id(transaction):
    return transaction.uid


def started(point, transaction, readout, trigger):
    info = {"chargingState": "EVConnected"}
    if transaction.remote_start_id is not None:
        info["remoteStartId"] = transaction.remote_start_id
    more = {"id_token": id_token(transaction.token, transaction.token_type)}
    if transaction.reservation_id is not None:
        more["reservationId"] = transaction.reservation_id
    if names := point.configuration.words("SampledDataCtrlr.TxStartedMeasurands"):
        more["meterValue"] = [meter_value(readout, names, "Transaction.Begin")]
    return _event(point, transaction, readout, "Started", trigger, info, **more)


def state_changed(point, transaction, readout):
    info = {"chargingState": transaction.charging_state}
    trigger = "EVCommunicationLost" if transaction.charging_state == "Idle" else "ChargingStateChanged"
    return _event(point, transaction, readout, "Updated", trigger, info)


def sampled(point, transaction, readout, context):
    names = point.configuration.words("MeterValuesSampledData")
    value = meter_value(readout, names, context)
    trigger = "Trigger" if context == "Trigger" else "MeterValuePeriodic"
    info = {"chargingState": transaction.charging_state}
    return _event(point, transaction, readout, "Updated", trigger, info, meterValue=[value])


def aligned(point, connector, readout, names):
    """Return a reading that is aligned with the clock, or None where it is not wanted in a transaction."""
    told = {"meterValue": [meter_value(readout, names, "Sample.Clock")]}
    transaction = connector.transaction
    if transaction is None:
        return "MeterValues", {"evseId": connector.connector_id} | told
    if point.configuration.is_true("AlignedDataCtrlr.SendDuringIdle"):
        return None
    info = {"chargingState": transaction.charging_state}
    return _event(point, transaction, readout, "Updated", "MeterValueClock", info, **told)


def ended(point, transaction, readout, token):
    reason = transaction.reason
    info = {"chargingState": "Idle" if reason == "EVDisconnected" else "EVConnected"}
    info["stoppedReason"] = _REASONS.get(reason, reason)
    names = ["Energy.Active.Import.Register", *point.configuration.words("StopTxnSampledData")]
    more = {"meterValue": [*transaction.kept, meter_value(readout, names, "Transaction.End")]}
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


def learn(transaction, action, payload, answer):
    """Take in an answer about a transaction; return (token, what it says of that), or None."""
    if "idTokenInfo" not in answer:
        return None
    return payload.get("idToken", {}).get("idToken", transaction.token), verdict(answer)


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
