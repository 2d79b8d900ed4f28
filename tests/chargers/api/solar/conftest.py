"""Streams of the owner, for SolarQuery to find."""

import pytest

from chargers.models import Charger, Location
from tests.kit.solar_query import MINUTE, NOON, stream, write


@pytest.fixture
def outlet(owner):
    """The stream of a connector in Amsterdam, with three datum a minute apart."""
    location = Location.objects.create(owner=owner, name="Dam", time_zone="Europe/Amsterdam")
    charger = Charger.objects.create(owner=owner, identifier="CP", location=location, node_id=7)
    row = stream(owner, "/ocpp/cp/CP/1/Outlet", charger=charger)
    for number in range(3):
        write(row, NOON + number * MINUTE, wattHours=1000 + 100 * number, watts=6000 + number)
    return row


@pytest.fixture
def others(owner):
    """Streams without a charger: another connector's, its status, and that of another node."""
    return [
        stream(owner, "/ocpp/cp/CP/2/Outlet"),
        stream(owner, "/ocpp/cp/CP/1/status"),
        stream(owner, "meter", node_id=8),
    ]
