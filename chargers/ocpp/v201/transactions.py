"""OCPP 2.0.1 functional blocks E and J, Transactions and MeterValues."""

from django.db.models import Q

from chargers import batch
from chargers.models import ChargingState, Protocol, Reading
from chargers.ocpp.v201 import authorization
from chargers.services import authorizing, metering, smart_charging, transactions
from chargers.wire import clock, tolerance


def transaction_event(charger, payload):
    """Follow a transaction; events may be repeated, late, or begin in the middle.

    An event whose seqNo is not above the last one never changes the live state; its meter
    values are stored unless the same ones are there already, and what nobody knew (the driver, an
    earlier beginning) is learned from it.
    """
    info = payload["transactionInfo"]
    at, oddity = clock.read(payload.get("timestamp"), batch.now())
    id_token = payload.get("idToken") or {}
    transaction = transactions.identified(charger, info["transactionId"][:255])
    is_new = transaction is None
    if is_new:
        transaction = _begin(charger, payload, info, id_token, at)
    seq_no = payload.get("seqNo")
    is_late = (
        not is_new and None not in (seq_no, transaction.last_seq_no) and seq_no <= transaction.last_seq_no
    )
    if not (is_late and _is_repeated(charger, transaction, payload, at)):
        _meter(charger, transaction, payload, is_late)
    if id_token and not transaction.id_token:
        _identify(charger, transaction, id_token)
    if not is_late:
        _follow(charger, transaction, payload, info, id_token, at)
    elif payload["eventType"] == "Ended":
        _end(charger, transaction, payload, info, id_token, at)
    elif not oddity:
        transactions.begin_earlier(charger, transaction, at=at, is_start=payload["eventType"] == "Started")
    if oddity:
        metering.flag(transaction, f"time {oddity}")
        batch.update(transaction, "flags")
    return _answer(charger, transaction, id_token, is_new)


def _begin(charger, payload, info, id_token, at):
    evse = payload.get("evse") or {}
    transaction = transactions.start(
        charger,
        protocol=Protocol.OCPP201,
        transaction_id=info["transactionId"],
        evse_id=tolerance.index(evse.get("id")),
        connector_id=tolerance.index(evse.get("connectorId")),
        at=at,
        id_token=id_token.get("idToken") or "",
        verdict=_judge(charger, id_token),
        reported_start=payload.get("timestamp") or "",
        reservation_id=payload.get("reservationId"),
        remote_start_id=info.get("remoteStartId"),
        is_offline=bool(payload.get("offline")),
    )
    smart_charging.transaction_started(charger, transaction)
    if payload["eventType"] != "Started":
        metering.flag(transaction, metering.START_MISSING)
        batch.update(transaction, "flags")
    return transaction


def _judge(charger, id_token):
    """Return the verdict on a token, or None while nobody has presented one."""
    return authorization.check(charger, id_token, for_start=True) if id_token else None


def _is_repeated(charger, transaction, payload, at):
    """Whether the same event (type, seqNo, timestamp) was taken in before.

    Only its readings could be doubled, and they carry its seqNo.
    """
    batch.settle()
    whose = Q(transaction=transaction) | Q(transaction=None)
    readings = Reading.objects.filter(whose, charger=charger, seq_no=payload["seqNo"])
    times = [_measured_at(value) for value in payload.get("meterValue") or []]
    return not times or readings.filter(measured_at__in=times).exists()


def _measured_at(value):
    return clock.read(value.get("timestamp"), batch.now())[0]


def _meter(charger, transaction, payload, is_late):
    """Store the values; those measured after the end are the connector's alone."""
    within, beyond = [], []
    for value in payload.get("meterValue") or []:
        is_beyond = transactions.has_ended(transaction) and _measured_at(value) > transaction.ended_at
        (beyond if is_beyond else within).append(value)
    for values, whose in ((within, transaction), (beyond, None)):
        metering.record(
            charger,
            values,
            evse_id=transaction.evse_id,
            connector_id=transaction.connector_id,
            transaction=whose,
            seq_no=payload.get("seqNo"),
            is_live=not is_late and not payload.get("offline"),
        )


def _follow(charger, transaction, payload, info, id_token, at):
    """Move the transaction on with an event that is newer than all before."""
    _place(charger, transaction, payload.get("evse") or {})
    if payload.get("seqNo") is not None:
        transaction.last_seq_no = payload["seqNo"]
        batch.update(transaction, "last_seq_no")
    if payload["eventType"] == "Ended":
        _end(charger, transaction, payload, info, id_token, at)
    elif transaction.ended_at is None:
        transactions.change_state(charger, transaction, _state_of(info))


def _place(charger, transaction, evse):
    """Learn the EVSE and connector from the first events that name them; some leave the connector out."""
    evse_id, connector_id = tolerance.index(evse.get("id")), tolerance.index(evse.get("connectorId"))
    is_new = evse_id and not transaction.evse_id
    if is_new or (connector_id and evse_id == transaction.evse_id and not transaction.connector_id):
        transaction.evse_id, transaction.connector_id = evse_id, connector_id
        batch.update(transaction, "evse_id", "connector_id")


def _identify(charger, transaction, id_token):
    """Note who charges; stations may start on the plug and hear of the driver later."""
    verdict = authorization.check(charger, id_token, for_start=True)
    transaction.id_token = (id_token.get("idToken") or "")[:255]
    transaction.authorization = verdict.authorization
    transaction.authorization_status = verdict.status
    batch.update(transaction, "id_token", "authorization_id", "authorization_status")


def _end(charger, transaction, payload, info, id_token, at):
    transactions.stop(
        charger,
        transaction,
        at=at,
        reason=info.get("stoppedReason") or "Local",
        id_token=id_token.get("idToken") or "",
        charging_state=_state_of(info) or "",
    )


def _state_of(info):
    """Return the charging state if it is one of the standard's words."""
    state = info.get("chargingState")
    return state if state in ChargingState.values else None


def _answer(charger, transaction, id_token, is_new):
    """Answer with the idTokenInfo that is owed when the event carried an idToken (E01.FR.12)."""
    if not id_token:
        return {}
    if (id_token.get("idToken") or "").casefold() == transaction.id_token.casefold():
        # What the start heard; a repeat must not find itself concurrent.
        verdict = authorizing.Verdict(
            transaction.authorization_status or authorizing.ACCEPTED, transaction.authorization
        )
    else:
        verdict = authorization.check(charger, id_token)
    return {"idTokenInfo": authorization.id_token_info(verdict)}


def meter_values(charger, payload):
    """Store values taken outside of transactions."""
    metering.record(
        charger,
        payload.get("meterValue") or [],
        evse_id=tolerance.index(payload.get("evseId")),
        connector_id=0,
    )
    return {}


HANDLERS = {"MeterValues": meter_values, "TransactionEvent": transaction_event}
