"""Charging transactions, whichever protocol reports them.

Idempotency is by content: message ids start over with every reboot of a charger. Nothing that was
reported is lost: what fits no transaction becomes a StopReport.
"""

from chargers import batch
from chargers.models import Charger, StopReport, Transaction
from chargers.services import datum, metering
from csms import events

ASSUMED_END = "end assumed"

_END = (
    "ended_at",
    "end_wh",
    "stop_reason",
    "end_id_token",
    "register_wh",
    "register_at",
    "energy_wh",
    "power_w",
    "charging_state",
    "flags",
)


def running_on(charger, evse_id, connector_id):
    """Return the running transaction of a connector, or None.

    An EVSE (2.0.1) runs one transaction whatever its connectors; in 1.6 the connector counts,
    and 0, the whole charger, has none.
    """
    for transaction in reversed(batch.running(charger)):
        if evse_id:
            if transaction.evse_id == evse_id:
                return transaction
        elif connector_id and not transaction.evse_id and transaction.connector_id == connector_id:
            return transaction
    return None


def numbered(charger, number):
    """Return the 1.6 transaction with this number, running or not, or None."""
    for transaction in batch.running(charger):
        if transaction.pk == number:
            return transaction
    if not isinstance(number, int) or not 0 < number < 2**63 - 1:
        return None
    return _as_changed(Transaction.objects.filter(charger=charger, pk=number).first())


def identified(charger, transaction_id):
    """Return the 2.0.1 transaction with the station's own id, running or not, or None."""
    for transaction in batch.running(charger):
        if transaction.transaction_id == transaction_id:
            return transaction
    return _as_changed(Transaction.objects.filter(charger=charger, transaction_id=transaction_id).first())


def _as_changed(found):
    return found and batch.as_changed(found)


def meant_by_stop(charger, *, at, connector_id, id_token, meter_wh, is_made_up):
    """Return the running transaction that a stop means which names none of ours; None when in doubt.

    It must fit in connector, time and register as far as these are told (`at` None: not told), and be
    the only one that does. A number that is obviously made up (0, -1) says no more than that; another one
    may belong to a transaction that we never heard of, so the connector or the token must speak for ours.
    """
    fitting = [
        row
        for row in batch.running(charger)
        if (not connector_id or row.connector_id == connector_id)
        and (at is None or row.started_at <= at)
        and (meter_wh is None or row.register_wh is None or row.register_wh <= meter_wh)
    ]
    same_token = [row for row in fitting if id_token and row.id_token.casefold() == id_token.casefold()]
    if len(same_token) == 1:
        return same_token[0]
    is_certain = is_made_up or connector_id
    return fitting[0] if len(fitting) == 1 and is_certain else None


def has_ended(transaction):
    """Whether its end was reported; one that we assumed gives way to a report."""
    return transaction.ended_at is not None and ASSUMED_END not in transaction.flags


def repeated_start(charger, *, connector_id, id_token, reported_start, meter_wh, is_clock_sane):
    """Return the transaction that a repeated StartTransaction means, or None for a new one.

    The same content is the same start. An ended transaction counts only if the timestamp is
    sane: a charger without a clock stamps every start of every boot alike.
    """
    same = Transaction.objects.filter(
        charger=charger,
        connector_id=connector_id,
        reported_start=reported_start[:64],
        id_token__iexact=id_token,
    )
    if meter_wh is not None:  # else the first reading has filled it in meanwhile
        same = same.filter(start_wh=meter_wh)
    if not is_clock_sane:
        same = same.filter(boot_number=charger.boot_count, pk__in=[row.pk for row in batch.running(charger)])
    found = same.order_by("-pk").first()
    running = {row.pk: row for row in batch.running(charger)}
    return found and running.get(found.pk, _as_changed(found))


def start(charger, *, evse_id, connector_id, at, verdict=None, is_refused=False, meter_wh=None, **details):
    """Begin a transaction and return it; a refused one is kept too, as ended at once.

    `verdict` is None while nobody has presented a token. `details` are further attributes of
    the row. One still running on the connector ends here, at its last register: its stop was
    lost, and no connector charges two cars.
    """
    if not is_refused and (previous := running_on(charger, evse_id, connector_id)):
        assume_end(charger, previous)
    first_register = _first_register(charger, evse_id, connector_id, meter_wh)
    transaction = Transaction(
        owner_id=charger.owner_id,
        charger=charger,
        evse_id=evse_id,
        connector_id=connector_id,
        authorization=verdict and verdict.authorization,
        authorization_status=verdict.status if verdict else "",
        is_refused=is_refused,
        started_at=at,
        ended_at=at if is_refused else None,
        boot_number=charger.boot_count,
        start_wh=meter_wh,
        register_wh=first_register,
        register_at=at if first_register is not None else None,
        flags=[] if first_register == meter_wh else [metering.START_UNKNOWN],
        **batch.fitted(Transaction, **details),
    )
    transaction.save(force_insert=True)
    if not is_refused:
        batch.running(charger).append(transaction)
    datum.started(charger, transaction)
    _tell("transaction.refused" if is_refused else "transaction.started", charger, transaction)
    return transaction


def begin_earlier(charger, transaction, *, at, is_start):
    """Learn from a late event when a transaction began of which a later one was heard first.

    `is_start`: this is the start itself. Call after its meter values were recorded.
    """
    if metering.START_MISSING not in transaction.flags:
        return
    if at < transaction.started_at:
        transaction.started_at = at
        datum.moved(charger, transaction)
    if is_start:
        transaction.flags = [word for word in transaction.flags if word != metering.START_MISSING]
    batch.update(transaction, "started_at", "flags")


def _first_register(charger, evse_id, connector_id, meter_wh):
    """Return where the first segment begins.

    Some chargers send 0 while their meter is unknown, and its lifetime register later. If the
    connector has counted before and its last session did not begin at 0 either, what it
    showed last is the better beginning.
    """
    if meter_wh != 0 or not connector_id:
        return meter_wh
    connector = batch.connector(charger, evse_id, connector_id)
    if connector.register_wh:
        before = Transaction.objects.filter(charger=charger, evse_id=evse_id, connector_id=connector_id)
        last = before.order_by("-pk").first()
        if last is None or last.start_wh:
            return connector.register_wh
    return meter_wh


def stop(charger, transaction, *, at, meter_wh=None, reason="", id_token="", charging_state=""):
    """Close `transaction` and say whether this stop did it; a repeated stop changes nothing.

    A charger that was offline repeats its stop until it hears an answer, so the first end is
    kept. Only an end that we assumed gives way to a real one. `charging_state` is what the stop
    itself says; without that the last state from while it ran does not outlive it.
    """
    if has_ended(transaction):
        return False
    is_assumed = ASSUMED_END in transaction.flags
    if at < transaction.started_at:  # its clock was reset meanwhile
        metering.flag(transaction, metering.STOP_BEFORE_START)
    transaction.ended_at = max(at, transaction.started_at)
    if meter_wh is not None:
        metering.advance(transaction, meter_wh, max(transaction.ended_at, transaction.register_at or at))
        if transaction.start_wh is not None and meter_wh < transaction.start_wh:
            metering.flag(transaction, "stop below start")
    transaction.end_wh = meter_wh if meter_wh is not None else transaction.register_wh
    transaction.stop_reason = reason[:40]
    transaction.end_id_token = id_token[:255]
    transaction.power_w = 0
    if is_assumed:
        transaction.flags = [word for word in transaction.flags if word != ASSUMED_END]
    transaction.charging_state = charging_state
    _close(charger, transaction)
    datum.ended(charger, transaction, meter_wh=meter_wh, reason=reason, id_token=id_token)
    return True


def assume_end(charger, transaction, *, at=None, reason="", id_token=""):
    """End a transaction whose stop has not come: where its last reading left it, or `at` a time one knows."""
    last = max(transaction.register_at or transaction.started_at, transaction.started_at)
    transaction.ended_at = last if at is None else max(at, last)
    transaction.end_wh = transaction.register_wh
    transaction.stop_reason = reason[:40]
    transaction.end_id_token = id_token[:255]
    transaction.power_w = 0
    transaction.charging_state = ""
    metering.flag(transaction, ASSUMED_END)
    _close(charger, transaction)


def _close(charger, transaction):
    batch.update(transaction, *_END)
    if transaction.connector_id:
        connector = batch.connector(charger, transaction.evse_id, transaction.connector_id)
        connector.power_w = connector.current_a = 0
        batch.update(connector, "power_w", "current_a")
    running = batch.running(charger)
    running[:] = [row for row in running if row.pk != transaction.pk]
    _tell("transaction.ended", charger, transaction)


def park_stop(charger, transaction, payload, *, reported_id):
    """Keep a stop that ended nothing: as evidence beside its transaction, or parked without one."""
    StopReport.objects.create(
        charger=charger,
        transaction=transaction,
        reported_id=str(reported_id)[:64],
        cause=StopReport.Cause.REPEATED if transaction else StopReport.Cause.UNKNOWN,
        received_at=batch.now(),
        payload=payload,
    )
    events.record("transaction.stop_parked", charger=charger, object_id=transaction and transaction.pk)


def change_state(charger, transaction, charging_state):
    """Follow the charging state; the same state again is no news."""
    if charging_state and charging_state != transaction.charging_state:
        transaction.charging_state = charging_state
        batch.update(transaction, "charging_state")
        _tell("transaction.updated", charger, transaction)


def _tell(kind, charger: Charger, transaction):
    events.record(
        kind,
        charger=charger,
        object_id=transaction.pk,
        evse_id=transaction.evse_id,
        connector_id=transaction.connector_id,
        energy_wh=transaction.energy_wh,
        charging_state=transaction.charging_state,
    )
