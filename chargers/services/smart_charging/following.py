"""What answers of chargers mean for profiles and limits; what else brings them forward is in `keeping`."""

from django.db import transaction
from django.db.models import Q

from chargers.models import ChargingLimit, ChargingProfile, Protocol
from chargers.services import commands, remote
from chargers.services.smart_charging import (
    answers,
    limits,
    profiles,
    reported,
    rules,
    trying,
    verifying,
)
from chargers.services.smart_charging.answers import Kind

State = ChargingProfile.State


def _of_command(model, command):
    """Return the row that waits for this very command; what an older one became is no news."""
    profiles.lock(command.charger)
    row = model.objects.filter(command=command).first()
    if row is not None:
        row.charger = command.charger
    return row


@transaction.atomic
def clear_profile(row, *, user=None, origin="system"):
    """Have one profile, and its limit, removed from its charger; offline, that waits. Return the row."""
    profiles.lock(row.charger)
    row.refresh_from_db()
    if row.source != ChargingProfile.Source.CSO:
        raise rules.Invalid("", "Only who set it can take it back.")
    if wish := limits.carried_by(row):
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
    wish = limits.carried_by(row)
    if outcome.kind == Kind.ACCEPTED:
        profiles.accept(row)
        _push_out_others(row)
    elif wish is None:
        _not_accepted(row, outcome)
    if wish is not None:
        trying.answered(wish, outcome)
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
        wish = limits.carried_by(lost)
        if wish is not None and limits.carried_by(row) is not None:
            trying.stand_back(wish)
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
        wish = limits.carried_by(row)
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
