"""Reservations (OCPP 1.6 sections 5.1 and 5.13; 2.0.1 block H)."""

from chargers.virtual.answers.answering import accepted, moment
from chargers.virtual.reservations import Reservation

_ANY = ("Undetermined", "Unknown")


def _reserve_16(point, payload):
    if payload["connectorId"] not in (0, *point.connectors):
        return accepted(False)
    reservation = Reservation(
        payload["reservationId"],
        payload["connectorId"],
        payload["idTag"],
        payload.get("parentIdTag", ""),
        moment(payload["expiryDate"]),
    )
    return {"status": point.reservations.reserve(reservation)}


def _reserve_201(point, payload):
    evse_id = payload.get("evseId", 0)
    if evse_id and evse_id not in point.connectors:
        return accepted(False)
    if not any(payload.get("connectorType", _ANY[0]) in _types(each) for each in point.connectors.values()):
        return accepted(False)
    reservation = Reservation(
        payload["id"],
        evse_id,
        payload["idToken"]["idToken"],
        payload.get("groupIdToken", {}).get("idToken", ""),
        moment(payload["expiryDateTime"]),
    )
    return {"status": point.reservations.reserve(reservation)}


def _types(connector):
    return (*_ANY, "cCCS2" if connector.outlet.is_dc else "cType2")


def _cancel(point, payload):
    return accepted(point.reservations.cancel(payload["reservationId"]))


HANDLERS_16 = {
    "CancelReservation": _cancel,
    "ReserveNow": _reserve_16,
}
HANDLERS_201 = {
    "CancelReservation": _cancel,
    "ReserveNow": _reserve_201,
}
