"""The energy is the integral of the power, however one looks at it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.virtual.power import AC, DC, RAMP_SECONDS, Car, Flow, shared

OUTLETS = st.sampled_from([AC, DC])
CARS = st.builds(
    Car,
    battery_wh=st.floats(1_000, 100_000),
    soc=st.floats(0, 100),
    max_w=st.floats(1_000, 200_000),
)
STRETCHES = st.lists(st.floats(0, 900), max_size=12)


@given(OUTLETS, CARS, STRETCHES)
def test_energy_does_not_depend_on_how_often_one_looks(outlet, car, stretches):
    often, once = Flow(outlet, car), Flow(outlet, car)

    total = sum(often.advance(seconds) for seconds in stretches)

    assert total == pytest.approx(once.advance(sum(stretches)), rel=1e-6, abs=1e-6)


@given(OUTLETS, CARS, STRETCHES)
def test_energy_is_what_the_battery_gained(outlet, car, stretches):
    flow = Flow(outlet, car)

    energy = sum(flow.advance(seconds) for seconds in stretches)

    assert energy == pytest.approx(car.battery_wh * (flow.soc - car.soc) / 100, rel=1e-6, abs=1e-3)


@given(OUTLETS, CARS, STRETCHES, st.none() | st.floats(0, 300_000))
def test_power_stays_below_every_limit(outlet, car, stretches, limit):
    flow = Flow(outlet, car, limit)
    most = min(outlet.max_w, car.max_w, outlet.max_w if limit is None else limit)

    energies = [flow.advance(seconds) for seconds in stretches]

    assert 0 <= flow.power_w <= most
    assert 0 <= flow.soc <= 100
    assert all(
        0 <= wh <= most * seconds / 3600 + 1e-6 for wh, seconds in zip(energies, stretches, strict=True)
    )


def test_power_shown_is_the_slope_of_the_register():
    flow = Flow(DC, Car(soc=20))
    flow.advance(60)

    assert flow.advance(1.0) == pytest.approx(flow.power_w / 3600)


def test_power_ramps_up_stays_and_tapers():
    flow = Flow(AC, Car(battery_wh=10_000, soc=50))
    at_once = flow.power_w

    flow.advance(RAMP_SECONDS)
    plateau = flow.power_w
    flow.advance(1400)

    assert at_once < plateau == 11_000
    assert 0 < flow.power_w < plateau


def test_full_car_takes_nothing():
    flow = Flow(AC, Car(battery_wh=100, soc=99))

    flow.advance(36_000)

    assert (flow.soc, flow.power_w, flow.is_full) == (100.0, 0.0, True)


def test_limit_may_be_lifted_again():
    flow = Flow(AC, Car(), 0)
    nothing = flow.advance(100)

    flow.limit(None)

    assert nothing == 0
    assert flow.advance(100) > 0


# Sharing --------------------------------------------------------------------------------------

WISHES = st.dictionaries(st.integers(1, 9), st.floats(0, 150_000), max_size=6)


@pytest.mark.parametrize(
    ("total", "wishes", "shares"),
    [
        (None, {1: 5.0}, {}),
        (10, {1: 4.0, 2: 6.0}, {}),
        (10, {1: 9.0, 2: 9.0}, {1: 5.0, 2: 5.0}),
        (10, {1: 2.0, 2: 9.0, 3: 9.0}, {1: 2.0, 2: 4.0, 3: 4.0}),
        (0, {1: 9.0, 2: 9.0}, {1: 0.0, 2: 0.0}),
    ],
)
def test_those_who_wish_for_most_yield_first(total, wishes, shares):
    assert shared(total, wishes) == shares


@given(st.floats(0, 300_000), WISHES)
def test_shares_keep_to_the_whole_and_waste_nothing(total, wishes):
    shares = wishes | shared(total, wishes)

    assert all(0 <= shares[who] <= wish for who, wish in wishes.items())
    assert sum(shares.values()) == pytest.approx(min(total, sum(wishes.values())), rel=1e-9, abs=1e-6)
