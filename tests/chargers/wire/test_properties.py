"""What holds for any input: of frames, the session, the clock and samples."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargers.wire import clock, frames, samples, validation
from chargers.wire.samples import CURRENT, POWER, REGISTER, VOLTAGE
from chargers.wire.session import Inbound, Role, Session
from chargers.wire.validation import V16, VERSIONS, from_charger

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
any_text = st.text(st.characters())
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)


def values(leaves, names=plain_text):
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=8,
    )


safe = values(st.none() | st.booleans() | numbers | plain_text)
unsafe = values(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.just("\ud800\0"), names=any_text
)
ids = plain_text | st.integers(-(2**63), 2**63 - 1) | st.none()
objects = st.dictionaries(plain_text, safe, max_size=4)

# Frames -------------------------------------------------------------------------------------------


@given(
    st.builds(frames.Call, ids, plain_text.filter(bool), objects)
    | st.builds(frames.CallResult, ids, objects)
    | st.builds(
        frames.CallError, ids, plain_text.filter(bool), plain_text.map(lambda text: text[:255]), objects
    )
)
def test_frame_is_the_same_after_the_wire(frame):
    """What one side encodes the other decodes, ids of any kind included."""
    assert frames.decode(frames.encode(frame)) == frame


@given(unsafe)
def test_what_is_read_is_safe_for_databases(value):
    """Whatever stands in a payload: no NUL, no half surrogate, no NaN, no number beyond 64 bits."""
    frame = frames.decode(json.dumps([2, "1", "DataTransfer", {"data": value}]))
    if isinstance(frame, frames.Call):
        assert list(_unsafe_parts(frame.payload)) == []
    else:
        assert isinstance(frame, frames.Unreadable)


def _unsafe_parts(value):
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            yield value
    elif isinstance(value, dict):
        yield from (part for pair in value.items() for item in pair for part in _unsafe_parts(item))
    elif isinstance(value, list):
        yield from (part for item in value for part in _unsafe_parts(item))
    elif isinstance(value, float):
        yield from [] if math.isfinite(value) else [value]
    elif isinstance(value, int):
        yield from [] if -(2**63) <= value < 2**64 else [value]


# Session ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@given(st.lists(any_text | unsafe.map(json.dumps), max_size=5))
def test_session_survives_any_text(version, texts):
    """It says what happened to each, answers what wants an answer, and goes on."""
    session = Session(Role.CSMS, version)
    session.call("ours", "our-call-1", "Reset", {"type": "Soft"}, 0.0)
    for text in texts:
        session.receive(text, 1.0)
    session.tick(100.0)
    session.receive('[2,"last","Heartbeat",{}]', 101.0)
    assert session.events[-1].message_id == "last"


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=40)  # each draws a whole payload
@given(st.data())
def test_session_survives_any_payload(version, data):
    """A known action with members of any kind is mended or refused, and answered."""
    action = data.draw(st.sampled_from(sorted(from_charger(version))))
    names = st.sampled_from(_MEMBERS) | plain_text
    payload = data.draw(st.dictionaries(names, values(safe, names), max_size=5))
    session = Session(Role.CSMS, version)
    session.receive(json.dumps([2, "1", action, payload]), 0.0)
    (event,) = session.events
    assert isinstance(event, Inbound)
    assert bool(event.refusal) == bool(session.outgoing)
    lasting = validation.problems(version, action, event.payload)
    assert event.refusal or "type" not in {problem.keyword for problem in lasting}


_MEMBERS = (
    "connectorId evseId evse id meterValue sampledValue value timestamp idTag idToken status transactionInfo "
    "transactionId eventType seqNo reportData component variable variableAttribute vendorId type".split()
)


@given(
    st.lists(st.sampled_from(["Heartbeat", "Authorize", "MadeUp", "SignCertificate"]), max_size=8),
    st.randoms(),
)
def test_answers_leave_in_the_order_of_the_calls(actions, dice):
    """However the owner of the session takes its time; refusals keep the order too."""
    session = Session(Role.CSMS, V16)
    for number, action in enumerate(actions):
        session.receive(json.dumps([2, number, action, {"idTag": "x"} if action == "Authorize" else {}]), 0.0)
    pending = [event for event in session.events if not event.refusal]
    dice.shuffle(pending)
    for call in pending:
        session.answer(call, {})
    assert [json.loads(text)[1] for text in session.outgoing] == list(range(len(actions)))


# Clock --------------------------------------------------------------------------------------------

zones = st.timedeltas(timedelta(hours=-23), timedelta(hours=23))
moments = st.datetimes(datetime(2010, 1, 2), datetime(2026, 11, 20))  # noqa: DTZ001  (the zone is added)


@given(any_text | safe)
def test_clock_reads_anything(value):
    """What is no time gives way to the time of arrival, and says so."""
    moment, flag = clock.read(value, NOW)
    assert moment.tzinfo is not None
    assert flag == "" or moment == NOW


@given(moments)
def test_our_own_times_are_read_back(moment):
    """To the millisecond."""
    moment = moment.replace(tzinfo=UTC)
    assert clock.read(clock.text(moment), NOW) == (
        moment.replace(microsecond=moment.microsecond // 1000 * 1000),
        "",
    )


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_every_zone_is_the_same_moment(moment, minutes):
    """Chargers write their local time with its distance from UTC."""
    moment = moment.replace(tzinfo=UTC)
    sign, distance = "-" if minutes < 0 else "+", abs(minutes)
    local = (moment + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()
    assert clock.read(f"{local}{sign}{distance // 60:02}:{distance % 60:02}", NOW) == (moment, "")


# Samples ------------------------------------------------------------------------------------------

phases = st.dictionaries(st.sampled_from(["L1", "L2", "L3"]), st.integers(0, 10**6), min_size=1)
added = st.sampled_from([(REGISTER, "register_wh"), (POWER, "power_w")])


def _sample(value, measurand, **members):
    return {"value": str(value), "measurand": measurand} | members


@given(added, phases, st.randoms(), st.integers(0, 10**7), st.sampled_from(["", "-N"]))
def test_phases_and_total_are_never_added_up(quantity, parts, dice, total, suffix):
    """In any order: the total where there is one, else the sum of the phases."""
    measurand, name = quantity
    told = [_sample(value, measurand, phase=phase + suffix) for phase, value in parts.items()]
    assert getattr(samples.measure(told), name) == sum(parts.values())
    told.append(_sample(total, measurand))
    dice.shuffle(told)
    assert getattr(samples.measure(told), name) == total


@given(added, phases, st.randoms(), st.sampled_from(["Inlet", "Body", "EV"]))
def test_places_are_never_added_up(quantity, parts, dice, place):
    """The same energy is measured at the outlet and elsewhere."""
    measurand, name = quantity
    told = [_sample(value, measurand, phase=phase) for phase, value in parts.items()]
    told += [_sample(value, measurand, phase=phase, location=place) for phase, value in parts.items()]
    dice.shuffle(told)
    assert getattr(samples.measure(told), name) == sum(parts.values())


@given(st.lists(st.sampled_from([REGISTER, POWER, CURRENT, VOLTAGE]), max_size=6), phases)
def test_a_repeated_sample_counts_once(measurands, parts):
    """Some chargers send the same sample twice in one message."""
    told = [_sample(value, name, phase=phase) for name in measurands for phase, value in parts.items()]
    assert samples.measure(told + told) == samples.measure(told)


_words = plain_text | st.sampled_from(
    ["", "A", "V", "W", "kW", "Wh", "kWh", REGISTER, POWER, "L1", "L1-N", "EV"]
)
_sampled = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("measurand", "unit", "phase", "location", "context", "format"), _words)
    | {"value": plain_text | numbers.map(str) | numbers}
    | {"unitOfMeasure": st.fixed_dictionaries({}, optional={"unit": _words, "multiplier": st.integers()})},
)


@given(st.lists(_sampled, max_size=4))
def test_samples_of_any_words_are_survived(told):
    """What is not understood tells nothing; a reading is kept as it came all the same."""
    measured = samples.measure(told)
    known = [getattr(measured, name) for name in measured.__slots__]
    assert all(value is None or math.isfinite(value) for value in known)
    assert isinstance(samples.context(told), str)
