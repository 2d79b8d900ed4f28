"""What a charger can do, as far as it has said so."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models.functions import Lower

from chargers.models import Protocol, Variable

# Names of what it tells: in 1.6 a key, in 2.0.1 (component, variable).
_PROFILES = "SupportedFeatureProfiles"
_UNITS = "ChargingScheduleAllowedChargingRateUnit"
_OF_201 = {
    "charging_rate_units": ("SmartChargingCtrlr", "RateUnit"),
    "max_stack_level": ("SmartChargingCtrlr", "ProfileStackLevel"),
    "max_periods": ("SmartChargingCtrlr", "PeriodsPerSchedule"),
    "max_profiles": ("SmartChargingCtrlr", "Entries"),
    "switches_phases": ("SmartChargingCtrlr", "Phases3to1"),
}
_OF_16 = {
    "charging_rate_units": ("", _UNITS),
    "max_stack_level": ("", "ChargeProfileMaxStackLevel"),
    "max_periods": ("", "ChargingScheduleMaxPeriods"),
    "max_profiles": ("", "MaxChargingProfilesInstalled"),
    "switches_phases": ("", "ConnectorSwitch3to1PhaseSupported"),
    "max_keys": ("", "GetConfigurationMaxKeys"),
    "connectors": ("", "NumberOfConnectors"),
    "feature_profiles": ("", _PROFILES),
}
# The controllers of 2.0.1 that stand for what 1.6 calls a feature profile, where they are available.
_CONTROLLERS = {
    "LocalAuthListCtrlr": "LocalAuthListManagement",
    "ReservationCtrlr": "Reservation",
    "SmartChargingCtrlr": "SmartCharging",
}
_SMART_CHARGING = "smartchargingctrlr"
_SWITCHES = ("available", "enabled")
_UNIT_WORDS = {"a": "A", "current": "A", "w": "W", "power": "W"}
# What is asked for or set in one message of a station that does not say how much it takes.
MODEST_ITEMS, MODEST_BYTES = 20, 8000


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a charger said of itself; None where it did not, or nothing that can be understood."""

    # As OCPP 1.6 names them, such as SmartCharging.
    feature_profiles: frozenset[str] | None = None
    # Whether it supports charging profiles. Who tells of other controllers alone has not denied this one.
    has_smart_charging: bool | None = None
    # Of "A" and "W".
    charging_rate_units: frozenset[str] | None = None
    max_stack_level: int | None = None
    max_periods: int | None = None
    max_profiles: int | None = None
    switches_phases: bool | None = None
    # Connectors in OCPP 1.6, EVSEs in 2.0.1.
    connectors: int | None = None
    # GetConfigurationMaxKeys of OCPP 1.6.
    max_keys: int | None = None


def capabilities(charger):
    """Return the Capabilities of a charger, in one query."""
    rows = _reported().filter(charger=charger)
    told, evses = {}, set()
    # Thousands, of which a few are of use: not worth an object each.
    for evse_id, component, name, value in rows.values_list("evse_id", "component", "name", "value"):
        if evse_id:
            evses.add(evse_id)
        else:
            told[component.casefold(), name.casefold()] = value
    names = _OF_201 if charger.protocol == Protocol.OCPP201 else _OF_16
    found = {}
    for name, (component, variable) in names.items():
        value = told.get((component.casefold(), variable.casefold()))
        found[name] = None if value is None else _READERS[name](value)
    if charger.protocol == Protocol.OCPP201:
        found["connectors"] = len(evses) or None
        found["feature_profiles"] = _controllers(told)
    return Capabilities(**found, has_smart_charging=_has_smart_charging(charger, told))


def without_smart_charging(chargers):
    """Return the ids of those of {id: charger} that said that they have no smart charging, in one query."""
    names = [_PROFILES.casefold(), *_SWITCHES]
    rows = _reported().alias(lowered=Lower("name"))
    rows = rows.filter(charger__in=chargers, evse_id=0, lowered__in=names)
    told = defaultdict(dict)
    for pk, component, name, value in rows.values_list("charger_id", "component", "name", "value"):
        told[pk][component.casefold(), name.casefold()] = value
    return {pk for pk, said in told.items() if _has_smart_charging(chargers[pk], said) is False}


def _reported():
    return Variable.objects.filter(attribute="Actual", reported_at__isnull=False, is_secret=False).order_by()


def _has_smart_charging(charger, told):
    """Say whether a charger has it, by {(component, name) in lower case: what it told}; None: unsaid."""
    if charger.protocol == Protocol.OCPP201:
        is_told = any(component == _SMART_CHARGING for component, _ in told)
        return _is_available(told, _SMART_CHARGING) if is_told else None
    profiles = _words(told.get(("", _PROFILES.casefold())) or "")
    return profiles and "smartcharging" in {profile.replace(" ", "").casefold() for profile in profiles}


def _controllers(told):
    """Return the feature profiles of a station by its controllers; None: it named none of its controllers."""
    if not any(component.endswith("ctrlr") for component, _ in told):
        return None
    return frozenset(
        profile for component, profile in _CONTROLLERS.items() if _is_available(told, component.casefold())
    )


def _is_available(told, component):
    flags = [told.get((component, name)) for name in _SWITCHES]
    if any(flag is not None and _truth(flag) is False for flag in flags):
        return False
    return any(name == component for name, _ in told)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one message may ask for or set; bytes 0: no bound."""

    read_items: int
    read_bytes: int = 0
    write_items: int = 1
    write_bytes: int = 0


def limits(charger):
    """Return the Limits of a charger: its own, else modest ones."""
    if charger.protocol != Protocol.OCPP201:
        (most,) = _values(charger, "", [("GetConfigurationMaxKeys", "")])
        return Limits(read_items=_positive(most, MODEST_ITEMS))
    names = [
        (f"{kind}PerMessage", action)
        for action in ("GetVariables", "SetVariables")
        for kind in ("Items", "Bytes")
    ]
    read_items, read_bytes, write_items, write_bytes = _values(charger, "DeviceDataCtrlr", names)
    return Limits(
        _positive(read_items, MODEST_ITEMS),
        _positive(read_bytes, MODEST_BYTES),
        _positive(write_items, MODEST_ITEMS),
        _positive(write_bytes, MODEST_BYTES),
    )


def _values(charger, component, names):
    """Return the values of variables, each named with its instance; None where there is none."""
    rows = charger.variables.filter(
        component__iexact=component, name__in={name for name, _ in names}, attribute="Actual", is_secret=False
    )
    told = {(row.name, row.instance): row.value for row in rows}
    return [told.get(name) for name in names]


def _positive(text, otherwise):
    number = None if text is None else _number(text)
    return number if number and number < 10_000 else otherwise


def _number(text):
    """Return a whole number from 0, or None."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _truth(text):
    return {"true": True, "false": False}.get(text.strip().casefold())


def _words(text):
    return frozenset(word.strip() for word in text.split(",") if word.strip()) or None


def _units(text):
    """Return the units that are named: `Current,Power` and `A,W` both occur."""
    words = (word.strip().casefold() for word in text.split(","))
    return frozenset(_UNIT_WORDS[word] for word in words if word in _UNIT_WORDS) or None


_READERS = {
    "feature_profiles": _words,
    "charging_rate_units": _units,
    "switches_phases": _truth,
    **dict.fromkeys(("max_stack_level", "max_periods", "max_profiles", "connectors", "max_keys"), _number),
}
