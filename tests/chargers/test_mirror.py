"""The mirror over the wire: whatever a charger makes of our questions, the rows say what happened."""

import json

import pytest
from django.utils import timezone

from chargers.models import Charger, Command, CompositeSchedule
from chargers.services import data_transfer, reconciling, schedules
from tests.kit.chargers import InProcessCharger, boards_closed, in_thread, until


@pytest.fixture
def at_once(settings, monkeypatch):
    """Chargers are quiet as soon as they are connected, and asked without delay."""
    settings.CSMS_QUIET_SECONDS = settings.CSMS_QUIET_LATEST_SECONDS = 0
    monkeypatch.setattr(schedules, "SPREAD_SECONDS", 0)


@pytest.fixture
async def wire(transactional_db, at_once):
    """Return a function that connects a charger in process, for which the worker looks once."""
    made = []

    async def connect(path="/ocpp/CP-1", protocol="ocpp1.6"):
        made.append(InProcessCharger(path, subprotocols=[protocol]))
        await made[-1].connect()
        await until(CompositeSchedule.objects.exists)
        await in_thread(reconciling.wake_due, timezone.now())
        return made[-1]

    yield connect
    for end in made:
        await end.disconnect()
    await boards_closed()


async def answer(end, text):
    """Answer the next CALL with `text`, in which ID stands for its message id; return its payload."""
    _, message_id, action, payload = await end.receive()
    assert action == "GetCompositeSchedule"
    await end.send(text.replace("ID", json.dumps(message_id)))
    return payload


def ends_as(state):
    """Return a condition: the schedule of the whole charger has come to `state`."""
    return CompositeSchedule.objects.filter(evse_id=0, connector_id=0, state=state).first


def said(**result):
    return f"[3, ID, {json.dumps(result)}]"


SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}
KNOWN = said(status="Accepted", chargingSchedule=SCHEDULE)


class TestSchedules:
    async def test_quiet_charger_is_asked_for_each_place(self, wire, charger):
        """0 first; the answer to one brings the next, and then there is peace."""
        await in_thread(Charger.objects.update, connector_count=2)
        end = await wire()

        asked = [(await answer(end, KNOWN))["connectorId"] for _ in range(3)]

        assert asked == [0, 1, 2]
        await until(lambda: CompositeSchedule.objects.filter(state="known").count() == 3)
        assert await in_thread(Command.objects.count) == 3

    @pytest.mark.parametrize(
        ("text", "state", "reason"),
        [
            (KNOWN, "known", ""),
            ('[4, ID, "NotSupported", "", {}]', "not_supported", "It answered NotSupported."),
            ('[4, ID, "NotImplemented"]', "not_supported", "It answered NotImplemented."),
            ('[4, ID, "InternalError", "no\\nidea", {}]', "failed", "InternalError no\nidea"),
            (said(status="Accepted"), "failed", "Accepted, but without a limit that can be read."),
            (
                said(status="Accepted", connectorId=7, chargingSchedule=SCHEDULE),
                "failed",
                "Accepted, but for 7.",
            ),
        ],
    )
    async def test_each_answer_leaves_its_state(self, wire, charger, text, state, reason):
        """Half an answer and an error are told apart."""
        await answer(await wire(), text)

        assert (await until(ends_as(state))).reason == reason

    async def test_refusal_brings_one_more_question(self, wire, charger):
        """In the other unit."""
        end = await wire()

        refusal = said(status="Rejected")
        units = [(await answer(end, refusal))["chargingRateUnit"] for _ in range(2)]

        assert units == ["A", "W"]
        assert (await until(ends_as("refused"))).reason == "It answered Rejected."

    @pytest.mark.parametrize("text", ["[3, ID, 5]", "[3, ID, {}]", '[3, ID, {"status": 7}]', "[3, ID"])
    async def test_nonsense_ends_in_a_failure(self, wire, charger, settings, text):
        """What cannot be read is like no answer; nothing is taken for a schedule."""
        settings.CSMS_CALL_TIMEOUT = 0.2
        await answer(await wire(), text)

        row = await until(CompositeSchedule.objects.filter(state__in=["failed", "refused"]).first)
        assert (row.fetched_at, row.reason != "") == (None, True)

    async def test_silence_ends_in_a_failure(self, wire, charger, settings):
        settings.CSMS_CALL_TIMEOUT = 0.1
        await (await wire()).receive()

        assert (await until(ends_as("failed"))).reason == "Timed out"

    async def test_socket_that_ends_meanwhile_ends_in_a_failure(self, wire, charger):
        """Some hang up on what they do not know."""
        end = await wire()
        await end.receive()
        await end.disconnect()

        assert (await until(ends_as("failed"))).reason.startswith("ConnectionLost")

    async def test_station_of_201_tells_its_own_words(self, wire, owner):
        await in_thread(
            Charger.objects.create, owner=owner, identifier="CS-1", security_profile=0, protocol="ocpp2.0.1"
        )
        told = SCHEDULE | {"evseId": 0, "duration": 60, "scheduleStart": "2026-11-21T12:00:00Z"}

        asked = await answer(await wire("/ocpp/CS-1", "ocpp2.0.1"), said(status="Accepted", schedule=told))

        assert asked == {"evseId": 0, "duration": schedules.window(), "chargingRateUnit": "A"}
        assert (await until(ends_as("known"))).duration == 60


@pytest.fixture
def unasked(at_once, charger):
    """The charger has said that it has no smart charging: nothing crosses what a test sends."""
    return CompositeSchedule.objects.create(charger=charger, state="not_supported", boot_count=0)


class TestDataTransfer:
    async def test_charger_pings_and_is_pinged(self, wire, unasked, charger):
        """There and back, through everything."""
        end = await wire()
        ping = {"vendorId": "org.stationmaster", "messageId": "Ping", "data": "there"}
        assert (await end.call("DataTransfer", ping))[2] == {"status": "Accepted", "data": "there"}

        sent = await in_thread(data_transfer.send, charger, "com.example", "Greet", "hello", origin="test")
        _, message_id, action, payload = await end.receive()
        await end.send(json.dumps([3, message_id, {"status": "Accepted", "data": "back"}]))

        assert (action, payload) == (
            "DataTransfer",
            {"vendorId": "com.example", "messageId": "Greet", "data": "hello"},
        )
        ended = await until(Command.objects.filter(pk=sent.pk, state="completed").first)
        assert data_transfer.outcome(ended) == data_transfer.Outcome("Accepted", "back")

    async def test_charger_that_hangs_up_is_offline(self, wire, unasked, charger):
        end = await wire()
        sent = await in_thread(data_transfer.send, charger, "V", origin="test")
        await end.receive()
        await end.disconnect()

        ended = await until(Command.objects.filter(pk=sent.pk, state="failed").first)
        assert data_transfer.outcome(ended).status == "Offline"
