"""Starts, stops and unlocks from afar (OCPP 1.6 sections 5.11, 5.12, 5.18; 2.0.1 blocks F and E)."""

from chargers.smart_charging.profiles import BadProfile
from chargers.virtual.answers.answering import accepted
from chargers.virtual.answers.smart_charging import rejected
from chargers.virtual.connector import LOCK_WORKS, NO_LOCK
from chargers.wire import v16


def _start_16(point, payload):
    token, number, told = payload["idTag"], payload.get("connectorId"), payload.get("chargingProfile")
    try:
        profile = point.smart_charging.for_start(told and v16.read_charging_profile(told), number)
    except BadProfile:
        return accepted(False)
    is_taken_on = point.remote_starts.take_on(token, "Central", connector_id=number)
    if is_taken_on:
        point.smart_charging.promise(token, profile)
    return accepted(is_taken_on)


def _stop_16(point, payload):
    return accepted(_end_numbered(point, payload["transactionId"]))


def _end_numbered(point, number):
    if not point.registration.is_accepted:
        return False  # section 4.2
    for connector in point.connectors.values():
        if connector.transaction and connector.transaction.number == number:
            point.charging.end(connector, "Remote")
            return True
    return False


def _unlock_16(point, payload):
    connector = point.connectors.get(payload["connectorId"])
    if connector is None:
        return {"status": "NotSupported"}
    if connector.lock == NO_LOCK:
        return {"status": "NotSupported"}
    if connector.transaction:
        point.charging.end(connector, "UnlockCommand")
    return {"status": _unlocked(point, connector)}


def _start_201(point, payload):
    token, number = payload["idToken"], payload.get("evseId")
    try:
        profile = point.smart_charging.for_start(payload.get("chargingProfile"), number)
    except BadProfile as problem:
        return rejected(problem)
    is_taken_on = point.remote_starts.take_on(
        token["idToken"],
        token["type"],
        connector_id=number,
        remote_start_id=payload["remoteStartId"],
    )
    if is_taken_on:
        point.smart_charging.promise(token["idToken"], profile)
    return accepted(is_taken_on)


def _stop_201(point, payload):
    if not point.registration.is_accepted:
        return accepted(False)  # B02.FR.05
    for connector in point.connectors.values():
        if connector.transaction and connector.transaction.uid == payload["transactionId"]:
            point.charging.end(connector, "Remote")
            return accepted(True)
    return accepted(False)


def _unlock_201(point, payload):
    connector = point.connectors.get(payload["evseId"])
    if connector is None or payload["connectorId"] != 1:
        return {"status": "UnknownConnector"}
    if connector.transaction:
        return {"status": "OngoingAuthorizedTransaction"}
    return {"status": _unlocked(point, connector)}


def _unlocked(point, connector):
    if connector.lock != LOCK_WORKS:
        return "UnlockFailed"
    point.charging.unlock(connector)
    return "Unlocked"


def _transaction_status(point, payload):
    uid = payload.get("transactionId")
    waiting = point.delivery.holds(uid)
    if uid is None:
        return {"messagesInQueue": waiting}
    running = [each.transaction for each in point.connectors.values() if each.transaction]
    return {"messagesInQueue": waiting, "ongoingIndicator": any(each.uid == uid for each in running)}


HANDLERS_16 = {
    "RemoteStartTransaction": _start_16,
    "RemoteStopTransaction": _stop_16,
    "UnlockConnector": _unlock_16,
}
HANDLERS_201 = {
    "GetTransactionStatus": _transaction_status,
    "RequestStartTransaction": _start_201,
    "RequestStopTransaction": _stop_201,
    "UnlockConnector": _unlock_201,
}
