"""Datum properties: every quantity under SolarNetwork's name, in its unit, by place and phase."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.datum import properties
from chargers.datum.properties import PHASES, class_of, measured

pytestmark = pytest.mark.once

# Every measurand of OCPP 1.6 and 2.0.1 (section 6.1) with a unit, and what 1.5 of it become.
MEASURANDS = [
    ("Energy.Active.Import.Register", "kWh", "wattHours", 1500, "a"),
    ("Energy.Active.Export.Register", "Wh", "wattHoursReverse", 1.5, "a"),
    ("Energy.Active.Import.Interval", "kWh", "wattHoursDiff", 1500, "i"),
    ("Energy.Active.Export.Interval", "kWh", "wattHoursDiffReverse", 1500, "i"),
    ("Energy.Reactive.Import.Register", "kvarh", "reactiveEnergy", 1500, "a"),
    ("Energy.Reactive.Export.Register", "varh", "reactiveEnergyReverse", 1.5, "a"),
    ("Energy.Reactive.Import.Interval", "kVAh", "reactiveEnergyDiff", 1500, "i"),
    ("Energy.Reactive.Export.Interval", "VAh", "reactiveEnergyDiffReverse", 1.5, "i"),
    ("Power.Active.Import", "kW", "watts", 1500, "i"),
    ("Power.Active.Export", "W", "wattsReverse", 1.5, "i"),
    ("Power.Offered", "kW", "wattsOffered", 1500, "i"),
    ("Power.Reactive.Import", "kvar", "reactivePower", 1500, "i"),
    ("Power.Reactive.Export", "kVA", "reactivePowerReverse", 1500, "i"),
    ("Power.Factor", None, "powerFactor", 1.5, "i"),
    ("Current.Import", "A", "current", 1.5, "i"),
    ("Current.Export", "A", "currentReverse", 1.5, "i"),
    ("Current.Offered", None, "currentOffered", 1.5, "i"),
    ("Voltage", "V", "voltage", 1.5, "i"),
    ("Frequency", "Hertz", "frequency", 1.5, "i"),
    ("Temperature", "Celsius", "temp", 1.5, "i"),
    ("Temperature", "Celcius", "temp", 1.5, "i"),
    ("Temperature", "Fahrenheit", "temp", -16.9, "i"),
    ("Temperature", "K", "temp", -271.6, "i"),
    ("SoC", "Percent", "soc", 1.5, "i"),
    ("RPM", "rpm", "rpm", 1.5, "i"),
]


def sample(value="1.5", measurand=None, **members):
    return {"value": value} | ({"measurand": measurand} if measurand else {}) | members


def only(samples, **options):
    """Return the properties of the one place that `samples` tell of."""
    ((_, _, found),) = measured(samples, **options)
    return found


@pytest.mark.spec("solar-ocpp", "Datum properties")
@pytest.mark.parametrize(("measurand", "unit", "name", "value", "kind"), MEASURANDS)
def test_each_measurand_has_its_property(measurand, unit, name, value, kind):
    """In SolarNetwork's name, unit and class."""
    given = sample(measurand=measurand, **({"unit": unit} if unit else {}))
    assert only([given]) == {name: value}
    assert class_of(name) == kind


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (sample("7", None), {"wattHours": 7}),
        (sample("7", None, unit="A"), {"current": 7}),
        (sample("7", None, unit="kWh"), {"wattHours": 7000}),
        (sample(7, "Power.Active.Import", unitOfMeasure={"unit": "W", "multiplier": 3}), {"watts": 7000}),
        (sample(7, "Power.Active.Import", unitOfMeasure={"unit": "kW", "multiplier": -3}), {"watts": 7}),
        (sample(3000, "Temperature", unitOfMeasure={"unit": "K", "multiplier": -1}), {"temp": 26.9}),
        (sample("0.07", None, unit="kWh"), {"wattHours": 70}),
        (sample("5", "Voltage", unit="decivolt"), {"voltage": 5}),
    ],
    ids=str,
)
def test_omitted_members_mean_what_the_standard_says(given, expected):
    """An energy register in Wh at the outlet, unless the unit says otherwise."""
    assert measured([given]) == [("Outlet", "", expected)]


@pytest.mark.parametrize(
    "given",
    [
        sample("AAAA", format="SignedData"),
        sample("1", format="SignedData"),
        sample("x"),
        sample("1e999"),
        sample("nan"),
        sample(None),
        {},
        sample("5", "Energy.Active.Import.Register", unit="A"),
        sample("5", "Energy.Active.Net"),
        sample("5", "Voltage", phase="L4"),
        sample("999999999999", "Current.Import", unitOfMeasure={"unit": "A", "multiplier": 12}),
        "no object",
    ],
    ids=str,
)
def test_what_is_no_number_or_has_no_name_is_dropped(given):
    """And what stands beside it is not."""
    assert [found for *_, found in measured([given, sample("230", "Voltage")]) if found] == [{"voltage": 230}]


@pytest.mark.parametrize(("phase", "suffix"), PHASES.items())
def test_phase_is_a_suffix(phase, suffix):
    """L1 and L1-N are the same phase."""
    assert only([sample("16", "Current.Import", phase=phase)]) == {f"current_{suffix}": 16}
    assert class_of(f"wattHours_{suffix}") == "a"


def test_phases_stand_apart_where_they_are_asked_to():
    """For templates that put the phase into the source ID."""
    given = [
        sample("16", "Current.Import", phase="L1"),
        sample("15", "Current.Import", phase="L2"),
        sample("9"),
    ]
    assert measured(given, by_phase=True) == [
        ("Outlet", "a", {"current": 16}),
        ("Outlet", "b", {"current": 15}),
        ("Outlet", "", {"wattHours": 9}),
    ]


def test_places_come_with_the_outlet_last():
    """Where a template does not tell them apart, the outlet has the last word."""
    given = [
        sample("2", "Voltage"),
        sample("1", "Voltage", location="Inlet"),
        sample("3", "SoC", location="EV"),
    ]
    assert [place for place, *_ in measured(given)] == ["Inlet", "EV", "Outlet"]


def test_register_of_the_beginning_gives_way():
    """Stop messages carry both ends of the session under one time."""
    given = [sample("900", context="Transaction.End"), sample("100", context="Transaction.Begin")]
    assert only(given) == {"wattHours": 900}
    assert only(given[1:]) == {"wattHours": 100}


def test_sample_without_a_number_leaves_the_word_to_the_next():
    """The second one of the same property counts then."""
    assert only([sample("x"), sample("7", context="Transaction.Begin")]) == {"wattHours": 7}


@pytest.mark.parametrize("name", ["status", "sessionId", "endDate", "duration", "made_up"])
def test_what_is_not_measured_is_status(name):
    assert class_of(name) == "s"


words = st.none() | st.text(max_size=8)
measurands = st.none() | st.sampled_from([row[0] for row in MEASURANDS]) | st.text(max_size=5)
units = words | st.sampled_from(["Wh", "kWh", "K", "Fahrenheit", "A", "Percent"])
any_sample = st.fixed_dictionaries(
    {"value": st.text(max_size=8) | st.floats() | st.integers() | st.none()},
    optional={
        "measurand": measurands,
        "unit": units,
        "unitOfMeasure": st.fixed_dictionaries(
            {}, optional={"unit": units, "multiplier": st.integers(-400, 400)}
        ),
        "phase": words | st.sampled_from(list(PHASES)),
        "location": words | st.sampled_from(["Outlet", "EV"]),
        "context": words | st.sampled_from(["Transaction.Begin", "Sample.Periodic"]),
        "format": words,
    },
)


@given(st.lists(any_sample, max_size=6), st.booleans())
def test_any_samples_give_named_finite_numbers_once_a_place(samples, by_phase):
    """Whatever words and values a vendor makes up."""
    found = measured(samples, by_phase=by_phase)

    assert len({(location, phase) for location, phase, _ in found}) == len(found)
    assert all(class_of(name) in ("i", "a") for *_, values in found for name in values)
    assert all(abs(value) < 2**63 for *_, values in found for value in values.values())


@given(st.lists(any_sample, max_size=6))
def test_what_is_dropped_changes_nothing_else(samples):
    """A sample that means nothing may stand anywhere."""
    nothing = {"value": "5", "measurand": "Vendor.Made.Up"}
    assert measured([nothing, *samples]) == measured([*samples, nothing]) == measured(samples)


@given(st.lists(st.tuples(any_sample, st.text("0123456789.", max_size=4)), max_size=4))
def test_remembered_plan_is_the_plan(pairs):
    """The second message of a shape is read as the first one was."""
    first, second = [sample for sample, _ in pairs], [{**sample, "value": value} for sample, value in pairs]
    measured(first)
    remembered = measured(second)
    properties._plans.clear()
    assert measured(second) == remembered
