"""The query parameters of SolarNetwork's lists: plural names, dates, pages and orders.

What cannot be understood is refused as `Illegal argument`, and the text names the parameter.
"""

import re
import uuid

from csms import solar

MOST_ROWS = MOST_VALUES = 1000
# The database walks over what it leaves out.
DEEPEST = 100_000
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def texts(request, name):
    """Return what `name` and its plural say, each with commas between values; None if nothing does."""
    given = [value for key in (name, f"{name}s") for value in request.query_params.getlist(key)]
    values = [part.strip() for value in given for part in value.split(",") if part.strip()]
    if len(values) > MOST_VALUES:
        raise solar.IllegalArgument(f"{name} has more than {MOST_VALUES} values")
    return [value.replace("\0", "") for value in values] or None


def numbers(request, name):
    """Return the whole numbers that `name` and its plural say, or None."""
    found = texts(request, name)
    return found and [solar.number(text, name) for text in found]


def uuids(request, name):
    """Return the UUIDs that `name` and its plural say, or None."""
    found = texts(request, name)
    return found and [unique(text, name) for text in found]


def unique(text, name="id"):
    """Return the UUID that `text` says."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise solar.IllegalArgument(f'Invalid UUID string in "{name}": {text}') from None


def flag(request, name):
    """Return True or False, or None where the parameter is absent."""
    text = request.query_params.get(name, "").strip().lower()
    if text and text not in _FLAGS:
        raise solar.IllegalArgument(f'Failed to convert "{name}" with value: "{text}"')
    return _FLAGS.get(text)


def moment(request, name):
    """Return the moment that the parameter says in any of their forms, or None."""
    text = request.query_params.get(name, "").strip()
    if not text:
        return None
    try:
        return solar.read_timestamp(text)
    except (ValueError, OverflowError):
        raise solar.Refusal(f'Malformed date string: "{text}" in {name}') from None


def between(request, field):
    """Return the look-ups for `startDate` <= field < `endDate`, as far as these are given."""
    bounds = {f"{field}__gte": moment(request, "startDate"), f"{field}__lt": moment(request, "endDate")}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def window(request, most=MOST_ROWS):
    """Return (offset, number of rows) of the page that is asked for; `most` None lets it be all of them."""
    offset = _amount(request, "offset", 0, DEEPEST)
    rows = _amount(request, "max", most, None)
    return offset, rows if most is None else min(rows, most)


def _amount(request, name, default, most):
    text = request.query_params.get(name, "").strip()
    if not text:
        return default
    amount = solar.number(text, name)
    if amount < 0 or (most is not None and amount > most):
        raise solar.IllegalArgument(f"{name} must be between 0 and {solar.LARGEST if most is None else most}")
    return amount


_SORT = re.compile(r"(?:sorts|sortDescriptors)\[(\d{1,3})\]\.(?:sortKey|key)")


def order(request, fields):
    """Return what order_by takes for `sorts[i].sortKey` and `.descending`; `fields`: {their key: ours}."""
    found = []
    for name, key in sorted(request.query_params.items()):
        if _SORT.fullmatch(name) is None:
            continue
        if key.upper() not in fields:
            raise solar.IllegalArgument(f'"{key}" is no sort key; there are: {", ".join(fields)}')
        falling = request.query_params.get(f"{name.rpartition('.')[0]}.descending", "").lower()
        found.append(("-" if falling in ("true", "1") else "") + fields[key.upper()])
    return found
