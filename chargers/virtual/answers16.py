"""How the virtual charge point answers a CSMS in OCPP 1.6."""

from contextlib import suppress

from chargers.virtual import configuration
from chargers.virtual.client import CallFailed, Refusal


def answer(point, action, payload):
    """Return the answer to a CALL of the CSMS; raises Refusal."""
    handler = HANDLERS.get(action)
    if handler is None:
        raise Refusal("NotSupported", f"{action} is not supported")
    if not point.registration.status or point.registration.status == "Rejected":
        # OCPP 1.6 section 4.2: not even an answer; the wire owes one, and this says why.
        raise Refusal("SecurityError", "not accepted by the CSMS yet")
    return handler(point, payload)


def _remote_start(point, payload):
    accepted = point.charging.remote_start(
        payload["idTag"], "Central", connector_id=payload.get("connectorId")
    )
    return _accepted(accepted)


def _remote_stop(point, payload):
    return _accepted(_stop(point, payload["transactionId"]))


def _stop(point, number):
    for connector in point.connectors.values():
        if connector.transaction and connector.transaction.number == number:
            point.charging.end(connector, "Remote")
            return True
    return False


def _accepted(it_is):
    return {"status": "Accepted" if it_is else "Rejected"}


def _reset(point, payload):
    hard = payload["type"] == "Hard"
    point.operations.reset("HardReset" if hard else "SoftReset", "RemoteReset")
    return _accepted(True)


def _change_availability(point, payload):
    number = payload["connectorId"]
    chosen = [each for each in point.connectors.values() if number in (0, each.connector_id)]
    if not chosen:
        return _accepted(False)
    return {"status": point.operations.change_availability(chosen, payload["type"] == "Operative")}


def _unlock(point, payload):
    connector = point.connectors.get(payload["connectorId"])
    if connector is None:
        return {"status": "NotSupported"}
    if connector.is_lock_stuck:
        return {"status": "UnlockFailed"}
    if connector.transaction:
        point.charging.end(connector, "UnlockCommand")
    return {"status": "Unlocked"}


def _get_configuration(point, payload):
    asked = payload.get("key") or [setting.key for setting in configuration.SETTINGS]
    known = [setting for key in asked if (setting := configuration.find(key))]
    return {
        "configurationKey": [
            {
                "key": setting.key,
                "readonly": not setting.is_writable,
                "value": point.configuration.shown(setting),
            }
            for setting in known
        ],
        "unknownKey": [key for key in asked if configuration.find(key) is None],
    }


def _change_configuration(point, payload):
    return {"status": point.operations.configure(configuration.find(payload["key"]), payload["value"])}


def _clear_cache(point, payload):
    if not point.configuration.is_true("AuthorizationCacheEnabled"):
        return _accepted(False)
    point.charging.authorizing.forget()
    return _accepted(True)


def _data_transfer(point, payload):
    return {"status": "UnknownVendorId"}


def _trigger(point, payload):
    number = payload.get("connectorId")
    if number is not None and number not in (0, *point.connectors):
        return _accepted(False)
    trigger = _TRIGGERS.get(payload["requestedMessage"])
    if trigger is None:
        return {"status": "NotImplemented"}
    trigger(point, number)
    return _accepted(True)


def _trigger_boot(point, number):
    point.spawn(_boot_again(point))


async def _boot_again(point):
    with suppress(CallFailed):
        await point.registration.notify()


def _trigger_heartbeat(point, number):
    point.tell_soon("Heartbeat", {}, is_triggered=True)


def _trigger_status(point, number):
    for action, payload in point.words.statuses(point):
        if number in (None, payload["connectorId"]):
            point.tell_soon(action, payload, is_triggered=True)


def _trigger_meter_values(point, number):
    for connector in point.connectors.values():
        if number not in (None, 0, connector.connector_id):
            continue
        if connector.transaction:
            point.charging.sample(connector, context="Trigger")
            continue
        names = point.configuration.words("MeterValuesSampledData")
        value = point.words.meter_value(point.read(connector), names, "Trigger")
        payload = {"connectorId": connector.connector_id, "meterValue": [value]}
        point.tell_soon("MeterValues", payload, is_triggered=True)


_TRIGGERS = {
    "BootNotification": _trigger_boot,
    "Heartbeat": _trigger_heartbeat,
    "MeterValues": _trigger_meter_values,
    "StatusNotification": _trigger_status,
}
HANDLERS = {
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "DataTransfer": _data_transfer,
    "GetConfiguration": _get_configuration,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "Reset": _reset,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
}
