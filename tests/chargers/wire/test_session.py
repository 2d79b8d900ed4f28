"""Sessions: one open CALL a direction, answers in order, nothing hangs."""

import json

import pytest

from chargers.wire.session import Inbound, Noise, Role, Session
from chargers.wire.validation import V16, V201

HEARTBEAT = '[2,"{}","Heartbeat",{{}}]'
RESET = ("k", "0123456789abcdef", "Reset", {"type": "Soft"})


@pytest.fixture
def session():
    return Session(Role.CSMS, V16, call_timeout=30)


def written(session):
    """Return what is to be written, decoded, and forget it."""
    texts, session.outgoing = session.outgoing, []
    return [json.loads(text) for text in texts]


def happened(session):
    events, session.events = session.events, []
    return events


def test_call_that_is_no_json_is_refused_and_forgotten(session):
    """Who asked hears of it; what is asked next does not wait for it."""
    with pytest.raises(TypeError):
        session.call("k", "0123456789abcdef", "Reset", {"type": object()}, now=0)

    session.call(*RESET, now=1)

    assert written(session) == [[2, *RESET[1:]]]


def test_call_waits_for_its_answer(session):
    """A CALL is handed out and written an answer to when there is one."""
    session.receive(HEARTBEAT.format("1"), now=5)
    (call,) = happened(session)
    assert (call.action, call.received_at, written(session)) == ("Heartbeat", 5, [])

    session.answer(call, {"currentTime": "now"})

    assert written(session) == [[3, "1", {"currentTime": "now"}]]


def test_answers_leave_in_the_order_of_the_calls(session):
    """A later CALL that is answered first waits for the earlier one."""
    for number in "12":
        session.receive(HEARTBEAT.format(number), now=0)
    first, second = happened(session)

    session.answer(second, {})
    assert written(session) == []
    session.answer(first, {})

    assert [frame[1] for frame in written(session)] == ["1", "2"]


def test_refusals_keep_the_order_too(session):
    """Even rubbish takes its turn."""
    session.receive(HEARTBEAT.format("1"), now=0)
    session.receive("rubbish", now=0)
    call, noise = happened(session)
    assert (type(noise), written(session)) == (Noise, [])

    session.answer(call, {})

    assert [frame[:2] for frame in written(session)] == [[3, "1"], [4, "-1"]]


@pytest.mark.parametrize(
    ("version", "text", "code"),
    [
        (V16, '[2,"1","MadeUp",{}]', "NotImplemented"),
        (V16, '[2,"1","Reset",{"type":"Soft"}]', "NotSupported"),
        (V16, '[2,"1","Authorize",{}]', "OccurenceConstraintViolation"),
        (V201, '[2,"1","Authorize",{}]', "OccurrenceConstraintViolation"),
        (V16, '[2,"1","Authorize",{"idTag":[]}]', "OccurenceConstraintViolation"),
        (V16, "[2,{},5]", "FormationViolation"),
        (V201, "rubbish", "RpcFrameworkError"),
        (V201, '[9,"1"]', "MessageTypeNotSupported"),
    ],
)
def test_what_cannot_be_used_is_refused_in_the_words_of_the_version(version, text, code):
    """1.6 spells some error codes in its own way."""
    session = Session(Role.CSMS, version)
    session.receive(text, now=0)
    assert written(session)[0][2] == code


def test_one_call_of_ours_is_open_at_a_time(session):
    """The second waits for the end of the first."""
    session.call("a", "id-aaaaaaaa", "Reset", {"type": "Soft"}, now=0)
    session.call("b", "id-bbbbbbbb", "ClearCache", {}, now=0)
    assert [frame[2] for frame in written(session)] == ["Reset"]

    session.receive('[3,"id-aaaaaaaa",{"status":"Accepted"}]', now=1)

    assert [frame[2] for frame in written(session)] == ["ClearCache"]
    (end,) = happened(session)
    assert (end.call.key, end.outcome, end.payload) == ("a", "result", {"status": "Accepted"})


def test_crossing_call_is_taken_in_while_ours_is_open(session):
    """Many chargers ask while they are asked."""
    session.call(*RESET, now=0)
    session.receive(HEARTBEAT.format("1"), now=0)
    assert isinstance(happened(session)[0], Inbound)


def test_silence_ends_a_call(session):
    """After the time-out the next CALL goes out, and a late answer does no harm."""
    session.call(*RESET, now=0)
    session.call("b", "id-bbbbbbbb", "ClearCache", {}, now=0)
    session.tick(29)
    assert (happened(session), session.deadline) == ([], 30)

    session.tick(30)
    session.receive(json.dumps([3, RESET[1], {"status": "Accepted"}]), now=31)

    end, noise = happened(session)
    assert (end.outcome, type(noise), session.deadline) == ("timeout", Noise, 60)


@pytest.mark.parametrize("message_id", ["0123456789ABCDEF", "01234567"])
def test_cut_or_recased_id_still_answers(session, message_id):
    """Some chargers cut message ids or change their case."""
    session.call(*RESET, now=0)
    session.receive(json.dumps([3, message_id, {"status": "Accepted"}]), now=1)
    assert happened(session)[0].outcome == "result"


def test_answer_to_nothing_is_noise(session):
    """An unknown answer ends nothing."""
    session.call(*RESET, now=0)
    session.receive('[3,"something else",{"status":"Accepted"}]', now=1)
    assert isinstance(happened(session)[0], Noise)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ([4, RESET[1], "NotSupported", "no", {}], "NotSupported"),
        ([4, "-1", "NotImplemented", "line\nfeed " + "x" * 999, {}], "NotImplemented"),
        ([4, -1, "NotImplemented", "", {}], "NotImplemented"),
        ([3, RESET[1], {}], "OccurenceConstraintViolation"),
        ([3, RESET[1], []], "FormationViolation"),
    ],
)
def test_bad_answer_ends_the_call_as_an_error(session, answer, code):
    """A CALLERROR and an answer that cannot be used both end it."""
    session.call(*RESET, now=0)
    session.receive(json.dumps(answer), now=1)
    (end,) = happened(session)
    assert (end.outcome, end.code) == ("error", code)


def test_odd_answer_is_understood(session):
    """An answer with a member too many is used, and marked."""
    session.call(*RESET, now=0)
    session.receive(json.dumps([3, RESET[1], {"status": "accepted", "x": 1}]), now=1)
    (end,) = happened(session)
    assert (end.outcome, end.payload["status"], bool(end.oddities)) == ("result", "Accepted", True)


def test_close_ends_every_call(session):
    """The sent one is lost, the queued one was never sent."""
    session.call(*RESET, now=0)
    session.call("b", "id-bbbbbbbb", "ClearCache", {}, now=0)
    session.close()
    assert [(end.call.key, end.outcome) for end in happened(session)] == [("k", "lost"), ("b", "unsent")]


def test_both_roles_are_one_class():
    """A charger's session takes what a CSMS sends, and refuses the rest."""
    charger = Session(Role.CHARGER, V16)
    charger.receive('[2,"1","Reset",{"type":"Soft"}]', now=0)
    charger.receive('[2,"2","StopTransaction",{"transactionId":1,"meterStop":1,"timestamp":"x"}]', now=0)
    reset, stop = happened(charger)
    assert (reset.refusal, stop.refusal) == ("", "NotSupported")
