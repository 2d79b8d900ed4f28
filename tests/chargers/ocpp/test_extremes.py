"""No payload that is let through to a handler makes it fail, however extreme: a failure would lose what it says."""

import json

import pytest

from chargers.ocpp import works
from chargers.wire.session import Role, Session
from chargers.wire.validation import VERSIONS
from tests.kit.payloads import fullest, smallest

pytestmark = pytest.mark.django_db


def _strings(value):
    return lambda one: value if isinstance(one, str) else one


def _integers(value):
    return lambda one: value if isinstance(one, int) and not isinstance(one, bool) else one


EXTREMES = {
    "as it is": lambda one: one,
    "long texts": _strings("x" * 5000),
    "empty texts": _strings(""),
    "texts of odd letters": _strings("\0\ud800ß\U0001f50c\u202e"),
    "numbers as texts": lambda one: str(one) if isinstance(one, int | float) else one,
    "texts as numbers": lambda one: 7 if isinstance(one, str) else one,
    "largest integers": _integers(2**63 - 1),
    "smallest integers": _integers(-(2**63)),
    "integers beyond 64 bits": _integers(10**30),
    "integers with a point": _integers(3.0),
    "numbers out of range": lambda one: 1e300 if isinstance(one, int | float) else one,
    "nothing": lambda one: None,
}


def _changed(value, change):
    if isinstance(value, dict):
        return {name: _changed(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return change(value)


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_handler_survives(tell, charger, driver, version, extreme):
    """Either the session refuses the payload, or its handler answers."""
    session = Session(Role.CSMS, version)
    for action in sorted(works.HANDLERS[version]):
        for make in (smallest, fullest):
            payload = _changed(make(version, action), EXTREMES[extreme])
            session.receive(json.dumps([2, action, action, payload]), 0.0)
    calls = [event for event in session.events if not event.refusal]
    answers = {call.action: tell(call.action, call.payload, version=version) for call in calls}
    assert all(isinstance(answer, dict) for answer in answers.values())
    assert "Heartbeat" in answers
