"""What a list of sampledValues means for the whole connector, in SI units. Pure.

The same message may give a quantity in total and per phase, at several places of the charger and
in several contexts; each quantity is taken once. OCPP 1.6 and 2.0.1 share these words; they
differ in how the unit and the number are written.
"""

from dataclasses import dataclass

REGISTER = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
CURRENT = "Current.Import"
VOLTAGE = "Voltage"
SOC = "SoC"

# What one of each unit is in the unit that we keep.
_UNITS = {
    REGISTER: {"Wh": 1, "kWh": 1000, "": 1},
    POWER: {"W": 1, "kW": 1000, "": 1},
    CURRENT: {"A": 1, "": 1},
    VOLTAGE: {"V": 1, "": 1},
    SOC: {"Percent": 1, "%": 1, "": 1},
}
_SCALES = {(measurand, unit): scale for measurand, units in _UNITS.items() for unit, scale in units.items()}
# A sample without a measurand is an energy register, unless its unit says otherwise.
_BY_UNIT = {"A": CURRENT, "V": VOLTAGE, "W": POWER, "kW": POWER, "Percent": SOC}
# Which place counts when a quantity is measured at several: the outlet, else what is nearest to it.
_PLACES = ("Outlet", "Cable", "Body", "EV", "Inlet")
# Contexts of what is measured now. One at the beginning is older than the others of its message, and
# words of vendors are no measurements at all ("CurrentMax" is what a charger would allow).
_PRESENT = {
    "Interruption.Begin",
    "Interruption.End",
    "Other",
    "Sample.Clock",
    "Sample.Periodic",
    "Transaction.End",
    "Trigger",
    "",
}
_LARGEST = 1e12


@dataclass(slots=True)
class Measured:
    """The quantities of one meterValue; None where it does not tell."""

    register_wh: float | None = None
    power_w: float | None = None
    current_a: float | None = None
    voltage_v: float | None = None
    soc_percent: float | None = None


def measure(samples):
    """Return what `samples`, a list of sampledValue objects, say about the whole connector."""
    samples = [sample for sample in samples if isinstance(sample, dict)]
    measured = Measured()
    for name, picks, join in _plan(tuple([_shape(sample) for sample in samples])):
        values = [_number(samples[place], scale) for place, scale in picks]
        if None in values:  # without what is no number, others may count
            return measure([sample for sample in samples if _number(sample, 1) is not None])
        setattr(measured, name, values[0] if join is None else join(values))
    return measured


def readable(samples):
    """Return `samples` without words that are no text and multipliers that are no number.

    What only the other version's schema knows (`unit`, `unitOfMeasure`) no schema has checked.
    """
    return samples if all(map(_is_readable, samples)) else [_bare(sample) for sample in samples]


def _is_readable(sample):
    if not isinstance(sample, dict) or not isinstance(sample.get("unit", ""), str):
        return False
    described = sample.get("unitOfMeasure")
    return described is None or (
        isinstance(described, dict)
        and isinstance(described.get("unit", ""), str)
        and isinstance(described.get("multiplier", 0), int | float)
    )


def _bare(sample):
    if not isinstance(sample, dict):
        return {}
    bare = {name: word for name, word in sample.items() if name == "value" or isinstance(word, str)}
    described = sample.get("unitOfMeasure")
    if isinstance(described, dict):
        kinds = {"unit": str, "multiplier": int | float}
        bare["unitOfMeasure"] = {
            name: described[name] for name, kind in kinds.items() if isinstance(described.get(name), kind)
        }
    return bare


def context(samples):
    """Return the context of the first sample: why it was taken."""
    first = samples[0] if samples and isinstance(samples[0], dict) else {}
    return first.get("context") or "Sample.Periodic"


def _shape(sample):
    """Return all words of a sample but its value."""
    get = sample.get
    described = get("unitOfMeasure")
    if isinstance(described, dict):
        unit, multiplier = described.get("unit"), described.get("multiplier")
    else:
        unit, multiplier = get("unit"), None
    return get("measurand"), unit, multiplier, get("phase"), get("location"), get("context"), get("format")


# A charger sends the same list of measurands again and again, and so do all of its model.
_plans = {}
_MOST_PLANS, _LONGEST_SHAPE = 4096, 100


def _plan(shape):
    """Return how the quantities come out of samples of this shape: [(quantity, [(place, scale)], join)].

    `join` is None where the one value is the whole.
    """
    plan = _plans.get(shape)
    if plan is None:
        found = {}
        for place, words in enumerate(shape):
            _sort_in(found, place, *words)
        plan = [_whole(places, *_QUANTITIES[measurand]) for measurand, places in found.items()]
        # Made-up words must not fill the memory.
        is_small = len(shape) <= _LONGEST_SHAPE and all(
            len(str(word)) <= 50 for words in shape for word in words
        )
        if is_small and len(_plans) < _MOST_PLANS:
            _plans[shape] = plan
    return plan


def _sort_in(found, place, measurand, unit, multiplier, phase, location, context, form):
    """Put the sample at `place` of its list under its measurand, location and phase."""
    unit = unit or ""
    measurand = measurand or _BY_UNIT.get(unit, REGISTER)
    scale = _SCALES.get((measurand, unit))
    if scale is None or form == "SignedData":
        return
    if multiplier:
        scale *= 10.0 ** max(-12, min(12, multiplier))
    phases = found.setdefault(measurand, {}).setdefault(location or "Outlet", {})
    phase = phase.removesuffix("-N") if phase else "total"
    if phase not in phases or (context or "") in _PRESENT:
        phases[phase] = place, scale


def _number(sample, scale):
    try:
        value = float(sample["value"])
    except (KeyError, TypeError, ValueError):
        return None
    return value * scale if -_LARGEST < value < _LARGEST else None  # also drops NaN and infinities


def _whole(places, name, join):
    """Return the plan for one quantity: all phases at the place that counts; a total wins over its parts."""
    place = next((name for name in _PLACES if name in places), None) or next(iter(places))
    phases = places[place]
    if "total" in phases:
        return name, [phases["total"]], None
    parts = [pick for phase, pick in phases.items() if phase in ("L1", "L2", "L3")]
    return name, parts or list(phases.values()), join


def _mean_of_present(volts):
    present = [value for value in volts if value]
    return sum(present) / len(present) if present else 0.0


_QUANTITIES = {
    REGISTER: ("register_wh", sum),
    POWER: ("power_w", sum),
    CURRENT: ("current_a", max),
    VOLTAGE: ("voltage_v", _mean_of_present),
    SOC: ("soc_percent", max),
}
