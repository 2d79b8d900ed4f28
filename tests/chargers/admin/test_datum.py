"""Datum by source: a list of one's own streams, and a page with a chart of a property."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chargers.models import Datum, DatumStream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIST = "/admin/chargers/datumstream/"


def stream(owner, source_id="/ocpp/cp/CP-1/1/Outlet"):
    row = DatumStream.objects.create(
        owner=owner, name=f"{owner.pk}/1/{source_id}", node_id=1, source_id=source_id, created_at=NOON
    )
    for number in range(10):
        at = NOON + number * timedelta(hours=6)
        properties = {"watts": 1000 * number, "wattHours": 500 * number, "token": "TAG", "duration": number}
        Datum.objects.create(stream=row, received_at=at, measured_at=at, properties=properties)
    return row


def page(row):
    return reverse("admin:chargers_datumstream_change", args=[row.pk])


def chart(client, row, **asked):
    return client.get(reverse("admin:chargers_datumstream_chart", args=[row.pk]), asked).json()


def test_list_shows_ones_own(as_staff, staff, owner):
    """The source, its node and its last datum; nobody else's."""
    stream(staff, "/mine")
    stream(owner, "/theirs")

    shown = as_staff.get(LIST).content.decode()

    assert "/mine" in shown
    assert "/theirs" not in shown


def test_charger_leads_to_its_datum(as_staff, staff, charger):
    """From its overview to the list of its own sources."""
    row = stream(staff, "/of-another-charger")
    mine = stream(staff, "/of-this-charger")
    DatumStream.objects.filter(pk=mine.pk).update(charger=charger)

    overview = as_staff.get(reverse("admin:chargers_charger_change", args=[charger.pk])).content.decode()
    shown = as_staff.get(LIST, {"charger": charger.pk}).content.decode()

    assert f"{LIST}?charger={charger.pk}" in overview
    assert (mine.source_id in shown, row.source_id in shown) == (True, False)


@pytest.mark.parametrize("name", ["change", "chart"])
def test_pages_of_others_are_not_there(as_staff, owner, name):
    """Neither the page nor its data."""
    row = stream(owner)

    answer = as_staff.get(reverse(f"admin:chargers_datumstream_{name}", args=[row.pk]))

    assert answer.status_code in (302, 404)
    assert b"watts" not in answer.content


def test_page_shows_the_latest_datum(as_staff, staff):
    """The newest first, with all their properties."""
    answer = as_staff.get(page(stream(staff)))

    assert [properties["watts"] for _, properties in answer.context["latest"]][:2] == [9000, 8000]
    assert "TAG" in answer.content.decode()


@pytest.mark.parametrize(
    ("asked", "values", "words"),
    [
        (
            {},
            [5000, 6000, 7000, 8000, 9000],
            "watts was 7,000 on average, between 5,000 and 9,000.",
        ),
        ({"property": "wattHours"}, [500] * 5, "wattHours rose by 2,500 in all."),
        ({"property": "duration"}, [5, 6, 7, 8, 9], "duration went from 5 to 9."),
        ({"property": "wattHours", "range": "year"}, [500, 2000, 2000], "wattHours rose by 4,500 in all."),
        ({"property": "token"}, [5000, 6000, 7000, 8000, 9000], "watts was 7,000"),
        ({"property": "x", "range": "x"}, [5000, 6000, 7000, 8000, 9000], "watts was 7,000"),
    ],
)
def test_chart_is_of_the_property_and_the_time(as_staff, staff, asked, values, words):
    """It ends with the newest datum; what is unknown falls back to what there is."""
    row = stream(staff)

    assert chart(as_staff, row, **asked)["value"] == values
    assert as_staff.get(page(row), asked).context["summary"].startswith(words)


def test_new_stream_shows_its_hour(as_staff, staff):
    """A day would be all but empty; the chart's axis is the whole of what was chosen."""
    row = stream(staff)
    row.created_at = NOON + timedelta(hours=53.5)
    row.save()

    found = chart(as_staff, row)

    assert (found["range"], found["value"]) == ("hour", [9000])
    assert found["end"] - found["start"] == 3600


def test_chart_has_lists_of_equal_length(as_staff, staff):
    """As the browser's plot wants them; least and most stand beside means."""
    found = chart(as_staff, stream(staff), range="week")

    assert {len(found[name]) for name in ("time", "value", "least", "most")} == {10}
    assert found["properties"] == ["watts", "wattHours", "duration"]
    assert found["least"] == found["value"] == found["most"]


def test_stream_without_datum_says_so(as_staff, staff):
    """Nothing breaks where nothing is stored."""
    row = stream(staff)
    Datum.objects.update(is_stored=False)

    answer = as_staff.get(page(row))

    assert answer.context["summary"] == "There is nothing to chart."
    assert "None is stored" in answer.content.decode()


def test_too_much_says_so(as_staff, staff, monkeypatch):
    """A chart reads so many rows at most."""
    monkeypatch.setattr("chargers.services.aggregates.ROWS_A_REQUEST", 10)

    assert "too many datum" in as_staff.get(page(stream(staff))).context["summary"]


def test_no_page_counts_the_series(as_staff, staff):
    """Nor asks for its least or largest of anything."""
    row = stream(staff)

    with CaptureQueriesContext(connection) as queries:
        as_staff.get(LIST)
        as_staff.get(page(row))

    asked = [query["sql"] for query in queries if "chargers_datum" in query["sql"]]
    assert [sql for sql in asked if "COUNT(" in sql or "MAX(" in sql] == []
