"""Drivers, cars and transactions at the virtual charge point, in words of no version.

Nothing here waits for the wire: messages about transactions go into the delivery queue, others are
told by tasks of their own. So these verbs may be called while a CALL of the CSMS is being answered,
and what they send leaves after the answer. Reasons are OCPP 1.6's; v201 translates them.
"""

import uuid

from chargers.virtual.authorizing import ACCEPTED, Authorizing
from chargers.virtual.connector import (
    CHARGING,
    FAULTED,
    FINISHING,
    SUSPENDED_EV,
    SUSPENDED_EVSE,
    UNAVAILABLE,
    Transaction,
)

_STATES = frozenset([CHARGING, SUSPENDED_EV, SUSPENDED_EVSE])


class NotPossible(Exception):
    """What was asked for cannot be done at this connector now; the text says why."""


class Charging:
    """Everything that happens between a driver, a car and a connector."""

    def __init__(self, point):
        self._point = point
        self.authorizing = Authorizing(point)
        self.last_number = 0
        self._waits = {}

    # Drivers ----------------------------------------------------------------------------------

    def plug_in(self, connector, car):
        if connector.is_plugged:
            raise NotPossible(f"connector {connector.connector_id} has a cable in it already")
        if connector.locked_for:
            raise NotPossible(f"connector {connector.connector_id} still holds the cable of who left")
        connector.car = car
        self._point.smart_charging.plugged(connector)
        if connector.transaction:
            connector.power_on(self._point.clock.life())
            self.note_state(connector)
        elif connector.token:
            self._begin(connector, "CablePluggedIn")
        else:
            self._point.report(connector)

    def unplug(self, connector):
        if not connector.is_plugged:
            raise NotPossible(f"connector {connector.connector_id} has no cable in it")
        if not connector.transaction:
            connector.car, connector.is_finishing = None, False
            self._point.report(connector)
        elif self._point.configuration.is_true("StopTransactionOnEVSideDisconnect"):
            self._leave(connector)
        else:
            connector.power_off(self._point.clock.life())
            connector.car = None
            self.note_state(connector)

    def _leave(self, connector):
        """The car went while it charged: that ends the transaction, and may leave its cable behind."""
        if not self._point.configuration.is_true("UnlockConnectorOnEVSideDisconnect"):
            connector.locked_for = connector.transaction.token
        self.end(connector, "EVDisconnected")

    def unlock(self, connector):
        """Let go of the cable of a car that has left."""
        if connector.locked_for:
            connector.locked_for, connector.is_finishing = "", False
            self._point.report(connector)

    async def present_tag(self, connector, token, token_type):
        """Start or stop with a tag; return what was said of it."""
        if connector.transaction:
            return await self._present_to_stop(connector, token, token_type)
        if self._point.operations.is_resetting:
            raise NotPossible("it is about to restart")
        if connector.locked_for and self.authorizing.is_same(token, connector.locked_for):
            self.unlock(connector)
            return ACCEPTED
        if connector.status in (FAULTED, UNAVAILABLE) or connector.token or connector.locked_for:
            raise NotPossible(f"connector {connector.connector_id} is {connector.status}")
        verdict = await self.authorizing.check(token, token_type)
        if verdict.is_accepted and self.authorizing.is_master(verdict):
            raise NotPossible("a token of the master group only stops")
        if verdict.is_accepted and not self._point.reservations.admits(connector, token):
            raise NotPossible(f"connector {connector.connector_id} is reserved for another token")
        if verdict.is_accepted and (connector.is_free or connector.status == FINISHING):
            self.grant(connector, token, token_type, "Authorized")
        return verdict.status

    async def _present_to_stop(self, connector, token, token_type):
        running = connector.transaction
        if token.casefold() != running.token.casefold():
            verdict = await self.authorizing.check(token, token_type)
            if not verdict.is_accepted:
                return verdict.status
            if self.authorizing.is_master(verdict):
                return self._stop(connector, running, token, "MasterPass")
            if not self.authorizing.is_same(token, running.token):
                raise NotPossible(f"connector {connector.connector_id} charges for another token")
        return self._stop(connector, running, token, "Local")

    def _stop(self, connector, transaction, token, reason):
        # It may have ended while the token was asked about.
        if connector.transaction is transaction:
            self.end(connector, reason, token=token)
        return ACCEPTED

    def grant(self, connector, token, token_type, trigger, remote_start_id=None):
        """A token may charge here: begin, or wait for the cable until ConnectionTimeOut."""
        if not self._point.operations.takes_drivers:  # no longer, while the token was asked about
            return
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
            self.dismiss(connector)
            self._point.report(connector)

    def dismiss(self, connector):
        """Forget a token that waits for its cable."""
        connector.token, connector.remote_start_id = "", None
        self._point.smart_charging.take_promise(connector)
        if wait := self._waits.pop(connector.connector_id, None):
            wait.cancel()

    # Transactions -----------------------------------------------------------------------------

    def _begin(self, connector, trigger):
        point = self._point
        self.last_number -= 1
        token, remote_start_id = connector.token, connector.remote_start_id
        promised = point.smart_charging.take_promise(connector)
        self.dismiss(connector)
        connector.is_finishing = False
        readout = point.read(connector)
        uid = str(uuid.UUID(int=point.dice.getrandbits(128), version=4))
        connector.transaction = transaction = Transaction(
            uid,
            self.last_number,
            connector.connector_id,
            token,
            connector.token_type,
            readout.at,
            readout.register_wh,
            remote_start_id,
            point.reservations.use(connector, token),
        )
        if remote_start_id is not None:
            trigger = "RemoteStart"
        self._put(transaction, point.words.started(point, transaction, readout, trigger))
        connector.power_on(point.clock.life())
        point.metering.begin(connector)
        self._publish("started", transaction, transaction.start_wh)
        point.smart_charging.began(connector, promised)
        self.note_state(connector)

    def end(self, connector, reason, *, token=""):
        """End the connector's transaction; the car may stay."""
        point, transaction = self._point, connector.transaction
        readout = point.read(connector)
        # At the moment of that reading: what flowed since would move the register past the end that is told.
        connector.power_off(connector.metered_at)
        point.metering.end(connector)
        connector.transaction, connector.is_paused = None, False
        if reason == "EVDisconnected":
            connector.car = None
        connector.is_finishing = connector.is_plugged or bool(connector.locked_for)
        transaction.ended_at, transaction.end_wh, transaction.reason = readout.at, readout.register_wh, reason
        self._put(transaction, point.words.ended(point, transaction, readout, token))
        self._publish("ended", transaction, transaction.end_wh)
        point.smart_charging.ended(connector)
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
        state = connector.status if connector.is_plugged else "Idle"
        is_told = state in _STATES or not connector.is_plugged
        if transaction and is_told and state != transaction.charging_state:
            transaction.charging_state = state
            if told := point.words.state_changed(point, transaction, point.read(connector)):
                self._put(transaction, told)
        point.report(connector)

    def answered(self, transaction, action, payload, answer):
        """The CSMS has answered a message about a transaction: learn its number and its verdicts."""
        told = self._point.words.learn(transaction, action, payload, answer)
        if told is None:
            return
        token, verdict = told
        self.authorizing.learn(token, verdict)
        if token.casefold() == transaction.token.casefold():
            self._judge(transaction, verdict)

    def _judge(self, transaction, verdict):
        is_first, transaction.verdict = not transaction.verdict, verdict.status
        if is_first:
            self._publish("confirmed", transaction, transaction.start_wh)
        connector = self._point.connectors[transaction.connector_id]
        if connector.transaction is not transaction:
            return
        if not verdict.is_accepted:
            self._point.spawn(self._refuse(connector, transaction))
        elif connector.is_paused:
            connector.pause(False, self._point.clock.life())
            self.note_state(connector)

    async def _refuse(self, connector, transaction):
        """The token may not charge after all: stop or pause, once it got what such tokens may take."""
        point = self._point
        end_wh = point.read(connector).register_wh + point.configuration.number("MaxEnergyOnInvalidId")
        while connector.transaction is transaction and (left := end_wh - connector.register_wh) > 0:
            # As long as it takes at the very least, so that it cannot take much more.
            await point.clock.live(max(1.0, left * 3600 / connector.outlet.max_w))
            connector.measure(point.clock.life())
        if connector.transaction is not transaction or transaction.verdict == ACCEPTED:
            return
        if point.configuration.is_true("StopTransactionOnInvalidId"):
            self.end(connector, "DeAuthorized")
        else:
            connector.pause(True, point.clock.life())
            self.note_state(connector)

    def _put(self, transaction, message):
        action, payload = message
        self._point.delivery.put(action, payload, transaction)

    def _publish(self, state, transaction, register_wh):
        words = self._point.words
        told = {
            "connector": transaction.connector_id,
            "state": state,
            "transaction_id": words.transaction_id(transaction),
            "session_id": transaction.uid,
            "token": transaction.token,
            "energy_wh": register_wh - transaction.start_wh,
        }
        if state == "confirmed":
            told["verdict"] = transaction.verdict
        if state == "ended":
            told["reason"] = transaction.reason
        self._point.publish("transaction", told)

    # Faults -----------------------------------------------------------------------------------

    def fail(self, connector, code):
        """A fault ends what runs here."""
        connector.fault = code
        if connector.transaction:
            self.end(connector, "Other")
        self.dismiss(connector)
        self._point.reservations.lost(connector)
        self._point.report(connector)

    def lose_power(self, connector):
        """The power is gone: what ran has ended, whoever waited is forgotten; the car stays."""
        if connector.transaction:
            self.end(connector, "PowerLoss")
        self.dismiss(connector)
        connector.is_finishing, connector.locked_for = False, ""
