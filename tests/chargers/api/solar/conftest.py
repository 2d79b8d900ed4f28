"""Calling SolarNetwork's APIs as one of several accounts, and streams for SolarQuery to find."""

import pytest

from chargers.models import Charger, Location, Presence
from tests.kit import world
from tests.kit.solar_query import MINUTE, NOON, stream, write

BASE = "/solaruser/api/v1/sec/user/ocpp"


@pytest.fixture
def call(client):
    """Return a function that sends a request as the owner and returns (status, body)."""

    def send(method, path, body=None, **headers):
        given = {} if body is None else {"data": body}
        answer = getattr(client, method)(BASE + path, headers=headers or None, **given)
        return answer.status_code, answer.json()

    return send


@pytest.fixture
def save(call):
    return lambda path, body: call("post", path, body)


@pytest.fixture
def read(call):
    """Return a function that returns the data of a list or a row."""
    return lambda path: call("get", path)[1]["data"]


@pytest.fixture
def rows(rows):
    return rows | _connected(rows)


@pytest.fixture
def other_rows(other_rows):
    return other_rows | _connected(other_rows)


def _connected(rows):
    return {Presence: Presence.objects.create(charger=rows[Charger], connected_at=world.NOON)}


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
