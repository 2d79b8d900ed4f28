"""Meter values: stored as sent, understood in SI units, and summed to energy by segments."""

from datetime import timedelta

from chargers import batch
from chargers.models import Reading
from chargers.services import datum
from chargers.wire import clock, samples
from csms import events

# No charging point delivers more; a register that rises faster has changed its base.
MOST_PLAUSIBLE_W = 500_000
PLAUSIBLE_SLACK_WH = 1_000
# More than a car takes at once: what a rise may be where the charger's clock says nothing about its time.
UNTIMED_MOST_WH = 200_000
START_MISSING, START_UNKNOWN = "start missing", "start register unknown"
STOP_BEFORE_START = "stop before start"
# A little less than a common sample interval: a sample that comes a moment early is told of too.
ANNOUNCE_EVERY = timedelta(seconds=4)

_LATEST = ("reading_at", "register_wh", "power_w", "current_a", "voltage_v", "soc_percent")
_PROGRESS = (
    "start_wh",
    "end_wh",
    "register_wh",
    "register_at",
    "energy_wh",
    "power_w",
    "soc_percent",
    "announced_at",
    "flags",
)


def record(charger, meter_values, *, evse_id, connector_id, transaction=None, seq_no=None, is_live=True):
    """Store meterValue objects of either version as readings of a connector.

    With a transaction its energy is carried on; `is_live` false (values replayed from a time
    offline) leaves the connector's latest values alone.
    """
    measured = None
    for meter_value in meter_values:
        sent = meter_value.get("sampledValue") or []
        sampled = samples.readable(sent)
        at, time_flag = clock.read(meter_value.get("timestamp"), batch.now())
        measured = samples.measure(sampled)
        _store(charger, transaction, evse_id, connector_id, at, time_flag, seq_no, sent, measured)
        datum.measured(
            charger, sampled, evse_id=evse_id, connector_id=connector_id, at=at, transaction=transaction
        )
        if transaction is not None:
            if time_flag:
                flag(transaction, f"reading time {time_flag}")
            advance(transaction, measured.register_wh, at)
            _follow(transaction, measured)
        if is_live:
            _keep_latest(charger, evse_id, connector_id, at, measured)
    if transaction is not None and measured is not None:
        _announce(charger, transaction)


def _store(charger, transaction, evse_id, connector_id, at, time_flag, seq_no, sampled, measured):
    batch.insert(
        Reading,
        received_at=batch.now(),
        charger_id=charger.pk,
        transaction_id=transaction and transaction.pk,
        evse_id=evse_id,
        connector_id=connector_id,
        measured_at=at,
        time_flag=time_flag,
        seq_no=seq_no,
        context=samples.context(sampled),
        register_wh=measured.register_wh,
        power_w=measured.power_w,
        current_a=measured.current_a,
        voltage_v=measured.voltage_v,
        soc_percent=measured.soc_percent,
        samples=sampled,
    )


def _keep_latest(charger, evse_id, connector_id, at, measured):
    connector = batch.connector(charger, evse_id, connector_id)
    if connector.reading_at is not None and at < connector.reading_at:
        return
    connector.reading_at = at
    for name in _LATEST[1:]:
        if (value := getattr(measured, name)) is not None:
            setattr(connector, name, value)
    batch.update(connector, *_LATEST)


def _follow(transaction, measured):
    if transaction.ended_at is not None:
        # A value that comes after the end completes the bill; nothing flows any more.
        transaction.end_wh = (
            transaction.register_wh if measured.register_wh is not None else transaction.end_wh
        )
    elif measured.power_w is not None:
        transaction.power_w = measured.power_w
    if measured.soc_percent is not None:
        transaction.soc_percent = measured.soc_percent


def _announce(charger, transaction):
    """Write the progress, and tell of it at most every few seconds."""
    now = batch.now()
    if transaction.announced_at is None or now - transaction.announced_at >= ANNOUNCE_EVERY:
        transaction.announced_at = now
        events.record(
            "transaction.updated",
            charger=charger,
            object_id=transaction.pk,
            energy_wh=transaction.energy_wh,
            power_w=transaction.power_w,
        )
    batch.update(transaction, *_PROGRESS)


def advance(transaction, register_wh, at):
    """Carry the energy of `transaction` on to `register_wh`, read at `at`.

    Energy is the sum of rises. A register that falls or leaps has changed its base (it starts
    over at a boot or a session, or 0 was sent while the meter was unknown): the rise is then
    counted only as far as it is plausible, and the transaction flagged. A reading older than
    the last one changes nothing, unless the transaction began before what we know of it.
    """
    last, last_at = transaction.register_wh, transaction.register_at
    if register_wh is None:
        return
    if last_at is not None and at < last_at:
        if START_MISSING in transaction.flags and at < transaction.started_at:
            _begin_lower(transaction, register_wh, at)
        return
    transaction.register_wh, transaction.register_at = register_wh, at
    if last is None:
        if transaction.start_wh is None:
            transaction.start_wh = register_wh
        return
    rise = register_wh - last
    if rise < 0:
        flag(transaction, "register fell")
        # A fresh counter that began at 0 has counted `register_wh` since; a small fall has not.
        rise = register_wh if register_wh < last / 2 else 0
    if rise > _most_plausible(transaction, at - last_at if last_at else None):
        flag(transaction, "register leapt")
        rise = 0
    transaction.energy_wh += rise


def _begin_lower(transaction, register_wh, at):
    """Add what was charged before the first register that we heard of."""
    rise = transaction.start_wh - register_wh
    if rise > _most_plausible(transaction, transaction.started_at - at):
        flag(transaction, "register leapt")
    elif rise > 0:
        transaction.energy_wh += rise
        transaction.start_wh = register_wh


def _most_plausible(transaction, elapsed):
    seconds = 0 if elapsed is None else max(elapsed.total_seconds(), 0)
    most = MOST_PLAUSIBLE_W * seconds / 3600 + PLAUSIBLE_SLACK_WH
    return most if _is_timed(transaction) else max(most, UNTIMED_MOST_WH)


def _is_timed(transaction):
    """Whether its times are the charger's own, and in order.

    What a charger without a clock stored while it was offline seems to happen when it arrives.
    """
    return not any(
        word == STOP_BEFORE_START or word.endswith((" clock", " unreadable")) for word in transaction.flags
    )


def flag(transaction, word):
    """Note once that something about the reports was odd, for people to review."""
    if word not in transaction.flags:
        transaction.flags = [*transaction.flags, word]
