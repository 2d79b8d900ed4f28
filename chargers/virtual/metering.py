"""When the meters are read: while a transaction runs, by the clock, and for the end of a transaction.

Theory of operation. There are four rhythms, each with an interval of its own, 0 meaning never: samples
that are sent while a transaction runs, samples kept for its end, readings aligned with the clock that
are sent, and such readings kept for its end. In OCPP 1.6 what is kept has the rhythm of what is sent;
2.0.1 has intervals of its own for it.
"""

MOST_KEPT = 1000
# Where the next aligned moment is closer than this, the one before has just been served.
_JUST_NOW = 0.05


class Metering:
    """The rhythms of one charge point."""

    def __init__(self, point):
        self._point = point
        self._samplers = {}  # by connector: tasks
        self._aligners = []

    def resume(self):
        """Begin every rhythm anew, with the intervals that hold now."""
        for connector in self._point.connectors.values():
            if connector.transaction:
                self.begin(connector)
        for task in self._aligners:
            task.cancel()
        words, spawn = self._point.words, self._point.spawn
        self._aligners = [
            spawn(self._align("ClockAlignedDataInterval", self._send_aligned)),
            spawn(self._align(words.KEPT_ALIGNED_INTERVAL, self._keep_aligned)),
        ]

    def begin(self, connector):
        """Sample a transaction regularly."""
        self.end(connector)
        charging, words = self._point.charging, self._point.words
        self._samplers[connector.connector_id] = [
            self._point.spawn(self._sample("MeterValueSampleInterval", charging.sample, connector)),
            self._point.spawn(self._sample(words.KEPT_SAMPLED_INTERVAL, self._keep_sample, connector)),
        ]

    def end(self, connector):
        """Sample it no more."""
        for task in self._samplers.pop(connector.connector_id, ()):
            task.cancel()

    def keep(self, connector, names_key, context):
        """Keep a reading for the end of the transaction, of the measurands that a setting names."""
        names, kept = self._point.configuration.words(names_key), connector.transaction.kept
        if names:
            kept.append(self._point.words.meter_value(self._point.read(connector), names, context))
        if len(kept) > MOST_KEPT:
            del kept[1::2]

    async def _sample(self, interval_key, act, connector):
        while interval := self._interval(interval_key, "SampledDataCtrlr.Enabled"):
            await self._point.clock.live(interval)
            act(connector)

    async def _align(self, interval_key, act):
        while interval := self._interval(interval_key, "AlignedDataCtrlr.Enabled"):
            await self._point.clock.live(_seconds_to_next(interval, self._point.clock.now()))
            for connector in self._point.connectors.values():
                act(connector)

    def _interval(self, key, switch_key):
        configuration = self._point.configuration
        return configuration.number(key) if configuration.is_true(switch_key) else 0

    def _keep_sample(self, connector):
        self.keep(connector, "StopTxnSampledData", "Sample.Periodic")

    def _keep_aligned(self, connector):
        if connector.transaction:
            self.keep(connector, "StopTxnAlignedData", "Sample.Clock")

    def _send_aligned(self, connector):
        point, names = self._point, self._point.configuration.words("MeterValuesAlignedData")
        if names and point.registration.is_accepted:
            told = point.words.aligned(point, connector, point.read(connector), names)
            if told is not None:
                point.delivery.put(*told, connector.transaction)


def _seconds_to_next(interval, now):
    """Return how long it is to the next multiple of `interval` since midnight."""
    since_midnight = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
    left = interval - since_midnight % interval
    return left if left > _JUST_NOW else left + interval
