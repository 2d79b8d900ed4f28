"""SolarQuery's aggregated datum, and its listings of where and when there are any."""

from datetime import UTC, datetime

import pytest

from chargers.models import Charger, Location
from chargers.services import rollups
from tests.kit.solar_query import (
    BASE,
    DAY,
    LIST,
    MINUTE,
    NOON,
    RECENT,
    SECOND,
    results,
    stream,
    write,
)

pytestmark = [pytest.mark.django_db, pytest.mark.spec("solar-ocpp", "datum")]


# Aggregated -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("aggregation", "created", "local"),
    [
        ("FiveMinute", "2026-03-01 12:00:00Z", ("2026-03-01", "13:00")),
        ("tenminute", "2026-03-01 12:00:00Z", ("2026-03-01", "13:00")),
        ("FifteenMinute", "2026-03-01 12:00:00Z", ("2026-03-01", "13:00")),
        ("ThirtyMinute", "2026-03-01 12:00:00Z", ("2026-03-01", "13:00")),
        ("Hour", "2026-03-01 12:00:00Z", ("2026-03-01", "13:00")),
        ("Day", "2026-02-28 23:00:00Z", ("2026-03-01", "00:00")),
        ("Month", "2026-02-28 23:00:00Z", ("2026-03-01", "00:00")),
    ],
)
def test_aggregation(client, outlet, aggregation, created, local):
    """One row for a span of local time: means with extremes, differences, last words."""
    write(outlet, NOON + 2 * MINUTE + SECOND, token="TAG")

    data = client.get(LIST, {"aggregation": aggregation}).json()["data"]

    assert data == {
        "totalResults": 1,
        "startingOffset": 0,
        "returnedResultCount": 1,
        "results": [
            {
                "created": created,
                "nodeId": 7,
                "sourceId": "/ocpp/cp/CP/1/Outlet",
                "localDate": local[0],
                "localTime": local[1],
                "watts": 6001,
                "watts_min": 6000,
                "watts_max": 6002,
                "wattHours": 200,
                "token": "TAG",
            }
        ],
    }


def test_aggregation_none_is_none(client, outlet):
    """As if it were not there."""
    assert results(client, aggregation="None") == results(client)


@pytest.mark.parametrize(
    ("query", "risen"),
    [
        ({"startDate": "2026-03-01T12:00"}, [100, 200]),
        ({"startDate": "2026-03-01T12:30"}, [200]),
        ({"endDate": "2026-03-01T13:00"}, [100]),
        ({"endDate": "2026-03-01T13:01"}, [100, 200]),
        ({"localStartDate": "2026-03-01T14:00"}, [200]),
        ({"sorts[0].key": "created", "sorts[0].descending": "true"}, [200, 100]),
        ({"max": 1, "offset": 1}, [200]),
    ],
)
def test_whole_spans_are_answered(client, owner, query, risen):
    """Those that begin between the dates, with all their datum and with what was counted since the last."""
    charger = Charger.objects.create(
        owner=owner,
        identifier="CP",
        location=Location.objects.create(owner=owner, name="Dam", time_zone="Europe/Amsterdam"),
    )
    row = stream(owner, "a", charger=charger)
    for minutes, register in ((1, 0), (59, 100), (61, 150), (119, 300)):
        write(row, NOON + minutes * MINUTE, wattHours=register)

    assert [found["wattHours"] for found in results(client, aggregation="Hour", **query)] == risen


def test_most_recent_aggregated(client, outlet):
    """The span that the last datum belongs to."""
    write(outlet, NOON + DAY, wattHours=2000)

    found = results(client, RECENT, aggregation="Day")

    assert [(row["localDate"], row["wattHours"]) for row in found] == [("2026-03-02", 800)]


@pytest.mark.django_db(transaction=True)
def test_late_datum_is_answered_at_once(client, outlet):
    """Also before the job has seen it."""
    rollups.keep(NOON + DAY)
    write(outlet, NOON + 3 * MINUTE, wattHours=1700)

    assert results(client, aggregation="Hour")[0]["wattHours"] == 700


# Where and when -------------------------------------------------------------------------------


def test_interval(client, outlet, others):
    """From the first to the last datum, on local clocks, with the days, months and years they touch."""
    write(outlet, NOON - 365 * DAY, watts=1)
    write(outlet, datetime(2026, 3, 1, 23, 30, tzinfo=UTC), watts=1)

    assert client.get(f"{BASE}/range/interval?nodeId=7").json()["data"] == {
        "timeZone": "Europe/Amsterdam",
        "startDate": "2025-03-01 13:00",
        "endDate": "2026-03-02 00:30",
        "startDateMillis": 1740830400000,
        "endDateMillis": 1772407800000,
        "dayCount": 367,
        "monthCount": 13,
        "yearCount": 2,
    }


def test_interval_of_nothing(client):
    """Counts of nothing are 0, and there are no dates."""
    answer = client.get(f"{BASE}/range/interval?nodeId=7&sourceIds=a,b")

    assert answer.json() == {
        "success": True,
        "data": {"timeZone": "UTC", "dayCount": 0, "monthCount": 0, "yearCount": 0},
    }


def test_interval_within_dates(client, outlet):
    """Narrowed down like a list."""
    data = client.get(f"{BASE}/range/interval?startDate=2026-03-01T12:01&endDate=2026-03-01T12:02").json()

    assert (data["data"]["startDate"], data["data"]["endDate"]) == ("2026-03-01 13:01", "2026-03-01 13:01")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("range/sources?nodeId=7&sourceId=/ocpp/*/CP/1/*", ["/ocpp/cp/CP/1/Outlet", "/ocpp/cp/CP/1/status"]),
        ("range/sources?nodeId=8", ["meter"]),
        ("range/sources?nodeId=8&withNodeIds=true", [{"nodeId": 8, "sourceId": "meter"}]),
        ("range/sources?nodeIds=8,9", [{"nodeId": 8, "sourceId": "meter"}]),
        ("range/sources?nodeId=7&startDate=2026-03-01&endDate=2026-03-02", ["/ocpp/cp/CP/1/Outlet"]),
        ("range/sources?nodeId=7&startDate=2026-03-02", []),
        ("nodes/sources?nodeId=8", [{"nodeId": 8, "sourceId": "meter"}]),
        ("nodes", [7, 8]),
    ],
)
def test_listings(client, outlet, others, path, found):
    """Sources by themselves for one node, else with their nodes; nodes by their numbers."""
    assert client.get(f"{BASE}/{path}").json() == {"success": True, "data": found}
