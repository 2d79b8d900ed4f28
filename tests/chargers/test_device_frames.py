"""Every frame of tests/data/device-frames.jsonl: real chargers' own words, with all their oddities.

No session dies, no reading is lost, and nothing that can be understood is refused.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from chargers.models import Charger, Command, Connector, Message, Reading, Transaction, Variable
from chargers.services import commands
from chargers.wire import frames
from chargers.wire.session import Finished, Inbound, Noise, Role, Session
from tests.chargers.test_consumers import wire  # noqa: F401  (a fixture)
from tests.kit.chargers import in_thread, until
from tests.kit.payloads import smallest

FRAMES = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data" / "device-frames.jsonl").read_text().splitlines()
]
# What even a tolerant reader cannot use, by its place in the file, and why.
UNUSABLE = {46: "cut off in the middle of its only value"}
# The requests that the answers in the file belong to; their ids are long forgotten.
ASKED = {
    9: "GetConfiguration",
    11: "GetConfiguration",
    12: "GetConfiguration",
    14: "TriggerMessage",
    16: "RemoteStartTransaction",
    17: "RemoteStartTransaction",
    30: "SendLocalList",
    39: "SetVariables",
    40: "ChangeAvailability",
    50: "RequestStartTransaction",
}
FAILED = {11: "FormationViolation", 17: "ProtocolError", 50: "FormationViolation"}
# Register (Wh), power (W), current (A), voltage (V) and state of charge (%) of each meterValue.
MEASURED = {
    1: [(None, None, 15.63, None, None)],
    4: [(5995441, 0, 0, 232.67, None)],
    5: [(0, None, None, None, None)],
    10: [(7.92, 3731.06, 16.06, None, None)],
    15: [(532218.4, 0, 0, None, None)],
    18: [(0, 0, 0, None, None)],
    20: [(364208, 19343, 29, 667, 46)],
    27: [(10, None, None, None, None)] * 4,
    44: [(pytest.approx(1625), None, None, None, None)],
    45: [(None, None, None, None, None)],
    52: [(None, None, None, None, None)],
    59: [(None, None, None, None, None)],
}


def _numbered(version=None):
    return [(place, frame) for place, frame in enumerate(FRAMES, 1) if version in (None, frame["version"])]


def _is_answer(frame):
    return frame["raw"].lstrip()[1:].lstrip()[0] in "34"


def _params(wanted):
    return [
        pytest.param(place, frame, id=f"{place} {frame['vendor']}")
        for place, frame in _numbered()
        if wanted(frame)
    ]


@cache
def _frame(place):
    return frames.decode(FRAMES[place - 1]["raw"])


def test_the_file_is_whole():
    """A frame that got lost would not be missed otherwise."""
    assert len(FRAMES) == 61
    assert {place for place, frame in _numbered() if _is_answer(frame)} == set(ASKED)


# Pure ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "frame"), _params(lambda frame: not _is_answer(frame)))
def test_call_is_understood(place, frame):
    """It is handed on for an answer; only what is listed above is refused."""
    session = Session(Role.CSMS, f"ocpp{frame['version']}")
    session.receive(frame["raw"], 0.0)

    (event,) = session.events
    assert isinstance(event, Inbound) or place in UNUSABLE, event
    assert place in UNUSABLE or not event.refusal
    # The session goes on.
    session.receive('[2,"next","Heartbeat",{}]', 1.0)
    assert isinstance(session.events[-1], Inbound)


@pytest.mark.parametrize(("place", "frame"), _params(_is_answer))
def test_answer_ends_its_call(place, frame):
    """However it is written; an error is an error, anything else a result."""
    version = f"ocpp{frame['version']}"
    session = Session(Role.CSMS, version)
    session.call("ours", str(_frame(place).message_id), ASKED[place], smallest(version, ASKED[place]), 0.0)
    session.receive(frame["raw"], 1.0)

    (event,) = session.events
    assert isinstance(event, Finished)
    assert (event.outcome, event.code) == (("error", FAILED[place]) if place in FAILED else ("result", ""))


@pytest.mark.parametrize(("place", "frame"), _params(_is_answer))
def test_late_answer_does_no_harm(place, frame):
    """Nobody waits for it any more."""
    session = Session(Role.CSMS, f"ocpp{frame['version']}")
    session.receive(frame["raw"], 0.0)
    assert [type(event) for event in session.events] == [Noise]
    assert session.outgoing == []


# Through the door ---------------------------------------------------------------------------------


@pytest.fixture
def station(owner, driver):
    return {
        version: Charger.objects.create(
            owner=owner, identifier=f"CP-{version}", security_profile=0, protocol=f"ocpp{version}"
        )
        for version in ("1.6", "2.0.1")
    }


@pytest.fixture
def replay(station, wire):  # noqa: F811  (the fixture)
    """Return a function that sends every CALL of a version; it gives back {place: answer} and the end."""

    async def run(version):
        end = wire(f"/ocpp/CP-{version}", subprotocols=[f"ocpp{version}"])
        await end.connect()
        answers = {}
        for place, frame in _numbered(version):
            await end.send(frame["raw"])
            if not _is_answer(frame):
                answers[place] = await end.receive()
        return answers, end

    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_nothing_of_a_version_is_refused_or_lost(station, replay, version):
    """All over one socket: each CALL has its own answer, each text its line in the log, each value its row."""
    answers, end = await replay(version)

    assert {place for place, answer in answers.items() if answer[0] == 4} == UNUSABLE.keys() & answers.keys()
    assert {place: answer[1] for place, answer in answers.items()} == {
        place: _frame(place).message_id for place in answers
    }
    assert (await end.call("Heartbeat", {}))[0] == 3
    logged = Message.objects.filter(charger=station[version])
    await until(lambda: logged.count() == len(_numbered(version)) + 1)
    await in_thread(lambda: _assert_values_kept(station[version], version))


def _assert_values_kept(charger, version):
    kept = list(Reading.objects.filter(charger=charger).order_by("pk"))
    expected = [
        (place, meter_value, measured)
        for place, _ in _numbered(version)
        if place in MEASURED
        for meter_value, measured in zip(_meter_values(place), MEASURED[place], strict=True)
    ]
    assert len(kept) == len(expected)
    for row, (place, meter_value, measured) in zip(kept, expected, strict=True):
        told = (row.register_wh, row.power_w, row.current_a, row.voltage_v, row.soc_percent)
        assert (place, told) == (place, measured)
        assert [_as_sent(sample) for sample in row.samples] == [
            _as_sent(sample) for sample in meter_value.get("sampledValue", [])
        ]


def _meter_values(place):
    payload = _frame(place).payload
    values = payload.get("meterValue") or payload.get("transactionData")
    return values if isinstance(values, list) else [values]


def _as_sent(sample):
    return sample | {"value": str(sample["value"])}


@pytest.mark.django_db(transaction=True)
async def test_what_chargers_of_16_told_is_found_in_its_rows(station, replay):
    """Starts are transactions, stops of nothing are parked, states stand at their connectors."""
    await replay("1.6")

    def told():
        charger = station["1.6"]
        starts = Transaction.objects.filter(charger=charger).order_by("pk")
        return {
            "starts": list(starts.values_list("connector_id", "id_token", "start_wh", "is_refused")),
            "parked": list(charger.stop_reports.order_by("pk").values_list("reported_id", flat=True)),
            "states": dict(Connector.objects.filter(charger=charger).values_list("connector_id", "status")),
            "serial": Charger.objects.get(pk=charger.pk).charge_box_serial_number,
        }

    assert await in_thread(told) == {
        "starts": [
            (1, "evcc", 0, True),
            (2, "0584350940cxxx", 21505, True),
            (1, "evcc", 4265924, True),
        ],
        "parked": ["113", "58", "1", "1033"],
        "states": {0: "Available", 1: "Charging", 4: "Preparing"},
        "serial": "123",
    }


@pytest.mark.django_db(transaction=True)
async def test_what_stations_of_201_told_is_found_in_its_rows(station, replay):
    """The two transactions of one EVSE follow each other, and the report is a list of variables."""
    await replay("2.0.1")

    def told():
        found = Transaction.objects.filter(charger=station["2.0.1"]).order_by("pk")
        return list(found.values_list("transaction_id", "evse_id", "connector_id", "id_token", "last_seq_no"))

    assert await in_thread(told) == [
        ("F0BC49153A155DF478CFBED3CF316C2D48", 1, 1, "TAG1", 0),
        ("9D975583-BDE0-D8DC-5D7F-DB48FB6DBB89", 1, 0, "12345", 3),
    ]
    names = await in_thread(lambda: set(Variable.objects.values_list("component", "name")))
    assert {("SampledDataCtrlr", "TxEndedInterval"), ("AuthCtrlr", "LocalAuthorizeOffline")} <= names


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_answers_end_the_commands_they_answer(station, wire, version):  # noqa: F811  (the fixture)
    """Each answer of the file, under the id of a command that was really sent."""
    end = wire(f"/ocpp/CP-{version}", subprotocols=[f"ocpp{version}"])
    await end.connect()
    for place, frame in _numbered(version):
        if _is_answer(frame):
            command = await _sent(station[version], end, ASKED[place])
            await end.send(frame["raw"].replace(str(_frame(place).message_id), command.message_id))
            await until(lambda pk=command.pk: Command.objects.get(pk=pk).is_finished)
            await in_thread(command.refresh_from_db)
            assert (place, command.error_code) == (place, FAILED.get(place, ""))
            assert command.state == ("failed" if place in FAILED else "completed")
    assert (await end.call("Heartbeat", {}))[0] == 3


async def _sent(charger, end, action):
    payload = smallest(charger.protocol, action)
    command = await in_thread(lambda: commands.send(charger, action, payload, origin="test"))
    assert (await end.receive())[:3] == [2, command.message_id, action]
    return command
