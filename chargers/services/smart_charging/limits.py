"""Limits: "this connector takes at most 16 A until four", and whether it did.

    requested -> trying -> accepted -> verified <-> ignored;  trying -> refused | failed;  -> ended

A limit is sent as one charging profile, whose number stays the same for its place: a newer limit
replaces it. Where the caller allows it the other ways of `ladder` are tried, one at a time and each
once. A charger's Accepted is not believed, and what was verified is judged again: see `verifying`.
"""

import time
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from chargers import batch
from chargers.models import ChargingLimit, ChargingProfile, Connector, Protocol
from chargers.services import commands
from chargers.services.smart_charging import capabilities as capabilities_of
from chargers.services.smart_charging import ladder, profiles, rivals, rules
from chargers.services.smart_charging.answers import Kind
from chargers.wire import clock
from csms import events

State = ChargingLimit.State
LONGEST = timedelta(days=3650)
# How often a limit that can only be set in a transaction is looked at between transactions.
NEXT_TRANSACTION = timedelta(seconds=10)


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
    if not _go_on(wish, keep=keep):
        settle(wish, "no way to tell it is known, or " + rivals.WORDS)
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
    _come_forward(wish)
    row = wish.profile
    if row is not None:
        row.charger = wish.charger
        row.created_by, row.origin = user, origin[:40]
        profiles.clear(row)
        wish.command = row.command
        wish.save(update_fields=["command"])


def _end(wish, reason):
    wish.state, wish.reason, wish.ended_at, wish.check_at = State.ENDED, reason[:255], batch.now(), None
    keep_row(wish)


# One way after the other ----------------------------------------------------------------------


def _go_on(wish, *, keep=True):
    """Try the best way that has not been tried; say whether there was one."""
    charger, place = wish.charger, (wish.evse_id, wish.connector_id)
    has_transaction = profiles.running_at(charger, place) is not None
    tried = {ladder.step_of(step) for step in wish.steps}
    known = capabilities_of.of(charger)
    ways = ladder.ways(wish, known, has_transaction=has_transaction)
    if not wish.steps and not wish.may_walk:
        ways = _proven_first(wish, ways)
    others = rivals.of(wish, known)
    ways += [way for way in rivals.ways_of(others) if way not in ways and _is_open(charger, way)]
    step = next((way for way in ways if way not in tried and rivals.allow(wish, way, others)), None)
    if step is None or (wish.steps and not wish.may_walk):
        return False
    if other := rivals.in_the_way(wish, step, others):
        rivals.exchange(wish, other)
        stand_back(other)
    wish.profile.attempts = 0
    _take(wish, step, keep=keep)
    return True


def _proven_first(wish, ways):
    """Return `ways` with that first by which a limit of the place was verified last, if it is one of them."""
    before = ChargingLimit.objects.filter(
        Q(composite_verified=True) | Q(measured_verified=True),
        charger=wish.charger,
        evse_id=wish.evse_id,
        connector_id=wish.connector_id,
    )
    obeyed = before.exclude(composite_verified=False).exclude(measured_verified=False)
    last = obeyed.order_by("-id").first()
    if last is None or not last.steps:
        return ways
    proven = ladder.step_of(last.steps[-1])
    return sorted(ways, key=lambda way: way != proven)


def _session_of(charger, step):
    """Return the transaction that a way is for, or None: none runs, or it is for any."""
    is_tx = step.purpose == ChargingProfile.Purpose.TX
    return profiles.running_at(charger, step.place) if is_tx else None


def _is_open(charger, step):
    return step.purpose != ChargingProfile.Purpose.TX or _session_of(charger, step) is not None


def _take(wish, step, *, keep=True):
    """Send the limit's profile by one way, and note it among the steps."""
    row, session = wish.profile, _session_of(wish.charger, step)
    content = ladder.profile(
        wish,
        step,
        profile_id=row.profile_id,
        at=batch.now(),
        transaction_id=session and profiles.number_of(session),
        volts=_volts(wish),
    )
    profiles.fill(row, content, place=step.place, session=session)
    row.is_desired, row.created_by, row.origin = True, wish.created_by, wish.origin
    noted = step.as_dict() | {"limit": content["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"]}
    noted |= {"at": clock.text(batch.now()), "answer": ""}
    if wish.steps and ladder.step_of(wish.steps[-1]) == step:
        before = wish.steps.pop()  # the same once more
        if before.get("was_taken") or before.get("outcome") in (Kind.ACCEPTED, "ignored"):
            noted["was_taken"] = True
    wish.steps = [*wish.steps, noted]
    _send(wish, keep=keep)


def _send(wish, *, keep=True):
    row = wish.profile
    wish.state, wish.reason = State.TRYING, ""
    wish.composite_verified = wish.measured_verified = wish.accepted_at = None
    wish.check_at = wish.measured_at = None
    wish.composite, wish.measured = {}, {}
    try:
        wish.command = profiles.send(row)
        wish.steps[-1]["command"] = row.command_id
    except commands.NotConnected:
        if not keep:
            raise
        profiles.wait(row)
        wish.state, wish.reason = State.REQUESTED, row.reason
    keep_row(wish)


def _volts(wish):
    """Return the volts of a phase as measured last at each connector of the place."""
    there = [plug for plug in wish.charger.connectors.all() if at_place(plug, wish)]
    return [plug.voltage_v for plug in there if plug.voltage_v]


def at_place(plug, wish):
    """Say whether a connector is, or belongs to, the place of a limit."""
    if wish.evse_id:
        return plug.evse_id == wish.evse_id
    return not wish.connector_id or (not plug.evse_id and plug.connector_id == wish.connector_id)


def answered(wish, outcome):
    """Go on with a limit whose profile has been answered, or not. Call under the lock."""
    wish.steps[-1]["answer"] = outcome.text
    wish.steps[-1]["outcome"] = outcome.kind
    if outcome.kind == Kind.ACCEPTED:
        wish.state, wish.accepted_at = State.ACCEPTED, batch.now()
        wish.reason = "Nothing has shown yet that the charger obeys."
        keep_row(wish)
    elif _is_tried_again(wish, outcome) and profiles.back_off(wish.profile, outcome.text):
        wish.reason = wish.profile.reason
        keep_row(wish)
    elif outcome.kind == Kind.SILENT:
        give_up(wish, wish.profile.reason)
    else:
        profiles.refuse(wish.profile, outcome)
        if outcome.kind == Kind.UNSUPPORTED or not walk_on(wish):
            settle(wish, outcome.text)


def _is_tried_again(wish, outcome):
    """What was taken that way before may be again: some refuse everything right after a boot."""
    return outcome.kind == Kind.SILENT or wish.steps[-1].get("was_taken", False)


def walk_on(wish):
    """Try another way, if the caller allows it and there is one; say whether."""
    return wish.may_walk and _go_on(wish)


def ignore(wish, words):
    """The charger accepted and does not obey: try another way, or leave it at that."""
    wish.steps[-1]["outcome"] = "ignored"
    wish.steps[-1]["answer"] = f"accepted and ignored: {words}"[:200]
    if not walk_on(wish):
        settle(wish, f"accepted and ignored: {words}")


def obey(wish):
    """The charger keeps the limit, perhaps again; what is waited for is moot. The caller writes the row."""
    wish.state, wish.reason, wish.check_at = State.VERIFIED, "", None
    wish.steps[-1]["outcome"], wish.steps[-1]["answer"] = Kind.ACCEPTED, "Accepted"


def settle(wish, words):
    """All ways that were allowed have been tried, and none led anywhere."""
    outcomes = {step.get("outcome") for step in wish.steps}
    if "ignored" in outcomes:
        wish.state = State.IGNORED
    elif outcomes & {Kind.REFUSED, Kind.UNSUPPORTED} or not wish.steps:
        wish.state = State.REFUSED
    else:
        wish.state = State.FAILED
    wish.reason, wish.check_at = words[:255], None
    keep_row(wish)
    _give_way(wish)


def give_up(wish, words):
    """It cannot be sent at all any more."""
    wish.state, wish.reason, wish.check_at = State.FAILED, words[:255], None
    keep_row(wish)
    _give_way(wish)


def _give_way(wish):
    """What stood back for a limit that the charger did not take has its place again."""
    if wish.state in rivals.NOT_THERE:
        _come_forward(wish)


def resume(wish):
    """Send what is in force and not installed: after a reboot, a silence, or in a new transaction."""
    if not wish.steps:
        _go_on(wish)
        return
    step = ladder.step_of(wish.steps[-1])
    if not rivals.allow(wish, step, rivals.of(wish, capabilities_of.of(wish.charger))):
        stand_back(wish)
        return
    if not _is_open(wish.charger, step):
        profiles.wait(wish.profile, pause=NEXT_TRANSACTION, reason="waits for a transaction")
        wish.state, wish.reason = State.REQUESTED, wish.profile.reason
        wish.save()
        return
    _take(wish, step)


def stand_back(wish):
    """A stricter limit has the place of this one on the charger: it is sent again once that has ended."""
    row = wish.profile
    row.installed = None
    profiles.wait(row, reason=f"waits: {rivals.WORDS}")
    row.next_attempt_at = None
    row.save(update_fields=["next_attempt_at"])
    wish.state, wish.reason, wish.check_at = State.REQUESTED, row.reason, None
    keep_row(wish)


def _come_forward(gone):
    """Send what stood back for a limit; in 2.0.1 by the number under which the charger knows that one."""
    for wish in _stood_back(gone.charger):
        if gone.profile is not None and gone.charger.protocol != Protocol.OCPP16:
            rivals.exchange(wish, gone)
        resume(wish)


def _stood_back(charger):
    waiting = ChargingLimit.objects.filter(charger=charger, ended_at=None, profile__next_attempt_at=None)
    stood_back = waiting.filter(state=State.REQUESTED, profile__state=ChargingProfile.State.WAITING)
    for wish in stood_back.select_related("profile"):
        wish.charger = wish.profile.charger = charger
        yield wish


def keep_row(wish):
    """Write a limit, and tell of it."""
    wish.save()
    events.record(
        "charging_limit.updated",
        charger=wish.charger,
        object_id=wish.pk,
        state=wish.state,
        value=wish.value,
        unit=wish.unit,
        evse_id=wish.evse_id,
        connector_id=wish.connector_id,
    )


def close(wish, reason):
    """End a limit whose profile is gone already. Call under the lock."""
    _end(wish, reason)
    _come_forward(wish)
