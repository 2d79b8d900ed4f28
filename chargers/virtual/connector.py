"""A connector of the virtual charge point: what stands at it, who charges, and its meter.

Theory of operation. The facts are kept (a cable in, a token accepted, a transaction, a fault, out of
service); the status follows from them by the first row of `_STATUS` that holds, so it can never
disagree with them, and clearing a fault brings back whatever was there before. The words are OCPP
1.6's; 2.0.1 has fewer.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from chargers.virtual.power import Car, Flow, Outlet

AVAILABLE, PREPARING, CHARGING, FINISHING = "Available", "Preparing", "Charging", "Finishing"
SUSPENDED_EV, SUSPENDED_EVSE = "SuspendedEV", "SuspendedEVSE"
RESERVED, UNAVAILABLE, FAULTED = "Reserved", "Unavailable", "Faulted"
LOCK_WORKS, LOCK_STUCK, NO_LOCK = "works", "stuck", "none"


@dataclass(eq=False)
class Transaction:
    """One charge. `number` is OCPP 1.6's id: negative until the CSMS has given one."""

    uid: str
    number: int
    connector_id: int
    token: str
    token_type: str
    started_at: datetime
    start_wh: int
    remote_start_id: int | None = None
    reservation_id: int | None = None
    end_wh: int | None = None
    ended_at: datetime | None = None
    reason: str = ""
    # What the CSMS said of the token when it heard of the start; "" while it has not.
    verdict: str = ""
    charging_state: str = ""
    seq_no: int = -1
    kept: list = field(default_factory=list)  # MeterValues for the message of its end

    def next_seq_no(self):
        self.seq_no += 1
        return self.seq_no


@dataclass(frozen=True)
class Readout:
    """What the meter shows at one moment; soc is None where the car does not tell it."""

    at: datetime
    register_wh: int
    power_w: float
    volts: float
    amps: float
    phases: int
    soc: float | None


@dataclass(eq=False)
class Connector:
    """One outlet, numbered from 1; in OCPP 2.0.1 it is connector 1 of the EVSE of its number."""

    connector_id: int
    outlet: Outlet = field(default_factory=Outlet)
    register_wh: float = 0.0
    car: Car | None = None
    token: str = ""  # accepted, and waiting for a cable
    token_type: str = ""
    remote_start_id: int | None = None
    transaction: Transaction | None = None
    is_finishing: bool = False
    is_operative: bool = True
    becomes_inoperative: bool = False  # as soon as nobody charges or prepares to
    is_updating: bool = False  # out of service for new firmware
    is_reserved: bool = False  # as Reservations has found
    locked_for: str = ""  # the token whose cable is locked in, though its car has left
    fault: str = ""
    limit_w: float | None = None  # the most that the car takes
    allowed_w: float | None = None  # what the charging profiles allow
    is_paused: bool = False  # the station gives nothing, since the token turned out to be invalid
    lock: str = LOCK_WORKS
    flow: Flow | None = None
    metered_at: float = 0.0  # in seconds of life

    @property
    def is_plugged(self):
        return self.car is not None

    @property
    def is_free(self):
        """Whether a driver could begin here."""
        is_taken = self.transaction or self.token or self.fault or self.is_finishing
        return self.is_operative and not (is_taken or self.is_updating)

    @property
    def status(self):
        return next(status for holds, status in _STATUS if holds(self))

    @property
    def is_satisfied(self):
        """The car takes nothing: it is full, or nothing is wanted."""
        return self.flow is not None and (self.flow.is_full or self.limit_w == 0)

    @property
    def is_held_back(self):
        """The station gives nothing."""
        return self.is_paused or self.allowed_w == 0

    # Energy -----------------------------------------------------------------------------------

    def power_on(self, life):
        self.flow = Flow(self.outlet, self.car, self._most_w)
        self.metered_at = life

    def power_off(self, life):
        """Stop the power; the car keeps what it has got."""
        self.measure(life)
        if self.flow and self.car:
            self.car = replace(self.car, soc=self.flow.soc)
        self.flow = None

    def measure(self, life):
        """Bring the register up to `life`."""
        if self.flow:
            self.register_wh += self.flow.advance(life - self.metered_at)
            self.metered_at = life

    def limit(self, watts, life):
        """Let the car take at most `watts` from now on."""
        self.measure(life)
        self.limit_w = watts
        self._turn()

    def allow(self, watts, life):
        """Offer the car at most `watts` from now on."""
        self.measure(life)
        self.allowed_w = watts
        self._turn()

    def wish(self, watts):
        """Return how much would flow here at most, were `watts` allowed."""
        wishes = (watts, self.limit_w, self.outlet.max_w, self.car and self.car.max_w)
        return min(wish for wish in wishes if wish is not None)

    def pause(self, is_paused, life):
        """Give nothing from now on, or again what is allowed."""
        self.measure(life)
        self.is_paused = is_paused
        self._turn()

    @property
    def _most_w(self):
        limits = (self.limit_w, self.allowed_w, 0.0 if self.is_paused else None)
        return min((watts for watts in limits if watts is not None), default=None)

    def _turn(self):
        if self.flow:
            self.flow.limit(self._most_w)

    def read(self, at, life, ripple=0.0):
        """Return what the meter shows; `ripple`, a share of the voltage, makes it look alive."""
        self.measure(life)
        outlet, power = self.outlet, self.flow.power_w if self.flow else 0.0
        volts = outlet.volts * (1 + ripple)
        amps = power / volts / (outlet.phases or 1)
        soc = self.flow.soc if self.flow and outlet.is_dc else None
        return Readout(at, int(self.register_wh), power, volts, amps, outlet.phases, soc)


_STATUS = (
    (lambda it: it.fault, FAULTED),
    (lambda it: it.transaction and it.is_held_back, SUSPENDED_EVSE),
    (lambda it: it.transaction and (it.is_satisfied or not it.is_plugged), SUSPENDED_EV),
    (lambda it: it.transaction, CHARGING),
    (lambda it: it.is_updating or not it.is_operative, UNAVAILABLE),
    (lambda it: it.is_finishing, FINISHING),
    (lambda it: it.token, PREPARING),
    (lambda it: it.is_reserved, RESERVED),
    (lambda it: it.is_plugged, PREPARING),
    (lambda it: True, AVAILABLE),
)
