"""What a charger says about its settings: 2.0.1 variables, and 1.6 configuration keys beside them."""

from chargers import batch
from chargers.models import Variable
from chargers.wire import masking, tolerance
from csms import events

# What a charger is believed of itself.
MOST_CONNECTORS = 100
_KEY = ("component", "component_instance", "evse_id", "connector_id", "name", "instance", "attribute")
_FACTS = ("value", "mutability", "data_type", "unit", "is_secret", "reported_at")


def report(charger, variables):
    """Store what is reported of some variables: dicts of Variable's attributes.

    Secrets are masked before they are stored. What is not named stays as it was.
    """
    known = {_key(vars(row)): batch.as_changed(row) for row in charger.variables.all()}
    for reported in variables:
        fresh = _defaults() | batch.fitted(Variable, **reported)
        fresh["reported_at"] = batch.now()
        if masking.is_secret_name(fresh["name"]):
            fresh["is_secret"] = True
            fresh["value"] = masking.mask(fresh["value"])
        row = known.get(_key(fresh))
        if row is None:
            row = known[_key(fresh)] = Variable.objects.create(charger=charger, **fresh)
            continue
        changed = "value" in reported and fresh["value"] != row.value
        for name in _FACTS:
            if name in reported or name in ("is_secret", "reported_at"):
                setattr(row, name, fresh[name])
        batch.update(row, *_FACTS)
        if changed:
            events.record("variable.changed", charger=charger, object_id=row.pk, name=row.name)


def _defaults():
    return {
        "component": "",
        "component_instance": "",
        "evse_id": 0,
        "connector_id": 0,
        "instance": "",
        "attribute": "Actual",
        "value": None,
        "is_secret": False,
    }


def _key(values):
    return tuple(values[name] for name in _KEY)


def learn(charger, action, result):
    """Take what an answer to a command of ours tells about variables."""
    reader = _READERS.get(action)
    if reader is None:
        return
    variables = list(reader(result))
    report(charger, variables)
    for variable in variables:
        if variable["name"] == "NumberOfConnectors" and not variable.get("component"):
            _count_connectors(charger, str(variable["value"] or ""))


def _count_connectors(charger, text):
    """Enter the connectors that an OCPP 1.6 charger says it has; it numbers them from 1."""
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 0 < count <= MOST_CONNECTORS:
        return
    if charger.connector_count != count:
        charger.connector_count = count
        batch.update(charger, "connector_count")
    for number in range(1, count + 1):
        batch.connector(charger, 0, number)


def _configuration(result):
    for entry in result.get("configurationKey") or []:
        if isinstance(entry, dict) and entry.get("key"):
            yield {
                "name": entry["key"],
                "value": entry.get("value"),
                "mutability": "ReadOnly" if entry.get("readonly") else "ReadWrite",
            }


def _variables(result):
    for entry in result.get("getVariableResult") or []:
        if entry.get("attributeStatus") == "Accepted":
            yield place(entry) | {
                "attribute": entry.get("attributeType") or "Actual",
                "value": entry.get("attributeValue"),
            }


def place(entry):
    """Return where a 2.0.1 variable belongs, from an entry with `component` and `variable`."""
    component, variable = entry.get("component") or {}, entry.get("variable") or {}
    evse = component.get("evse") or {}
    return {
        "component": component.get("name") or "",
        "component_instance": component.get("instance") or "",
        "evse_id": tolerance.index(evse.get("id")),
        "connector_id": tolerance.index(evse.get("connectorId")),
        "name": variable.get("name") or "",
        "instance": variable.get("instance") or "",
    }


_READERS = {"GetConfiguration": _configuration, "GetVariables": _variables}
