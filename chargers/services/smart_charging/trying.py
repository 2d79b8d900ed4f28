"""How a limit is told to a charger: one way after the other, and what came of each.

Which ways there are says `ladder`; whether another limit of the connector stands in the way, `rivals`.
Everything here is called under the lock of the charger's row.
"""

from datetime import timedelta

from django.db.models import Q

from chargers import batch
from chargers.models import ChargingLimit, ChargingProfile, Protocol
from chargers.services import commands
from chargers.services.smart_charging import capabilities as capabilities_of
from chargers.services.smart_charging import ladder, profiles, rivals
from chargers.services.smart_charging.answers import Kind
from chargers.wire import clock
from csms import events

State = ChargingLimit.State
# How often a limit that can only be set in a transaction is looked at between transactions.
NEXT_TRANSACTION = timedelta(seconds=10)


def go_on(wish, *, keep=True):
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
    return wish.may_walk and go_on(wish)


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
        come_forward(wish)


def resume(wish):
    """Send what is in force and not installed: after a reboot, a silence, or in a new transaction."""
    if not wish.steps:
        go_on(wish)
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


def come_forward(gone):
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
