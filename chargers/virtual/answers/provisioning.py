"""Settings, reports and resets (OCPP 1.6 sections 5.3, 5.8 and 5.14; 2.0.1 block B)."""

from chargers.virtual import device_model
from chargers.virtual.answers.answering import accepted
from chargers.virtual.client import Refusal


def _reset_16(point, payload):
    hard = payload["type"] == "Hard"
    point.operations.reset("HardReset" if hard else "SoftReset", "RemoteReset")
    return accepted(True)


def _reset_201(point, payload):
    if payload.get("evseId"):
        return _reset_evse(point, payload)
    if payload["type"] == "Immediate":
        point.operations.reset("HardReset", "RemoteReset")
        return accepted(True)
    if any(each.transaction for each in point.connectors.values()):
        point.operations.reset_when_idle("ScheduledReset")
        return {"status": "Scheduled"}
    point.operations.reset("HardReset", "RemoteReset")
    return accepted(True)


def _reset_evse(point, payload):
    connector = point.connectors.get(payload["evseId"])
    if connector is None:
        return accepted(False)
    if payload["type"] == "OnIdle" and connector.transaction:
        point.operations.reset_evse_when_idle(connector)
        return {"status": "Scheduled"}
    point.operations.reset_evse(connector)
    return accepted(True)


def _get_configuration(point, payload):
    """Everything, whatever its number, when no key is named (section 5.8); too many names are refused."""
    configuration, asked = point.configuration, payload.get("key") or []
    if len(asked) > configuration.number("GetConfigurationMaxKeys"):
        raise Refusal("OccurrenceConstraintViolation", "more keys than GetConfigurationMaxKeys")
    found = {key: configuration.find(key) for key in asked}
    known = filter(None, found.values()) if asked else configuration.keys
    return {
        "configurationKey": [_shown(configuration, setting) for setting in known],
        "unknownKey": [key for key, setting in found.items() if setting is None],
    }


def _shown(configuration, setting):
    is_read_only = not configuration.is_writable(setting)
    return {"key": setting.key, "readonly": is_read_only, "value": configuration.shown(setting)}


def _change_configuration(point, payload):
    return {"status": point.operations.configure(point.configuration.find(payload["key"]), payload["value"])}


def _get_variables(point, payload):
    return {"getVariableResult": [_got(point, wanted) for wanted in payload["getVariableData"]]}


def _got(point, wanted):
    result = {name: wanted[name] for name in ("attributeType", "component", "variable") if name in wanted}
    if found := _find_live(point, wanted):
        return result | {"attributeStatus": "Accepted", "attributeValue": found.value}
    setting, problem = _find(point.configuration, wanted)
    if problem:
        return result | {"attributeStatus": problem}
    if setting.is_secret:
        return result | {"attributeStatus": "Rejected"}  # write-only, B06.FR.09
    return result | {"attributeStatus": "Accepted", "attributeValue": point.configuration.shown(setting)}


def _set_variables(point, payload):
    return {"setVariableResult": [_set(point, wanted) for wanted in payload["setVariableData"]]}


def _set(point, wanted):
    result = {name: wanted[name] for name in ("attributeType", "component", "variable") if name in wanted}
    if _find_live(point, wanted):
        return result | {"attributeStatus": "Rejected"}  # read-only, B05.FR.07
    setting, problem = _find(point.configuration, wanted)
    return result | {
        "attributeStatus": problem or point.operations.configure(setting, wanted["attributeValue"])
    }


def _find_live(point, wanted):
    """Return a variable that is no setting, or None."""
    if wanted.get("attributeType", "Actual") != "Actual":
        return None
    return device_model.find_live(point, wanted["component"], wanted["variable"])


def _find(configuration, wanted):
    """Return (setting, "") or (None, why there is none)."""
    component, variable = wanted["component"], wanted["variable"]
    instance = variable.get("instance", "")
    setting = configuration.find_variable(component["name"], variable["name"], instance)
    if setting is None:
        known = configuration.is_component(component["name"])
        return None, "UnknownVariable" if known else "UnknownComponent"
    if wanted.get("attributeType", "Actual") != "Actual":
        return None, "NotSupportedAttributeType"
    return setting, ""


HANDLERS_16 = {
    "ChangeConfiguration": _change_configuration,
    "GetConfiguration": _get_configuration,
    "Reset": _reset_16,
}
HANDLERS_201 = {
    "GetVariables": _get_variables,
    "Reset": _reset_201,
    "SetVariables": _set_variables,
}
