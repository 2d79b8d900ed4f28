"""SolarNetwork's manners: timestamps in every form, and refusals in their words."""

from datetime import UTC, datetime

import pytest
from rest_framework import serializers

from csms import solar

MOMENT = datetime(2020, 3, 1, 10, 30, 49, tzinfo=UTC)


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (346827, "2020-03-01T10:30:49.346827Z"),
        (120000, "2020-03-01T10:30:49.12Z"),
        (0, "2020-03-01T10:30:49Z"),
    ],
)
@pytest.mark.spec("solar-ocpp", "Date formatting")
def test_fraction_has_as_many_digits_as_needed(microsecond, text):
    """Zeros at the end are left out, and so is a fraction of nothing."""
    assert solar.timestamp(MOMENT.replace(microsecond=microsecond)) == text


def test_separator_can_be_a_blank():
    """The newer APIs put a blank between date and time."""
    assert solar.timestamp(MOMENT, " ") == "2020-03-01 10:30:49Z"


def test_early_years_have_four_digits():
    """As ISO 8601 wants them."""
    assert solar.timestamp(MOMENT.replace(year=339)) == "0339-03-01T10:30:49Z"


@pytest.mark.parametrize(
    "value",
    [
        "2020-03-01T10:30:49Z",
        "2020-03-01 10:30:49Z",
        "2020-03-01T10:30:49",
        "2020-03-01T11:30:49+01:00",
        "2020-03-01T10:30:49.000000000Z",
        1583058649,
        1583058649000,
        "1583058649000",
    ],
)
def test_every_form_is_read(value):
    """T or blank, Z or offset or neither, epoch seconds and milliseconds."""
    assert solar.read_timestamp(value) == MOMENT


def test_bare_date_is_midnight():
    """A date is its beginning, in UTC."""
    assert solar.read_timestamp("2020-03-01") == datetime(2020, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", ["yesterday", "2020-13-01", "", True, None, "9" * 17, [1]])
def test_what_is_no_date_is_refused(value):
    """Nonsense is no moment."""
    with pytest.raises(ValueError, match=r"isoformat|out of range|month"):
        solar.read_timestamp(value)


class _Thing(serializers.Serializer):
    name = serializers.CharField(max_length=3)
    at = solar.Moment(required=False)


def _refusal(data):
    thing = _Thing(data=data)
    thing.is_valid()
    return solar.invalid(thing.errors)


def test_broken_rules_are_told_in_one_text():
    """A validator's messages are joined, and each names its place."""
    refusal = _refusal({"name": "long"})

    assert refusal.message == "Ensure this field has no more than 3 characters."
    assert refusal.errors == [{"location": "name", "message": refusal.message}]


def test_unreadable_values_are_malformed_json():
    """What a deserializer would not take is said so."""
    assert _refusal({"name": "a", "at": "never"}).message == (
        'Malformed JSON: at: Malformed date string: "never"'
    )


@pytest.mark.parametrize("text", ["abc", "1.5", "", "99999999999999999999", "1e3"])
def test_path_value_must_be_a_number(text):
    """The text of the refusal begins as theirs."""
    with pytest.raises(solar.IllegalArgument, match=r"^Illegal argument: "):
        solar.number(text)


def test_refusal_that_quotes_half_a_character_can_be_answered():
    """JSON can bring what no answer can hold."""
    answer = solar.refused(422, "not \ud800", errors=[{"location": "type", "message": "\ud800"}])

    assert answer.data["message"] == "not ?"
    assert answer.data["errors"] == [{"location": "type", "message": "?"}]
