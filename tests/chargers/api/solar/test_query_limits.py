"""What SolarQuery does not answer: what a token may not see, what makes no sense, what is too much."""

import pytest

from chargers.models import DatumStream
from tests.kit.solar_query import (
    BASE,
    LIST,
    NOON,
    RECENT,
    client_of,
    refusal,
    results,
    sources,
    stream,
    write,
)
from tokens import policy
from tokens.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.spec("solar-ocpp", "datum")]


# What a token may see -------------------------------------------------------------------------


def test_data_tokens_may_query(owner, outlet):
    """That is what they are for."""
    data = client_of(owner, kind=ApiToken.Kind.DATA)

    assert len(results(data)) == 3


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({"nodeIds": [8]}, ["meter"]),
        ({"sourceIds": ["/ocpp/**/Outlet"]}, ["/ocpp/cp/CP/1/Outlet", "/ocpp/cp/CP/2/Outlet"]),
        ({"nodeIds": [7], "sourceIds": ["meter", "/ocpp/cp/CP/1/status"]}, ["/ocpp/cp/CP/1/status"]),
    ],
)
def test_policy_narrows(owner, outlet, others, limits, found):
    """What is not named is cut down to what the token may see, by every route."""
    for row in others:
        write(row, NOON, watts=1)
    narrow = client_of(owner, kind=ApiToken.Kind.DATA, policy=limits)

    assert sources(narrow, RECENT) == found
    assert sorted(set(sources(narrow))) == found
    listed = narrow.get(f"{BASE}/nodes/sources").json()["data"]
    assert [row["sourceId"] for row in listed] == found
    assert narrow.get(f"{BASE}/nodes").json()["data"] == limits.get("nodeIds", [7, 8])


@pytest.mark.parametrize(
    ("limits", "query"),
    [({"nodeIds": [8]}, {"nodeId": 7}), ({"sourceIds": ["/ocpp/**"]}, {"sourceIds": "meter"})],
)
def test_policy_refuses(owner, outlet, others, limits, query):
    """What is named and may not be seen."""
    narrow = client_of(owner, policy=limits)

    assert refusal(narrow, **query) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize(
    ("asked", "created"),
    [
        ({}, "2026-03-01 12:00:00Z"),
        ({"aggregation": "FiveMinute"}, "2026-03-01 12:00:00Z"),
        ({"aggregation": "Day"}, "2026-02-28 23:00:00Z"),
    ],
)
@pytest.mark.parametrize("path", [LIST, RECENT])
def test_policy_coarsens(owner, outlet, path, asked, created):
    """minAggregation: nothing finer is shown, whatever is asked for."""
    narrow = client_of(owner, policy={"minAggregation": "Hour"})

    found = results(narrow, path, **asked)

    assert [(row["created"], row["wattHours"]) for row in found] == [(created, 200)]


# What is refused ------------------------------------------------------------------------------


def _unreadable(name, value):
    return 422, f'Illegal argument: Failed to convert "{name}" with value: "{value}"'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nodeId", "x"),
        ("nodeId", "1.5"),
        ("nodeId", "99999999999999999999"),
        ("startDate", "yesterday"),
        ("endDate", "2026-13-01"),
        ("localStartDate", "2026-03-01T25:00"),
        ("localEndDate", "x"),
        ("max", "many"),
        ("offset", "x"),
        ("mostRecent", "maybe"),
        ("withoutTotalResultsCount", "x"),
    ],
)
def test_unreadable_values_are_named(client, name, value):
    """422 with the parameter and what it said."""
    assert refusal(client, **{name: value}) == _unreadable(name, value)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"aggregation": "Fortnight"},
            f'Failed to convert "aggregation" with value: "Fortnight"; known are {", ".join(policy.AGGREGATIONS)}',
        ),
        (
            {"sortDescriptors[0].sortKey": "watts"},
            'Failed to convert "sortDescriptors[0].sortKey" with value: "watts"; known are created, node, source',
        ),
        (
            {"sorts[0].key": "node", "sorts[0].descending": "x"},
            'Failed to convert "sorts[0].descending" with value: "x"',
        ),
        ({"max": "-1"}, "The max parameter must not be negative."),
        ({"offset": "-1"}, "The offset parameter must not be negative."),
        (
            {"offset": "100001"},
            "The offset parameter must be 100000 or less; go on from there with startDate.",
        ),
        ({"nodeIds": ",".join("1" * 501)}, "nodeIds names more than 500."),
        ({"sourceId": "a\0b"}, "sourceId holds a character that no text has."),
    ],
)
def test_values_that_make_no_sense_are_refused(client, query, message):
    """422, and why."""
    assert refusal(client, **query) == (422, f"Illegal argument: {message}")


def test_too_many_sources_are_refused(client, owner, monkeypatch):
    """A request looks at so many streams."""
    monkeypatch.setattr("chargers.services.series.MOST_MERGED", 1)
    for name in "ab":
        stream(owner, name)

    status, message = refusal(client, **{"sorts[0].key": "created"})

    assert (status, message[:54]) == (422, "Illegal argument: More than 1 sources cannot be sorted")


def test_more_sources_than_a_request_looks_at_are_refused(client, owner):
    """The text says what to narrow down."""
    DatumStream.objects.bulk_create(
        DatumStream(owner=owner, name=f"{number}", node_id=1, source_id=f"{number}") for number in range(1001)
    )

    expected = "nodeIds and sourceIds mean more than 1000 sources; ask for fewer at once."
    assert refusal(client) == (422, f"Illegal argument: {expected}")
    assert refusal(client, sourceId="**") == (422, f"Illegal argument: {expected}")


def test_too_much_for_one_answer_is_refused(client, outlet, monkeypatch):
    """Aggregation reads so many rows."""
    monkeypatch.setattr("chargers.services.aggregates.ROWS_A_REQUEST", 10)

    status, message = refusal(client, aggregation="Day")

    assert (status, message[:75]) == (
        422,
        "Illegal argument: The time between startDate and endDate holds too much for",
    )
