"""The status of a connector follows from what is the case."""

import pytest

from chargers.virtual.connector import Connector
from chargers.virtual.power import AC, Car

RUNNING = object()


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "Available"),
        ({"car": Car()}, "Preparing"),
        ({"token": "TAG1"}, "Preparing"),
        ({"car": Car(), "is_finishing": True}, "Finishing"),
        ({"car": Car(), "transaction": RUNNING}, "Charging"),
        ({"car": Car(), "transaction": RUNNING, "limit_w": 0}, "SuspendedEV"),
        ({"is_operative": False}, "Unavailable"),
        ({"is_operative": False, "transaction": RUNNING, "car": Car()}, "Charging"),
        ({"fault": "GroundFailure", "car": Car()}, "Faulted"),
    ],
)
def test_status_follows_from_the_facts(facts, status):
    connector = Connector(1, **facts)
    if connector.transaction:
        connector.power_on(0)

    assert connector.status == status


def test_cleared_fault_brings_back_what_was():
    connector = Connector(1, car=Car(), fault="GroundFailure")

    connector.fault = ""

    assert connector.status == "Preparing"


def test_readout_is_consistent():
    connector = Connector(1, AC, 5_000.0, car=Car())
    connector.power_on(0)

    readout = connector.read(None, 3600, 0.01)

    assert readout.power_w == pytest.approx(readout.volts * readout.amps * readout.phases)
    assert readout.register_wh == int(5_000 + connector.flow.energy_wh)


def test_car_keeps_what_it_got():
    connector = Connector(1, car=Car(soc=50))
    connector.power_on(0)

    connector.power_off(3600)

    assert connector.car.soc > 50
    assert connector.read(None, 7200).power_w == 0
