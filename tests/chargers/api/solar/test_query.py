"""SolarQuery as its clients call it: which datum, in which order and form."""

from datetime import timedelta

import cbor2
import pytest
from rest_framework.test import APIClient

from chargers.models import Datum
from tests.kit.solar_query import (
    BASE,
    DAY,
    HOUR,
    LIST,
    MINUTE,
    NOON,
    RECENT,
    SECOND,
    results,
    sources,
    stream,
    write,
)

pytestmark = [pytest.mark.django_db, pytest.mark.spec("solar-ocpp", "datum")]


# What is answered -----------------------------------------------------------------------------


def test_list_in_their_words(client, outlet):
    """The envelope, the page, and flat rows with local times of the charger's location."""
    answer = client.get(LIST, {"nodeId": 7, "sourceId": outlet.source_id, "max": 1})

    assert answer.json() == {
        "success": True,
        "data": {
            "totalResults": 3,
            "startingOffset": 0,
            "returnedResultCount": 1,
            "results": [
                {
                    "created": "2026-03-01 12:00:00Z",
                    "nodeId": 7,
                    "sourceId": "/ocpp/cp/CP/1/Outlet",
                    "localDate": "2026-03-01",
                    "localTime": "13:00",
                    "wattHours": 1000,
                    "watts": 6000,
                }
            ],
        },
    }
    row = answer.json()["data"]["results"][0]
    assert list(row)[:5] == ["created", "nodeId", "sourceId", "localDate", "localTime"]


def test_fraction_of_a_second_is_shown(client, outlet):
    """As many digits as there are."""
    write(outlet, NOON + HOUR + timedelta(milliseconds=346), watts=1)

    assert results(client, startDate="2026-03-01T13:00")[0]["created"] == "2026-03-01 13:00:00.346Z"


def test_nothing_found_is_an_empty_list(client):
    """Not an absent one."""
    assert client.get(LIST).json()["data"] == {
        "totalResults": 0,
        "startingOffset": 0,
        "returnedResultCount": 0,
        "results": [],
    }


def test_what_was_not_to_be_stored_is_not_found(client, outlet):
    """publishToSolarIn is off: published, never answered."""
    write(outlet, NOON + DAY, is_stored=False, watts=1)

    assert len(results(client)) == 3
    assert results(client, RECENT)[0]["created"] == "2026-03-01 12:02:00Z"


def test_others_datum_are_not_found(client, stranger):
    """A node id means the caller's own node."""
    write(stream(stranger, "a", node_id=7), NOON, watts=1)

    assert results(client, nodeId=7) == []
    assert results(client, RECENT, nodeId=7) == []
    assert client.get(f"{BASE}/range/sources?nodeId=7").json()["data"] == []
    assert client.get(f"{BASE}/nodes").json()["data"] == []


def test_superusers_see_their_own(root_client, outlet):
    """An API key is that of one account, whatever else its owner may see in the admin."""
    assert results(root_client) == []


@pytest.mark.parametrize("path", [LIST, RECENT, *(f"{BASE}/{path}" for path in ("range/interval", "nodes"))])
def test_nobody_without_a_key(path):
    """No door is open."""
    assert APIClient().get(path).status_code == 401


def test_methods_that_write_are_refused(client):
    """SolarQuery only reads."""
    answer = client.post(LIST, {})

    assert (answer.status_code, answer.json()["success"]) == (405, False)


def test_cbor_and_csv(client, outlet):
    """The same rows in other forms."""
    binary = client.get(LIST, {"max": 1}, headers={"accept": "application/cbor"})
    table = client.get(LIST, {"max": 1}, headers={"accept": "text/csv"})

    assert cbor2.loads(binary.content)["data"]["results"][0]["wattHours"] == 1000
    assert table.content.decode().splitlines() == [
        "created,nodeId,sourceId,localDate,localTime,watts,wattHours",
        "2026-03-01 12:00:00Z,7,/ocpp/cp/CP/1/Outlet,2026-03-01,13:00,6000,1000",
    ] or table.content.decode().splitlines() == [
        "created,nodeId,sourceId,localDate,localTime,wattHours,watts",
        "2026-03-01 12:00:00Z,7,/ocpp/cp/CP/1/Outlet,2026-03-01,13:00,1000,6000",
    ]


# Which ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["/ocpp/cp/CP/1/Outlet", "/ocpp/cp/CP/1/status", "/ocpp/cp/CP/2/Outlet", "meter"]),
        ({"nodeId": 8}, ["meter"]),
        ({"nodeIds": "8,9"}, ["meter"]),
        ({"nodeIds": "7,8", "sourceIds": "meter,/nothing"}, ["meter"]),
        ({"nodeId": 7, "sourceId": "meter"}, []),
        ({"sourceId": "/ocpp/cp/CP/1/*"}, ["/ocpp/cp/CP/1/Outlet", "/ocpp/cp/CP/1/status"]),
        ({"sourceId": "/ocpp/*/CP/*/Outlet"}, ["/ocpp/cp/CP/1/Outlet", "/ocpp/cp/CP/2/Outlet"]),
        (
            {"sourceIds": "/ocpp/**,meter"},
            ["/ocpp/cp/CP/1/Outlet", "/ocpp/cp/CP/1/status", "/ocpp/cp/CP/2/Outlet", "meter"],
        ),
        ({"sourceId": "/**/status"}, ["/ocpp/cp/CP/1/status"]),
        ({"sourceId": "/ocpp/*"}, []),
        ({"sourceId": "m?ter"}, ["meter"]),
        ({"sourceId": "METER"}, []),
    ],
)
def test_nodes_and_sources(client, outlet, others, query, found):
    """One or several of each; patterns match segments (`*`) or any depth (`**`)."""
    for row in others:
        write(row, NOON, watts=1)

    assert sources(client, RECENT, **query) == found
    assert list(dict.fromkeys(sources(client, **query))) == found


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ({"startDate": "2026-03-01T12:01"}, [1, 2]),
        ({"startDate": "2026-03-01 12:01:00Z"}, [1, 2]),
        ({"startDate": "2026-03-01T13:01:00+01:00"}, [1, 2]),
        ({"startDate": "2026-03-01T12:01:00.000001Z"}, [2]),
        ({"startDate": str(int((NOON + MINUTE).timestamp() * 1000))}, [1, 2]),
        ({"endDate": "2026-03-01T12:01:00Z"}, [0]),
        ({"startDate": "2026-03-01", "endDate": "2026-03-02"}, [0, 1, 2]),
        ({"localStartDate": "2026-03-01T13:01"}, [1, 2]),
        ({"localStartDate": "2026-03-01 13:01:00", "localEndDate": "2026-03-01T13:02"}, [1]),
        ({"localEndDate": "2026-03-01T13:01", "endDate": "2020-01-01"}, [0]),
        ({"startDate": "0001-01-01T00:00:00Z", "endDate": "9999-12-31"}, [0, 1, 2]),
    ],
)
def test_dates(client, outlet, query, minutes):
    """From the start on, before the end, in each of their forms; local dates are the charger's clocks."""
    found = [row["wattHours"] for row in results(client, **query)]

    assert found == [1000 + 100 * minute for minute in minutes]


def test_plus_sign_that_was_not_escaped(client, outlet):
    """It arrives as a blank and is meant as an offset."""
    answer = client.get(f"{LIST}?startDate=2026-03-01T13:01:00+01:00")

    assert answer.json()["data"]["returnedResultCount"] == 2


# In which order -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sortDescriptors[{}].sortKey", "sorts[{}].key", "sorts[{}].sortKey"])
@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([], ["a1", "a2", "b1", "b2", "c2"]),
        (["created"], ["a1", "b1", "a2", "b2", "c2"]),
        (["-created"], ["a2", "b2", "c2", "a1", "b1"]),
        (["-time", "-source"], ["c2", "b2", "a2", "b1", "a1"]),
        (["-node"], ["c2", "a1", "a2", "b1", "b2"]),
        (["node", "-created"], ["a2", "b2", "a1", "b1", "c2"]),
        (["-source", "-created"], ["c2", "b2", "b1", "a2", "a1"]),
    ],
)
def test_order(client, owner, name, keys, found):
    """By time, node and source, each either way, as their documents and as their npm package ask."""
    rows = {"a": stream(owner, "a"), "b": stream(owner, "b"), "c": stream(owner, "c", node_id=8)}
    for source, number in ("a1", "a2", "b1", "b2", "c2"):
        write(rows[source], NOON + int(number) * MINUTE, watts=int(number))
    query = {}
    for place, key in enumerate(keys):
        query[name.format(place)] = key.removeprefix("-")
        query[f"{name.format(place).rpartition('.')[0]}.descending"] = str(key.startswith("-")).lower()

    whole = results(client, **query)
    pages = [row for offset in range(5) for row in results(client, **query, max=1, offset=offset)]

    assert [f"{row['sourceId']}{row['watts']}" for row in whole] == found
    assert pages == whole


def test_pages_go_past_whole_batches(client, owner, monkeypatch):
    """Sources are read some at a time; an offset may leave several behind."""
    monkeypatch.setattr("chargers.services.series.MOST_MERGED", 2)
    for number in range(5):
        row = stream(owner, f"{number}")
        write(row, NOON, watts=number)
        write(row, NOON + MINUTE, watts=number)

    found = [row["watts"] for offset in (0, 3, 6, 9) for row in results(client, max=3, offset=offset)]

    assert found == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_page_is_no_longer_than_it_may(client, outlet):
    """At most 1,000; their clients' 0 means no wish."""
    Datum.objects.bulk_create(
        Datum(stream=outlet, received_at=NOON, measured_at=NOON - number * SECOND, properties={"watts": 1})
        for number in range(1, 1001)
    )

    for asked in ({}, {"max": 5000}, {"max": 0}):
        assert client.get(LIST, asked).json()["data"]["returnedResultCount"] == 1000
    assert client.get(LIST).json()["data"]["totalResults"] == 1003


def test_total_can_be_left_out(client, outlet):
    """withoutTotalResultsCount saves the counting."""
    data = client.get(LIST, {"withoutTotalResultsCount": "true"}).json()["data"]

    assert list(data) == ["startingOffset", "returnedResultCount", "results"]


def test_total_is_left_out_where_it_is_large(client, outlet, monkeypatch):
    """No query counts a big table."""
    monkeypatch.setattr("chargers.services.series.MOST_COUNTED", 2)

    assert "totalResults" not in client.get(LIST).json()["data"]


def test_lists_cost_the_same_however_long(client, owner, outlet, django_assert_max_num_queries):
    """No query per row, nor per source: ever more sources are read at once."""
    for number in range(50):
        write(stream(owner, f"{number}"), NOON, watts=1)

    for query in ({}, {"sortDescriptors[0].sortKey": "created"}, {"mostRecent": "true"}, {"sourceId": "**"}):
        with django_assert_max_num_queries(10):
            assert len(results(client, **query)) >= 50
