"""What the parameters of SolarNetwork's lists say, the same wherever one is read."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from csms import solar, solar_filters


@pytest.mark.parametrize(
    ("text", "found"),
    [("", None), ("TRUE", True), (" yes ", True), ("1", True), ("off", False), ("0", False)],
)
def test_flags_are_any_of_their_words(text, found):
    assert solar_filters.truth(text, "active") is found


def test_word_that_is_no_flag_is_named():
    with pytest.raises(solar.IllegalArgument, match='Failed to convert "active" with value: "Maybe"'):
        solar_filters.truth("Maybe", "active")


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00+02:00", "2026-03-01T12:00:00 02:00", "1772359200000"])
def test_plus_sign_that_was_not_escaped_is_one_still(text):
    """A query turns it into a blank."""
    assert solar_filters.instant(text, "startDate") == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_sort_keys_come_in_the_order_of_their_numbers():
    """Of which the tenth is not the second; both ways of writing them are known."""
    query = QueryDict(
        "sorts[10].key=b&sorts[2].sortKey=a&sorts[2].descending=yes&sortDescriptors[1].sortKey=c&sorts[x].key=d"
    )
    assert solar_filters.sorting(query) == [
        ("sortDescriptors[1].sortKey", "c", False),
        ("sorts[2].sortKey", "a", True),
        ("sorts[10].key", "b", False),
    ]


def test_direction_that_is_no_flag_is_refused():
    with pytest.raises(solar.IllegalArgument, match=r'"sorts\[0\]\.descending" with value: "down"'):
        solar_filters.sorting(QueryDict("sorts[0].key=a&sorts[0].descending=down"))
