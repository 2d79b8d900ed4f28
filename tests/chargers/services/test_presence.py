"""When each action of a charger was last heard of."""

from datetime import UTC, datetime, timedelta

import pytest

from chargers.models import ActionStatus, Charger
from chargers.ocpp import works
from chargers.services import presence
from chargers.wire import v16, v201
from csms.models import ServerProcess
from tests.kit.chargers import InProcessCharger, boards_closed, in_thread, until

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
STATUS = {"connectorId": 2, "errorCode": "NoError", "status": "Available"}


@pytest.mark.parametrize(
    ("version", "payload", "place"),
    [
        (v16, {}, (0, 0)),
        (v16, {"connectorId": 2}, (0, 2)),
        (v16, {"connectorId": -1}, (0, 0)),
        (v201, {}, (0, 0)),
        (v201, {"evseId": 1, "connectorId": 2}, (1, 2)),
        (v201, {"evse": {"id": 3}}, (3, 0)),
        (v201, {"evse": {"id": 3, "connectorId": 1}}, (3, 1)),
    ],
)
def test_messages_are_about_a_connector(version, payload, place):
    """As each version says it; (0, 0) is the whole charger."""
    assert version.place(payload) == place


def _note(charger, message_id, at):
    return {
        "charger_id": charger.pk,
        "action": "Heartbeat",
        "evse_id": 0,
        "connector_id": 0,
        "message_id": message_id,
        "seen_at": at,
    }


@pytest.mark.django_db
def test_last_of_several_notes_counts(charger):
    """A socket and its beat may both tell of the same action in one commit, in any order."""
    presence.note([_note(charger, "2", NOON + timedelta(seconds=5)), _note(charger, "1", NOON)])

    row = ActionStatus.objects.get()
    assert (row.message_id, row.seen_at) == ("2", NOON + timedelta(seconds=5))


@pytest.mark.django_db
def test_late_note_changes_nothing(charger):
    """A socket that was superseded may be the last to tell."""
    presence.note([_note(charger, "2", NOON)])

    presence.note([_note(charger, "1", NOON - timedelta(seconds=1))])

    assert ActionStatus.objects.get().message_id == "2"


def _heard():
    rows = ActionStatus.objects.order_by("action").values_list("action", "connector_id", "message_id")
    return list(rows)


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
class TestSocket:
    """Nothing is written with the messages themselves."""

    @pytest.fixture
    async def online(self, charger):
        end = InProcessCharger()
        await end.connect()
        yield end
        await end.disconnect()
        await boards_closed()

    async def test_beat_writes_what_was_heard_of(self, charger, monkeypatch):
        """Each action once, with the id of its last message."""
        monkeypatch.setattr(ServerProcess, "BEAT_SECONDS", 0.02)
        end = InProcessCharger()
        await end.connect()
        await end.call("StatusNotification", STATUS)
        await end.call("Heartbeat", {})
        await end.call("Heartbeat", {})
        await until(lambda: _heard()[:1] == [("Heartbeat", 0, "3")])
        assert ("StatusNotification", 2, "1") in await in_thread(_heard)
        await end.disconnect()
        await boards_closed()

    async def test_socket_that_ends_tells_the_rest(self, online):
        """What came since the last beat is not lost."""
        await online.call("Heartbeat", {})

        await online.disconnect()

        await until(lambda: _heard() == [("Heartbeat", 0, "1")])

    async def test_what_nobody_understands_is_no_action(self, online):
        """Refused CALLs make no rows: their names are anyone's."""
        await online.call("Nonsense", {})

        await online.disconnect()

        await until(lambda: not Charger.objects.filter(presence__token__isnull=False))
        assert await in_thread(_heard) == []


@pytest.mark.django_db(transaction=True)
def test_beat_makes_no_rows_for_a_charger_that_is_gone(charger):
    """Its row may be deleted with its owner while the socket still stands."""
    heard = [(charger.pk + 1, "token", NOON, NOON)]
    notes = [works.noted(charger.pk + 1, ("Heartbeat", 0, 0), 1, NOON.timestamp())]
    process = ServerProcess.objects.create(name="web", kind="web")
    beat = works.Beat(process, heard, notes, done=None, failed=None)

    collected = []
    beat.run(_Batch(collected))

    assert collected == []


class _Batch:
    """A batch that only remembers what was collected."""

    now = None

    def __init__(self, collected):
        self._collected = collected

    def collect(self, function, item):
        self._collected.append(item)
