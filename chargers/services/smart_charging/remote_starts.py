"""Charging profiles that a remote start brings: there once it is accepted, gone with what it began.

Which transaction that is, OCPP 2.0.1 says by its remoteStartId, where the station tells it; else it is the
next one on the place, or with the token where no place was named.
"""

from datetime import timedelta

from django.db import transaction

from chargers import batch
from chargers.models import ChargingProfile
from chargers.services import commands, schedules, transactions
from chargers.services.smart_charging import answers, profiles, reported
from chargers.services.smart_charging.answers import Kind

ACTIONS = ("RemoteStartTransaction", "RequestStartTransaction")
# Longer than chargers wait for the plug.
LONGEST_WAIT = timedelta(minutes=10)
# What runs already was begun by an earlier order, unless it is younger; clocks differ.
CLOCKS_DIFFER = timedelta(minutes=1)


@commands.follows(*ACTIONS)
@transaction.atomic
def start_answered(command):
    """Note the profile of a remote start that was accepted, and bind it to what runs already by that."""
    told = command.payload.get("chargingProfile")
    is_profile = isinstance(told, dict) and told.get("chargingProfilePurpose") == ChargingProfile.Purpose.TX
    if not is_profile or answers.of(command).kind != Kind.ACCEPTED:
        return
    profiles.lock(command.charger)
    row = reported.ordered(command)
    if row is None or row.is_desired or row.state != ChargingProfile.State.INSTALLED:
        return
    if session := _begun(command, row):
        _bind(row, session)


def _begun(command, row):
    """Return the transaction that a remote start has begun before its answer, or None."""
    number = command.result.get("transactionId")
    if isinstance(number, str) and (named := transactions.identified(command.charger, number)):
        return named
    since = (command.sent_at or command.created_at) - CLOCKS_DIFFER
    running = [each for each in batch.running(command.charger) if each.evse_id or each.started_at >= since]
    return next((each for each in reversed(running) if _is_for(row, each)), None)


def _is_for(row, session):
    """Say whether a transaction is what the remote start of a row has begun."""
    asked = row.command.payload
    if None not in (session.remote_start_id, asked.get("remoteStartId")):
        return session.remote_start_id == asked["remoteStartId"]
    if row.evse_id or row.connector_id:
        place = (session.evse_id, 0) if session.evse_id else (0, session.connector_id)
        return place == (row.evse_id, row.connector_id)
    token = asked.get("idTag") or (asked.get("idToken") or {}).get("idToken") or ""
    return token.casefold() == session.id_token.casefold() != ""


def _bind(row, session):
    row.transaction = session
    if session.evse_id or session.connector_id:  # else it is still to tell
        row.evse_id, row.connector_id = session.evse_id, 0 if session.evse_id else session.connector_id
    profiles.keep_row(row)
    schedules.refresh(row.charger)


def _waiting():
    return ChargingProfile.objects.filter(
        purpose=ChargingProfile.Purpose.TX,
        state=ChargingProfile.State.INSTALLED,
        is_desired=False,
        transaction=None,
        command__action__in=ACTIONS,
    )


def begun(started):
    """Bind the profiles that wait for one of `started`, (charger, transaction) each."""
    chargers = {charger.pk: charger for charger, _ in started}
    waiting = _waiting().filter(charger__in=chargers)
    for pk in sorted(set(waiting.values_list("charger_id", flat=True))):
        profiles.lock(chargers[pk])
        for row in waiting.filter(charger=pk).select_related("command").order_by("id"):
            row.charger = chargers[pk]
            theirs = [session for charger, session in started if charger.pk == pk]
            if session := next((each for each in theirs if _is_for(row, each)), None):
                _bind(row, session)


def unused(now):
    """Return the profiles of remote starts after which no transaction has begun."""
    return _waiting().filter(reported_at__lte=now - LONGEST_WAIT)


def forget(row):
    profiles.forget(row, "no transaction has begun with it")
