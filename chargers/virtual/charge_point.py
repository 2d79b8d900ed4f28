"""The virtual charge point: one class for OCPP 1.6 and 2.0.1, driven by what people do to it.

What belongs to one version only is in v16 and v201 (the point's `words`); the rooms beside this one
hold what people do (play), the connection (client), the boot (registration), drivers and transactions
(charging), and what must not get lost (delivery).
"""

import asyncio
import logging
import random

from chargers.virtual import answers, security_profile, v16, v201
from chargers.virtual.certificates import Certificates
from chargers.virtual.charging import Charging
from chargers.virtual.client import Backoff, CallFailed, Client
from chargers.virtual.clock import Clock
from chargers.virtual.configuration import Configuration
from chargers.virtual.connector import Connector
from chargers.virtual.delivery import Delivery
from chargers.virtual.displays import Displays
from chargers.virtual.firmware import Firmware
from chargers.virtual.firmware_publishing import FirmwarePublishing
from chargers.virtual.local_list import LocalList
from chargers.virtual.logs import Logs
from chargers.virtual.metering import Metering
from chargers.virtual.monitoring import Monitoring
from chargers.virtual.operations import Operations
from chargers.virtual.outcomes import Outcomes
from chargers.virtual.play import Play
from chargers.virtual.power import AC
from chargers.virtual.registration import Registration
from chargers.virtual.remote_starts import RemoteStarts
from chargers.virtual.reservations import Reservations
from chargers.virtual.security import SecurityLog
from chargers.virtual.signing import Signing
from chargers.virtual.smart_charging import SmartCharging
from chargers.virtual.statuses import Statuses
from chargers.virtual.subscribers import Subscribers
from chargers.virtual.vendors import Vendors
from chargers.wire.validation import V16, V201

log = logging.getLogger(__name__)
WORDS = {V16: v16, V201: v201}
_BACKOFF_KEYS = ("RetryBackoffWaitMinimum", "RetryBackoffRandomRange", "RetryBackoffRepeatTimes")
IDENTITY = {
    "vendor": "Stationmaster",
    "model": "Virtual",
    "serial_number": "SM-0001",
    "firmware_version": "1.0",
}

# What a charge point publishes, and what the value of each is.
EVENTS = {
    "is_running": "true or false: it was started or stopped",
    "is_connected": "true or false, at every change",
    "connection_refused": "{cause, http_status}: an attempt to connect failed",
    "boot_notification_response": "the answer as it came: {status, currentTime, interval}",
    "status": "{connector, status, error_code}: in OCPP 1.6's words, at every change",
    "transaction": "{connector, state, transaction_id, session_id, token, energy_wh}; state is started, "
    "confirmed (the CSMS gave its verdict), updated or ended (with a reason)",
    "meter": "{connector, register_wh, power_w, volts, amps, soc}, at every sample",
    "configuration_key": "{key, value, read_only}: the CSMS changed it, or set_configuration_key did",
    "charging_profiles": "{profiles, limits_w}: the ids of those installed, and what each connector may draw",
    "given_up": "{action, payload, cause}: a message that was kept, and that the CSMS would not take",
    "remote_start": "{connector, token}: the CSMS asked for a start, which was taken on",
    "reset": "{reason}: the charge point restarts",
    "security_event": "{type, info, critical, timestamp}: something that guards should know",
    "display": "{id, content, priority, state}: a message to be shown; without content, no longer",
    "cost": "{transaction_id, total_cost}: what a transaction costs so far",
    "ocpp_message": "{direction, message}: every frame, direction being in or out",
}


class ChargePoint(Play):
    """A charge point that lives in this process.

    `version` is V16 or V201. Subscribe to what it publishes (see EVENTS) before `start`. `outlet`
    says what its connectors give, AC or DC; `configuration` sets keys by their OCPP 1.6 names, and
    `custom_keys` brings some of your own (see settings.custom); `transfer` carries logs to where the
    CSMS wants them (see transfer.put), and without one they stay here; `backoff`, a Backoff, overrules the
    keys of that name; `dice`, a random.Random, and `clock` make a run repeatable. All numbers of
    connectors begin at 1.
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
        custom_keys=(),
        transfer=None,
        register_wh=0.0,
        backoff=None,
        call_timeout=30.0,
        boot_retry_seconds=60.0,
        clock=None,
        dice=None,
    ):
        self.identifier, self.version, self.words = identifier, version, WORDS[version]
        self.identity = IDENTITY | (identity or {})
        self.clock, self.dice = clock or Clock(), dice or random.Random()
        given = {
            "NumberOfConnectors": connectors,
            "AuthorizationKey": password,
            "SecurityProfile": security_profile.given(url, password),
        }
        self.configuration = Configuration(
            self._described() | given | (configuration or {}), customs=custom_keys, is_201=version == V201
        )
        self.connectors = {
            number: Connector(number, outlet, register_wh) for number in range(1, connectors + 1)
        }
        self.fault = ""  # of the charge point as a whole
        self.client = self._client(url, password, backoff, call_timeout)
        self.registration = Registration(self, retry_seconds=boot_retry_seconds)
        self.delivery = Delivery(self)
        self.local_list = LocalList(self)
        self.charging, self.remote_starts = Charging(self), RemoteStarts(self)
        self.smart_charging = SmartCharging(self)
        self.operations = Operations(self)
        self.metering, self.reservations = Metering(self), Reservations(self)
        self.statuses = Statuses(self)
        self.certificates, self.signing = Certificates(self), Signing(self)
        self.outcomes, self.logs = Outcomes(), Logs(self, transfer)
        self.firmware, self.firmware_publishing = Firmware(self), FirmwarePublishing(self)
        self.monitoring, self.displays, self.network_profiles = Monitoring(self), Displays(self), {}
        self.security, self.vendors = SecurityLog(self), Vendors(self)
        self.on_answer = lambda: None  # hears of every CALL that was obeyed, before the answer leaves
        self._subscribers = Subscribers(EVENTS)
        self._tasks, self._telling = set(), set()
        self._is_running, self._switching = False, asyncio.Lock()

    def _described(self):
        """Return what its configuration says of what it is."""
        return {
            "ChargePointId": self.identifier,
            "ChargePointVendor": self.identity["vendor"],
            "ChargePointModel": self.identity["model"],
            "ChargeBoxSerialNumber": self.identity["serial_number"],
            "FirmwareVersion": self.identity["firmware_version"],
        }

    def _client(self, url, password, backoff, call_timeout):
        return Client(
            url,
            self.identifier,
            self.version,
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
            backoff=lambda: backoff or self._backoff(),
            call_timeout=call_timeout,
            clock=self.clock,
            dice=self.dice,
        )

    # Running ------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._is_running

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
        self._subscribers.add(event, callback)

    async def start(self) -> bool:
        """Connect and boot; False when it runs already."""
        async with self._switching:
            if self._is_running:
                return False
            self._is_running = True
            self.registration.forget("PowerUp")
            self.spawn(self.delivery.run())
            self.metering.resume()
            self.reservations.resume()
            self.smart_charging.apply()
            self.monitoring.resume()
            self.client.start()
            self.publish("is_running", True)
        return True

    async def stop(self, *, seconds: float = 5.0) -> bool:
        """End what charges, deliver what waits for at most `seconds`, and disconnect.

        False when it was stopped already. What could not be delivered is kept for the next start;
        of what happens until then the CSMS is not told.
        """
        async with self._switching:
            if not self._is_running:
                return False
            self.operations.call_off()
            self.operations.end_all("Other")
            self._is_running = False
            await self.delivery.drained(seconds)
            await self.told(seconds)
            await self.client.stop()
            tasks = self._tasks - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            self.publish("is_running", False)
        return True

    # For the rooms ----------------------------------------------------------------------------

    def _on_call(self, action, payload):
        answer = answers.answer(self, action, payload)
        self.on_answer()
        return answer

    def _backoff(self):
        minimum, spread, repeats = map(self.configuration.number, _BACKOFF_KEYS)
        return Backoff(minimum, spread, repeats)

    def _on_change(self, is_connected):
        self.publish("is_connected", is_connected)
        if is_connected:
            self.registration.connected()
        else:
            self.registration.disconnected()
            self.delivery.interrupted()

    def publish(self, event, value):
        self._subscribers.tell(event, value)

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
        self.statuses.note_told()
        for action, payload in self.words.statuses(self):
            self.tell_soon(action, payload)
        self.delivery.wake()

    def report(self, connector=None):
        """Something happened, at a connector or elsewhere: tell of every status that has changed."""
        self.statuses.report()

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
                answer = await self.client.call(action, payload)
            except CallFailed as failure:
                log.info("%s: %s: %s", self.identifier, action, failure)
            else:
                if action == "Heartbeat":
                    self.registration.hear_time(answer)
        elif action != "Heartbeat" and self.configuration.is_true("QueueAllMessages"):
            self.delivery.put(action, payload, is_vital=False)
