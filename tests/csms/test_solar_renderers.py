"""Lists as CBOR and CSV: the same rows as in JSON."""

import cbor2
import pytest
from rest_framework.exceptions import ErrorDetail

from csms import solar_renderers

ROWS = [{"id": 1, "name": 'Ä, "b"'}, {"id": 2, "enabled": True, "info": {"id": "CP"}, "none": None}]
TABLE = 'id,name,enabled,info,none\r\n1,"Ä, ""b""",,,\r\n2,,true,"{""id"": ""CP""}",\r\n'


def _csv(data):
    return solar_renderers.CsvRenderer().render(data).decode()


def _cbor(data):
    return cbor2.loads(solar_renderers.CborRenderer().render(data))


@pytest.mark.parametrize("data", [ROWS, {"returnedResultCount": 2, "results": ROWS}])
def test_csv_is_a_table_of_the_rows(data):
    """Under all their members' names, of a page as of a list; members that a row lacks are empty."""
    assert _csv({"success": True, "data": data}) == TABLE


def test_csv_of_nothing_is_an_empty_line():
    """Without rows nobody knows the names."""
    assert _csv({"success": True, "data": []}) == "\r\n"


def test_csv_of_bare_values_has_one_column():
    """Nodes are just numbers."""
    assert _csv({"success": True, "data": [7, 8]}) == "data\r\n7\r\n8\r\n"


def test_csv_tells_a_refusal():
    """Its members are the only row."""
    assert (
        _csv({"success": False, "message": "ACCESS_DENIED"}) == "success,message\r\nfalse,ACCESS_DENIED\r\n"
    )


def test_cbor_is_the_envelope():
    """Members and order as in JSON."""
    envelope = {"success": True, "data": ROWS}

    assert _cbor(envelope) == envelope
    assert list(_cbor(envelope)) == ["success", "data"]


def test_cbor_knows_texts_of_the_framework():
    """A refusal's text is more than a text in Python."""
    assert _cbor({"success": False, "message": ErrorDetail("No", "code")})["message"] == "No"
