"""Hours of datum: summed up when they have ended, again when something comes late, and never twice."""

from datetime import UTC, datetime, timedelta

import pytest

from chargers.models import Datum, DatumHour, DatumStream, StaleHour
from chargers.services import rollups
from csms.models import Cursor

# Readers by id see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATER = NOON + 2 * HOUR


@pytest.fixture
def stream(owner):
    """A stream of the owner."""
    return DatumStream.objects.create(owner=owner, name=f"{owner.pk}/1/a", node_id=1, source_id="a")


def write(stream, at, *, is_stored=True, **properties):
    return Datum.objects.create(
        stream=stream, received_at=at, measured_at=at, properties=properties, is_stored=is_stored
    )


def hours():
    return {row.hour: row.properties for row in DatumHour.objects.all()}


def test_hour_that_ended_is_summed_up(stream):
    """From its own datum alone; nothing is left to be done."""
    write(stream, NOON, watts=1000, wattHours=10, token="A")
    write(stream, NOON + 59 * MINUTE, watts=3000, wattHours=15)

    rollups.keep(LATER)

    assert hours() == {
        NOON: {"i": {"watts": [2, 4000, 1000, 3000]}, "a": {"wattHours": [10, 15, 5]}, "s": {"token": "A"}}
    }
    assert not StaleHour.objects.exists()


@pytest.mark.parametrize("after", [timedelta(), HOUR, HOUR + rollups.GRACE - timedelta(seconds=1)])
def test_hour_that_has_not_ended_stays_stale(stream, after):
    """Nor one that ended just now: what is under way is waited for."""
    write(stream, NOON, watts=1000)

    rollups.keep(NOON + after)

    assert hours() == {}
    assert [mark.hour for mark in StaleHour.objects.all()] == [NOON]


def test_late_datum_is_summed_up_too(stream):
    """The hour is summed up again, and no other."""
    write(stream, NOON, watts=1000)
    write(stream, NOON + HOUR, watts=5)
    rollups.keep(LATER + HOUR)

    write(stream, NOON + MINUTE, watts=3000)
    rollups.follow()
    assert [mark.hour for mark in StaleHour.objects.all()] == [NOON]
    rollups.keep(LATER + HOUR)

    assert hours()[NOON] == {"i": {"watts": [2, 4000, 1000, 3000]}}


def test_datum_that_is_only_published_counts_nowhere(stream):
    """What the settings say is not to be stored makes no hours."""
    write(stream, NOON, is_stored=False, watts=1000)

    rollups.keep(LATER)

    assert (hours(), StaleHour.objects.count()) == ({}, 0)


def test_hour_without_datum_is_forgotten(stream):
    """What was deleted is not remembered in sums."""
    row = write(stream, NOON, watts=1000)
    rollups.keep(LATER)

    Datum.objects.filter(pk=row.pk).delete()
    StaleHour.objects.create(stream=stream, hour=NOON)
    rollups.keep(LATER)

    assert hours() == {}


def test_datum_of_an_account_that_is_gone_stop_nobody(stream, owner):
    """Their stream is no longer there; the cursor goes past them."""
    row = write(stream, NOON, watts=1000)
    owner.delete()

    rollups.keep(LATER)

    assert (Cursor.objects.get(name=rollups.CURSOR).position, hours()) == (row.pk, {})


def test_hour_whose_datum_were_dropped_is_kept(stream, settings):
    """What comes so late does not replace the sum of what is no longer there."""
    write(stream, NOON, watts=1000)
    rollups.keep(LATER)
    Datum.objects.all().delete()
    settings.CSMS_RETAIN_DATUM_DAYS = 30

    write(stream, NOON + MINUTE, watts=9)
    rollups.keep(NOON + timedelta(days=31))

    assert hours() == {NOON: {"i": {"watts": [1, 1000, 1000, 1000]}}}
    assert not StaleHour.objects.exists()


def test_backlog_is_followed_in_pieces(stream, monkeypatch):
    """A run does so much at most; the next one goes on."""
    monkeypatch.setattr(rollups, "DATUM_AT_ONCE", 2)
    monkeypatch.setattr(rollups, "FOLLOWED_A_RUN", 1)
    for number in range(3):
        write(stream, NOON + number * HOUR, watts=number)

    rollups.keep(LATER + 5 * HOUR)
    assert len(hours()) == 2
    rollups.keep(LATER + 5 * HOUR)

    assert len(hours()) == 3


def test_nothing_new_writes_nothing(stream, django_assert_max_num_queries):
    """The job that finds nothing is cheap."""
    write(stream, NOON, watts=1000)
    rollups.keep(LATER)

    with django_assert_max_num_queries(12):
        rollups.keep(LATER)
