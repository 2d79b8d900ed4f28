"""What brings profiles and limits forward: answers of chargers, quiet chargers, and time."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from chargers import batch
from chargers.models import ChargingLimit, ChargingProfile, Presence, Protocol
from chargers.services import commands, presence, remote
from chargers.services.smart_charging import (
    answers,
    limits,
    profiles,
    remote_starts,
    reported,
    rules,
    verifying,
)
from chargers.services.smart_charging.answers import Kind

State, Purpose = ChargingProfile.State, ChargingProfile.Purpose
MOST_AT_ONCE = 500
# What one charger is sent in one go; the rest waits for the next look.
MOST_SENT = 20
# The charger would not clear it, or kept silent: it may limit still, and a boot may bring it to reason.
UNCLEARED = Q(state=State.FAILED, is_desired=False)
# It is wanted still. Who crashes at it and boots again is not to be sent it again at once.
FAILED, LATER = Q(state=State.FAILED, is_desired=True), timedelta(hours=1)


def _of_command(model, command):
    """Return the row that waits for this very command; what an older one became is no news."""
    profiles.lock(command.charger)
    row = model.objects.filter(command=command).first()
    if row is not None:
        row.charger = command.charger
    return row


def _limit_of(row):
    """Return the limit in force that a profile carries, or None."""
    wish = ChargingLimit.objects.filter(profile=row, ended_at=None).first()
    if wish is not None:
        wish.charger, wish.profile = row.charger, row
    return wish


@transaction.atomic
def clear_profile(row, *, user=None, origin="system"):
    """Have one profile, and its limit, removed from its charger; offline, that waits. Return the row."""
    profiles.lock(row.charger)
    row.refresh_from_db()
    if row.source != ChargingProfile.Source.CSO:
        raise rules.Invalid("", "Only who set it can take it back.")
    if wish := _limit_of(row):
        limits.end(wish, "its profile was cleared", user=user, origin=origin)
        return wish.profile
    row.created_by, row.origin = user, origin[:40]
    profiles.clear(row)
    return row


# Answers --------------------------------------------------------------------------------------


@commands.follows("SetChargingProfile")
@transaction.atomic
def profile_answered(command):
    """Learn what became of a profile that was sent, by our own wish or by anybody's order."""
    outcome = answers.of(command)
    row = _of_command(ChargingProfile, command)
    if row is None:
        if outcome.kind == Kind.ACCEPTED and (ordered := reported.ordered(command)):
            _push_out_others(profiles.as_installed(ordered, reported.place_of(command)))
        return
    if row.state != State.SENT:
        return
    wish = _limit_of(row)
    if outcome.kind == Kind.ACCEPTED:
        profiles.accept(row)
        _push_out_others(row)
    elif wish is None:
        _not_accepted(row, outcome)
    if wish is not None:
        limits.answered(wish, outcome)
        if wish.state == ChargingLimit.State.ACCEPTED:
            verifying.ask(wish)


def _not_accepted(row, outcome):
    """Some refuse everything right after a boot: what a charger had before it is offered to it again."""
    booted_at = row.charger.booted_at
    is_lost = booted_at and row.installed == profiles.words_of(row) and row.installed_at < booted_at
    if outcome.kind == Kind.SILENT or is_lost:
        profiles.back_off(row, outcome.text)
    else:
        profiles.refuse(row, outcome)


def _push_out_others(row):
    """What was ours and lost its place to a newer one is not sent again: they would take turns.

    A limit that a stricter one has pushed out waits for the end of that.
    """
    for lost in profiles.replaced_by(row):
        wish = _limit_of(lost)
        if wish is not None and _limit_of(row) is not None:
            limits.stand_back(wish)
            continue
        profiles.forget(lost, f"replaced by profile {row.profile_id}")
        if wish is not None:
            limits.close(wish, lost.reason)


@commands.follows("ClearChargingProfile")
@transaction.atomic
def clearing_answered(command):
    """Learn that profiles are gone: the one that we cleared, or those that an order named."""
    outcome = answers.of(command)
    row = _of_command(ChargingProfile, command)
    if row is None:
        if outcome.kind == Kind.ACCEPTED:
            _cleared(command)
        return
    if row.state != State.CLEARING:
        return
    if outcome.kind == Kind.ACCEPTED:
        profiles.forget(row)
    elif outcome.text.startswith("Unknown"):  # it is gone, which is what was wanted
        profiles.forget(row, f"the charger answered {outcome.text}")
    elif outcome.kind == Kind.SILENT:
        profiles.back_off(row, outcome.text)
    else:
        profiles.fail(row, State.FAILED, f"could not be cleared: {outcome.text}")


def _cleared(command):
    """Forget what an order by number or by criteria took away; what was sent after it stays."""
    payload = command.payload
    sent_before = Q(command=None) | Q(command__lt=command.pk)
    there = matching(command.charger, payload).filter(
        sent_before, state__in=[State.INSTALLED, State.CLEARING]
    )
    for row in there:
        row.charger = command.charger
        wish = _limit_of(row)
        profiles.forget(row, "cleared by an order")
        if wish is not None:
            limits.close(wish, "its profile was cleared by an order")


def matching(charger, payload):
    """Return the rows that a ClearChargingProfile of the charger's version means."""
    rows = ChargingProfile.objects.filter(charger=charger)
    is_16 = charger.protocol == Protocol.OCPP16
    number = payload.get("id" if is_16 else "chargingProfileId")
    if number is not None:
        return rows.filter(profile_id=number)
    criteria = payload if is_16 else payload.get("chargingProfileCriteria") or {}
    columns = {
        "connector_id" if is_16 else "evse_id": criteria.get("connectorId" if is_16 else "evseId"),
        "purpose": remote.words(charger).purpose(criteria.get("chargingProfilePurpose")),
        "stack_level": criteria.get("stackLevel"),
    }
    return rows.filter(**{name: value for name, value in columns.items() if value is not None})


@commands.follows("GetCompositeSchedule")
@transaction.atomic
def composite_answered(command):
    """Judge a limit by the composite schedule of its place, which was asked for it or for another purpose."""
    outcome = answers.of(command)
    wish = _of_command(ChargingLimit, command)
    if wish is not None and wish.state == ChargingLimit.State.ACCEPTED and wish.profile is not None:
        wish.profile.charger = command.charger
        verifying.composite_told(wish, command, outcome)
    elif outcome.kind == Kind.ACCEPTED:
        verifying.heard(command)


@commands.follows("GetChargingProfiles")
@transaction.atomic
def report_answered(command):
    """Open or close the report that was asked for."""
    profiles.lock(command.charger)
    reported.promised(command, answers.of(command))


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
    wish = _limit_of(row)
    if wish is None and row.valid_to is not None and row.valid_to <= now:
        profiles.forget(row, "its time is over")
        return
    try:
        if wish is not None:
            limits.resume(wish)
        else:
            profiles.send(row)
    except commands.NotConnected:
        profiles.wait(row, pause=profiles.FIRST_PAUSE)
    except commands.Refused as error:
        profiles.fail(row, State.FAILED, str(error))
        if wish is not None:
            limits.give_up(wish, str(error))


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
    wish = _limit_of(row)
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
    limits.resume(wish)
