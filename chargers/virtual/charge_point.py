"""The virtual charge point: one class for OCPP 1.6 and 2.0.1, driven by what people do to it.

What belongs to one version only is in v16 and v201 (the point's `words`); the rooms beside this one
hold the connection (client), the boot (registration), drivers and transactions (charging), and what
must not get lost (delivery).
"""

import asyncio
import logging
import random

from chargers.virtual import answers16, answers201, v16, v201
from chargers.virtual.charging import Charging, NotPossible
from chargers.virtual.client import BACKOFF, CallFailed, Client
from chargers.virtual.clock import Clock
from chargers.virtual.configuration import Configuration
from chargers.virtual.connector import Connector
from chargers.virtual.delivery import Delivery
from chargers.virtual.operations import Operations
from chargers.virtual.power import AC, Car
from chargers.virtual.registration import Registration
from chargers.wire.validation import V16, V201

log = logging.getLogger(__name__)
WORDS = {V16: v16, V201: v201}
ANSWERS = {V16: answers16, V201: answers201}
RFID = "ISO14443"
IDENTITY = {
    "vendor": "Stationmaster",
    "model": "Virtual",
    "serial_number": "SM-0001",
    "firmware_version": "1.0",
}

# What a charge point publishes, and what the value of each is.
EVENTS = {
    "is_connected": "true or false, at every change",
    "connection_refused": "{cause, http_status}: an attempt to connect failed",
    "boot_notification_response": "the answer as it came: {status, currentTime, interval}",
    "status": "{connector, status, error_code}: in OCPP 1.6's words, at every change",
    "transaction": "{connector, state, transaction_id, token, energy_wh}; state is started, confirmed (the "
    "CSMS gave its verdict), updated or ended (with a reason)",
    "meter": "{connector, register_wh, power_w, volts, amps, soc}, at every sample",
    "configuration_key": "{key, value, read_only}: the CSMS changed it",
    "remote_start": "{connector, token}: the CSMS asked for a start, which was taken on",
    "reset": "{reason}: the charge point restarts",
    "ocpp_message": "{direction, message}: every frame, direction being in or out",
}


class ChargePoint:
    """A charge point that lives in this process.

    `version` is V16 or V201. Subscribe to what it publishes (see EVENTS) before `start`. `outlet`
    says what its connectors give, AC or DC; `configuration` sets keys by their OCPP 1.6 names;
    `dice`, a random.Random, and `clock` make a run repeatable. All numbers of connectors begin at 1.
    """

    def __init__(
        self,
        url,
        identifier,
        version=V16,
        *,
        password="",
        connectors=1,
        outlet=AC,
        identity=None,
        configuration=None,
        register_wh=0.0,
        backoff=BACKOFF,
        call_timeout=30.0,
        boot_retry_seconds=60.0,
        clock=None,
        dice=None,
    ):
        self.identifier, self.version, self.words = identifier, version, WORDS[version]
        self.identity = IDENTITY | (identity or {})
        self.clock, self.dice = clock or Clock(), dice or random.Random()
        self.configuration = Configuration(
            {"NumberOfConnectors": connectors, "AuthorizationKey": password}
            | {"ChargePointVendor": self.identity["vendor"], "ChargePointModel": self.identity["model"]}
            | {"ChargeBoxSerialNumber": self.identity["serial_number"]}
            | (configuration or {})
        )
        self.connectors = {
            number: Connector(number, outlet, register_wh) for number in range(1, connectors + 1)
        }
        self.client = Client(
            url,
            identifier,
            version,
            password=password,
            on_call=self._on_call,
            on_change=self._on_change,
            on_refused=lambda cause, status: self.publish(
                "connection_refused", {"cause": cause, "http_status": status}
            ),
            on_message=lambda direction, text: self.publish(
                "ocpp_message", {"direction": direction, "message": text}
            ),
            ping_interval=lambda: self.configuration.number("WebSocketPingInterval"),
            backoff=backoff,
            call_timeout=call_timeout,
            clock=self.clock,
            dice=self.dice,
        )
        self.registration = Registration(self, retry_seconds=boot_retry_seconds)
        self.delivery = Delivery(self)
        self.charging = Charging(self)
        self.operations = Operations(self)
        self._subscribers = {name: [] for name in EVENTS}
        self._tasks, self._telling, self._reported = set(), set(), {}
        self._is_running = False

    # What people do ---------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection to the CSMS."""
        return self.client.is_connected

    @property
    def is_online(self) -> bool:
        """Whether the CSMS can be told things: connected, and accepted at the boot."""
        return self.is_connected and self.registration.is_accepted

    def subscribe(self, event, callback):
        """Have `callback(value)` called at each `event`, one of EVENTS; it must not wait."""
        self._subscribers[event].append(callback)

    async def start(self) -> bool:
        """Connect and boot; False when it runs already."""
        if self._is_running:
            return False
        self._is_running = True
        self.registration.forget("PowerUp")
        self.spawn(self.delivery.run())
        self.charging.resample()
        self.client.start()
        return True

    async def stop(self, *, seconds: float = 5.0) -> bool:
        """End what charges, deliver what waits for at most `seconds`, and disconnect.

        False when it was stopped already. What could not be delivered is kept for the next start.
        """
        if not self._is_running:
            return False
        self._is_running = False
        self.operations.end_all("Other")
        await self.delivery.drained(seconds)
        await self.told(seconds)
        await self.client.stop()
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        return True

    async def plug_in(self, connector: int = 1, soc: float | None = None, battery_wh: float = 60_000.0):
        """A car arrives, charged to `soc` percent (else by chance), and puts its cable in."""
        if battery_wh <= 0 or not 0 <= (soc or 0) <= 100:
            raise NotPossible("soc must be 0 to 100, and battery_wh above 0")
        soc = round(self.dice.uniform(15, 55), 1) if soc is None else soc
        self.charging.plug_in(self._connector(connector), Car(battery_wh, soc))

    async def unplug(self, connector: int = 1):
        """The car leaves; if it still charges, that ends its transaction."""
        self.charging.unplug(self._connector(connector))

    async def present_tag(self, token: str, connector: int = 1, token_type: str = RFID) -> str:
        """A driver presents a tag, to start or to stop; return what was said of it (Accepted, Invalid, …)."""
        return await self.charging.present_tag(self._connector(connector), token, token_type)

    async def set_power(self, watts: float | None = None, connector: int = 1):
        """Let the car take at most `watts`; none takes that limit away."""
        if watts is not None and not 0 <= watts < 1e9:
            raise NotPossible("watts must be 0 or more")
        chosen = self._connector(connector)
        chosen.limit(watts, self.clock.life())
        self.charging.note_state(chosen)

    async def go_offline(self):
        """Lose the network, without a word, until go_online."""
        self.client.cut()

    async def go_online(self):
        """Have the network back."""
        self.client.mend()

    async def power_cycle(self):
        """Lose the mains for a moment: what charges ends with PowerLoss, then it boots again."""
        self.operations.restart("PowerLoss", "PowerUp")
        self.client.drop()

    async def raise_fault(self, connector: int = 1, code: str = "OtherError"):
        """Break something; `code` is one of OCPP 1.6's error codes or any other word."""
        self.charging.fail(self._connector(connector), code)

    async def clear_fault(self, connector: int = 1):
        """Repair it."""
        chosen = self._connector(connector)
        chosen.fault = ""
        self.report(chosen)

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
            "transaction_id": self.words.transaction_id(running) if running else None,
        }

    def _connector(self, number):
        if number not in self.connectors:
            raise NotPossible(f"there is no connector {number}: there are 1 to {len(self.connectors)}")
        return self.connectors[number]

    # For the rooms ----------------------------------------------------------------------------

    def _on_call(self, action, payload):
        return ANSWERS[self.version].answer(self, action, payload)

    def _on_change(self, is_connected):
        self.publish("is_connected", is_connected)
        if is_connected:
            self.registration.connected()
        else:
            self.registration.disconnected()
            self.delivery.interrupted()

    def publish(self, event, value):
        for callback in self._subscribers[event]:
            callback(value)

    def publish_meter(self, connector, readout):
        told = {"connector": connector.connector_id, "register_wh": readout.register_wh}
        told |= {"power_w": round(readout.power_w), "volts": round(readout.volts, 1)}
        self.publish(
            "meter", told | {"amps": round(readout.amps, 2), "soc": readout.soc and round(readout.soc, 1)}
        )

    def spawn(self, work):
        """Run a coroutine beside everything else, until stop at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task):
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s: %r", self.identifier, error, exc_info=error)

    def read(self, connector):
        """Return what a connector's meter shows now."""
        ripple = self.dice.uniform(-0.01, 0.01)
        return connector.read(self.clock.now(), self.clock.life(), ripple)

    def greet(self):
        """The CSMS can be told things again: the status of everything, then what waits."""
        for action, payload in self.words.statuses(self):
            self.tell_soon(action, payload)
        self.delivery.wake()

    def report(self, connector):
        """Tell of a connector's status if it has changed."""
        now = (connector.status, connector.fault)
        if self._reported.get(connector.connector_id) == now:
            return
        self._reported[connector.connector_id] = now
        value = {"connector": connector.connector_id, "status": connector.status}
        self.publish("status", value | {"error_code": connector.fault or "NoError"})
        for action, payload in self.words.status(self, connector):
            self.tell_soon(action, payload)

    def tell_soon(self, action, payload, *, is_triggered=False):
        """Have `tell` done; what is told in this way keeps its order."""
        task = self.spawn(self.tell(action, payload, is_triggered=is_triggered))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def told(self, seconds):
        """Wait until all that is being told was heard, for at most `seconds`."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=seconds)

    async def tell(self, action, payload, *, is_triggered=False):
        """Tell the CSMS something that is not worth keeping: offline it is dropped."""
        if self.is_online or (is_triggered and self.is_connected):
            try:
                await self.client.call(action, payload)
            except CallFailed as failure:
                log.info("%s: %s: %s", self.identifier, action, failure)
