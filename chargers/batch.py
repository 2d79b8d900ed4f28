"""What the messages of one commit read together and write together.

Inside a batch (`open_batch`) the rows that services add or change wait for one bulk write, and the
connectors and running transactions of all its chargers are read with one query each, at the
first demand. Outside of a batch the same calls read and write at once, so a service need not
know where it runs.
"""

import logging
import threading
from collections import defaultdict
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from chargers.models import Charger, Connector, Transaction
from csms import bulk, events
from csms.models import Event

logger = logging.getLogger(__name__)

_local = threading.local()
# Attributes of a charger that its messages hardly ever touch.
_SELDOM_READ = (
    "name",
    "password_hash",
    "password_verifier",
    "created_at",
    "first_address",
    "vendor",
    "model",
    "serial_number",
    "charge_box_serial_number",
    "firmware_version",
    "iccid",
    "imsi",
    "meter_type",
    "meter_serial_number",
    "booted_at",
    "firmware_status",
    "diagnostics_status",
    "stopped_at",
)

_KEYS = {"id", "charger_id", "evse_id", "connector_id"}
_NO_KEYS_OF_CONNECTORS = tuple(
    field.attname for field in Connector._meta.concrete_fields if field.attname not in _KEYS
)


@contextmanager
def open_batch(charger_ids=(), *, serial_ids=(), forgives=None):
    """Gather what services write in this thread; it is written when the block ends well.

    Call inside a transaction. `serial_ids` are the chargers whose messages must not run beside
    those of the same charger in another process: their rows are locked. `forgives` says of an error
    whether by-products may be lost to it, so that the rest is kept; without it none are.
    """
    with events.collected() as facts:
        batch = _local.batch = Batch(charger_ids, serial_ids, facts, forgives)
        try:
            yield batch
            batch.flush()
        finally:
            _local.batch = None


class Batch:
    """The rows of one commit."""

    def __init__(self, charger_ids, serial_ids, facts, forgives=None):
        self.now = None
        self._ids = sorted(set(charger_ids))
        self._facts = facts
        self._forgives = forgives
        self._inserts = defaultdict(list)
        self._updates = defaultdict(dict)
        self._collected = defaultdict(list)
        self._byproducts = defaultdict(list)
        self._shared = {}
        self._new_connectors = []
        self._connectors = None
        self._running = None
        if serial_ids:
            locked = Charger.objects.select_for_update(no_key=True).filter(pk__in=sorted(serial_ids))
            list(locked.order_by("pk").values_list("pk"))
        self.chargers = {}
        if self._ids:
            rows = bulk.load(Charger, "id", self._ids, leave_out=_SELDOM_READ)
            self.chargers = {row.pk: row for row in rows}

    def shared(self, key, make):
        """Return what `make` returned for `key` the first time in this batch."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def collect(self, function, item, *, is_byproduct=False):
        """Have `function` called once with all items collected for it, before the batch is written."""
        (self._byproducts if is_byproduct else self._collected)[function].append(item)

    def flush(self):
        """Write everything that waits."""
        for function, items in self._collected.items():
            function(items)
        self._collected.clear()
        for function, items in self._byproducts.items():
            self._make(function, items)
        self._byproducts.clear()
        for (model, fields), rows in self._updates.items():
            bulk.update_many(model, fields, rows.values())
        self._updates.clear()
        self._write_connectors()
        self.flush_inserts()
        for fact in self._facts:
            events.name(fact)
        if self._facts:
            bulk.insert_many(Event, [vars(fact) for fact in self._facts])
            self._facts.clear()

    def _make(self, function, items):
        """Call `function`; what it has written by the time it fails is taken back where that is forgiven."""
        if self._forgives is None:
            function(items)
            return
        try:
            with transaction.atomic():
                function(items)
        except Exception as error:
            if not self._forgives(error):
                raise
            logger.exception("%s.%s failed; the rest is kept", function.__module__, function.__name__)

    def _write_connectors(self):
        """Insert the new ones, and give them the ids by which events name them."""
        if not self._new_connectors:
            return
        bulk.insert_many(Connector, [vars(row) for row in self._new_connectors])
        charger_ids = {row.charger_id for row in self._new_connectors}
        stored = bulk.load(Connector, "charger_id", charger_ids, leave_out=_NO_KEYS_OF_CONNECTORS)
        ids = {(row.charger_id, row.evse_id, row.connector_id): row.pk for row in stored}
        for row in self._new_connectors:
            row.pk = ids[row.charger_id, row.evse_id, row.connector_id]
        self._new_connectors.clear()

    def flush_inserts(self):
        """Write the new rows now, so that a query can find them."""
        for model, rows in self._inserts.items():
            bulk.insert_many(model, rows)
        self._inserts.clear()

    def insert(self, model, values):
        self._inserts[model].append(values)

    def update(self, row, fields):
        if row.pk is not None:  # else it is new, and written whole
            self._updates[type(row), fields][row.pk] = row

    def as_changed(self, row):
        for (model, _), rows in self._updates.items():
            if model is type(row) and row.pk in rows:
                return rows[row.pk]
        return row

    def enter_connector(self, charger, evse_id, connector_id):
        row = Connector(charger=charger, evse_id=evse_id, connector_id=connector_id)
        self._new_connectors.append(row)
        self.connectors(charger).append(row)
        return row

    def connectors(self, charger):
        if self._connectors is None:
            self._connectors = _grouped(bulk.load(Connector, "charger_id", self._ids))
        return self._connectors[charger.pk]

    def running(self, charger):
        if self._running is None:
            # Locked: another process may still hold a superseded socket of the same charger.
            open_ones = bulk.load(
                Transaction, "charger_id", self._ids, condition="ended_at IS NULL", lock=True
            )
            self._running = _grouped(open_ones)
        return self._running[charger.pk]


def _grouped(rows):
    groups = defaultdict(list)
    for row in rows:
        groups[row.charger_id].append(row)
    return groups


def _current():
    return getattr(_local, "batch", None)


def now():
    """Return when the message in hand was received."""
    batch = _current()
    return batch.now if batch is not None and batch.now is not None else timezone.now()


def insert(model, /, **values):
    """Add a row of which nobody needs the id."""
    batch = _current()
    if batch is None:
        bulk.insert_many(model, [values])
    else:
        batch.insert(model, values)


def update(row, *fields):
    """Write `fields` of a row that exists."""
    batch = _current()
    if batch is None:
        bulk.update_many(type(row), fields, [row])
    else:
        batch.update(row, fields)


def as_changed(row):
    """Return a row that was just read as earlier messages of the batch left it."""
    batch = _current()
    return row if batch is None else batch.as_changed(row)


def collect(function, item, *, is_byproduct=False):
    """Have `function` called with a list of what was collected for it, before this batch is written.

    A by-product is not worth refusing a message for: where it can be told whose fault it is (see
    `open_batch`), it is lost alone.
    """
    batch = _current()
    if batch is None:
        function([item])
    else:
        batch.collect(function, item, is_byproduct=is_byproduct)


def for_all(function, charger):
    """Return `function({id: charger})`, asked once for all chargers of this batch."""
    batch = _current()
    if batch is None:
        return function({charger.pk: charger})
    return batch.shared(function, lambda: function(batch.chargers))


def settle():
    """Write the new rows of this batch now, so that a query can find them."""
    if (batch := _current()) is not None:
        batch.flush_inserts()


def running(charger):
    """Return the running transactions of `charger`; a started one is to be appended."""
    batch = _current()
    if batch is None:
        return list(Transaction.objects.open().filter(charger=charger).order_by("pk"))
    return batch.running(charger)


def connector(charger, evse_id, connector_id):
    """Return the connector, which is entered when it is new."""
    batch = _current()
    if batch is None:
        return Connector.objects.get_or_create(charger=charger, evse_id=evse_id, connector_id=connector_id)[0]
    for row in batch.connectors(charger):
        if row.connector_id == connector_id and row.evse_id == evse_id:
            return row
    return batch.enter_connector(charger, evse_id, connector_id)


def fitted(model, /, **values):
    """Return `values` with every text cut to what its column holds."""
    for name, value in values.items():
        length = model._meta.get_field(name).max_length
        if length and isinstance(value, str):
            values[name] = value[:length]
    return values
