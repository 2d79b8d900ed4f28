"""What a CSMS does to the virtual charge point as a whole: reset, availability, settings."""

from chargers.virtual import security_profile
from chargers.virtual.connector import PREPARING


class Operations:
    """The verbs that the answers of both versions share."""

    def __init__(self, point):
        self._point = point
        self._pending_reset = ""
        self._pending_evses = set()  # of a reset as soon as nobody charges there
        self._resetting, self._is_due = None, False

    @property
    def is_resetting(self):
        """Whether it is about to restart, and only waits for what must be delivered before."""
        return self._resetting is not None and not self._resetting.done()

    @property
    def takes_drivers(self):
        """Whether anybody can begin to charge: not when it is stopped, or about to restart."""
        return self._point.is_running and not self.is_resetting

    def reset(self, reason, boot_reason):
        """Restart as the CSMS asked: end what charges, deliver, and boot again; once for all who ask.

        Returns the task that does it.
        """
        if not self.is_resetting:
            self._is_due = True
            self._resetting = self._point.spawn(self._reset(reason, boot_reason))
        return self._resetting

    def reset_evse(self, connector):
        """Restart one EVSE: what charges there ends."""
        if connector.transaction:
            self._point.charging.end(connector, "HardReset")
        self._point.charging.lose_power(connector)
        self._point.report(connector)

    def reset_evse_when_idle(self, connector):
        self._pending_evses.add(connector.connector_id)

    def reset_when_idle(self, boot_reason):
        self._pending_reset = boot_reason

    def became_idle(self):
        """A transaction has ended: what waited for that can be done."""
        self._point.firmware.became_idle()
        for connector in self._point.connectors.values():
            if connector.connector_id in self._pending_evses and not connector.transaction:
                self._pending_evses.discard(connector.connector_id)
                self.reset_evse(connector)
        if self._pending_reset and not any(each.transaction for each in self._point.connectors.values()):
            boot_reason, self._pending_reset = self._pending_reset, ""
            self.reset("Other", boot_reason)

    async def _reset(self, reason, boot_reason):
        self.end_all(reason)
        seconds = self._point.configuration.number("WaitForStopTransactionsOnResetTimeout")
        await self._point.delivery.drained(seconds)
        if self._is_due:
            self.restart(reason, boot_reason)
            await self._point.client.reconnect()

    def call_off(self):
        """No reset is due any more: it stops, or restarts anyway."""
        self._is_due, self._pending_reset = False, ""
        self._pending_evses.clear()

    def restart(self, reason, boot_reason):
        self.call_off()
        self._point.publish("reset", {"reason": reason})
        self._point.registration.forget(boot_reason)
        for work in (self._point.firmware, self._point.firmware_publishing, self._point.logs):
            work.lose_power()
        for connector in self._point.connectors.values():
            self._point.charging.lose_power(connector)
        self._point.report()

    def end_all(self, reason):
        """End what charges, and forget who waits for the cable."""
        for connector in self._point.connectors.values():
            if connector.transaction:
                self._point.charging.end(connector, reason)
            else:
                self._point.charging.dismiss(connector)
        self._point.report()

    def change_availability(self, connectors, is_operative):
        """Put connectors in or out of service; say Accepted, or Scheduled where one is in use."""
        for connector in connectors:
            if is_operative:
                connector.is_operative, connector.becomes_inoperative = True, False
            else:
                connector.becomes_inoperative = connector.is_operative
        self._point.report()
        return "Scheduled" if any(each.becomes_inoperative for each in connectors) else "Accepted"

    def settle(self):
        """Put out of service what waits for that and is not in use (any more)."""
        for connector in self._point.connectors.values():
            is_used = connector.transaction or connector.status == PREPARING
            if connector.becomes_inoperative and not is_used:
                connector.is_operative, connector.becomes_inoperative = False, False
                self._point.reservations.lost(connector)

    def configure(self, setting, value):
        """Change a setting for the CSMS and act on it; return the status in OCPP 1.6's words."""
        before = setting and self._point.configuration[setting.name]
        if setting and setting.name == security_profile.KEY and not self._may_rise(setting, value):
            return "Rejected"
        status = self._point.configuration.change(setting, value)
        if status == "Accepted":
            shown = {
                "key": setting.name,
                "value": self._point.configuration.shown(setting),
                "read_only": False,
            }
            self._point.publish("configuration_key", shown)
            if consequence := _CONSEQUENCES.get(setting.name):
                consequence(self._point)
            if setting.name == security_profile.KEY:
                security_profile.rise(self._point, before)
        return status

    def _may_rise(self, setting, value):
        return setting.allows(value) and security_profile.may_rise(self._point, int(value))

    def log_in_again(self):
        """Use the key from the next connection on, whatever brings that about."""
        self._point.client.password = self._point.configuration["AuthorizationKey"]
        self.reconnect_soon()

    def reconnect_soon(self):
        self._point.spawn(self._reconnect_soon())

    async def _reconnect_soon(self):
        # After the answer has left, as charge points do (OCPP 1.6 security whitepaper, A01).
        await self._point.clock.sleep(1)
        await self._point.client.reconnect()


_CONSEQUENCES = {
    "AuthorizationKey": lambda point: point.operations.log_in_again(),
    "WebSocketPingInterval": lambda point: point.client.ping(),
    "HeartbeatInterval": lambda point: point.registration.beat(),
    "MeterValueSampleInterval": lambda point: point.metering.resume(),
    "ClockAlignedDataInterval": lambda point: point.metering.resume(),
    "SampledDataCtrlr.Enabled": lambda point: point.metering.resume(),
    "AlignedDataCtrlr.Enabled": lambda point: point.metering.resume(),
    "SampledDataCtrlr.TxEndedInterval": lambda point: point.metering.resume(),
    "AlignedDataCtrlr.TxEndedInterval": lambda point: point.metering.resume(),
}
