"""Calling SolarUser's API as one of several accounts."""

import pytest

from chargers.models import Charger, Presence
from tests.kit import world

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
