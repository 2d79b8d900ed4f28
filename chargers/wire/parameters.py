"""Instruction parameters as SolarNetwork has them, flat texts in a list, and the payload that they mean."""

import re

import orjson

from chargers.wire import masking, validation

# Deeper than any message of OCPP.
DEEPEST = 12
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "false": False}


def joined(parameters):
    """Return {name: text}; a long value comes in pieces, several parameters of one name in order."""
    texts = {}
    for parameter in parameters:
        texts.setdefault(parameter["name"], []).append(parameter["value"])
    return {name: "".join(pieces) for name, pieces in texts.items()}


def masked(parameters):
    """Return `parameters` as sent, fit to be stored: one with a secret is whole again, and masked."""
    texts = joined(parameters)
    hidden = masking.masked_flat(texts)
    if "msg" in texts:
        hidden["msg"] = masking.raw(texts["msg"])  # meant as JSON, also if it is none
    shown, told = [], set()
    for parameter in parameters:
        name = parameter["name"]
        if hidden[name] == texts[name]:
            shown.append(parameter)
        elif name not in told:
            told.add(name)
            shown.append({"name": name, "value": hidden[name]})
    return shown


def payload(version, action, texts):
    """Return the payload of `action` that {name: text} spells.

    Dots lead into objects (`idToken.type`); numbers, booleans, objects and lists are read where the
    schema wants them, and one text is a list of one. What fits nowhere stays text, for the validation to
    refuse. ValueError when the names contradict each other.
    """
    return _Reader(validation.schema(version, action)).value(_nested(texts))


def _nested(texts):
    whole = {}
    for name, text in texts.items():
        *path, last = name.split(".", DEEPEST)
        place = whole
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ValueError(f"{name}: {part} is a value of its own")  # noqa: TRY004  names, not types
        if place.setdefault(last, text) is not text:
            raise ValueError(f"{name} is given in parts as well")
    return whole


class _Reader:
    """Reads texts as the types that a schema wants."""

    def __init__(self, schema):
        self._schema = schema
        self._definitions = schema.get("definitions", {})

    def value(self, value, schema=None):
        schema = self._resolved(self._schema if schema is None else schema)
        if isinstance(value, dict):
            members = schema.get("properties", {})
            return {name: self.value(item, members.get(name, {})) for name, item in value.items()}
        return _READERS.get(schema.get("type"), _as_it_is)(self, value, schema)

    def _resolved(self, schema):
        name = schema.get("$ref", "").rpartition("/")[2]
        return self._definitions.get(name, schema)

    def _integer(self, text, _):
        return int(text) if _INTEGER.fullmatch(text) else text

    def _number(self, text, _):
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else text

    def _boolean(self, text, _):
        return _BOOLEANS.get(text.strip().lower(), text)

    def _object(self, text, _):
        value = _json(text)
        return value if isinstance(value, dict) else text

    def _array(self, text, schema):
        value = _json(text)
        return value if isinstance(value, list) else [self.value(text, schema.get("items", {}))]


def _as_it_is(_reader, text, _schema):
    return text


def _json(text):
    try:
        return orjson.loads(text)
    except ValueError:
        return None


_READERS = {
    "integer": _Reader._integer,
    "number": _Reader._number,
    "boolean": _Reader._boolean,
    "object": _Reader._object,
    "array": _Reader._array,
}
