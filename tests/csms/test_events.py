"""Recording facts."""

from csms import events
from csms.models import Event


def test_recorded_event_can_be_read(db, owner):
    events.record("charger.connected", owner_id=owner.pk, object_id=7, why="because")

    event = Event.objects.get()
    assert (event.kind, event.owner, event.object_id, event.data) == (
        "charger.connected", owner, 7, {"why": "because"}
    )  # fmt: skip


def test_collected_events_are_left_to_the_caller(db):
    with events.collected() as waiting:
        events.record("a")

    assert (len(waiting), Event.objects.count()) == (1, 0)
