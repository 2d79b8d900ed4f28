"""Configuration keys in OCPP 1.6's words (sections 5.3 and 5.8): requests, and what answers say.

A key is a variable without a component. Everything here bears nonsense in an answer.
"""

from ocpp.v16.enums import ConfigurationKey

# Asked for one by one of a charger whose answers do not hold all of them.
STANDARD_KEYS = tuple(key.value for key in ConfigurationKey)
ACTIONS_THAT_SET = ("ChangeConfiguration",)


def read(rows, limits=None):
    """Return (action, payload, the rows it asks for); without rows it asks for all there is."""
    if not rows:
        return "GetConfiguration", {}, []
    asked = list(rows)[: (limits and limits.read_items) or None]
    return "GetConfiguration", {"key": [row.name for row in asked]}, asked


def change(rows, limits=None):
    """Return (action, payload, the rows it sets): one at a time."""
    row = rows[0]
    return "ChangeConfiguration", {"key": row.name, "value": row.wish}, [row]


def problem_of(row):
    """Return why this version cannot set the variable at all, or ""."""
    is_key = not (row.component or row.component_instance or row.evse_id or row.connector_id or row.instance)
    if is_key and row.attribute == "Actual":
        return ""
    return "OCPP 1.6 has keys only: components, EVSEs, instances and attributes are of OCPP 2.0.1."


def told(result):
    """Yield what an answer to GetConfiguration tells, as attributes of Variable."""
    for entry in _entries(result, "configurationKey"):
        if isinstance(entry.get("key"), str) and entry["key"]:
            yield {
                "name": entry["key"],
                "value": _text(entry.get("value")),
                "mutability": "ReadOnly" if _is_true(entry.get("readonly")) else "ReadWrite",
            }


def unknown(result):
    """Return what an answer says not to know: [(attributes of Variable, why)]."""
    names = result.get("unknownKey") if isinstance(result, dict) else None
    names = names if isinstance(names, list) else []
    return [({"name": name}, "UnknownKey") for name in names if isinstance(name, str)]


def outcomes(payload, result):
    """Return what an answer to a change says: [(attributes of Variable, status, reason)]."""
    key, status = payload.get("key"), result.get("status") if isinstance(result, dict) else None
    if not (isinstance(key, str) and isinstance(status, str)):
        return []
    return [({"name": key, "value": payload.get("value")}, status, "")]


def _entries(result, name):
    entries = result.get(name) if isinstance(result, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _is_true(value):
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def _text(value):
    return value if isinstance(value, str) or value is None else str(value)
