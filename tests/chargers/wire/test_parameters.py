"""Flat parameters become the payload that they mean, and their secrets are not kept."""

import pytest

from chargers.wire import parameters
from chargers.wire.validation import V16, V201

pytestmark = pytest.mark.once


def sent(*pairs):
    return [{"name": name, "value": value} for name, value in pairs]


def test_pieces_of_a_long_value_are_joined_in_order():
    """A value over 256 characters comes as several parameters of one name."""
    pieces = sent(("msg", '{"key":'), ("action", "GetConfiguration"), ("msg", "[]}"))

    assert parameters.joined(pieces) == {"msg": '{"key":[]}', "action": "GetConfiguration"}


@pytest.mark.parametrize(
    ("version", "action", "texts", "payload"),
    [
        (V16, "UnlockConnector", {"connectorId": "1"}, {"connectorId": 1}),
        (V16, "RemoteStartTransaction", {"idTag": "12"}, {"idTag": "12"}),
        (V16, "GetConfiguration", {"key": "A"}, {"key": ["A"]}),
        (V16, "GetConfiguration", {"key": '["A","B"]'}, {"key": ["A", "B"]}),
        (V16, "ClearCache", {}, {}),
        (
            V201,
            "RequestStartTransaction",
            {"remoteStartId": "7", "idToken.idToken": "T", "idToken.type": "ISO14443"},
            {"remoteStartId": 7, "idToken": {"idToken": "T", "type": "ISO14443"}},
        ),
        (V201, "Reset", {"type": "Immediate", "evseId": "2"}, {"type": "Immediate", "evseId": 2}),
        (V201, "ChangeAvailability", {"evse": '{"id": 1}'}, {"evse": {"id": 1}}),
        (V201, "CostUpdated", {"totalCost": "1.50"}, {"totalCost": 1.5}),
        (V201, "CostUpdated", {"totalCost": "2"}, {"totalCost": 2}),
        (V201, "GetLog", {"log": "DiagnosticsLog"}, {"log": "DiagnosticsLog"}),
        (V201, "CustomerInformation", {"report": "True", "clear": "false"}, {"report": True, "clear": False}),
        (V201, "GetVariables", {"getVariableData": '[{"x": 1}]'}, {"getVariableData": [{"x": 1}]}),
    ],
)
def test_texts_become_what_the_schema_wants(version, action, texts, payload):
    """Numbers, booleans, objects and lists; dots lead into objects, one text is a list of one."""
    assert parameters.payload(version, action, texts) == payload


@pytest.mark.parametrize(
    ("action", "texts"),
    [
        ("UnlockConnector", {"connectorId": "one"}),
        ("UnlockConnector", {"connectorId": "1.0"}),
        ("CostUpdated", {"totalCost": "nan"}),
        ("CustomerInformation", {"report": "1"}),
        ("ChangeAvailability", {"evse": "{"}),
        ("ChangeAvailability", {"evse": "[1]"}),
        ("ClearCache", {"stranger": "1"}),
    ],
)
def test_what_does_not_fit_stays_text(action, texts):
    """The validation then says what is wrong with it."""
    assert parameters.payload(V201, action, texts) == texts


@pytest.mark.parametrize("texts", [{"evse": "1", "evse.id": "2"}, {"evse.id": "2", "evse": "1"}])
def test_names_that_contradict_each_other_are_refused(texts):
    """A member cannot be a value and an object."""
    with pytest.raises(ValueError, match="evse"):
        parameters.payload(V201, "Reset", texts)


def test_bottomless_names_end_somewhere():
    """Nobody can make us nest thousands of objects."""
    payload = parameters.payload(V16, "Reset", {".".join("a" * 5000): "1"})

    assert str(payload).count("{") <= parameters.DEEPEST + 1


def test_harmless_parameters_are_kept_as_sent():
    """In their order, in their pieces."""
    pieces = sent(("action", "Reset"), ("msg", '{"type":'), ("msg", '"Soft"}'))

    assert parameters.masked(pieces) == pieces


@pytest.mark.parametrize(
    ("pairs", "shown"),
    [
        (
            [("key", "AuthorizationKey"), ("value", "hunter2")],
            [("key", "AuthorizationKey"), ("value", "******")],
        ),
        ([("vpn.password", "hunter2")], [("vpn.password", "******")]),
        ([("msg", ' {"key":"AuthorizationKey","value":"hunter2"}')], None),
        ([("msg", '{"key":"AuthorizationKey","val'), ("msg", 'ue":"hunter2"}')], None),
        ([("msg", '{"key":"AuthorizationKey","value":"hunter2"')], None),
        ([("connectionData", '\n {"vpn":{"server":"s","key":"hunter2"}}')], None),
        (
            [("setVariableData", ' [{"variable":{"name":"BasicAuthPassword"},"attributeValue":"hunter2"}]')],
            None,
        ),
        ([("data.key", "AuthorizationKey"), ("data.value", "hunter2")], None),
        ([("v.variable.name", "BasicAuthPassword"), ("v.attributeValue", "hunter2")], None),
    ],
)
def test_secrets_are_masked(pairs, shown):
    """Wherever they stand: beside their key, in the message, in its pieces, in one that cannot be read."""
    masked = parameters.masked(sent(*pairs))

    assert "hunter2" not in str(masked)
    assert "******" in str(masked)
    assert shown is None or masked == sent(*shown)


def test_bottomless_message_is_masked():
    """What nests too deeply to be walked is searched as text."""
    deep = '{"a":' * 1000 + '{"password":"hunter2"}' + "}" * 1000

    assert "hunter2" not in str(parameters.masked(sent(("msg", deep))))
