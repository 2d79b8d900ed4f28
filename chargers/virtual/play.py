"""What people do to a virtual charge point, and what they see of it.

These are the verbs of ChargePoint that every door offers by their names (see commands): a class of their
own only so that they have a room of their own.
"""

from chargers.virtual.charging import NotPossible
from chargers.virtual.connector import LOCK_STUCK, LOCK_WORKS, NO_LOCK
from chargers.virtual.power import Car
from chargers.virtual.smart_charging import SOURCES

RFID = "ISO14443"


class Play:
    """The verbs; whoever has them is a ChargePoint."""

    async def plug_in(
        self,
        connector: int = 1,
        soc: float | None = None,
        battery_wh: float = 60_000.0,
        needs_wh: float | None = None,
    ):
        """A car arrives, charged to `soc` percent (else by chance), and puts its cable in.

        With `needs_wh` it speaks ISO 15118 and tells that it needs so much.
        """
        if battery_wh <= 0 or not 0 <= (soc or 0) <= 100 or (needs_wh or 0) < 0:
            raise NotPossible("soc must be 0 to 100, battery_wh above 0, and needs_wh 0 or more")
        soc = round(self.dice.uniform(15, 55), 1) if soc is None else soc
        self.charging.plug_in(self._connector(connector), Car(battery_wh, soc, needs_wh=needs_wh))

    async def unplug(self, connector: int = 1):
        """The car leaves; if it still charges, that ends its transaction."""
        self.charging.unplug(self._connector(connector))

    async def present_tag(self, token: str, connector: int = 1, token_type: str = RFID) -> str:
        """A driver presents a tag, to start or to stop; return what was said of it (Accepted, Invalid, …)."""
        if not self._is_running:
            raise NotPossible("it is stopped: there is nobody who could say whether the tag may charge")
        if not token:
            raise NotPossible("a tag has at least one character")
        return await self.charging.present_tag(self._connector(connector), token, token_type)

    async def set_power(self, watts: float | None = None, connector: int = 1):
        """Let the car take at most `watts`; none takes that limit away."""
        if watts is not None and not 0 <= watts < 1e9:
            raise NotPossible("watts must be 0 or more")
        chosen = self._connector(connector)
        chosen.limit(watts, self.clock.life())
        self.charging.note_state(chosen)
        self.smart_charging.apply()

    async def external_limit(self, watts: float | None = None, source: str = "EMS"):
        """The grid or the building lets the station draw at most `watts`; none takes that limit away."""
        if watts is not None and not 0 <= watts < 1e9:
            raise NotPossible("watts must be 0 or more")
        if source not in SOURCES:
            raise NotPossible(f"source must be one of {', '.join(SOURCES)}")
        self.smart_charging.constrain(watts, source)

    async def go_offline(self):
        """Lose the network, without a word, until go_online."""
        self.client.cut()

    async def go_online(self):
        """Have the network back."""
        self.client.mend()

    async def power_cycle(self, battery_seconds: float = 0.0):
        """Lose the mains for a moment: what charges ends with PowerLoss, then it boots again.

        A battery that lasts for `battery_seconds` lets it tell of that before it goes down.
        """
        if not 0 <= battery_seconds < 1e9:
            raise NotPossible("battery_seconds must be 0 or more")
        if battery_seconds:
            self.operations.end_all("PowerLoss")
            await self.delivery.drained(battery_seconds)
        self.operations.restart("PowerLoss", "PowerUp")
        self.client.drop()

    async def raise_fault(self, connector: int = 1, code: str = "OtherError"):
        """Break something, connector 0 being the whole; `code` is OCPP 1.6's error code or any other word."""
        if not code:
            raise NotPossible("code says what is broken")
        if connector == 0:
            self.fault = code
        for each in self._connectors(connector):
            self.charging.fail(each, code)

    async def clear_fault(self, connector: int = 1):
        """Repair it."""
        if connector == 0:
            self.fault = ""
        for each in self._connectors(connector):
            each.fault = ""
        self.report()

    async def raise_error(self, error: str, message: str = "", origin: str = "", connector: int = 1):
        """Tell of something that is wrong and breaks nothing: of which kind, what, and in which part."""
        for action, payload in self.words.error(self, self._connector(connector), error, message, origin):
            self.tell_soon(action, payload)

    async def set_lock(self, state: str = LOCK_WORKS, connector: int = 1):
        """Have the lock of the cable's plug work, be stuck (UnlockConnector fails), or be none at all."""
        if state not in (LOCK_WORKS, LOCK_STUCK, NO_LOCK):
            raise NotPossible(f"state must be {LOCK_WORKS}, {LOCK_STUCK} or {NO_LOCK}")
        self._connector(connector).lock = state

    async def set_outcome(self, activity: str, outcome: str = ""):
        """Have the next `activity` end with `outcome`, both of OUTCOMES; none lets it end well."""
        self.outcomes.decide(activity, outcome)

    def security_event(self, type: str, info: str = ""):  # noqa: A002  (EVerest's name)
        """Something happened that the CSMS must hear of: told as soon as it can be."""
        self.security.record(type, info)

    async def data_transfer(
        self, vendor_id: str, message_id: str | None = None, data: str | None = None
    ) -> dict:
        """Send a DataTransfer and return its answer; its status may also be Offline."""
        told = {"vendorId": vendor_id, "messageId": message_id, "data": data}
        return await self.vendors.send({name: value for name, value in told.items() if value is not None})

    def register_data_transfer(self, vendor_id, message_id, handler):
        """Have `handler(data)` answer what the CSMS sends for that vendor (see Vendors.register)."""
        self.vendors.register(vendor_id, message_id, handler)

    async def send(self, action: str, payload: dict) -> dict:
        """Send any CALL, whatever the standard thinks of it, and return the answer's payload."""
        return await self.client.call(action, payload)

    async def state(self) -> dict:
        """Return what can be seen of the charge point."""
        return {
            "is_connected": self.is_connected,
            "registration": self.registration.status,
            "undelivered": len(self.delivery),
            "connectors": [self._describe(each) for each in self.connectors.values()],
        }

    def _describe(self, connector):
        connector.measure(self.clock.life())
        running = connector.transaction
        return {
            "connector": connector.connector_id,
            "status": connector.status,
            "is_plugged": connector.is_plugged,
            "register_wh": int(connector.register_wh),
            "power_w": round(connector.flow.power_w) if connector.flow else 0,
            "limit_w": connector.allowed_w,
            "transaction_id": self.words.transaction_id(running) if running else None,
        }

    def _connectors(self, number):
        return [self._connector(number)] if number else list(self.connectors.values())

    def _connector(self, number):
        if number not in self.connectors:
            raise NotPossible(f"there is no connector {number}: there are 1 to {len(self.connectors)}")
        return self.connectors[number]
