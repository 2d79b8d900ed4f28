"""Filters of the native API where they could harm."""

import pytest

from chargers.filters import ChargerFilter, ReadingFilter
from chargers.models import Charger, Reading


def _filtered(**query):
    return ReadingFilter(query, queryset=Reading.objects.all())


@pytest.mark.parametrize("moment", ["0730-03-15T15:52:38+18:00", "2026-03-01T12:00:00Z", "2026-03-01"])
@pytest.mark.django_db
def test_any_moment_can_be_asked_for(moment):
    """Offsets that PostgreSQL refuses and dates without a time are understood."""
    assert list(_filtered(measured_from=moment).qs) == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+10:00", "soon"])
def test_impossible_moments_are_refused(moment):
    """A moment that is none, or before all time, is an error of its field."""
    assert list(_filtered(measured_from=moment).errors) == ["measured_from"]


@pytest.mark.parametrize("number", ["0", "x", str(2**63)])
def test_impossible_numbers_are_refused(number):
    """What cannot be the number of a row is an error of its field."""
    assert list(_filtered(charger=number).errors) == ["charger"]


@pytest.mark.parametrize("name", ["enabled", "is_online"])
@pytest.mark.parametrize("word", ["perhaps", "yes", "2", "\0"])
def test_a_switch_is_true_or_false(name, word):
    """A word that is neither would otherwise show every row."""
    assert list(ChargerFilter({name: word}, queryset=Charger.objects.all()).errors) == [name]


@pytest.mark.parametrize(
    ("word", "shown"), [("true", ["ON"]), ("1", ["ON"]), ("False", ["OFF"]), ("", ["ON", "OFF"])]
)
@pytest.mark.django_db
def test_a_switch_chooses(admin_user, word, shown):
    """An empty one does not."""
    for identifier, enabled in [("ON", True), ("OFF", False)]:
        Charger.objects.create(owner=admin_user, identifier=identifier, enabled=enabled)

    found = ChargerFilter({"enabled": word}, queryset=Charger.objects.all()).qs

    assert [charger.identifier for charger in found] == shown
