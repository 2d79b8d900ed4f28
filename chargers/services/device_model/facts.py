"""What chargers tell of their variables: kept, compared with what is wanted, and told on when it changes."""

from enum import StrEnum
from itertools import islice

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower

from chargers import batch
from chargers.models import Report, Variable
from chargers.services import reports
from chargers.services.device_model import settling
from chargers.wire import masking, v201_variables
from csms import bulk, events

# A charger's own say in how many rows it has ends here.
MOST_VARIABLES = 10_000
# What one message is heard of: a query takes only so many names.
MOST_TOLD = 15_000
_KEY = ("component", "component_instance", "evse_id", "connector_id", "name", "instance", "attribute")
_TOLD = ("value", "mutability", "data_type", "unit")
_FACTS = (*_TOLD, "is_secret", "reported_at", *settling.FIELDS)


class Source(StrEnum):
    """Who changed a value."""

    CSMS = "csms"
    STATION = "station"
    # It reads different, and nobody told why.
    UNKNOWN = "unknown"


def report(charger, variables, *, source=Source.UNKNOWN, is_answer=False, only_known=False):
    """Store what is told of some variables: dicts of Variable's attributes; what is not named stays.

    Secrets are masked before they are stored. `is_answer`: we have asked for these very values, so they
    settle what is wanted. `only_known` leaves out what was never reported.
    """
    variables = [_defaults() | batch.fitted(Variable, **told) for told in islice(variables, MOST_TOLD)]
    with transaction.atomic():
        rows = locked(charger, [told["name"] for told in variables])
        changed, fresh, room = {}, {}, None
        for told in variables:
            key = key_of(told)
            row = rows.get(key) or fresh.get(key)
            if row is None:
                if only_known:
                    continue
                room = room_of(charger) if room is None else room
                if len(fresh) >= room:
                    continue
                row = fresh[key] = Variable(charger=charger, **{name: told[name] for name in _KEY})
            else:
                changed[id(row)] = row
            _take(charger, row, told, source, is_answer)
        stored = [row for row in changed.values() if row.pk]
        bulk.update_many(Variable, _FACTS, stored)
        bulk.insert_many(Variable, [vars(row) for row in fresh.values()])


def locked(charger, names, *, command=None):
    """Return {key: row} of the charger's variables of these names, and those that wait for `command`.

    They are locked: call in a transaction. Stations tell thousands in many parts, so the others are not read.
    """
    spellings = {spelling for name in names for spelling in (name, name.lower())}
    found = Q(lowered__in=spellings) | (Q(command=command) if command else Q())
    rows = charger.variables.alias(lowered=Lower("name")).filter(found)
    return {key_of(vars(row)): row for row in rows.select_for_update(no_key=True).order_by("pk")}


def room_of(charger):
    """Return how many more variables the charger may have."""
    return MOST_VARIABLES - charger.variables.count()


def _take(charger, row, told, source, is_answer):
    was_known, before = row.reported_at is not None, row.value
    row.is_secret = row.is_secret or masking.is_secret_name(row.name)
    for name in _TOLD:
        if name in told:
            setattr(row, name, told[name] if told[name] is not None or name == "value" else "")
    if row.is_secret:
        row.value = masking.mask(row.value)
    row.reported_at = batch.now()
    if was_known and row.value != before:
        is_ours = row.reread == Variable.Reread.CHANGED
        tell_change(charger, row, before, Source.CSMS if is_ours else source)
    if "value" in told:
        settling.settle(row, batch.now(), is_answer=is_answer)


def tell_change(charger, row, before, source):
    """Record that a value has changed; secrets are masked in the row already."""
    events.record(
        "variable.changed",
        charger=charger,
        object_id=row.pk,
        **{name: getattr(row, name) for name in _KEY},
        old=before,
        new=row.value,
        source=str(source),
        is_monitored=row.is_monitored,
        read_only=row.mutability == Variable.Mutability.READ_ONLY,
    )


def take_report(charger, payload):
    """Take in a part of a report; parts may be missing, in any order, or of a report nobody asked for."""
    more = payload.get("tbc") is True
    request_id, seq_no = payload.get("requestId"), payload.get("seqNo")
    report_row = None
    if isinstance(request_id, int) and abs(request_id) < 2**31:
        report_row = reports.take_part(
            charger,
            Report.Kind.VARIABLES,
            request_id,
            seq_no=min(max(seq_no, 0), 2**31 - 1) if isinstance(seq_no, int) else None,
            more=True,
        )
    source = Source.STATION if report_row is None else Source.UNKNOWN
    report(charger, v201_variables.reported(payload), source=source)
    if report_row is not None and not more:
        reports.finish(report_row)  # who follows finds what its parts told
    return report_row


def key_of(values):
    """Return what names a variable of a charger, from its attributes: case makes no difference."""
    return tuple(value.casefold() if isinstance(value := values[name], str) else value for name in _KEY)


def place_of(told):
    """Return `key_of` for what names a variable only in part."""
    return key_of(_defaults() | batch.fitted(Variable, **{name: told[name] for name in _KEY if name in told}))


def _defaults():
    return {
        "component": "",
        "component_instance": "",
        "evse_id": 0,
        "connector_id": 0,
        "instance": "",
        "attribute": "Actual",
    }
