"""Tolerance: what the schema refuses is understood as far as it can be."""

import pytest

from chargers.wire import tolerance, validation
from chargers.wire.validation import V16, V201

AT = "2026-11-21T04:00:00Z"


def samples(*values):
    return {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": list(values)}]}


@pytest.mark.parametrize(
    ("version", "action", "payload", "mended"),
    [
        (V16, "MeterValues", samples({"value": 10}), samples({"value": "10"})),
        (
            V16,
            "MeterValues",
            samples({"value": "50", "unit": "Hz"}),
            samples({"value": "50", "unit": "Hertz"}),
        ),
        (
            V16,
            "MeterValues",
            samples({"value": "5"}) | {"meterValue": samples({"value": "5"})["meterValue"][0]},
            samples({"value": "5"}),
        ),
        (
            V16,
            "MeterValues",
            samples({"value": "5"}) | {"transactionId": "77"},
            samples({"value": "5"}) | {"transactionId": 77},
        ),
        (V16, "MeterValues", samples({"value": "5"}) | {"transactionId": None}, samples({"value": "5"})),
        (V16, "MeterValues", samples({"value": "5"}) | {"transactionId": "9" * 30}, samples({"value": "5"})),
        (
            V16,
            "StatusNotification",
            {"connectorId": 1, "status": "available", "errorCode": "noerror"},
            {"connectorId": 1, "status": "Available", "errorCode": "NoError"},
        ),
        (V201, "Authorize", {"idToken": "TAG"}, {"idToken": {"idToken": "TAG", "type": "Central"}}),
    ],
)
def test_members_are_put_right(version, action, payload, mended):
    """Types, words and shapes that carry the meaning are accepted, and noted."""
    result, oddities, problem = tolerance.normalise(version, action, payload)
    assert (result, bool(oddities), problem) == (mended, True, None)


def test_values_of_settings_are_not_quoted():
    """A PIN that comes as a number is put right, and stays out of the log."""
    answer = {"configurationKey": [{"key": "SimPIN", "readonly": False, "value": 4711}]}
    mended, oddities, _ = tolerance.normalise(V16, "GetConfiguration", answer, is_answer=True)
    assert (mended["configurationKey"][0]["value"], oddities) == ("4711", ["configurationKey.0.value: type"])


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        (
            "BootNotification",
            {"chargePointVendor": "", "chargePointModel": "m", "chargeBoxSerialNumber": "x" * 33},
        ),
        ("BootNotification", {}),
        ("StartTransaction", {"connectorId": 1, "timestamp": "yesterday", "meterStart": 0}),
        ("StopTransaction", {"transactionId": "?"}),
        ("MeterValues", {"connectorId": 1}),
        ("StatusNotification", {"connectorId": 1, "status": "Odd", "errorCode": "Error", "info": "x" * 60}),
        ("Authorize", {"idTag": "x" * 40, "connectorId": 2}),
    ],
)
def test_what_lacks_nothing_indispensable_is_used(action, payload):
    """Too long, unknown and missing members do not make a message useless."""
    _, oddities, problem = tolerance.normalise(V16, action, payload)
    assert (bool(oddities), problem) == (True, None)


@pytest.mark.parametrize(
    ("version", "action", "payload", "member"),
    [
        (V16, "Authorize", {}, "idTag"),
        (V16, "StatusNotification", {"connectorId": 1, "errorCode": "NoError"}, "status"),
        (
            V16,
            "StatusNotification",
            {"connectorId": "one", "errorCode": "NoError", "status": "Available"},
            "connectorId",
        ),
        (
            V201,
            "TransactionEvent",
            {"eventType": "Started", "timestamp": AT, "triggerReason": "Trigger", "seqNo": 0},
            "transactionInfo",
        ),
    ],
)
def test_what_lacks_its_subject_is_refused(version, action, payload, member):
    """The member that makes it useless is named."""
    *_, problem = tolerance.normalise(version, action, payload)
    assert problem.member == member


def test_answers_need_what_their_schema_requires():
    """An answer without its status tells nothing."""
    *_, problem = tolerance.normalise(V16, "Reset", {}, is_answer=True)
    assert problem.member == "status"


def test_nothing_of_a_wrong_type_is_left():
    """Handlers may rely on the types of what they get."""
    payload = {"connectorId": 1, "status": "Available", "errorCode": [1], "info": {"a": 1}, "timestamp": 5.0}
    result, _, _ = tolerance.normalise(V16, "StatusNotification", payload)
    left = validation.problems(V16, "StatusNotification", result)
    assert not [problem for problem in left if problem.keyword == "type"]


@pytest.mark.parametrize(("value", "index"), [(3, 3), (-1, 0), (2**31, 0), (None, 0), ("1", 0)])
def test_numbers_of_connectors_fit_their_column(value, index):
    """Nonsense is the charger as a whole."""
    assert tolerance.index(value) == index


@pytest.mark.parametrize(
    ("version", "action", "payload", "keyword"),
    [
        (V16, "UnlockConnector", {}, "required"),
        (V16, "UnlockConnector", {"connectorId": "one"}, "required"),
        (V16, "Reset", {"type": "Gently"}, "enum"),
        (V201, "GetVariables", {"getVariableData": []}, "minItems"),
    ],
)
def test_orders_to_chargers_are_not_guessed_at(version, action, payload, keyword):
    """A charger carries an order out as it stands or refuses it."""
    *_, problem = tolerance.normalise(version, action, payload)
    assert problem.keyword == keyword
