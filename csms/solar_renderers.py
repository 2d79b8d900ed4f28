"""Lists of SolarNetwork's APIs in other forms than JSON: CBOR, and CSV for spreadsheets.

A view whose lists may be had so has `renderer_classes = LIST_RENDERERS`.
"""

import csv
import io
import json

import cbor2
from rest_framework.renderers import BaseRenderer, JSONRenderer


class CborRenderer(BaseRenderer):
    """The envelope as CBOR (RFC 8949)."""

    media_type = "application/cbor"
    format = "cbor"
    charset = None
    render_style = "binary"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return b"" if data is None else cbor2.dumps(_plain(data))


class CsvRenderer(BaseRenderer):
    """The rows below a line of their members' names; of a refusal, its members."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        rows = _rows(data)
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        table = csv.writer(text)
        # Without rows nobody knows the names; REST framework takes the type from an answer of no bytes.
        table.writerow(names)
        table.writerows([_cell(row.get(name)) for name in names] for row in rows)
        return text.getvalue().encode()


LIST_RENDERERS = (JSONRenderer, CborRenderer, CsvRenderer)


def _rows(envelope):
    if envelope is None:
        return []
    if not envelope.get("success"):
        return [envelope]
    found = envelope.get("data", [])
    if isinstance(found, dict) and "results" in found:
        found = found["results"]
    rows = found if isinstance(found, list) else [found]
    return [row if isinstance(row, dict) else {"data": row} for row in rows]


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return value


def _plain(value):
    """Return `value` without REST framework's own kinds of text and containers, which CBOR does not know."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
