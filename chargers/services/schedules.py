"""Composite schedules, as chargers tell them: asked for, kept fresh, and left alone by those that refuse.

    never asked -> asked -> known | refused | failed | not supported

`due_at` says when a place is asked for again: soon after profiles changed, else every interval; after a
failure later and later, and after a few no more, until a profile changes or the charger boots. What is due
is asked for when the charger is quiet (a step of `reconciling`), so changes that come together are one
question, and a fleet that boots together is asked in turn. `schedule_answers` takes in what is answered.
"""

import random
import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from chargers import batch
from chargers.models import CompositeSchedule
from chargers.services import commands, device_model, remote, schedule_places
from csms import bulk

State = CompositeSchedule.State

ORIGIN = "schedules"
SHORTEST_WINDOW_SECONDS = 600
# Profiles that are changed one after the other are one refresh.
SETTLE = timedelta(seconds=3)
# Energy management may change its limit as often as it likes.
OUTSIDE = timedelta(seconds=30)
# After a boot or a failure: a fleet does not come back all at once.
SPREAD_SECONDS = 30
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
MOST_FAILURES = 6
WITHOUT = "It has no smart charging, as it says."
# So many rows are looked at each time.
MOST_AT_ONCE = 500


def window():
    """Return for how many seconds schedules are asked: beyond the next time that they are."""
    return max(SHORTEST_WINDOW_SECONDS, 2 * settings.CSMS_SCHEDULE_INTERVAL)


# Asking ---------------------------------------------------------------------------------------


@transaction.atomic
def ask(charger, *, evse_id=0, connector_id=0, duration=None, unit=None, **options):
    """Ask for the composite schedule of a place; return the row, whose `command` will bring it.

    Without a unit, in the one that was answered before, else in A; one that is refused is tried once in the
    other. Raises what `commands.send` raises.
    """
    row = locked(charger, evse_id, connector_id)
    send(row, charger, duration or window(), unit or row.unit or "A", **options)
    return row


@transaction.atomic
def ask_all(charger, **options):
    """Ask for the composite schedules of all places of a charger; return the row of the first.

    The answer to one brings the next, so that one that keeps silent is not asked many times over.
    """
    now = batch.now()
    schedule_places.match({charger.pk: charger}, now)
    CompositeSchedule.objects.filter(charger=charger).update(due_at=now, failures=0)
    return ask(charger, **options)


def wait(row, timeout):
    """Return `row` as it is when its question was answered, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while row.state == State.ASKED and row.command and (left := deadline - time.monotonic()) > 0:
        ended = commands.wait(row.command, left)
        row.refresh_from_db()
        if row.command_id == ended.pk:  # else it is the second try that is waited for
            break
    return row


def send(row, charger, duration, unit, *, is_second_try=False, origin=ORIGIN, **options):
    """Send the question for a row that is locked."""
    place = {"evse_id": row.evse_id, "connector_id": row.connector_id}
    asked = remote.words(charger).get_composite_schedule(duration, unit=unit, **place)
    row.command = commands.send(charger, *asked, origin=origin, **options)
    row.state, row.reason, row.asked_at = State.ASKED, "", batch.now()
    row.is_second_try, row.due_at = is_second_try, None
    row.save(update_fields=["command", "state", "reason", "asked_at", "is_second_try", "due_at"])


def locked(charger, evse_id, connector_id):
    """Return the row of a place, locked; it is made where there is none."""
    rows = CompositeSchedule.objects.select_for_update(of=("self",))
    return rows.get_or_create(charger=charger, evse_id=evse_id, connector_id=connector_id)[0]


# When it is due -------------------------------------------------------------------------------


def due(now):
    """Return the ids of chargers that are online and of which something is due; not too many at once."""
    rows = CompositeSchedule.objects.due(now).reachable(now)
    return list(dict.fromkeys(rows.values_list("charger_id", flat=True)[:MOST_AT_ONCE]))


def reconcile(charger):
    """Ask for what is due; after a boot all is soon. Call when the charger is quiet, however often."""
    booted, due_ones = batch.for_all(_wanting, charger)
    if charger.pk in booted:
        batch.collect(_begin_boots, charger)
    elif charger.pk in due_ones:
        ask_next(charger)


def _wanting(chargers):
    """Return the ids of those of {id: charger} that have booted since, and of those with something due."""
    now, seen, behind, due_ones = batch.now(), set(), set(), set()
    rows = CompositeSchedule.objects.filter(charger__in=chargers)
    for charger_id, boot_count, due_at in rows.values_list("charger_id", "boot_count", "due_at"):
        seen.add(charger_id)
        if boot_count != chargers[charger_id].boot_count:
            behind.add(charger_id)
        if due_at is not None and due_at <= now:
            due_ones.add(charger_id)
    return behind | (chargers.keys() - seen), due_ones


def _begin_boots(chargers):
    """Have all schedules of these asked for in a while: a fleet does not come back all at once."""
    chargers = {charger.pk: charger for charger in chargers}
    schedule_places.match(chargers)
    without = device_model.without_smart_charging(chargers)
    now = batch.now()
    due_at = {
        pk: now + timedelta(seconds=random.uniform(0, SPREAD_SECONDS)) for pk in chargers.keys() - without
    }
    rows = CompositeSchedule.objects.filter(charger__in=chargers)
    stale = [row for row in rows if row.boot_count != chargers[row.charger_id].boot_count]
    for row in stale:
        row.boot_count, row.failures = chargers[row.charger_id].boot_count, 0
        row.due_at = due_at.get(row.charger_id)
    bulk.update_many(CompositeSchedule, ("boot_count", "failures", "due_at"), stale)
    rows.filter(charger__in=due_at, state=State.UNSUPPORTED).update(state=State.UNASKED, reason="")
    rows.filter(charger__in=without).update(state=State.UNSUPPORTED, reason=WITHOUT)


def ask_next(charger):
    """Ask for one place of a charger that is due, unless another has not been answered; say whether one was.

    The answer to it brings the next.
    """
    now = batch.now()
    row = CompositeSchedule.objects.due(now).filter(charger=charger).first()
    if row is None:
        return False
    if row.number == 0:
        schedule_places.match({charger.pk: charger}, now)  # it may have told of connectors since
    if not row.is_known and device_model.without_smart_charging({charger.pk: charger}):
        leave_alone(CompositeSchedule.objects.filter(charger=charger), charger, WITHOUT)
        return False
    try:
        ask(charger, evse_id=row.evse_id, connector_id=row.connector_id)
    except commands.NotConnected:  # it has just gone
        CompositeSchedule.objects.filter(pk=row.pk).update(due_at=now + FIRST_PAUSE)
    except commands.Refused as refusal:
        row.due_at = None
        fail(row, State.FAILED, str(refusal))
    return True


def refresh(charger):
    """Have all schedules of a charger asked for again, in a moment: what limits it has changed.

    One that has no smart charging, as it said since it booted, is left alone.
    """
    soon = batch.now() + SETTLE
    schedule_places.match({charger.pk: charger}, soon)
    rows = CompositeSchedule.objects.filter(charger=charger).exclude(state=State.UNSUPPORTED)
    rows.filter(Q(due_at=None) | Q(due_at__gt=soon)).update(due_at=soon, failures=0)


def hasten(charger):
    """Have what is known of a charger asked for again before long: somebody else limits it otherwise now.

    One that changes its mind all of the time is asked twice a minute.
    """
    soon = batch.now() + OUTSIDE
    rows = CompositeSchedule.objects.filter(charger=charger, state=State.KNOWN)
    rows.filter(Q(due_at=None) | Q(due_at__gt=soon)).update(due_at=soon)


def leave_alone(rows, charger, reason):
    """Ask for these rows of a charger no more until its next boot."""
    rows.update(state=State.UNSUPPORTED, reason=reason, due_at=None, boot_count=charger.boot_count)


def fail(row, state, reason):
    """Note a failure; the next question comes later each time, and after a few of them none does."""
    row.state, row.reason = state, reason[:255]
    row.failures += 1
    if row.failures < MOST_FAILURES:
        plan(row, min(FIRST_PAUSE * 2**row.failures, LONGEST_PAUSE) * random.uniform(0.9, 1.1))
    row.save(update_fields=["state", "reason", "failures", "due_at"])


def wait_together(row):
    """Ask a charger that keeps silent for nothing before `row` is due: each question holds up all others."""
    others = CompositeSchedule.objects.filter(charger=row.charger_id, due_at__lt=row.due_at)
    others.update(due_at=row.due_at)


def plan(row, pause):
    """Set when the place is due, unless it is sooner already: something has changed meanwhile."""
    at = batch.now() + pause
    row.due_at = at if row.due_at is None else min(row.due_at, at)
