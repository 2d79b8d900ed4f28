"""Two limits of one connector: its own, and that of a whole charger that has no other.

Where both are told by profiles of transactions, the charger keeps to one of them alone: to that of the
transaction before the default, then to the higher stack level. That has to be the stricter limit.

Of two at one level OCPP 1.6 keeps the newer, and 2.0.1 refuses it, unless it has the number of the older
(K01.FR.06): there the stricter limit goes under the number of the laxer, which is replaced in one stroke.
"""

from chargers.models import ChargingLimit, ChargingProfile, Protocol
from chargers.services.smart_charging import ladder

_RANKS = {ChargingProfile.Purpose.TX_DEFAULT: 0, ChargingProfile.Purpose.TX: 1}
NOT_THERE = [ChargingLimit.State.REFUSED, ChargingLimit.State.FAILED]
# What a profile tells, and what became of that.
_WANTED = (
    *("evse_id", "connector_id", "stack_level", "purpose", "kind", "recurrency", "valid_from", "valid_to"),
    *("transaction", "schedules", "is_desired", "state", "reason", "created_by", "origin"),
)
# What the grid may have, a phase.
_VOLTS = (0.9 * ladder.USUAL_VOLTS, 1.1 * ladder.USUAL_VOLTS)
WORDS = "another limit of the connector is told that way"


def of(wish, capabilities):
    """Return the limits in force beside `wish` that are told by profiles of transactions."""
    if capabilities.only_place is None:
        return []
    there = ChargingLimit.objects.filter(charger=wish.charger, ended_at=None)
    others = there.exclude(pk=wish.pk).exclude(state__in=NOT_THERE)
    return [other for other in others if other.steps and ladder.step_of(other.steps[-1]).purpose in _RANKS]


def allow(wish, step, others):
    """Say whether `wish` may be told by `step` so that of it and each of `others` the stricter one holds."""
    if step.purpose not in _RANKS:
        return True
    return all(
        _rank(step) >= _rank(ladder.step_of(other.steps[-1]))
        if _is_stricter(wish, step, other)
        else _rank(step) < _rank(ladder.step_of(other.steps[-1]))
        for other in others
    )


def ways_of(others):
    """Return the ways by which other limits are told: whoever is stricter may take them."""
    return [ladder.step_of(other.steps[-1]) for other in others]


def in_the_way(wish, step, others):
    """Return the limit whose profile would have `step` refused, as two at one level are in 2.0.1; or None."""
    if wish.charger.protocol == Protocol.OCPP16 or step.purpose not in _RANKS:
        return None
    there = [other for other in others if other.state != ChargingLimit.State.REQUESTED or _is_known(other)]
    return next((other for other in there if _rank(ladder.step_of(other.steps[-1])) == _rank(step)), None)


def _is_known(wish):
    return wish.profile is not None and wish.profile.installed is not None


def exchange(wish, other):
    """Have two limits of a charger change profiles, and so numbers; what was wanted of the one stays so."""
    wish.profile, other.profile = other.profile, wish.profile
    for name in _WANTED:
        setattr(other.profile, name, getattr(wish.profile, name))
    for each in (wish, other):
        each.profile.charger = each.charger = wish.charger
        each.profile.save()
        each.save(update_fields=["profile"])


def _rank(step):
    return _RANKS[step.purpose], step.stack_level


def _is_stricter(wish, step, other):
    """Say whether `wish`, told by `step` alone, surely keeps `other`; what cannot be compared may allow more."""
    if other.phases and (wish.phases or ladder.MOST_PHASES) > other.phases:
        return False
    sent = ladder.converted(wish.value, wish.unit, step.unit, phases=wish.phases)
    if step.unit == other.unit:
        most = sent
    elif other.unit == "W":
        most = sent * max(_VOLTS) * (wish.phases or ladder.MOST_PHASES)
    else:  # it may all flow on one phase
        most = sent / min(_VOLTS)
    return most <= other.value
