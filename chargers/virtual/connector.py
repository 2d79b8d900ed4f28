"""A connector of the virtual charge point: what stands at it, who charges, and its meter.

Theory of operation. The facts are kept (a cable in, a token accepted, a transaction, a fault, out of
service); the status follows from them by the first row of `_STATUS` that holds, so it can never
disagree with them, and clearing a fault brings back whatever was there before. The words are OCPP
1.6's; 2.0.1 has fewer.
"""

from dataclasses import dataclass, field
from datetime import datetime

from chargers.virtual.power import Car, Flow, Outlet

AVAILABLE, PREPARING, CHARGING, FINISHING = "Available", "Preparing", "Charging", "Finishing"
SUSPENDED_EV, UNAVAILABLE, FAULTED = "SuspendedEV", "Unavailable", "Faulted"


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
    end_wh: int | None = None
    ended_at: datetime | None = None
    reason: str = ""
    # What the CSMS said of the token when it heard of the start; "" while it has not.
    verdict: str = ""
    charging_state: str = ""
    seq_no: int = -1

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
    becomes_inoperative: bool = False  # as soon as the transaction has ended
    fault: str = ""
    limit_w: float | None = None
    is_lock_stuck: bool = False  # UnlockConnector fails
    flow: Flow | None = None
    metered_at: float = 0.0  # in seconds of life

    @property
    def is_plugged(self):
        return self.car is not None

    @property
    def is_free(self):
        """Whether a driver could begin here."""
        return not (self.transaction or self.token or self.fault or self.is_finishing) and self.is_operative

    @property
    def status(self):
        return next(status for holds, status in _STATUS if holds(self))

    @property
    def is_satisfied(self):
        """The car takes nothing: it is full, or nothing is wanted."""
        return self.flow is not None and (self.flow.is_full or self.flow.limit_w == 0)

    # Energy -----------------------------------------------------------------------------------

    def power_on(self, life):
        self.flow = Flow(self.outlet, self.car, self.limit_w)
        self.metered_at = life

    def power_off(self, life):
        """Stop the power; the car keeps what it has got."""
        self.measure(life)
        if self.flow and self.car:
            self.car = Car(self.car.battery_wh, self.flow.soc, self.car.max_w)
        self.flow = None

    def measure(self, life):
        """Bring the register up to `life`."""
        if self.flow:
            self.register_wh += self.flow.advance(life - self.metered_at)
            self.metered_at = life

    def limit(self, watts, life):
        """Let at most `watts` flow from now on."""
        self.measure(life)
        self.limit_w = watts
        if self.flow:
            self.flow.limit(watts)

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
    (lambda it: it.transaction and it.is_satisfied, SUSPENDED_EV),
    (lambda it: it.transaction, CHARGING),
    (lambda it: not it.is_operative, UNAVAILABLE),
    (lambda it: it.is_finishing, FINISHING),
    (lambda it: it.is_plugged or it.token, PREPARING),
    (lambda it: True, AVAILABLE),
)
