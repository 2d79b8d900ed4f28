"""Transactions, their readings and stops that ended nothing, by the native API."""

import pytest

from chargers.models import Charger, StopReport, Transaction


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("cause=unknown transaction", True),
        ("cause=already ended", False),
        ("transaction=999999", False),
        ("charger=999999", False),
    ],
)
def test_stop_reports_can_be_narrowed(client, rows, query, is_found):
    """Each filter keeps what fits and leaves out what does not."""
    assert bool(client.get(f"/api/v1/stop-reports?{query}").json()["results"]) is is_found


def test_stop_report_shows_what_was_sent(client, rows):
    """What the charger said is there, and that no transaction was found for it."""
    report = rows[StopReport]

    (shown,) = client.get(f"/api/v1/stop-reports?charger={rows[Charger].pk}").json()["results"]

    assert (shown["reported_id"], shown["transaction"], shown["payload"]) == ("4711", None, report.payload)


def test_stop_reports_of_a_transaction(client, rows):
    """Repeated stops stand beside the transaction that they did not end again."""
    StopReport.objects.update(transaction=rows[Transaction], cause=StopReport.Cause.REPEATED)

    found = client.get(f"/api/v1/stop-reports?transaction={rows[Transaction].pk}").json()["results"]

    assert [each["cause"] for each in found] == ["already ended"]


def _found(client, number):
    answer = client.get("/api/v1/transactions", {"transaction_id": number})
    return [row["id"] for row in answer.json()["results"]]


def test_transaction_without_an_id_is_found_by_our_number(client, rows, other_rows):
    """An OCPP 1.6 charger was told our number; a stranger's is not there."""
    assert _found(client, rows[Transaction].pk) == [rows[Transaction].pk]
    assert _found(client, other_rows[Transaction].pk) == []


def test_transaction_with_an_id_is_found_by_that(client, rows):
    """The station's word counts, however it looks."""
    transaction = rows[Transaction]
    Transaction.objects.update(transaction_id="tx-7")

    assert (_found(client, "tx-7"), _found(client, transaction.pk)) == ([transaction.pk], [])


@pytest.mark.parametrize("number", ["9" * 30, "-1", "1.0", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_odd_transaction_ids_find_nothing(client, rows, number):
    """What cannot be the number of a row may still be a station's id."""
    assert _found(client, number) == []
