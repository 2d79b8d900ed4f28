"""What a CSMS does to the virtual charge point as a whole: reset, availability, settings."""

RESET_SECONDS = 60


class Operations:
    """The verbs that the answers of both versions share."""

    def __init__(self, point):
        self._point = point
        self._pending_reset = ""

    def reset(self, reason, boot_reason):
        """Restart as the CSMS asked: end what charges, deliver, and boot again."""
        self._point.spawn(self._reset(reason, boot_reason))

    def reset_when_idle(self, boot_reason):
        self._pending_reset = boot_reason

    def became_idle(self):
        """A transaction has ended: what waited for that can be done."""
        if self._pending_reset and not any(each.transaction for each in self._point.connectors.values()):
            boot_reason, self._pending_reset = self._pending_reset, ""
            self.reset("Other", boot_reason)

    async def _reset(self, reason, boot_reason):
        self.end_all(reason)
        await self._point.delivery.drained(RESET_SECONDS)
        self.restart(reason, boot_reason)
        await self._point.client.reconnect()

    def restart(self, reason, boot_reason):
        self._point.publish("reset", {"reason": reason})
        self._point.registration.forget(boot_reason)
        for connector in self._point.connectors.values():
            self._point.charging.lose_power(connector)

    def end_all(self, reason):
        for connector in self._point.connectors.values():
            if connector.transaction:
                self._point.charging.end(connector, reason)

    def change_availability(self, connectors, is_operative):
        """Put connectors in or out of service; say Accepted, or Scheduled where one still charges."""
        scheduled = False
        for connector in connectors:
            connector.becomes_inoperative = not is_operative and connector.transaction is not None
            connector.is_operative = is_operative or connector.becomes_inoperative
            scheduled |= connector.becomes_inoperative
            self._point.report(connector)
        return "Scheduled" if scheduled else "Accepted"

    def configure(self, setting, value):
        """Change a setting for the CSMS and act on it; return the status in OCPP 1.6's words."""
        status = self._point.configuration.change(setting, value)
        if status == "Accepted":
            shown = {
                "key": setting.key,
                "value": self._point.configuration.shown(setting),
                "read_only": False,
            }
            self._point.publish("configuration_key", shown)
            if consequence := _CONSEQUENCES.get(setting.key):
                consequence(self._point)
        return status

    async def log_in_again(self):
        # After the answer has left, as charge points do (OCPP 1.6 security whitepaper, A01).
        await self._point.clock.sleep(1)
        self._point.client.password = self._point.configuration["AuthorizationKey"]
        await self._point.client.reconnect()


_CONSEQUENCES = {
    "AuthorizationKey": lambda point: point.spawn(point.operations.log_in_again()),
    "HeartbeatInterval": lambda point: point.registration.beat(),
    "MeterValueSampleInterval": lambda point: point.charging.resample(),
}
