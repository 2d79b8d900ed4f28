"""Starts from afar: which connector takes one on, and when it begins."""


class RemoteStarts:
    """What the CSMS wants begun at one charge point."""

    def __init__(self, point):
        self._point = point
        self._promised = set()  # connectors whose remote start waits for an Authorize

    def take_on(self, token, token_type, *, connector_id=None, remote_start_id=None):
        """Take on a start from afar, anywhere without `connector_id`; say whether it can be done."""
        connector = self._chosen(token, connector_id)
        point = self._point
        if connector is None or not (point.registration.is_accepted and point.operations.takes_drivers):
            return False
        told = {"connector": connector.connector_id, "token": token}
        self._promised.add(connector.connector_id)
        self._point.spawn(self._start(connector, token, token_type, remote_start_id))
        self._point.publish("remote_start", told)
        return True

    def _chosen(self, token, connector_id):
        """Return the connector that can begin, one with a cable in it before others, or None."""
        able = [
            each
            for each in self._point.connectors.values()
            if each.is_free
            and each.connector_id not in self._promised
            and connector_id in (None, each.connector_id)
            and self._point.reservations.admits(each, token)
        ]
        return min(able, key=lambda each: (not each.is_plugged, each.connector_id), default=None)

    async def _start(self, connector, token, token_type, remote_start_id):
        try:
            may_start = await self._may_start(token, token_type)
        finally:
            self._promised.discard(connector.connector_id)
        if may_start and connector.is_free:
            self._point.charging.grant(connector, token, token_type, "RemoteStart", remote_start_id)
        else:
            self._point.smart_charging.take_promise(connector)

    async def _may_start(self, token, token_type):
        if not self._point.configuration.is_true("AuthorizeRemoteTxRequests"):
            return True
        return (await self._point.charging.authorizing.check(token, token_type)).is_accepted
