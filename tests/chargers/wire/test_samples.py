"""Samples: each quantity once, in SI units."""

import pytest

from chargers.wire import samples
from chargers.wire.samples import CURRENT, POWER, REGISTER, SOC, VOLTAGE


def sample(value, measurand=None, **members):
    return {"value": value} | ({"measurand": measurand} if measurand else {}) | members


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([sample("1500")], {"register_wh": 1500}),
        ([sample("1.5", unit="kWh")], {"register_wh": 1500}),
        ([sample("7", POWER, unit="kW")], {"power_w": 7000}),
        ([sample(7, POWER, unitOfMeasure={"unit": "W", "multiplier": 3})], {"power_w": 7000}),
        ([sample("46.0", SOC, unit="Percent", location="EV")], {"soc_percent": 46}),
        ([sample("16", unit="A")], {"current_a": 16}),
        ([sample("x", REGISTER)], {}),
        ([sample("1e999", REGISTER)], {}),
        ([sample("5", REGISTER, unit="A")], {}),
        ([sample("AAAA", REGISTER, format="SignedData")], {}),
        (["no object"], {}),
        ([], {}),
    ],
)
def test_values_are_understood_in_si(given, expected):
    """What does not tell a quantity tells nothing."""
    measured = samples.measure(given)
    assert {
        name: getattr(measured, name) for name in measured.__slots__ if getattr(measured, name) is not None
    } == expected


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (sample("5", unit=7), sample("5")),
        (sample("5", unitOfMeasure=["Wh"]), sample("5")),
        (
            sample("5", unitOfMeasure={"unit": ["Wh"], "multiplier": 3}),
            sample("5", unitOfMeasure={"multiplier": 3}),
        ),
        (
            sample("5", unitOfMeasure={"unit": "Wh", "multiplier": "3"}),
            sample("5", unitOfMeasure={"unit": "Wh"}),
        ),
        ("no object", {}),
    ],
    ids=str,
)
def test_words_that_no_schema_has_checked_are_left_out(given, left):
    """`unit` is a word of 1.6, `unitOfMeasure` one of 2.0.1; in the other one they may be anything."""
    assert samples.readable([given]) == [left]
    fine = [sample("5", unit="Wh"), sample(5, unitOfMeasure={"unit": "W", "multiplier": 3})]
    assert samples.readable(fine) is fine


def test_phases_are_added_where_there_is_no_total():
    """Power is the sum of the phases, with or without N in their names."""
    given = [
        sample("1000", POWER, phase="L1-N"),
        sample("1100", POWER, phase="L2-N"),
        sample("900", POWER, phase="L3"),
    ]
    assert samples.measure(given).power_w == 3000


def test_total_wins_over_its_phases():
    """Power reported per phase and in total is taken once."""
    given = [sample("3000", POWER), *(sample("1000", POWER, phase=phase) for phase in ("L1", "L2", "L3"))]
    assert samples.measure(given).power_w == 3000


def test_current_is_that_of_the_strongest_phase_and_voltage_the_mean_of_those_present():
    """Phases without voltage are not connected."""
    given = [sample(amps, CURRENT, phase=phase) for phase, amps in (("L1", "16"), ("L2", "15"), ("L3", "0"))]
    given += [
        sample(volts, VOLTAGE, phase=phase)
        for phase, volts in (("L1-N", "230"), ("L2-N", "232"), ("L3-N", "0"))
    ]
    measured = samples.measure(given)
    assert (measured.current_a, measured.voltage_v) == (16, 231)


def test_outlet_wins_over_the_inlet():
    """What the grid delivers to the charger is not what the car gets."""
    given = [sample("9000", POWER, location="Inlet"), sample("8500", POWER, location="Outlet")]
    assert samples.measure(given).power_w == 8500


def test_register_at_the_end_wins_over_that_at_the_beginning():
    """Both stand in the transaction data of some chargers."""
    given = [sample("900", context="Transaction.End"), sample("100", context="Transaction.Begin")]
    assert samples.measure(given).register_wh == 900


def test_limit_that_a_charger_calls_a_context_is_not_taken_for_the_current():
    """An Alfen tells the current that it would allow under a context of its own."""
    given = [
        sample("15.63", unit="A", context="Sample.Periodic"),
        sample("16", unit="A", context="CurrentMax"),
    ]
    assert samples.measure(given).current_a == 15.63
