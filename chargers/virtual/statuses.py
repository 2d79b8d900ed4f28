"""What the CSMS and others are told of the connectors' statuses, and when.

Every change is published at once. The CSMS is told of a change once it has held for
MinimumStatusDuration, and of everything when it can be reached again.
"""


class Statuses:
    """Tells of what has changed since it was last asked to look."""

    def __init__(self, point):
        self._point = point
        self._published, self._told = {}, {}
        self._lasting = {}  # by number: (what is seen, the task that tells it once it has lasted)
        for connector in point.connectors.values():
            self._published[connector.connector_id] = (connector.status, connector.fault)
        self.note_told()

    def note_told(self):
        """Everything that is the case now is being told."""
        for number in list(self._lasting):
            self._forget(number)
        words, point = self._point.words, self._point
        self._told = {each.connector_id: words.seen(each) for each in point.connectors.values()}
        self._told[0] = words.seen_station(point)

    def report(self):
        """Look at every connector and tell of what has changed."""
        point = self._point
        point.operations.settle()
        point.reservations.settle()
        for connector in point.connectors.values():
            self._publish(connector)
            self._notice(connector.connector_id)
        self._notice(0)

    def _publish(self, connector):
        now = (connector.status, connector.fault)
        if self._published[connector.connector_id] != now:
            self._published[connector.connector_id] = now
            told = {"connector": connector.connector_id, "status": connector.status}
            self._point.publish("status", told | {"error_code": connector.fault or "NoError"})

    def _notice(self, number):
        seen = self._seen(number)
        if number in self._lasting and self._lasting[number][0] == seen:
            return
        self._forget(number)
        if seen == self._told[number]:
            return
        if seconds := self._point.configuration.number("MinimumStatusDuration"):
            self._lasting[number] = seen, self._point.spawn(self._tell_when_it_has_lasted(number, seconds))
        else:
            self._tell(number)

    async def _tell_when_it_has_lasted(self, number, seconds):
        await self._point.clock.live(seconds)
        del self._lasting[number]
        self._tell(number)

    def _forget(self, number):
        if number in self._lasting:
            self._lasting.pop(number)[1].cancel()

    def _tell(self, number):
        self._told[number] = self._seen(number)
        words, point = self._point.words, self._point
        connector = point.connectors.get(number)
        for action, payload in words.status(point, connector) if connector else words.station(point):
            point.tell_soon(action, payload)

    def _seen(self, number):
        point = self._point
        connector = point.connectors.get(number)
        return point.words.seen(connector) if connector else point.words.seen_station(point)
