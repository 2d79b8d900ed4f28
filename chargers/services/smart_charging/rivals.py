"""Two limits of one connector: its own, and that of a whole charger that has no other.

Where both are told by profiles of transactions, or both by maxima of the station, the charger keeps to one
of them alone: to that of the transaction before the default, then to the higher stack level. That has to be
the stricter limit.

Of two at one level OCPP 1.6 keeps the newer, and 2.0.1 refuses it, unless it has the number of the older
(K01.FR.06): there the stricter limit goes under the number of the laxer, which is replaced in one stroke.
"""

from chargers.models import ChargingLimit, ChargingProfile, Protocol
from chargers.services.smart_charging import ladder

_RANKS = {
    ChargingProfile.Purpose.TX_DEFAULT: 0,
    ChargingProfile.Purpose.TX: 1,
    ChargingProfile.Purpose.STATION_MAX: 0,
}
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
    """Return the limits in force beside `wish` of a charger with one connector."""
    if capabilities.only_place is None:
        return []
    there = ChargingLimit.objects.filter(charger=wish.charger, ended_at=None)
    others = there.exclude(pk=wish.pk).exclude(state__in=NOT_THERE)
    return [other for other in others if other.steps]


def allow(wish, step, others):
    """Say whether `wish` may be told by `step` so that of it and each of `others` the stricter one holds."""
    return all(
        _rank(step) >= _rank(_step_of(other))
        if _is_stricter(wish, step, other)
        else _rank(step) < _rank(_step_of(other))
        for other in others
        if _is_rival(step, other)
    )


def _step_of(wish):
    return ladder.step_of(wish.steps[-1])


def _is_rival(step, other):
    """Say whether one of the two prevails; else the charger keeps to both."""
    maximum = ChargingProfile.Purpose.STATION_MAX
    return (step.purpose == maximum) == (_step_of(other).purpose == maximum)


def ways_of(others):
    """Return the ways by which other limits are told: whoever is stricter may take them."""
    return [_step_of(other) for other in others]


def in_the_way(wish, step, others):
    """Return the limit whose profile would have `step` refused, as two at one level are in 2.0.1; or None."""
    if wish.charger.protocol == Protocol.OCPP16:
        return None
    same = [other for other in others if _is_rival(step, other) and _rank(_step_of(other)) == _rank(step)]
    return next((other for other in same if _is_known(other)), None)


def _is_known(wish):
    """Say whether the charger may have the profile of a limit; one that stood back it has not."""
    is_installed = wish.profile is not None and wish.profile.installed is not None
    return is_installed or wish.state != ChargingLimit.State.REQUESTED


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
    """Say whether `wish` by `step` surely keeps `other`, too; what cannot be compared may allow more."""
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
