"""What brings profiles and limits forward when no answer does: a charger that is quiet, and time."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from chargers import batch
from chargers.models import ChargingLimit, ChargingProfile, Presence
from chargers.services import commands, presence
from chargers.services.smart_charging import (
    limits,
    profiles,
    remote_starts,
    reported,
    trying,
    verifying,
)

State, Purpose = ChargingProfile.State, ChargingProfile.Purpose
MOST_AT_ONCE = 500
# What one charger is sent in one go; the rest waits for the next look.
MOST_SENT = 20
# The charger would not clear it, or kept silent: it may limit still, and a boot may bring it to reason.
UNCLEARED = Q(state=State.FAILED, is_desired=False)
# It is wanted still. Who crashes at it and boots again is not to be sent it again at once.
FAILED, LATER = Q(state=State.FAILED, is_desired=True), timedelta(hours=1)
# Quiet chargers (see `services.reconciling`) -----------------------------------------------------


def due(now):
    """Return the ids of connected chargers for which `reconcile` would do something."""
    online = Presence.objects.online(now).values("charger_id")
    waiting = ChargingProfile.objects.filter(
        state__in=[State.WAITING, State.CLEARING], next_attempt_at__lte=now, charger__in=online
    )
    looking = ChargingLimit.objects.filter(ended_at=None, check_at__lte=now, charger__in=online)
    found = set(waiting.order_by("next_attempt_at").values_list("charger_id", flat=True)[:MOST_AT_ONCE])
    return found | set(looking.order_by("check_at").values_list("charger_id", flat=True)[:MOST_AT_ONCE])


def transaction_started(charger, session):
    """Have limits sent that wait for a transaction of `charger`; one look for all that begin in a batch."""
    batch.collect(_begun, (charger, session))


def _begun(started):
    remote_starts.begun(started)
    _hurry({charger.pk: charger for charger, _ in started})


def _hurry(by_id):
    """Let what waits for a transaction be due now: chargers are quiet before the next look at the rows."""
    waiting = ChargingProfile.objects.filter(
        charger__in=by_id,
        purpose=Purpose.TX,
        state=State.WAITING,
        next_attempt_at__gt=batch.now(),
        limits__state=ChargingLimit.State.REQUESTED,
        limits__ended_at=None,
    )
    for pk in sorted(set(waiting.values_list("charger_id", flat=True))):
        profiles.lock(by_id[pk])
        of_one = ChargingProfile.objects.filter(
            pk__in=waiting.filter(charger=pk).values_list("pk", flat=True)
        )
        of_one.update(next_attempt_at=batch.now())
        presence.tend(by_id[pk])


def reconcile(charger):
    """Send and clear what waits, and what a charger may have lost by a reboot since it was installed."""
    if charger.pk not in batch.for_all(_concerned, charger):
        return
    profiles.lock(charger)
    now = batch.now()
    for row in _wanting(ChargingProfile.objects.filter(charger=charger)).order_by("id")[:MOST_SENT]:
        row.charger = charger
        _bring_forward(row, now)
    for wish in ChargingLimit.objects.filter(charger=charger, ended_at=None, check_at__lte=now):
        wish.charger = charger
        verifying.ask(wish)


def _concerned(chargers):
    ids = list(chargers)
    wanting = _wanting(ChargingProfile.objects.filter(charger__in=ids)).values_list("charger_id", flat=True)
    looking = ChargingLimit.objects.filter(charger__in=ids, ended_at=None, check_at__lte=batch.now())
    return {*wanting, *looking.values_list("charger_id", flat=True)}


def _wanting(rows):
    waiting = Q(state__in=[State.WAITING, State.CLEARING], next_attempt_at__lte=batch.now())
    lost = Q(state=State.INSTALLED, is_desired=True, installed_at__lt=F("charger__booted_at"))
    failed = FAILED & Q(command__created_at__lt=F("charger__booted_at") - LATER)
    return rows.filter(
        waiting | lost | failed | UNCLEARED & Q(command__created_at__lt=F("charger__booted_at"))
    )


def _bring_forward(row, now):
    if row.state == State.CLEARING:
        profiles.send_clear(row)
        return
    if not row.is_desired:
        profiles.clear(row)
        return
    wish = limits.carried_by(row)
    if wish is None and row.valid_to is not None and row.valid_to <= now:
        profiles.forget(row, "its time is over")
        return
    try:
        if wish is not None:
            trying.resume(wish)
        else:
            profiles.send(row)
    except commands.NotConnected:
        profiles.wait(row, pause=profiles.FIRST_PAUSE)
    except commands.Refused as error:
        profiles.fail(row, State.FAILED, str(error))
        if wish is not None:
            trying.give_up(wish, str(error))


# Time -----------------------------------------------------------------------------------------


def keep(now):
    """Do what time demands: end limits, forget profiles of ended transactions, measure, close reports."""
    over = ChargingLimit.objects.filter(ended_at=None, until__lte=now)
    _each(over, now, lambda wish: limits.end(wish, "its time is over"))
    gone = ChargingProfile.objects.filter(
        purpose=Purpose.TX,
        state__in=[State.INSTALLED, State.WAITING, State.FAILED, State.REJECTED],
        transaction__ended_at__isnull=False,  # by the charger's clock, which may be ahead
    )
    _each(gone, now, _transaction_ended)
    _each(remote_starts.unused(now), now, remote_starts.forget)
    # Of some there is never enough to tell: these are not to be in the way of the others.
    _each(verifying.measurable(now), now, verifying.measure, order="?")
    _each(verifying.remeasurable(now), now, verifying.measure, order="?")
    reported.settle(now)


def _each(rows, now, function, *, order="id"):
    """Call `function` with each of `rows` that is still among them under its charger's lock."""
    for row in rows.select_related("charger").order_by(order)[:MOST_AT_ONCE]:
        with transaction.atomic():
            profiles.lock(row.charger)
            fresh = rows.filter(pk=row.pk).select_related("charger").first()
            if fresh is not None:
                function(fresh)


def _transaction_ended(row):
    """A TxProfile ends with its transaction; a limit that it carried waits for the next one."""
    wish = limits.carried_by(row)
    profiles.forget(row, "its transaction has ended")
    row.transaction = None
    row.save(update_fields=["transaction"])
    if wish is None or wish.state not in (
        ChargingLimit.State.REQUESTED,
        ChargingLimit.State.TRYING,  # it kept silent
        ChargingLimit.State.ACCEPTED,
        ChargingLimit.State.VERIFIED,
        ChargingLimit.State.IGNORED,  # in this one
    ):
        return
    row.is_desired, row.state = True, State.WAITING
    trying.resume(wish)
