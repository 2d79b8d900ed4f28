"""The ways to tell a charger one limit, best first, and the profile that each way sends.

Many chargers take only amps, only TxDefaultProfile, only stack level 0, or listen on connector 0
alone. No way here allows more than was asked, and none touches another connector.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product

from chargers.models import ChargingProfile
from chargers.wire import clock
from chargers.wire.v16 import one_decimal

Purpose = ChargingProfile.Purpose
WHOLE = (0, 0)
USUAL_VOLTS = 230
# Of a phase; what is measured between phases, or of direct current, says nothing of it.
_PLAUSIBLE_VOLTS = (80, 290)
# A charger whose clock is late would begin late, and limit nothing until then.
_LEAD = timedelta(minutes=1)
MOST_PHASES = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One way: in which unit, as what, how high in the stack, and where."""

    unit: str
    purpose: str
    stack_level: int
    evse_id: int
    connector_id: int

    @property
    def place(self):
        return self.evse_id, self.connector_id

    def as_dict(self):
        return {name: getattr(self, name) for name in self.__slots__}


def step_of(tried):
    """Return the Step of an entry in a limit's `steps`."""
    return Step(*(tried[name] for name in Step.__slots__))


def ways(limit, capabilities, *, has_transaction):
    """Return every Step that may carry `limit`, the fewest peculiarities first; at most 16."""
    units = [unit for unit in _units(limit.unit) if capabilities.allows(unit)]
    top = capabilities.max_stack_level or 0
    levels = [top, 0] if top else [0]
    places = _places(limit, capabilities.only_place, has_transaction)
    ranked = product(enumerate(places), enumerate(units), enumerate(levels))
    ordered = sorted(ranked, key=lambda choice: sum(rank for rank, _ in choice))
    return [Step(unit, purpose, level, *place) for (_, (purpose, place)), (_, unit), (_, level) in ordered]


def _units(asked):
    return (asked, "W" if asked == "A" else "A")


def _places(limit, only_place, has_transaction):
    """Connector 0 means every connector, so it stands for one only where that is the only one."""
    here = (limit.evse_id, limit.connector_id)
    if here == WHOLE:
        places = [(Purpose.STATION_MAX, WHOLE)]
        if only_place:
            places += [(Purpose.TX_DEFAULT, only_place), (Purpose.TX_DEFAULT, WHOLE)]
    else:
        places = [(Purpose.TX_DEFAULT, here)]
        if has_transaction:
            places.append((Purpose.TX, here))
        if only_place == here:
            places += [(Purpose.TX_DEFAULT, WHOLE), (Purpose.STATION_MAX, WHOLE)]
    return [(purpose.value, place) for purpose, place in places]


def converted(value, unit, wanted, *, phases=None, volts=()):
    """Return `value` of `unit` in the `wanted` unit, so that it allows no more than before.

    Where nobody says on how many phases a vehicle charges, watts are spread over three and amps
    are taken for one. Of several `volts` those count that allow less.
    """
    if unit == wanted:
        return value
    least, most = _PLAUSIBLE_VOLTS
    volts = [each for each in volts if least <= each <= most] or [USUAL_VOLTS]
    if wanted == "W":
        return value * min(volts) * (phases or 1)
    return value / (max(volts) * (phases or MOST_PHASES))


def profile(limit, step, *, profile_id, at, transaction_id=None, volts=()):
    """Return the chargingProfile that tells `limit` by `step`, beginning a little before `at`.

    Absolute with a start, since many refuse it without; it ends by itself at `limit.until`.
    """
    start = at.replace(microsecond=0) - _LEAD
    value = converted(limit.value, limit.unit, step.unit, phases=limit.phases, volts=volts)
    period = {"startPeriod": 0, "limit": one_decimal(value)}
    if limit.phases:
        period["numberPhases"] = limit.phases
    schedule = {"id": profile_id, "startSchedule": clock.text(start), "chargingRateUnit": step.unit}
    content = {
        "id": profile_id,
        "stackLevel": step.stack_level,
        "chargingProfilePurpose": str(step.purpose),
        "chargingProfileKind": "Absolute",
    }
    if limit.until:
        schedule["duration"] = max(1, int((limit.until - start).total_seconds()))
        content["validTo"] = clock.text(limit.until)
    if step.purpose == Purpose.TX:
        content["transactionId"] = str(transaction_id)
    return content | {"chargingSchedule": [schedule | {"chargingSchedulePeriod": [period]}]}
