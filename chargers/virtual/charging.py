"""Drivers, cars and transactions at the virtual charge point, in words of no version.

Nothing here waits for the wire: messages about transactions go into the delivery queue, others are
told by tasks of their own. So these verbs may be called while a CALL of the CSMS is being answered,
and what they send leaves after the answer. Reasons are OCPP 1.6's; v201 translates them.
"""

import uuid

from chargers.virtual.authorizing import Authorizing
from chargers.virtual.connector import CHARGING, FAULTED, SUSPENDED_EV, UNAVAILABLE, Transaction

_STATES = {CHARGING: "Charging", SUSPENDED_EV: "SuspendedEV"}


class NotPossible(Exception):
    """What was asked for cannot be done at this connector now; the text says why."""


class Charging:
    """Everything that happens between a driver, a car and a connector."""

    def __init__(self, point):
        self._point = point
        self.authorizing = Authorizing(point)
        self._last_number = 0
        self._samplers, self._waits = {}, {}
        self._promised = set()  # connectors whose remote start waits for an Authorize

    # Drivers ----------------------------------------------------------------------------------

    def plug_in(self, connector, car):
        if connector.is_plugged:
            raise NotPossible(f"connector {connector.connector_id} has a cable in it already")
        connector.car = car
        if connector.token:
            self._begin(connector, "CablePluggedIn")
        else:
            self._point.report(connector)

    def unplug(self, connector):
        if not connector.is_plugged:
            raise NotPossible(f"connector {connector.connector_id} has no cable in it")
        if connector.transaction:
            self.end(connector, "EVDisconnected")
        connector.car, connector.is_finishing = None, False
        self._point.report(connector)

    async def present_tag(self, connector, token, token_type):
        """Start or stop with a tag; return what was said of it."""
        if connector.transaction:
            return await self._present_to_stop(connector, token, token_type)
        if connector.status in (FAULTED, UNAVAILABLE) or connector.token:
            raise NotPossible(f"connector {connector.connector_id} is {connector.status}")
        verdict = await self.authorizing.check(token, token_type)
        if verdict.is_accepted and (connector.is_free or connector.is_finishing):
            self._grant(connector, token, token_type, "Authorized")
        return verdict.status

    async def _present_to_stop(self, connector, token, token_type):
        running = connector.transaction
        if token.casefold() != running.token.casefold():
            verdict = await self.authorizing.check(token, token_type)
            if not verdict.is_accepted:
                return verdict.status
            if not self.authorizing.is_same(token, running.token):
                raise NotPossible(f"connector {connector.connector_id} charges for another token")
        if connector.transaction is running:
            self.end(connector, "Local", token=token)
        return "Accepted"

    def _grant(self, connector, token, token_type, trigger, remote_start_id=None):
        """A token may charge here: begin, or wait for the cable until ConnectionTimeOut."""
        connector.token, connector.token_type = token, token_type
        connector.remote_start_id = remote_start_id
        if connector.is_plugged:
            self._begin(connector, trigger)
        else:
            self._point.report(connector)
            self._waits[connector.connector_id] = self._point.spawn(self._wait_for_cable(connector))

    async def _wait_for_cable(self, connector):
        if seconds := self._point.configuration.number("ConnectionTimeOut"):
            await self._point.clock.live(seconds)
            del self._waits[connector.connector_id]
            self._dismiss(connector)
            self._point.report(connector)

    def _dismiss(self, connector):
        """Forget a token that waits for its cable."""
        connector.token, connector.remote_start_id = "", None
        if wait := self._waits.pop(connector.connector_id, None):
            wait.cancel()

    # Remote control ---------------------------------------------------------------------------

    def remote_start(self, token, token_type, *, connector_id=None, remote_start_id=None):
        """Take on a start from afar, anywhere without `connector_id`; say whether it can be done."""
        connector = self._for_remote_start(connector_id)
        if connector is None or not self._point.registration.is_accepted:
            return False
        told = {"connector": connector.connector_id, "token": token}
        self._promised.add(connector.connector_id)
        self._point.spawn(self._start_from_afar(connector, token, token_type, remote_start_id))
        self._point.publish("remote_start", told)
        return True

    def _for_remote_start(self, connector_id):
        able = [
            each
            for each in self._point.connectors.values()
            if each.is_free
            and each.connector_id not in self._promised
            and connector_id in (None, each.connector_id)
        ]
        return min(able, key=lambda each: (not each.is_plugged, each.connector_id), default=None)

    async def _start_from_afar(self, connector, token, token_type, remote_start_id):
        try:
            if self._point.configuration.is_true("AuthorizeRemoteTxRequests"):
                verdict = await self.authorizing.check(token, token_type)
                if not verdict.is_accepted:
                    return
        finally:
            self._promised.discard(connector.connector_id)
        if connector.is_free:
            self._grant(connector, token, token_type, "RemoteStart", remote_start_id)

    # Transactions -----------------------------------------------------------------------------

    def _begin(self, connector, trigger):
        point = self._point
        self._last_number -= 1
        token, remote_start_id = connector.token, connector.remote_start_id
        self._dismiss(connector)
        connector.is_finishing = False
        readout = point.read(connector)
        uid = str(uuid.UUID(int=point.dice.getrandbits(128), version=4))
        connector.transaction = transaction = Transaction(
            uid,
            self._last_number,
            connector.connector_id,
            token,
            connector.token_type,
            readout.at,
            readout.register_wh,
            remote_start_id,
        )
        if remote_start_id is not None:
            trigger = "RemoteStart"
        self._put(transaction, point.words.started(point, transaction, readout, trigger))
        connector.power_on(point.clock.life())
        self._sample_regularly(connector)
        self._publish("started", transaction, transaction.start_wh)
        self.note_state(connector)

    def end(self, connector, reason, *, token=""):
        """End the connector's transaction; the car may stay."""
        point, transaction = self._point, connector.transaction
        readout = point.read(connector)
        connector.power_off(point.clock.life())
        self._stop_sampling(connector)
        connector.transaction = None
        if reason == "EVDisconnected":
            connector.car = None
        connector.is_finishing = connector.is_plugged
        if connector.becomes_inoperative:
            connector.is_operative, connector.becomes_inoperative = False, False
        transaction.ended_at, transaction.end_wh, transaction.reason = readout.at, readout.register_wh, reason
        self._put(transaction, point.words.ended(point, transaction, readout, token))
        self._publish("ended", transaction, transaction.end_wh)
        point.report(connector)
        point.operations.became_idle()

    def sample(self, connector, *, context="Sample.Periodic"):
        """Read the meter of a running transaction and have it sent."""
        point, transaction = self._point, connector.transaction
        readout = point.read(connector)
        self._put(transaction, point.words.sampled(point, transaction, readout, context))
        point.publish_meter(connector, readout)
        self._publish("updated", transaction, readout.register_wh)
        self.note_state(connector)

    def note_state(self, connector):
        """Tell of a charging state that has changed, in the words that the version has for it."""
        point, transaction = self._point, connector.transaction
        state = _STATES.get(connector.status)
        if transaction and state and state != transaction.charging_state:
            transaction.charging_state = state
            if told := point.words.state_changed(point, transaction, point.read(connector)):
                self._put(transaction, told)
        point.report(connector)

    def answered(self, transaction, action, answer):
        """The CSMS has answered a message about a transaction: learn its number and its verdict."""
        verdict = self._point.words.learn(transaction, action, answer)
        if verdict is None:
            return
        if transaction.token:
            self.authorizing.learn(transaction.token, verdict)
        if transaction.verdict:
            return
        transaction.verdict = verdict.status
        self._publish("confirmed", transaction, transaction.start_wh)
        connector = self._point.connectors[transaction.connector_id]
        may_stop = self._point.configuration.is_true("StopTransactionOnInvalidId")
        if not verdict.is_accepted and may_stop and connector.transaction is transaction:
            self.end(connector, "DeAuthorized")

    def _put(self, transaction, message):
        action, payload = message
        self._point.delivery.put(action, payload, transaction)

    def _publish(self, state, transaction, register_wh):
        words = self._point.words
        told = {
            "connector": transaction.connector_id,
            "state": state,
            "transaction_id": words.transaction_id(transaction),
            "token": transaction.token,
            "energy_wh": register_wh - transaction.start_wh,
        }
        if state == "confirmed":
            told["verdict"] = transaction.verdict
        if state == "ended":
            told["reason"] = transaction.reason
        self._point.publish("transaction", told)

    # Sampling ---------------------------------------------------------------------------------

    def resample(self):
        """Begin the sampling anew, with the interval that holds now."""
        for connector in self._point.connectors.values():
            if connector.transaction:
                self._sample_regularly(connector)

    def _sample_regularly(self, connector):
        self._stop_sampling(connector)
        self._samplers[connector.connector_id] = self._point.spawn(self._sample(connector))

    def _stop_sampling(self, connector):
        if sampler := self._samplers.pop(connector.connector_id, None):
            sampler.cancel()

    async def _sample(self, connector):
        while interval := self._point.configuration.number("MeterValueSampleInterval"):
            await self._point.clock.live(interval)
            self.sample(connector)

    # Faults -----------------------------------------------------------------------------------

    def fail(self, connector, code):
        """A fault ends what runs here."""
        connector.fault = code
        if connector.transaction:
            self.end(connector, "Other")
        self._dismiss(connector)
        self._point.report(connector)

    def lose_power(self, connector):
        """The power is gone: what ran has ended, whoever waited is forgotten; the car stays."""
        if connector.transaction:
            self.end(connector, "PowerLoss")
        self._dismiss(connector)
        connector.is_finishing = False
