"""Looking rows up by their keys: what is a number of a row, and `filter(identifier__among=[...])`.

The latter is `__in` with one parameter: Django compiles `__in` value by value, which for the
hundreds of keys of a batch costs more than the query, and SQLite would prepare a new statement
for each number of them.
"""

import re

import orjson
from django.db.models import Field
from django.db.models.lookups import Lookup

_ROW_NUMBER = re.compile("[0-9]{1,18}")


def is_row_number(text):
    """Say whether `text`, from whoever it is, could be the number of a row."""
    return _ROW_NUMBER.fullmatch(text) is not None


def among(vendor):
    """Return the SQL after a column that is to be one of many keys, with a mark for one parameter."""
    return "= ANY(%s)" if vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"


def keys_for(vendor, keys):
    """Return that one parameter for `keys`, numbers or texts."""
    return list(keys) if vendor == "postgresql" else orjson.dumps(list(keys)).decode()


@Field.register_lookup
class Among(Lookup):
    """The column is one of a list of numbers or texts."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        lhs, parameters = self.process_lhs(compiler, connection)
        keys = keys_for(connection.vendor, self.rhs)
        return f"{lhs} {among(connection.vendor)}", [*parameters, keys]
