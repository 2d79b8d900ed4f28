"""Reading and writing many rows at once: COPY and unnest on PostgreSQL, long VALUES on SQLite.

The ORM's bulk operations cost 3-5 times as much per row, and rows written here come with
every message of every charger.
"""

import sqlite3
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain
from operator import attrgetter, itemgetter
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState

from csms import lookups

# COPY takes its own round trips to PostgreSQL: below so many rows a plain statement is quicker.
_FEW = 8


def insert_many(model, rows):
    """Insert `rows`, dicts by attribute name; what a row leaves out takes the field's default.

    Text longer than its column is cut. Primary keys are drawn by the database and not returned.
    """
    columns = _columns(model)
    records = [columns.record(row) for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            _in_chunks(cursor, f"INSERT INTO {columns.target} VALUES {{}}", records)
        elif 0 < len(records) <= _FEW:
            _insert_by_unnest(cursor, columns, records)
        else:
            # Django's cursor hands `copy` through without turning its errors into Django's.
            statement = f"COPY {columns.target} FROM STDIN"
            with connection.wrap_database_errors, cursor.copy(statement) as copy:
                for record in records:
                    copy.write_row(record)


def update_many(model, fields, rows):
    """Write the attributes `fields` of `rows`, model instances with a primary key, each where it is."""
    columns = _columns(model)
    key = model._meta.pk
    rows = sorted(rows, key=attrgetter(key.attname))  # the same order everywhere: no deadlocks
    records = [columns.values(row, (key.attname, *fields)) for row in rows]
    if not records:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _update_by_unnest(cursor, columns, key, fields, records)
        else:
            places = ", ".join(
                f'"{columns.column[field]}" = fresh.column{place}' for place, field in enumerate(fields, 2)
            )
            statement = f'UPDATE "{columns.table}" SET {places} FROM (VALUES {{}}) AS fresh'
            _in_chunks(cursor, f'{statement} WHERE "{columns.table}"."{key.column}" = fresh.column1', records)


def upsert_many(model, rows, *, by=(), keep=(), latest=""):
    """Insert `rows`, dicts by attribute name; one that exists is overwritten, but for what is to `keep`.

    The same row is one with the same primary key, or the same attributes `by`, on which there is a unique
    constraint. Of each there may be one in `rows`. A row whose attribute `latest` is less than the stored
    one's changes nothing.
    """
    columns = _columns(model)
    by = by or (model._meta.pk.attname,)
    rows = sorted(rows, key=itemgetter(*by))  # the same order everywhere: no deadlocks
    records = [columns.record(row) for row in rows]
    if not records:
        return
    _insert_or(columns, records, _clash(columns, by, keep, latest))


def _clash(columns, by, keep, latest):
    key = ", ".join(f'"{columns.column[field]}"' for field in by)
    kept = {columns.column[field] for field in (*by, *keep)}
    places = ", ".join(f'"{name}" = excluded."{name}"' for name in columns.names if name not in kept)
    clash = f"ON CONFLICT ({key}) DO UPDATE SET {places}"
    if latest:
        name = columns.column[latest]
        clash += f' WHERE excluded."{name}" >= "{columns.table}"."{name}"'
    return clash


def merge_many(model, rows, *, by, merge, watch):
    """Insert `rows`, dicts by attribute name; one whose attributes `by` are stored is merged into that row.

    For tables that are read by settled ids (csms/settled.py): a row that changes by it gets a new id, so that
    its takers see it again, and one that does not is left alone. Of the attributes `merge` an object of
    JSON takes in the new members and a flag stays set; all others are overwritten. It has changed when
    one of `watch` has. No two of `rows` may agree in `by`.
    """
    if not rows:
        return
    columns = _columns(model)
    # The same order everywhere: no deadlocks.
    records = [columns.record(row) for row in sorted(rows, key=itemgetter(*by))]
    _insert_or(columns, records, _merging(model, connection.vendor, tuple(by), tuple(merge), tuple(watch)))


@cache
def _merging(model, vendor, by, merge, watch):
    """Return the ON CONFLICT clause that merges a row into the one that is there."""
    columns = _columns_for(model, vendor)
    keys = [columns.column[attribute] for attribute in by]
    becomes = {name: f'excluded."{name}"' for name in columns.names if name not in keys}
    for attribute in merge:
        name = columns.column[attribute]
        becomes[name] = _joined(
            model._meta.get_field(attribute), vendor, _stored(columns, name), becomes[name]
        )
    changes = [
        f"{becomes[name]} <> {_comparable(model._meta.get_field(attribute), vendor, _stored(columns, name))}"
        for attribute, name in columns.column.items()
        if attribute in watch
    ]
    # What the database has just drawn for a row that it does not insert after all.
    drawn = [model._meta.pk.column, *(["drawn_at"] if vendor == "postgresql" else [])]
    becomes |= {name: f'excluded."{name}"' for name in drawn}
    places = ", ".join(f'"{name}" = {value}' for name, value in becomes.items())
    clash = ", ".join(f'"{name}"' for name in keys)
    return f"ON CONFLICT ({clash}) DO UPDATE SET {places} WHERE {' OR '.join(changes)}"


def _stored(columns, name):
    return f'"{columns.table}"."{name}"'


def _joined(field, vendor, old, new):
    if isinstance(field, models.BooleanField):
        return f"({old} OR {new})"
    return f"json_patch({old}, {new})" if vendor == "sqlite" else f"({old} || {new})"


def _comparable(field, vendor, old):
    """Return the stored value as it can be compared: JSON is text on SQLite, in whatever layout."""
    return f"json({old})" if vendor == "sqlite" and isinstance(field, models.JSONField) else old


def _insert_or(columns, records, clash):
    """Insert `records`; what is to happen to one that exists is said by `clash`."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _insert_by_json(cursor, columns, records, clash)
        else:
            _in_chunks(cursor, f"INSERT INTO {columns.target} VALUES {{}} {clash}", records)


# SQLite runs a statement without Python's lock and takes it again after each. With a statement a row
# the event loop, which wants it too, would have a lane wait hundreds of times a commit. The few sizes
# let prepared statements be used again.
_CHUNKS = (64, 8, 1)


def _in_chunks(cursor, statement, records):
    """Run the SQLite `statement` with the VALUES of many records at a time where it says {}."""
    if not records:
        return
    marks = f"({', '.join('?' * len(records[0]))})"
    start = 0
    with connection.wrap_database_errors:
        for size in _CHUNKS:
            while len(records) - start >= size:
                values = list(chain.from_iterable(records[start : start + size]))
                # Past Django's wrapper, which would look through the text for its own placeholders.
                sqlite3.Cursor.execute(cursor.cursor, statement.format(", ".join([marks] * size)), values)
                start += size


def _insert_by_unnest(cursor, columns, records):
    arrays = ", ".join(f"%s::{columns.type_of[name]}[]" for name in columns.names)
    values = [list(column) for column in zip(*records, strict=True)]
    cursor.execute(f"INSERT INTO {columns.target} SELECT * FROM unnest({arrays})", values)


def _insert_by_json(cursor, columns, records, clash):
    """Hand the rows over as one document: psycopg takes 60 us to quote the JSON of a row for an array."""
    names = columns.names
    shape = ", ".join(f'"{name}" {columns.type_of[name]}' for name in names)
    json_places = [place for place, name in enumerate(names) if columns.type_of[name] == "jsonb"]
    for record in records:
        for place in json_places:
            record[place] = record[place] and orjson.Fragment(record[place])
    document = orjson.dumps([dict(zip(names, record, strict=True)) for record in records]).decode()
    rows = f"json_to_recordset(%s::json) AS fresh({shape})"
    cursor.execute(f"INSERT INTO {columns.target} SELECT * FROM {rows} {clash}", [document])


def _update_by_unnest(cursor, columns, key, fields, records):
    places = ", ".join(f'"{columns.column[field]}" = fresh."{columns.column[field]}"' for field in fields)
    names = ", ".join(f'"{columns.column[field]}"' for field in fields)
    types = [key.rel_db_type(connection), *(columns.db_type[field] for field in fields)]
    arrays = ", ".join(f"%s::{db_type}[]" for db_type in types)
    cursor.execute(
        f'UPDATE "{columns.table}" SET {places} FROM unnest({arrays}) AS fresh("{key.column}_", {names}) '
        f'WHERE "{columns.table}"."{key.column}" = fresh."{key.column}_"',
        [list(column) for column in zip(*records, strict=True)],
    )


def load(model, name, keys, *, leave_out=(), condition="", lock=False, limit=None):
    """Return the rows of `model` whose attribute `name` is one of `keys`, as model instances.

    Like iterating over a queryset at a tenth of the price: neither `__init__` nor the init signals
    run, and the SQL is put together once. Relations, and the attributes to `leave_out`, are fetched
    on access as ever. `condition` is SQL; with `lock` nobody else changes the rows until the end of
    the transaction. The order is that of the primary key; with `limit` only the first of them come.
    """
    statement, names, readers = _selection(model, connection.vendor, name, leave_out, condition, lock, limit)
    with connection.cursor() as cursor:
        cursor.execute(statement, [lookups.keys_for(connection.vendor, keys)])
        return [_instance(model, names, readers, values) for values in cursor.fetchall()]


@cache
def _selection(model, vendor, name, leave_out, condition, lock, limit):
    """Return the SELECT, the attributes in its order, and what has to be read out of raw values."""
    columns = _columns_for(model, vendor)
    names = [attribute for attribute in columns.column if attribute not in leave_out]
    readers = [(place, read) for place, attribute in enumerate(names) if (read := columns.reader[attribute])]
    # SQLite hands times over as they are stored when the column is dressed up as an expression: its
    # converter for them costs more than all the rest of the row.
    dressed = {attribute for attribute in names if columns.reader[attribute] is _sqlite_moment}
    listed = ", ".join(
        f'{"+" if attribute in dressed else ""}"{columns.column[attribute]}"' for attribute in names
    )
    place = f'"{columns.column[name]}" {lookups.among(vendor)}'
    statement = f'SELECT {listed} FROM "{columns.table}" WHERE {place}'
    if condition:
        statement += f" AND {condition}"
    statement += f' ORDER BY "{model._meta.pk.column}"'
    if limit:
        statement += f" LIMIT {limit}"
    if lock and vendor == "postgresql":
        statement += " FOR NO KEY UPDATE"
    return statement, names, readers


def _instance(model, names, readers, values):
    attributes = dict(zip(names, values, strict=True))
    for place, read in readers:
        if values[place] is not None:
            attributes[names[place]] = read(values[place])
    instance = model.__new__(model)
    instance.__dict__ = attributes
    state = attributes["_state"] = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    return instance


class _Columns:
    """What the database of this connection wants to know of a model."""

    def __init__(self, model, vendor):
        fields = list(model._meta.concrete_fields)
        self.table = model._meta.db_table
        self.column = {field.attname: field.column for field in fields}
        self.db_type = {field.attname: field.rel_db_type(connection) for field in fields}
        self.converter = {field.attname: _converter(field, vendor) for field in fields}
        self.reader = {field.attname: _reader(field, vendor) for field in fields}
        written = [field for field in fields if not (field.primary_key and field.generated_by_database)]
        self.names = [field.column for field in written]
        # What INSERT and COPY name: the table with the columns that are written.
        quoted = ", ".join(f'"{name}"' for name in self.names)
        self.target = f'"{self.table}" ({quoted})'
        self.type_of = {field.column: field.rel_db_type(connection) for field in written}
        self._pick = itemgetter(*(field.attname for field in written))
        self._fixed = {field.attname: field.get_default() for field in written if not callable(field.default)}
        self._made = {field.attname: field.get_default for field in written if callable(field.default)}
        converters = enumerate(self.converter[field.attname] for field in written)
        self._converted = [(place, convert) for place, convert in converters if convert]

    def record(self, row):
        """Return the values of `row` in the order of `names`."""
        whole = {**self._fixed, **row}
        for name, make in self._made.items():
            if name not in row:
                whole[name] = make()
        values = list(self._pick(whole))
        for place, convert in self._converted:
            if values[place] is not None:
                values[place] = convert(values[place])
        return values

    def values(self, row, fields):
        """Return the attributes `fields` of a model instance, as the database takes them."""
        values = [getattr(row, field) for field in fields]
        for place, field in enumerate(fields):
            if (convert := self.converter[field]) and values[place] is not None:
                values[place] = convert(values[place])
        return values


def _columns(model):
    return _columns_for(model, connection.vendor)


@cache
def _columns_for(model, vendor):
    for field in model._meta.concrete_fields:
        field.generated_by_database = isinstance(field, models.AutoField | models.BigAutoField)
    return _Columns(model, vendor)


def _converter(field, vendor):
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.CharField) and field.max_length:
        length = field.max_length
        return lambda text: text[:length]
    if vendor == "sqlite" and isinstance(field, models.DateTimeField):
        return _sqlite_datetime
    if vendor == "sqlite" and isinstance(field, models.UUIDField | models.ForeignKey):
        return _sqlite_uuid
    return None


def _reader(field, vendor):
    """Return what turns a raw value of the database into the attribute's; None where it is that already."""
    if isinstance(field, models.JSONField):
        return orjson.loads if vendor == "sqlite" else _from_json
    if vendor == "postgresql":
        return None
    if isinstance(field, models.DateTimeField):
        return _sqlite_moment
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return UUID if isinstance(field, models.UUIDField) else None


def _from_json(value):
    # Django has psycopg hand JSON over as text.
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _json(value):
    return orjson.dumps(value).decode()


@lru_cache(maxsize=1024)  # the time of receipt stands in several rows
def _sqlite_datetime(value: datetime):
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    return moment.isoformat(" ")[:-6]  # without +00:00


def _sqlite_moment(text):
    return datetime.fromisoformat(f"{text}+00:00")  # stored without a zone, all of them UTC


def _sqlite_uuid(value):
    return value.hex if isinstance(value, UUID) else value
