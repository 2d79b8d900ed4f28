"""OCPP 2.0.1's view of the virtual charge point: components, their variables, and what they are now.

Settings are variables of controllers; besides them there are the station, its EVSEs and connectors,
whose variables can only be read.
"""

from dataclasses import dataclass

BASES = ("ConfigurationInventory", "FullInventory", "SummaryInventory")
_OCCUPIED = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing")
_STATES = "Available,Occupied,Reserved,Unavailable,Faulted"
_SUMMARY = frozenset(["AvailabilityState", "Problem"])
_NUMBERS = ("integer", "decimal")
# What a component has not, it is: available, enabled and active, but without a problem.
_MISSING = {"Active": True, "Available": True, "Enabled": True, "Problem": False}


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it is now; `value` is a text, or None where it may not be read."""

    component: dict
    variable: dict
    kind: str
    value: str | None
    is_writable: bool = False
    unit: str = ""
    most: float | None = None
    words: str = ""
    is_live: bool = False

    @property
    def is_number(self):
        return self.kind in _NUMBERS

    def matches(self, component, variable=None):
        """Say whether a ComponentVariable means this one; what it leaves out may be anything."""
        return _fits(component, self.component) and (variable is None or _fits(variable, self.variable))

    def report(self):
        """Return it as NotifyReport tells it."""
        attribute = {"type": "Actual", "mutability": "ReadWrite" if self.is_writable else "ReadOnly"}
        if self.value is None:
            attribute["mutability"] = "WriteOnly"
        else:
            attribute["value"] = self.value
        character = {"dataType": self.kind, "supportsMonitoring": self.value is not None}
        optional = {"unit": self.unit, "maxLimit": self.most, "valuesList": self.words}
        character |= {name: value for name, value in optional.items() if value}
        place = {"component": self.component, "variable": self.variable}
        return place | {"variableAttribute": [attribute], "variableCharacteristics": character}


def everything(point):
    """Return every Variable of the station."""
    return [*(_setting(point, each) for each in point.configuration.variables), *_station(point)]


def live(point):
    """Return the variables that are no settings."""
    return list(_station(point))


def find_live(point, component, variable):
    """Return the variable of exactly that place which is no setting, or None."""
    found = [each for each in live(point) if each.matches(component, variable)]
    return next((each for each in found if each.component.get("evse") == component.get("evse")), None)


def base(point, name):
    """Return the variables of a report base, one of BASES."""
    if name == "ConfigurationInventory":
        return [each for each in everything(point) if each.is_writable]
    if name == "SummaryInventory":
        return [each for each in live(point) if each.variable["name"] in _SUMMARY]
    return everything(point)


def chosen(point, component_variables=(), criteria=()):
    """Return the variables that a GetReport means: of any of those places, in components of any criterion."""
    variables = everything(point)
    able = [each for each in variables if not criteria or _is_any(each.component, criteria, variables)]
    if not component_variables:
        return able
    return [each for each in able if any(_is_meant(each, wanted) for wanted in component_variables)]


def _is_meant(variable, wanted):
    return variable.matches(wanted["component"], wanted.get("variable"))


def _is_any(component, criteria, variables):
    values = {each.variable["name"]: each.value for each in variables if each.component == component}
    return any(values[each] == "true" if each in values else _MISSING[each] for each in criteria)


def _fits(wanted, there):
    """Say whether a component or variable is what is wanted, regardless of case."""
    for name, value in wanted.items():
        if name == "customData":
            continue
        ours = there.get(name)
        if isinstance(value, dict):
            if ours is None or any(ours.get(key) != number for key, number in value.items()):
                return False
        elif ours is None or ours.casefold() != value.casefold():
            return False
    return True


def _setting(point, setting):
    instance = {"instance": setting.instance} if setting.instance else {}
    return Variable(
        {"name": setting.component},
        {"name": setting.variable} | instance,
        setting.kind,
        None if setting.is_secret else point.configuration.shown(setting),
        point.configuration.is_writable(setting),
    )


def _station(point):
    connectors = point.connectors.values()
    operative = any(each.is_operative for each in connectors)
    station = {"name": "ChargingStation"}
    yield _state(station, "Available" if operative else "Unavailable")
    yield _problem(station, any(each.fault for each in connectors))
    for connector in connectors:
        yield from _evse(point, connector)


def _evse(point, connector):
    number = connector.connector_id
    evse = {"name": "EVSE", "evse": {"id": number}}
    outlet = {"name": "Connector", "evse": {"id": number, "connectorId": 1}}
    word = connector.status
    state = "Occupied" if word in _OCCUPIED else word
    yield _state(evse, state)
    connector.measure(point.clock.life())
    watts = connector.flow.power_w if connector.flow else 0.0
    power = {"unit": "W", "most": connector.outlet.max_w}
    yield _live(evse, "Power", "decimal", f"{watts:.0f}", **power)
    yield _live(evse, "EnergyRegister", "decimal", f"{connector.register_wh:.0f}", unit="Wh")
    yield _state(outlet, state)
    yield _problem(outlet, connector.fault)


def _state(component, value):
    return _live(component, "AvailabilityState", "OptionList", value, words=_STATES)


def _problem(component, is_there):
    return _live(component, "Problem", "boolean", "true" if is_there else "false")


def _live(component, name, kind, value, **more):
    return Variable(component, {"name": name}, kind, value, is_live=True, **more)
