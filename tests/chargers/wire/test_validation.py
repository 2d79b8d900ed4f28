"""OCPP's schemas as we read them: what is a number, what is a time, what is a word."""

import json

import pytest

from chargers.wire import validation
from chargers.wire.session import Inbound, Role, Session
from chargers.wire.validation import V16, V201
from tests.kit.payloads import fullest, smallest

ACTIONS = [
    (version, action) for version in validation.VERSIONS for action in sorted(validation.actions(version))
]


@pytest.mark.parametrize("is_answer", [False, True], ids=["request", "answer"])
@pytest.mark.parametrize("make", [smallest, fullest])
def test_every_schema_is_understood(make, is_answer):
    """The smallest and the fullest payload that a schema describes are valid by it."""
    assert [
        which
        for which in ACTIONS
        if not validation.is_valid(*which, make(*which, is_answer=is_answer), is_answer=is_answer)
    ] == []


def _profile(limit):
    """A charging profile as an answer to GetCompositeSchedule (1.6) tells it."""
    period = {"startPeriod": 0, "limit": limit}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    return {"status": "Accepted", "chargingSchedule": schedule}


def test_limits_of_one_decimal_are_multiples_of_a_tenth():
    """Binary fractions are no reason to refuse 0.3 A."""
    limits = [tenths / 10 for tenths in range(5000)]
    refused = [
        limit
        for limit in limits
        if not validation.is_valid(V16, "GetCompositeSchedule", _profile(limit), is_answer=True)
    ]
    assert refused == []


@pytest.mark.parametrize("limit", [4.11, 0.05])
def test_limits_of_two_decimals_are_not(limit):
    """OCPP 1.6 gives limits one decimal."""
    assert not validation.is_valid(V16, "GetCompositeSchedule", _profile(limit), is_answer=True)


@pytest.mark.parametrize(
    ("version", "action", "payload", "member"),
    [
        (
            V16,
            "StatusNotification",
            {"connectorId": 1.0, "status": "Available", "errorCode": "NoError"},
            "connectorId",
        ),
        (V201, "StatusNotification", smallest(V201, "StatusNotification") | {"evseId": 1.0}, "evseId"),
        (V201, "TransactionEvent", smallest(V201, "TransactionEvent") | {"seqNo": 1.0}, "seqNo"),
    ],
)
def test_integers_written_with_a_point_are_integers(version, action, payload, member):
    """Some libraries know one kind of number only, and a database's columns two."""
    session = Session(Role.CSMS, version)
    session.receive(json.dumps([2, "1", action, payload]), 0.0)
    (event,) = session.events
    assert isinstance(event, Inbound)
    assert (event.refusal, repr(event.payload[member])) == ("", "1")
