"""Frames: whatever arrives becomes a Call, an answer or an Unreadable, and is safe."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.wire import frames
from chargers.wire.frames import Call, CallError, CallResult, Unreadable


def test_call_is_read():
    """A CALL gives its id, action and payload."""
    assert frames.decode('[2,"7","Heartbeat",{}]') == Call("7", "Heartbeat", {})


@pytest.mark.parametrize("message_id", ["abc", 17, None, 1.5, "x" * 300])
def test_message_ids_are_echoed_as_they_came(message_id):
    """Some chargers send numbers, null or ids that are too long."""
    frame = frames.decode(json.dumps([2, message_id, "Heartbeat", {}]))
    answer = json.loads(frames.encode(CallResult(frame.message_id, {})))
    assert answer == [3, message_id, {}]


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ('[2,"1","X",{"a":,"b":1}]', {"a": None, "b": 1}),
        ('[2,"1","X",{"a":[,{"b":1}]}]', {"a": [{"b": 1}]}),
        ('[2,"1","X",{"a":1,}]', {"a": 1}),
        ('[2,"1","X","a":":,","b":2}]', {"a": ":,", "b": 2}),
    ],
)
def test_broken_json_is_mended_where_its_meaning_is_plain(text, payload):
    """Members without value, commas too many and a missing brace were seen from real chargers."""
    frame = frames.decode(text)
    assert (frame.payload, frame.oddities) == (payload, ["invalid JSON mended"])


def test_cut_off_answer_is_closed():
    """An answer may end before its closing brackets."""
    assert frames.decode('[3,"x",{"configurationKey":[]').payload == {"configurationKey": []}


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ('[2,"abc4","Authorize",{"idTag":"A1B.....]', "abc4"),
        ("nonsense", "-1"),
        ("", "-1"),
        ("\0", "-1"),
        ("[]", "-1"),
    ],
)
def test_unreadable_text_keeps_what_id_it_has(text, message_id):
    """Who sends what no one can read hears its id again, or -1."""
    frame = frames.decode(text)
    assert (type(frame), frame.message_id) == (Unreadable, message_id)


@pytest.mark.parametrize(
    "text", ['[2,"1","X",{"a":NaN}]', '[2,"1","X",{"a":Infinity}]', '[2,"1","X",{"a":1e999}]']
)
def test_numbers_that_are_none_are_refused(text):
    """NaN and infinities are not JSON."""
    assert isinstance(frames.decode(text), Unreadable)


def test_text_is_made_safe_for_databases():
    """PostgreSQL takes neither NUL nor half a surrogate pair."""
    frame = frames.decode('[2,"1","X",{"a\\u0000":"\\ud800x","b":"\\ud83d\\ude00"}]')
    assert frame.payload == {"a\N{REPLACEMENT CHARACTER}": "\N{REPLACEMENT CHARACTER}x", "b": "😀"}


@pytest.mark.parametrize(
    ("digits", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("1" * 5000, "1" * 5000),
    ],
)
def test_integers_beyond_64_bits_stay_text(digits, value):
    """An integer never silently becomes a float."""
    assert frames.decode(f'[2,"1","X",{{"a":{digits}}}]').payload == {"a": value}


@pytest.mark.parametrize("depth", [65, 100_000])
def test_nesting_is_bounded(depth):
    """Nesting that deep is an attack."""
    assert isinstance(frames.decode('[2,"1","X",{"a":' + "[" * depth + "]" * depth + "}]"), Unreadable)


def test_short_error_is_read():
    """A CALLERROR may lack its details."""
    frame = frames.decode('[4, "49eab272", "FormationViolation", ""]')
    assert (frame.code, frame.details, frame.oddities) == (
        "FormationViolation",
        {},
        ["error details missing"],
    )


def test_long_error_description_is_cut():
    """A CALLERROR description holds 255 characters (OCPP-J 4.2.3)."""
    assert len(json.loads(frames.encode(CallError("1", "GenericError", "x" * 999)))[3]) == 255


@given(st.text(max_size=300))
def test_any_text_is_survived(text):
    """No text raises."""
    assert frames.decode(text) is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=5))
def test_any_array_is_survived_and_encodes_again(parts):
    """Whatever array comes, the answer to it can be written."""
    frame = frames.decode(json.dumps(parts))
    assert frames.encode(CallError(frame.message_id, "GenericError"))


@pytest.mark.parametrize("filler", ['"\\', '":', "[ ", ",  ", '{"a":'])
def test_mending_takes_linear_time(filler):
    """A megabyte of rubbish is judged at once: the test's time-out is the bound."""
    text = '[2,"1","X",' + filler * (1024 * 1024 // len(filler))
    assert isinstance(frames.decode(text), Unreadable)
