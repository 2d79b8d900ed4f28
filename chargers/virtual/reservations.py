"""Connectors that are kept for somebody (OCPP 1.6 section 5.13; 2.0.1 block H).

A reservation of connector 0 keeps no certain connector: as long as more are free than are reserved so,
anybody may charge; then the free ones are Reserved. A reservation ends when it is used, cancelled or
over, and in 2.0.1 when its connector goes out of service.
"""

from dataclasses import dataclass
from datetime import datetime

from chargers.virtual.connector import AVAILABLE, FAULTED, RESERVED, UNAVAILABLE

ACCEPTED, REJECTED, OCCUPIED = "Accepted", "Rejected", "Occupied"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A promise; `connector_id` is 0 for any connector, `group` the holder's parent tag or group."""

    reservation_id: int
    connector_id: int
    token: str
    group: str
    expires_at: datetime

    def admits(self, token, group):
        """Say whether who presents `token`, of the group `group` (folded), may use it."""
        if token.casefold() == self.token.casefold():
            return True
        return bool(self.group) and self.group.casefold() in (group, token.casefold())


class Reservations:
    """All reservations of one charge point."""

    def __init__(self, point):
        self._point = point
        self._by_id, self._timers = {}, {}

    def __len__(self):
        return len(self._by_id)

    def reserve(self, reservation):
        """Take a reservation on, in place of one with its id; return what ReserveNow answers."""
        status = self._refusal(reservation)
        if status:
            return status
        self._forget(reservation.reservation_id)
        self._by_id[reservation.reservation_id] = reservation
        self._timers[reservation.reservation_id] = self._point.spawn(self._expire(reservation))
        self._point.report()
        return ACCEPTED

    def cancel(self, reservation_id):
        """Drop a reservation; say whether there was one."""
        is_known = self._forget(reservation_id) is not None
        self._point.report()
        return is_known

    def admits(self, connector, token):
        """Say whether a token may charge at a connector, as far as reservations go."""
        group = self._point.charging.authorizing.group(token)
        return not connector.is_reserved or self._for(connector, token, group) is not None

    def use(self, connector, token):
        """A transaction begins: return the id of the reservation that it uses up, or None."""
        found = self._for(connector, token, self._point.charging.authorizing.group(token))
        return found and self._forget(found.reservation_id).reservation_id

    def lost(self, connector):
        """A connector went out of service: in 2.0.1 that ends its reservation."""
        if self._point.words.IS_RESERVATION_LOST:
            for each in [
                each for each in self._by_id.values() if each.connector_id == connector.connector_id
            ]:
                self._end(each, "Removed")

    def settle(self):
        """Note at each connector whether it is kept for somebody."""
        owned = {each.connector_id for each in self._by_id.values()}
        connectors = list(self._point.connectors.values())
        for each in connectors:
            each.is_reserved = each.connector_id in owned
        free = [each for each in connectors if each.status == AVAILABLE]
        if len(free) <= self._unbound():
            for each in free:
                each.is_reserved = True

    def resume(self):
        """After a stop: wait again for the end of each."""
        for reservation in list(self._by_id.values()):
            self._timers[reservation.reservation_id] = self._point.spawn(self._expire(reservation))

    def _for(self, connector, token, group):
        """Return the reservation that lets a token use a connector, its own before one of connector 0."""
        fitting = [
            each
            for each in self._by_id.values()
            if each.connector_id in (0, connector.connector_id) and each.admits(token, group)
        ]
        return max(fitting, key=lambda each: each.connector_id, default=None)

    def _refusal(self, reservation):
        configuration, point = self._point.configuration, self._point
        if reservation.connector_id:
            chosen = [point.connectors[reservation.connector_id]]
        elif configuration.is_true("ReserveConnectorZeroSupported"):
            chosen = list(point.connectors.values())
        else:
            return REJECTED
        if reservation.expires_at <= point.clock.now() or not configuration.is_true(
            "ReservationCtrlr.Enabled"
        ):
            return REJECTED
        return self._taken(chosen, reservation)

    def _taken(self, connectors, reservation):
        """Return why none of these connectors can be reserved, "" where one can."""
        before = self._by_id.get(reservation.reservation_id)
        is_same_place = before is not None and before.connector_id == reservation.connector_id
        statuses = {each.status for each in connectors}
        if AVAILABLE in statuses or (is_same_place and RESERVED in statuses):
            return ""
        for only in (FAULTED, UNAVAILABLE):
            if statuses == {only}:
                return only
        return OCCUPIED

    def _unbound(self):
        return sum(each.connector_id == 0 for each in self._by_id.values())

    def _forget(self, reservation_id):
        if timer := self._timers.pop(reservation_id, None):
            timer.cancel()
        return self._by_id.pop(reservation_id, None)

    async def _expire(self, reservation):
        left = reservation.expires_at - self._point.clock.now()
        await self._point.clock.sleep(max(0.0, left.total_seconds()))
        del self._timers[reservation.reservation_id]
        self._end(reservation, "Expired")

    def _end(self, reservation, why):
        self._forget(reservation.reservation_id)
        for action, payload in self._point.words.reservation_ended(reservation, why):
            self._point.tell_soon(action, payload)
        self._point.report()
