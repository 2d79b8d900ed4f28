"""What sampledValues mean as datum: named properties, by the place and phase where they were measured. Pure.

The names are SolarNetwork's; the words of OCPP 1.6 and 2.0.1 are the same, only unit and number are
written differently. What has no name here, and what is no number, is no property.
"""

INSTANTANEOUS, ACCUMULATING, STATUS = "i", "a", "s"

# measurand -> (property, class)
_NAMES = {
    "Energy.Active.Import.Register": ("wattHours", ACCUMULATING),
    "Energy.Active.Export.Register": ("wattHoursReverse", ACCUMULATING),
    "Energy.Active.Import.Interval": ("wattHoursDiff", INSTANTANEOUS),
    "Energy.Active.Export.Interval": ("wattHoursDiffReverse", INSTANTANEOUS),
    "Energy.Reactive.Import.Register": ("reactiveEnergy", ACCUMULATING),
    "Energy.Reactive.Export.Register": ("reactiveEnergyReverse", ACCUMULATING),
    "Energy.Reactive.Import.Interval": ("reactiveEnergyDiff", INSTANTANEOUS),
    "Energy.Reactive.Export.Interval": ("reactiveEnergyDiffReverse", INSTANTANEOUS),
    "Power.Active.Import": ("watts", INSTANTANEOUS),
    "Power.Active.Export": ("wattsReverse", INSTANTANEOUS),
    "Power.Offered": ("wattsOffered", INSTANTANEOUS),
    # SolarNetwork takes these for counters; power is none.
    "Power.Reactive.Import": ("reactivePower", INSTANTANEOUS),
    "Power.Reactive.Export": ("reactivePowerReverse", INSTANTANEOUS),
    "Power.Factor": ("powerFactor", INSTANTANEOUS),
    "Current.Import": ("current", INSTANTANEOUS),
    "Current.Export": ("currentReverse", INSTANTANEOUS),
    "Current.Offered": ("currentOffered", INSTANTANEOUS),
    "Voltage": ("voltage", INSTANTANEOUS),
    "Frequency": ("frequency", INSTANTANEOUS),
    "Temperature": ("temp", INSTANTANEOUS),
    "SoC": ("soc", INSTANTANEOUS),
    "RPM": ("rpm", INSTANTANEOUS),
}
_CLASSES = dict(_NAMES.values())
_REGISTER = "Energy.Active.Import.Register"
# A sample without a measurand is an energy register, unless its unit says otherwise.
_BY_UNIT = {
    "a": "Current.Import",
    "v": "Voltage",
    "w": "Power.Active.Import",
    "kw": "Power.Active.Import",
    "percent": "SoC",
}
PHASES = {
    "L1": "a",
    "L1-N": "a",
    "L2": "b",
    "L2-N": "b",
    "L3": "c",
    "L3-N": "c",
    "L1-L2": "ab",
    "L2-L3": "bc",
    "L3-L1": "ca",
    "N": "n",
}
_SUFFIXES = tuple(f"_{phase}" for phase in dict.fromkeys(PHASES.values()))


def _celsius_of_fahrenheit(value):
    return round((value - 32) * 5 / 9, 1)


def _celsius_of_kelvin(value):
    return round(value - 273.15, 1)


# By the first word of a measurand: what its units are in ours, a factor or a function. A unit that is
# listed nowhere passes through; one that belongs to another quantity is a mistake.
_UNITS = {
    "Energy": {"wh": 1, "kwh": 1000, "varh": 1, "kvarh": 1000, "vah": 1, "kvah": 1000},
    "Power": {"w": 1, "kw": 1000, "var": 1, "kvar": 1000, "va": 1, "kva": 1000},
    "Current": {"a": 1},
    "Voltage": {"v": 1},
    "Temperature": {
        "celsius": 1,
        "celcius": 1,
        "fahrenheit": _celsius_of_fahrenheit,
        "k": _celsius_of_kelvin,
    },
}
_KNOWN_UNITS = {unit for units in _UNITS.values() for unit in units}
# Whose word counts where a source tells of several places: the last one.
_PLACES = ("Inlet", "EV", "Body", "Cable", "Outlet")
# Contexts of what is measured now; those of the beginning, and vendors' own, count where nothing else does.
_PRESENT = {
    None,
    "",
    "Interruption.Begin",
    "Interruption.End",
    "Other",
    "Sample.Clock",
    "Sample.Periodic",
    "Transaction.End",
    "Trigger",
}
_LARGEST = 1e12
# What a multiplier makes of it has to stay within 64 bits, which is all that JSON is written with.
_LARGEST_CONVERTED = 1e16


def class_of(name):
    """Return "i" (instantaneous), "a" (accumulating) or "s" (status) for a property, its phase aside."""
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return _CLASSES.get(name, STATUS)


def measured(samples, *, by_phase=False):
    """Return [(location, phase, properties)] for a list of sampledValues; the last place counts most.

    Phases are suffixes of the properties' names (`current_a`); with `by_phase` they stand apart instead.
    """
    try:
        plan = _plan(tuple([_shape(sample) for sample in samples]), by_phase)
    except AttributeError:
        return measured([sample for sample in samples if isinstance(sample, dict)], by_phase=by_phase)
    found = []
    for location, phase, picks in plan:
        values = {}
        for name, place, convert in picks:
            value = _value(samples[place], convert)
            if value is None:  # without what is no number, others may count
                return measured([sample for sample in samples if _is_usable(sample)], by_phase=by_phase)
            values[name] = value
        found.append((location, phase, values))
    return found


def _value(sample, convert):
    """Return the number that a sample says, in our unit; None where it says none, or one beyond reason."""
    try:
        value = float(sample["value"])
    except (KeyError, TypeError, ValueError):
        return None
    if not -_LARGEST < value < _LARGEST:  # also drops NaN and infinities
        return None
    if convert is not None:
        # Rounded, since 0.07 kWh are not 70.00000000000001 Wh.
        value = round(value * convert, 9) if type(convert) is float else convert(value)
        if not -_LARGEST_CONVERTED < value < _LARGEST_CONVERTED:
            return None
    return int(value) if value.is_integer() else value


def _is_usable(sample):
    """Whether a sample would be a number if it stood alone."""
    plan = _plan((_shape(sample),), False)
    return all(_value(sample, convert) is not None for _, _, picks in plan for _, _, convert in picks)


def _shape(sample):
    """Return all words of a sample but its value."""
    get = sample.get
    unit, multiplier, described = get("unit"), None, get("unitOfMeasure")
    if described is not None and isinstance(described, dict):
        unit, multiplier = described.get("unit"), described.get("multiplier")
    return get("measurand"), unit, multiplier, get("phase"), get("location"), get("context"), get("format")


# A charger sends the same list of measurands again and again, and so do all of its model.
_plans = {}
_MOST_PLANS, _LONGEST_SHAPE = 4096, 100


def _plan(shape, by_phase):
    """Return how properties come out of samples of this shape.

    As [(location, phase, [(property, place in the list, factor or function or None)])].
    """
    plan = _plans.get((shape, by_phase))
    if plan is None:
        plan = _planned(shape, by_phase)
        # Made-up words must not fill the memory.
        is_small = len(shape) <= _LONGEST_SHAPE and all(
            len(str(word)) <= 50 for words in shape for word in words
        )
        if is_small and len(_plans) < _MOST_PLANS:
            _plans[shape, by_phase] = plan
    return plan


def _planned(shape, by_phase):
    groups = {}
    for place, (measurand, unit, multiplier, phase, location, context, form) in enumerate(shape):
        measurand = measurand or _BY_UNIT.get((unit or "").lower(), _REGISTER)
        if form == "SignedData" or measurand not in _NAMES or not (phase is None or phase in PHASES):
            continue
        is_ours, convert = _conversion(measurand, (unit or "").lower(), multiplier)
        if not is_ours:
            continue
        letter = PHASES[phase] if phase else ""
        name = _NAMES[measurand][0]
        picks = groups.setdefault((location or "Outlet", letter if by_phase else ""), {})
        name = f"{name}_{letter}" if letter and not by_phase else name
        if name not in picks or context in _PRESENT:
            picks[name] = name, place, convert
    ordered = sorted(groups.items(), key=lambda group: _rank(group[0][0]))
    return [(location, letter, list(picks.values())) for (location, letter), picks in ordered]


def _conversion(measurand, unit, multiplier):
    """Return whether the unit can belong to the measurand, and a factor or function; None: nothing to do."""
    units = _UNITS.get(measurand.partition(".")[0], {})
    if unit in _KNOWN_UNITS and unit not in units:
        return False, None
    convert = units.get(unit, 1)
    power = 10.0 ** max(-12, min(12, multiplier)) if multiplier else 1.0
    if not callable(convert):
        factor = convert * power
        return True, None if factor == 1 else factor
    return True, convert if power == 1 else lambda value: convert(value * power)


def _rank(location):
    return _PLACES.index(location) if location in _PLACES else -1
