"""How much power a car takes, and the energy that this makes. Pure.

Theory of operation. A `Flow` is one car at one outlet. Its life is cut into cells of one second,
counted from the moment that the power came on; within a cell the power is constant. So the energy
is exactly the integral of the power shown, and it is the same however often one looks.
"""

from dataclasses import dataclass

RAMP_SECONDS = 20
TAPER_SOC = 80.0
# What is left of the power just before the battery is full.
TRICKLE = 0.05


@dataclass(frozen=True, slots=True)
class Outlet:
    """What a connector can give."""

    max_w: float = 11_000.0
    phases: int = 3
    volts: float = 230.0
    is_dc: bool = False


AC = Outlet()
DC = Outlet(max_w=150_000.0, phases=0, volts=400.0, is_dc=True)


@dataclass(frozen=True, slots=True)
class Car:
    """What stands at the connector; `max_w` is the most that it takes.

    One that speaks ISO 15118 tells the energy that it needs; others have None there.
    """

    battery_wh: float = 60_000.0
    soc: float = 35.0
    max_w: float = 150_000.0
    needs_wh: float | None = None


class Flow:
    """Power from an outlet into a car, since it was switched on."""

    def __init__(self, outlet, car, limit_w=None):
        self.soc = car.soc
        self.limit_w = limit_w  # the most that is wanted; None: as much as both can
        self.energy_wh = 0.0
        self._battery_wh = car.battery_wh
        self._ceiling_w = min(outlet.max_w, car.max_w)
        self._seconds = 0.0
        self._cell_w = self._power()

    @property
    def is_full(self):
        return self.soc >= 100.0

    @property
    def power_w(self):
        """The power that flows now."""
        return 0.0 if self.is_full else self._cell_w

    def limit(self, watts):
        """Let at most `watts` flow from now on; None takes the limit away."""
        self.limit_w = watts
        self._cell_w = self._power()

    def advance(self, seconds):
        """Let `seconds` pass and return the energy in Wh that flowed in them."""
        before, end = self.energy_wh, self._seconds + max(0.0, seconds)
        while self._seconds < end and not self._is_idle:
            cell_end = min(end, int(self._seconds) + 1.0)
            self._fill(cell_end - self._seconds)
            self._seconds = cell_end
            if cell_end.is_integer():
                self._cell_w = self._power()
        self._seconds = end
        return self.energy_wh - before

    @property
    def _is_idle(self):
        """Nothing will flow however long one waits."""
        return self.is_full or self.limit_w == 0

    def _fill(self, seconds):
        missing_wh = self._battery_wh * (100.0 - self.soc) / 100.0
        taken_wh = min(missing_wh, self._cell_w * seconds / 3600)
        self.energy_wh += taken_wh
        full = taken_wh >= missing_wh
        self.soc = 100.0 if full else min(100.0, self.soc + 100.0 * taken_wh / self._battery_wh)

    def _power(self):
        """Return the power of the cell that begins now: ramp, plateau, taper."""
        ramp = min(1.0, (int(self._seconds) + 1) / RAMP_SECONDS)
        emptiness = (100.0 - self.soc) / (100.0 - TAPER_SOC)
        watts = self._ceiling_w * ramp * max(TRICKLE, min(1.0, emptiness))
        return watts if self.limit_w is None else min(watts, self.limit_w)


def shared(total_w, wishes):
    """Return {who: watts} for those that must take less than they wish so that `total_w` is kept to.

    All get the same, except that nobody gets more than wished for; {} where nobody has to yield.
    """
    if total_w is None or sum(wishes.values()) <= total_w:
        return {}
    shares, left_w = {}, total_w
    for number, (who, wish) in enumerate(sorted(wishes.items(), key=lambda it: it[1])):
        shares[who] = min(wish, left_w / (len(wishes) - number))
        left_w -= shares[who]
    return shares
