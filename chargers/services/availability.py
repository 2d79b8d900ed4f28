"""What connectors say of themselves."""

from chargers import batch
from chargers.models import ChargingState, Connector, ConnectorStatus
from chargers.services import datum, transactions
from csms import events

_FIELDS = ("status", "status_at", "status_time_flag", "error_code", "info", "vendor_id", "vendor_error_code")
_STATES = {
    ConnectorStatus.CHARGING: ChargingState.CHARGING,
    ConnectorStatus.SUSPENDED_EV: ChargingState.SUSPENDED_EV,
    ConnectorStatus.SUSPENDED_EVSE: ChargingState.SUSPENDED_EVSE,
}


def report(
    charger,
    *,
    evse_id,
    connector_id,
    status,
    at,
    time_flag="",
    error_code="",
    info="",
    vendor_id="",
    vendor_error_code="",
):
    """Take in a status; the last one received counts, whatever its clock says.

    A word that is no status is kept in `info`, and the status is Unknown. `time_flag` says why `at` is not
    the charger's own time.
    """
    if status not in ConnectorStatus.values:
        info, status = f"{status} {info}".strip(), ConnectorStatus.UNKNOWN
    connector = batch.connector(charger, evse_id, connector_id)
    fresh = batch.fitted(
        Connector,
        status=status,
        error_code=error_code,
        info=info,
        vendor_id=vendor_id,
        vendor_error_code=vendor_error_code,
    )
    changed = any(getattr(connector, name) != value for name, value in fresh.items())
    for name, value in fresh.items():
        setattr(connector, name, value)
    connector.status_at, connector.status_time_flag = at, time_flag
    batch.update(connector, *_FIELDS)
    running = transactions.running_on(charger, evse_id, connector_id)
    datum.status(charger, connector, at=at, transaction=running)
    if changed:
        _tell(charger, connector)
    return connector


def enter(charger, *, evse_id, connector_id, now, **changes):
    """Create or change a connector by hand, and return it; the charger's next report overwrites it.

    Of `changes` the status, its time and the error code stay as they are where they are left out.
    """
    row, is_new = Connector.objects.select_for_update(of=("self",)).get_or_create(
        charger=charger, evse_id=evse_id, connector_id=connector_id, defaults={"status_at": now}
    )
    is_news = is_new or any(getattr(row, name) != changes.get(name, getattr(row, name)) for name in _TOLD)
    for name, value in changes.items():
        setattr(row, name, value)
    row.status_time_flag = ""
    row.save(update_fields=[*changes, "status_time_flag"])
    if is_news:
        _tell(charger, row)
    return row


_TOLD = ("status", "error_code")


def _tell(charger, connector):
    events.record(
        "connector.status",
        charger=charger,
        about=connector,
        status=connector.status,
        error_code=connector.error_code,
        evse_id=connector.evse_id,
        connector_id=connector.connector_id,
    )


def charging_state(status):
    """Return the charging state that a 1.6 connector status tells of its transaction, or None."""
    return _STATES.get(status)
