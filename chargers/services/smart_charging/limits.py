"""Limits: "this connector takes at most 16 A until four", and whether it did.

    requested -> trying -> accepted -> verified <-> ignored;  trying -> refused | failed;  -> ended

A limit is sent as one charging profile, whose number stays the same for its place: a newer limit
replaces it. Where the caller allows it other ways are tried, one at a time and each once: see `trying`.
A charger's Accepted is not believed, and what was verified is judged again: see `verifying`.
"""

import time
from datetime import timedelta

from django.db import transaction

from chargers import batch
from chargers.models import ChargingLimit, ChargingProfile, Connector
from chargers.services import commands
from chargers.services.smart_charging import capabilities as capabilities_of
from chargers.services.smart_charging import profiles, rivals, rules, trying

State = ChargingLimit.State
LONGEST = timedelta(days=3650)


@transaction.atomic
def limit(
    target,
    *,
    amps=None,
    watts=None,
    until=None,
    phases=None,
    may_walk=False,
    keep=False,
    user=None,
    origin="system",
):
    """Have a Connector, or a whole Charger, take at most `amps` (a phase) or `watts`; return the row.

    It replaces the limit in force there, ends at `until`, and outlives reboots of the charger. `phases`
    (1 to 3) says on how many it is meant; without it a conversion between the units assumes what
    allows least. `may_walk` tries other ways when the charger does not obey the first; `keep` has the
    limit wait for a charger that is offline. Raises rules.Invalid, rules.Unsupported and what
    `commands.send` raises.
    """
    value, unit = _asked(amps, watts)
    _check(until, phases)
    charger, place = profiles.place_of(target)
    profiles.lock(charger)
    rules.check_supported(charger, capabilities_of.of(charger))
    previous = in_force(charger, place)
    if previous is not None:
        _end(previous, "replaced by a newer limit")
    wish = ChargingLimit.objects.create(
        charger=charger,
        evse_id=place[0],
        connector_id=place[1],
        value=value,
        unit=unit,
        phases=phases,
        until=until,
        may_walk=may_walk,
        profile=_profile_for(charger, place),
        created_at=batch.now(),
        created_by=user,
        origin=origin[:40],
    )
    wish.profile.attempts = 0
    if not trying.go_on(wish, keep=keep):
        trying.settle(wish, "no way to tell it is known, or " + rivals.WORDS)
    return wish


def _asked(amps, watts):
    if (amps is None) == (watts is None):
        raise rules.Invalid("amps", "Give either amps or watts.")
    name, value = ("amps", amps) if watts is None else ("watts", watts)
    if not rules.is_sane(value):
        raise rules.Invalid(name, "Must be a number between 0 and 10,000,000.")
    return float(value), "A" if watts is None else "W"


def _check(until, phases):
    now = batch.now()
    if until is not None and not now < until <= now + LONGEST:
        raise rules.Invalid("until", "Must lie ahead, by ten years at most.")
    if phases is not None and phases not in (1, 2, 3):
        raise rules.Invalid("phases", "Must be 1, 2 or 3.")


def in_force(charger, place):
    """Return the limit of a place that has not ended, be it obeyed or not; or None."""
    found = ChargingLimit.objects.filter(
        charger=charger, evse_id=place[0], connector_id=place[1], ended_at=None
    )
    return found.select_related("charger", "profile").first()


def of(target):
    """Return the limit in force at a Charger or Connector, or None."""
    charger, place = profiles.place_of(target)
    return in_force(charger, place)


def carried_by(row):
    """Return the limit in force that a profile carries, or None."""
    wish = ChargingLimit.objects.filter(profile=row, ended_at=None).first()
    if wish is not None:
        wish.charger, wish.profile = row.charger, row
    return wish


def _profile_for(charger, place):
    """Return the profile that carries the limits of a place: one for each, never one for all."""
    before = ChargingLimit.objects.filter(charger=charger, evse_id=place[0], connector_id=place[1])
    last = before.exclude(profile=None).order_by("-id").first()
    if last is not None:
        row = last.profile
        row.charger = charger
        return row
    return ChargingProfile.objects.create(
        charger=charger,
        profile_id=profiles.next_id(charger),
        evse_id=place[0],
        connector_id=place[1],
        purpose=ChargingProfile.Purpose.TX_DEFAULT,
        kind=ChargingProfile.Kind.ABSOLUTE,
    )


def target_of(wish):
    """Return the Charger or Connector that a limit is for; an EVSE is any of its connectors."""
    if not (wish.evse_id or wish.connector_id):
        return wish.charger
    there = Connector.objects.filter(charger=wish.charger, evse_id=wish.evse_id)
    plug = there.filter(**({"connector_id": wish.connector_id} if wish.connector_id else {})).first()
    place = {"evse_id": wish.evse_id, "connector_id": wish.connector_id}
    return plug or Connector(charger=wish.charger, **place)


@transaction.atomic
def unlimit(target, *, user=None, origin="system"):
    """Lift the limit in force at a Connector or a whole Charger; return its row, or None where there is none.

    Offline, the charger is told when it is back. One that would not clear the last limit is asked anew.
    """
    charger, place = profiles.place_of(target)
    profiles.lock(charger)
    wish = in_force(charger, place) or _uncleared(charger, place)
    if wish is None:
        return None
    end(wish, "lifted", user=user, origin=origin)
    return wish


def _uncleared(charger, place):
    """Return the last limit of a place that has ended and that the charger would not clear, or None."""
    last = ChargingLimit.objects.filter(charger=charger, evse_id=place[0], connector_id=place[1])
    there = last.filter(profile__state=ChargingProfile.State.FAILED, profile__is_desired=False)
    return there.select_related("charger", "profile").first()


def wait(wish, timeout):
    """Return `wish` as it is when nothing is awaited for it any more, or after `timeout` seconds.

    Call outside a transaction.
    """
    deadline = time.monotonic() + timeout
    while wish.command is not None and (remaining := deadline - time.monotonic()) > 0:
        awaited = commands.wait(wish.command, remaining)
        wish.refresh_from_db()
        if wish.command_id == awaited.pk:
            break
    return wish


def end(wish, reason, *, user=None, origin="system"):
    """End a limit and have its profile cleared. Call under the lock.

    What stood back for it is sent before that: there is no moment without either.
    """
    _end(wish, reason)
    trying.come_forward(wish)
    row = wish.profile
    if row is not None:
        row.charger = wish.charger
        row.created_by, row.origin = user, origin[:40]
        profiles.clear(row)
        wish.command = row.command
        wish.save(update_fields=["command"])


def _end(wish, reason):
    wish.state, wish.reason, wish.ended_at, wish.check_at = State.ENDED, reason[:255], batch.now(), None
    trying.keep_row(wish)


def close(wish, reason):
    """End a limit whose profile is gone already. Call under the lock."""
    _end(wish, reason)
    trying.come_forward(wish)
