"""How the virtual charge point answers a CSMS in OCPP 2.0.1."""

from contextlib import suppress

from chargers.virtual import configuration
from chargers.virtual.client import CallFailed, Refusal
from chargers.wire import clock

REPORT_PART = 20


def answer(point, action, payload):
    """Return the answer to a CALL of the CSMS; raises Refusal."""
    handler = HANDLERS.get(action)
    if handler is None:
        raise Refusal("NotSupported", f"{action} is not supported")
    if not point.registration.status or point.registration.status == "Rejected":
        raise Refusal("SecurityError", "not accepted by the CSMS yet")
    return handler(point, payload)


def _accepted(it_is):
    return {"status": "Accepted" if it_is else "Rejected"}


# Remote control -------------------------------------------------------------------------------


def _request_start(point, payload):
    token = payload["idToken"]
    accepted = point.charging.remote_start(
        token["idToken"],
        token["type"],
        connector_id=payload.get("evseId"),
        remote_start_id=payload["remoteStartId"],
    )
    return _accepted(accepted)


def _request_stop(point, payload):
    for connector in point.connectors.values():
        if connector.transaction and connector.transaction.uid == payload["transactionId"]:
            point.charging.end(connector, "Remote")
            return _accepted(True)
    return _accepted(False)


def _transaction_status(point, payload):
    uid = payload.get("transactionId")
    waiting = point.delivery.holds(uid)
    if uid is None:
        return {"messagesInQueue": waiting}
    running = [each.transaction for each in point.connectors.values() if each.transaction]
    return {"messagesInQueue": waiting, "ongoingIndicator": any(each.uid == uid for each in running)}


def _reset(point, payload):
    if payload.get("evseId"):
        return _accepted(False)
    if payload["type"] == "Immediate":
        point.operations.reset("HardReset", "RemoteReset")
        return _accepted(True)
    if any(each.transaction for each in point.connectors.values()):
        point.operations.reset_when_idle("ScheduledReset")
        return {"status": "Scheduled"}
    point.operations.reset("HardReset", "RemoteReset")
    return _accepted(True)


def _change_availability(point, payload):
    chosen = _chosen(point, payload.get("evse"))
    if not chosen:
        return _accepted(False)
    return {
        "status": point.operations.change_availability(chosen, payload["operationalStatus"] == "Operative")
    }


def _chosen(point, evse):
    """Return the connectors that an EVSE object means: all without one, none where there is no such."""
    if not evse or not evse["id"]:
        return list(point.connectors.values())
    connector = point.connectors.get(evse["id"])
    return [connector] if connector and evse.get("connectorId", 1) == 1 else []


def _unlock(point, payload):
    connector = point.connectors.get(payload["evseId"])
    if connector is None or payload["connectorId"] != 1:
        return {"status": "UnknownConnector"}
    if connector.transaction:
        return {"status": "OngoingAuthorizedTransaction"}
    return {"status": "UnlockFailed" if connector.is_lock_stuck else "Unlocked"}


# Triggers -------------------------------------------------------------------------------------


def _trigger(point, payload):
    chosen = _chosen(point, payload.get("evse"))
    if not chosen:
        return _accepted(False)
    trigger = _TRIGGERS.get(payload["requestedMessage"])
    if trigger is None:
        return {"status": "NotImplemented"}
    return _accepted(trigger(point, chosen) is not False)


def _trigger_boot(point, chosen):
    if point.registration.is_accepted:
        return False  # F06.FR.17
    point.spawn(_boot_again(point))
    return True


async def _boot_again(point):
    with suppress(CallFailed):
        await point.registration.notify()


def _trigger_heartbeat(point, chosen):
    point.tell_soon("Heartbeat", {}, is_triggered=True)


def _trigger_status(point, chosen):
    for connector in chosen:
        for action, payload in point.words.status(point, connector):
            point.tell_soon(action, payload, is_triggered=True)


def _trigger_meter_values(point, chosen):
    names = point.configuration.words("MeterValuesSampledData")
    for connector in chosen:
        value = point.words.meter_value(point.read(connector), names, "Trigger")
        payload = {"evseId": connector.connector_id, "meterValue": [value]}
        point.tell_soon("MeterValues", payload, is_triggered=True)


def _trigger_transaction_event(point, chosen):
    running = [each for each in chosen if each.transaction]
    for connector in running:
        point.charging.sample(connector, context="Trigger")
    return bool(running)


_TRIGGERS = {
    "BootNotification": _trigger_boot,
    "Heartbeat": _trigger_heartbeat,
    "MeterValues": _trigger_meter_values,
    "StatusNotification": _trigger_status,
    "TransactionEvent": _trigger_transaction_event,
}

# Variables ------------------------------------------------------------------------------------


def _get_variables(point, payload):
    return {"getVariableResult": [_got(point, wanted) for wanted in payload["getVariableData"]]}


def _got(point, wanted):
    result = {name: wanted[name] for name in ("attributeType", "component", "variable") if name in wanted}
    setting, problem = _find(wanted)
    if problem:
        return result | {"attributeStatus": problem}
    if setting.is_secret:
        return result | {"attributeStatus": "Rejected"}  # write-only, B06.FR.09
    return result | {"attributeStatus": "Accepted", "attributeValue": point.configuration.shown(setting)}


def _set_variables(point, payload):
    return {"setVariableResult": [_set(point, wanted) for wanted in payload["setVariableData"]]}


def _set(point, wanted):
    result = {name: wanted[name] for name in ("attributeType", "component", "variable") if name in wanted}
    setting, problem = _find(wanted)
    return result | {
        "attributeStatus": problem or point.operations.configure(setting, wanted["attributeValue"])
    }


def _find(wanted):
    """Return (setting, "") or (None, why there is none)."""
    component, variable = wanted["component"], wanted["variable"]
    setting = configuration.find_variable(component["name"], variable["name"])
    if setting is None:
        known = configuration.is_component(component["name"])
        return None, "UnknownVariable" if known else "UnknownComponent"
    if wanted.get("attributeType", "Actual") != "Actual":
        return None, "NotSupportedAttributeType"
    return setting, ""


def _base_report(point, payload):
    if payload["reportBase"] == "SummaryInventory":
        return {"status": "NotSupported"}
    point.spawn(_report(point, payload["requestId"]))
    return _accepted(True)


async def _report(point, request_id):
    entries = [_reported(point, setting) for setting in configuration.SETTINGS if setting.component]
    entries += [_power(each) for each in point.connectors.values()]
    parts = [entries[start : start + REPORT_PART] for start in range(0, len(entries), REPORT_PART)]
    for number, part in enumerate(parts):
        payload = {
            "requestId": request_id,
            "generatedAt": clock.text(point.clock.now()),
            "seqNo": number,
            "tbc": number + 1 < len(parts),
            "reportData": part,
        }
        await point.tell("NotifyReport", payload, is_triggered=True)


def _reported(point, setting):
    attribute = {"type": "Actual", "mutability": "ReadWrite" if setting.is_writable else "ReadOnly"}
    if setting.is_secret:
        attribute["mutability"] = "WriteOnly"
    else:
        attribute["value"] = point.configuration.shown(setting)
    return {
        "component": {"name": setting.component},
        "variable": {"name": setting.variable},
        "variableAttribute": [attribute],
        "variableCharacteristics": {"dataType": setting.kind, "supportsMonitoring": False},
    }


def _power(connector):
    return {
        "component": {"name": "EVSE", "evse": {"id": connector.connector_id}},
        "variable": {"name": "Power"},
        "variableAttribute": [{"type": "Actual", "mutability": "ReadOnly", "value": _watts(connector)}],
        "variableCharacteristics": {
            "dataType": "decimal",
            "unit": "W",
            "maxLimit": connector.outlet.max_w,
            "supportsMonitoring": False,
        },
    }


def _watts(connector):
    return f"{connector.flow.power_w:.0f}" if connector.flow else "0"


def _clear_cache(point, payload):
    if not point.configuration.is_true("AuthorizationCacheEnabled"):
        return _accepted(False)
    point.charging.authorizing.forget()
    return _accepted(True)


def _data_transfer(point, payload):
    return {"status": "UnknownVendorId"}


HANDLERS = {
    "ChangeAvailability": _change_availability,
    "ClearCache": _clear_cache,
    "DataTransfer": _data_transfer,
    "GetBaseReport": _base_report,
    "GetTransactionStatus": _transaction_status,
    "GetVariables": _get_variables,
    "RequestStartTransaction": _request_start,
    "RequestStopTransaction": _request_stop,
    "Reset": _reset,
    "SetVariables": _set_variables,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
}
