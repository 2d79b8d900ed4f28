"""Which chargers are looked after, and who is woken for it."""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from chargers.models import Charger, Presence
from chargers.services import presence, reconciling, wakeups
from csms import processes

pytestmark = pytest.mark.django_db


@pytest.fixture
def step(monkeypatch):
    """A step that writes down for whom it was taken; `wanted` are the ids of those that are due."""
    step = SimpleNamespace(taken=[], wanted=[])
    step.reconcile = lambda charger: step.taken.append(charger.identifier)
    step.due = lambda now: step.wanted
    monkeypatch.setattr(reconciling, "STEPS", (step,))
    return step


class Link:
    """The owner's end of a socket, as far as wake-ups know it."""

    def __init__(self):
        self.tended = 0

    def tend(self, within):
        self.tended += 1


@pytest.fixture
def link(charger, monkeypatch):
    """The charger's socket, in this process."""
    now = timezone.now()
    Presence.objects.create(
        charger=charger,
        process=processes.register("web"),
        token=uuid.uuid4(),
        expires_at=now + timedelta(minutes=5),
    )
    monkeypatch.setitem(wakeups.links, charger.pk, link := Link())
    return link


@pytest.mark.parametrize(
    ("state", "taken"),
    [
        ({}, ["CP-1"]),
        ({"enabled": False}, []),
        ({"registration_status": "Pending"}, []),
        ({"deleted_at": timezone.now()}, []),
    ],
)
def test_only_chargers_in_operation_are_looked_after(charger, step, state, taken):
    """Nothing is told to one that is disabled, waits for approval or was removed."""
    Charger.objects.update(**state)
    charger.refresh_from_db()

    reconciling.reconcile(charger)

    assert step.taken == taken


def test_change_wakes_the_owner_of_the_socket_after_the_commit(
    charger, step, link, django_capture_on_commit_callbacks
):
    """Not before: what it is to find would not be there."""
    with django_capture_on_commit_callbacks() as waiting:
        presence.tend(charger)
    assert (link.tended, len(waiting)) == (0, 1)

    waiting[0]()

    assert link.tended == 1


def test_change_for_a_charger_that_is_offline_wakes_nobody(charger, step, django_capture_on_commit_callbacks):
    """It is looked after when it connects."""
    with django_capture_on_commit_callbacks() as waiting:
        presence.tend(charger)

    assert waiting == []


def test_time_wakes_those_that_are_due_and_online(charger, owner, step, link):
    """And nobody else."""
    step.wanted = [charger.pk, Charger.objects.create(owner=owner, identifier="CP-2").pk]

    assert reconciling.wake_due(timezone.now()) == 1
    assert link.tended == 1


def test_many_that_are_offline_keep_nobody_from_being_woken(charger, owner, step, link, monkeypatch):
    """What is wanted of them may wait for months."""
    monkeypatch.setattr(reconciling, "MOST_WOKEN", 1)
    away = Charger.objects.create(pk=charger.pk - 1, owner=owner, identifier="CP-2")
    step.wanted = [away.pk, charger.pk]

    assert reconciling.wake_due(timezone.now()) == 1
    assert link.tended == 1
