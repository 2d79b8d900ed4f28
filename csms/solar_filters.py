"""The query parameters of SolarNetwork's lists: plural names, dates, pages and orders.

What cannot be understood is refused as `Illegal argument`, and the text names the parameter.
"""

import re
import uuid

from csms import solar

MOST_ROWS = MOST_VALUES = 1000
# The database walks over what it leaves out.
DEEPEST = 100_000
_FLAGS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)
# As their documents write it, and as their npm package does.
_SORT = re.compile(r"((?:sorts|sortDescriptors)\[(\d{1,3})\])\.(?:sortKey|key)")


# What a text says, wherever it stands ---------------------------------------------------------


def parted(texts):
    """Return the values in `texts`, each with commas between them."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def truth(text, name):
    """Return True or False, or None where `text` is empty."""
    word = text.strip().lower()
    if word and word not in _FLAGS:
        raise solar.IllegalArgument(f'Failed to convert "{name}" with value: "{text}"')
    return _FLAGS.get(word)


def instant(text, name):
    """Return the moment that `text` says in any of their forms, or None where it is empty."""
    text = text.strip()
    if not text:
        return None
    # A plus sign that was not escaped has become a blank.
    escaped = re.sub(r" (\d\d:?\d\d)$", r"+\1", text) if text.count(":") > 1 else text
    try:
        return solar.read_timestamp(escaped)
    except (ValueError, OverflowError):
        raise solar.Refusal(f'Malformed date string: "{text}" in {name}') from None


def sorting(query):
    """Return [(parameter, its sort key, whether descending)] in the order of the numbers in their names."""
    found = {}
    for name in query:
        if match := _SORT.fullmatch(name):
            falling = truth(query.get(f"{match[1]}.descending", ""), f"{match[1]}.descending")
            found[int(match[2])] = name, query[name].strip(), bool(falling)
    return [found[place] for place in sorted(found)]


# Parameters of a request ----------------------------------------------------------------------


def texts(request, name):
    """Return what `name` and its plural say, each with commas between values; None if nothing does."""
    given = [value for key in (name, f"{name}s") for value in request.query_params.getlist(key)]
    values = parted(given)
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
    return truth(request.query_params.get(name, ""), name)


def moment(request, name):
    """Return the moment that the parameter says, or None where it is absent."""
    return instant(request.query_params.get(name, ""), name)


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


def order(request, fields):
    """Return what order_by takes for `sorts[i].sortKey` and `.descending`; `fields`: {their key: ours}."""
    found = []
    for _, key, falling in sorting(request.query_params):
        if key.upper() not in fields:
            raise solar.IllegalArgument(f'"{key}" is no sort key; there are: {", ".join(fields)}')
        found.append(("-" if falling else "") + fields[key.upper()])
    return found
