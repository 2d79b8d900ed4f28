"""Payloads made from the schemas themselves, for tests that must try every action there is."""

from pathlib import Path

import ocpp
import orjson

from chargers.wire.validation import V16

FORMATS = {"date-time": "2026-11-21T04:00:00Z", "uri": "https://example.invalid/"}


def smallest(version, action, *, is_answer=False):
    """Return a valid payload of the required members alone, each with the first or least value."""
    return _Maker(*_schema(version, action, is_answer), is_full=False).make()


def fullest(version, action, *, is_answer=False):
    """Return a valid payload with every member that there is."""
    return _Maker(*_schema(version, action, is_answer), is_full=True).make()


def _schema(version, action, is_answer):
    suffix = "Response" if is_answer else "" if version == V16 else "Request"
    folder = Path(ocpp.__file__).parent / ("v16" if version == V16 else "v201") / "schemas"
    schema = orjson.loads((folder / f"{action}{suffix}.json").read_text("utf-8-sig"))
    return schema, schema.get("definitions", {})


class _Maker:
    """Makes the value that a schema describes."""

    def __init__(self, schema, definitions, *, is_full):
        self._schema, self._definitions, self._is_full = schema, definitions, is_full

    def make(self):
        return self._value(self._schema)

    def _value(self, schema):
        if reference := schema.get("$ref"):
            return self._value(self._definitions[reference.rpartition("/")[2]])
        if options := schema.get("enum"):
            return options[0]
        return _MAKERS[schema.get("type", "object")](self, schema)

    def _object(self, schema):
        properties = schema.get("properties", {})
        names = properties if self._is_full else schema.get("required", ())
        return {name: self._value(properties[name]) for name in names}


_MAKERS = {
    "object": _Maker._object,
    "array": lambda maker, schema: [maker._value(schema["items"])],
    "string": lambda maker, schema: FORMATS.get(schema.get("format"), "x"),
    "integer": lambda maker, schema: int(schema.get("minimum", 1)),
    "number": lambda maker, schema: 1.0,
    "boolean": lambda maker, schema: True,
}
