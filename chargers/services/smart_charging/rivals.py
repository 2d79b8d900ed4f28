"""Two limits of one connector: its own, and that of a whole charger that has no other.

Where both are told by profiles of transactions, the charger keeps to one of them alone: to that of the
transaction before the default, then to the higher stack level. That has to be the stricter limit.
"""

from chargers.models import ChargingLimit, ChargingProfile
from chargers.services.smart_charging import ladder

_RANKS = {ChargingProfile.Purpose.TX_DEFAULT: 0, ChargingProfile.Purpose.TX: 1}
_NOT_THERE = [ChargingLimit.State.REFUSED, ChargingLimit.State.FAILED]
WORDS = "another limit of the connector is told that way"


def of(wish, capabilities):
    """Return the limits in force beside `wish` that are told by profiles of transactions."""
    if capabilities.only_place is None:
        return []
    there = ChargingLimit.objects.filter(charger=wish.charger, ended_at=None)
    others = there.exclude(pk=wish.pk).exclude(state__in=_NOT_THERE)
    return [other for other in others if other.steps and ladder.step_of(other.steps[-1]).purpose in _RANKS]


def allow(wish, step, others):
    """Say whether `wish` may be told by `step` so that of it and each of `others` the stricter one holds."""
    if step.purpose not in _RANKS:
        return True
    return all(
        _rank(step) >= _rank(ladder.step_of(other.steps[-1]))
        if _is_stricter(wish, other)
        else _rank(step) < _rank(ladder.step_of(other.steps[-1]))
        for other in others
    )


def _rank(step):
    return _RANKS[step.purpose], step.stack_level


def _is_stricter(wish, other):
    """Say whether `wish` surely allows no more; what cannot be compared may allow more."""
    return (wish.unit, wish.phases) == (other.unit, other.phases) and wish.value <= other.value
