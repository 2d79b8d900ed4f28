"""Variables in OCPP 2.0.1's words (block B): requests, and what answers and reports say.

Everything here bears nonsense in what a station says.
"""

import orjson

from chargers.wire import tolerance

ACTIONS_THAT_SET = ("SetVariables",)


def read(rows, limits=None):
    """Return (action, payload, the rows it asks for): as many as the station takes at once."""
    asked = _fitting(rows, _named, limits and limits.read_items, limits and limits.read_bytes)
    return "GetVariables", {"getVariableData": [_named(row) for row in asked]}, asked


def change(rows, limits=None):
    """Return (action, payload, the rows it sets): as many as the station takes at once."""
    taken = _fitting(rows, _set, limits and limits.write_items, limits and limits.write_bytes)
    return "SetVariables", {"setVariableData": [_set(row) for row in taken]}, taken


def base_report(request_id, base):
    """Ask for all variables (FullInventory), those that can be set (ConfigurationInventory), or a summary."""
    return "GetBaseReport", {"requestId": request_id, "reportBase": base}


def report(request_id, *, criteria=(), places=()):
    """Ask for a report of components by criteria (Active, Available, Enabled, Problem) or by name."""
    payload = {"requestId": request_id}
    if criteria:
        payload["componentCriteria"] = list(criteria)
    if places:
        payload["componentVariable"] = [_component_variable(place) for place in places]
    return "GetReport", payload


def problem_of(row):
    """Return why this version cannot set the variable at all, or ""."""
    if not row.component:
        return "OCPP 2.0.1 has components: this is a key of OCPP 1.6."
    return "A connector is one of an EVSE." if row.connector_id and not row.evse_id else ""


def told(result):
    """Yield what an answer to GetVariables tells, as attributes of Variable."""
    for entry in _entries(result, "getVariableResult"):
        if entry.get("attributeStatus") == "Accepted" and (where := place(entry)):
            yield where | {"value": _text(entry.get("attributeValue"))}


def unknown(result):
    """Return what an answer does not tell: [(attributes of Variable, why)]."""
    return [
        (where, _status(entry, "attributeStatus"))
        for entry in _entries(result, "getVariableResult")
        if entry.get("attributeStatus") != "Accepted" and (where := place(entry))
    ]


def outcomes(payload, result):
    """Return what an answer to a change says: [(attributes of Variable with the value, status, reason)]."""
    values = {_key(entry): entry.get("attributeValue") for entry in _entries(payload, "setVariableData")}
    return [
        (where | {"value": values[_key(entry)]}, _status(entry, "attributeStatus"), _reason(entry))
        for entry in _entries(result, "setVariableResult")
        if (where := place(entry)) and _key(entry) in values
    ]


def reported(payload):
    """Yield what a NotifyReport tells of each attribute; what it leaves out stays as it was."""
    for entry in _entries(payload, "reportData"):
        where = place(entry)
        characteristics = _object(entry, "variableCharacteristics")
        for attribute in _entries(entry, "variableAttribute") if where else ():
            facts = {
                "value": _text(attribute.get("value")),
                "mutability": attribute.get("mutability"),
                "data_type": characteristics.get("dataType"),
                "unit": characteristics.get("unit"),
            }
            known = {name: fact for name, fact in facts.items() if isinstance(fact, str)}
            yield where | {"attribute": _word(attribute.get("type")) or "Actual"} | known


def notified(payload):
    """Yield the values that a NotifyEvent tells of variables."""
    for entry in _entries(payload, "eventData"):
        if (where := place(entry)) and isinstance(entry.get("actualValue"), str):
            yield where | {"value": entry["actualValue"]}


def place(entry):
    """Return where a variable belongs, from an entry with `component` and `variable`; {} without a name."""
    component, variable = _object(entry, "component"), _object(entry, "variable")
    evse = _object(component, "evse")
    if not _word(variable.get("name")):
        return {}
    return {
        "component": _word(component.get("name")),
        "component_instance": _word(component.get("instance")),
        "evse_id": tolerance.index(evse.get("id")),
        "connector_id": tolerance.index(evse.get("connectorId")),
        "name": _word(variable.get("name")),
        "instance": _word(variable.get("instance")),
        "attribute": _word(entry.get("attributeType")) or "Actual",
    }


def _named(row):
    named = _component_variable(row)
    return named | ({"attributeType": row.attribute} if row.attribute != "Actual" else {})


def _set(row):
    return _named(row) | {"attributeValue": row.wish}


def _component_variable(row):
    component, variable = {"name": row.component}, {"name": row.name}
    if row.component_instance:
        component["instance"] = row.component_instance
    if row.evse_id:
        connector = {"connectorId": row.connector_id} if row.connector_id else {}
        component["evse"] = {"id": row.evse_id} | connector
    if row.instance:
        variable["instance"] = row.instance
    return {"component": component, "variable": variable}


def _fitting(rows, entry_of, most_items, most_bytes):
    """Return the first of the rows that fit into one message; at least one."""
    taken, size = [], 60  # the frame around them
    for row in list(rows)[: most_items or None]:
        size += len(orjson.dumps(entry_of(row))) + 1
        if taken and most_bytes and size > most_bytes:
            break
        taken.append(row)
    return taken


def _key(entry):
    # Stations do not always repeat names in the case in which they were asked.
    return tuple(word.casefold() if isinstance(word, str) else word for word in place(entry).values())


def _entries(holder, name):
    entries = holder.get(name) if isinstance(holder, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _object(holder, name):
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _word(value):
    return value if isinstance(value, str) else ""


def _text(value):
    return value if isinstance(value, str) or value is None else str(value)


def _status(entry, name):
    return _word(entry.get(name)) or "no status"


def _reason(entry):
    info = _object(entry, "attributeStatusInfo")
    return " ".join(filter(None, (_word(info.get("reasonCode")), _word(info.get("additionalInfo")))))
