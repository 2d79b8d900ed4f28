"""Many rows at once: what is written is what is read, whatever the number."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection

from chargers.models import ActionStatus, Charger, Datum, Presence
from csms import bulk
from csms.models import Event, PartnerLease, ServerProcess
from tokens.models import Authorization

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def _events(count):
    bulk.insert_many(Event, [{"kind": f"k{number}", "created_at": NOON} for number in range(count)])
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 65, 200])
def test_every_row_is_inserted_once_and_in_order(count):
    """Whatever chunks it makes."""
    assert _events(count) == [f"k{number}" for number in range(count)]


@pytest.mark.parametrize("count", [1, 8, 73])
def test_only_the_named_rows_and_attributes_are_updated(count):
    """The others keep what they had."""
    _events(count + 1)
    *rows, other = Event.objects.order_by("id")
    for row in rows:
        row.kind, row.data = f"new {row.pk}", {"not": "written"}

    bulk.update_many(Event, ("kind",), rows)

    stored = list(Event.objects.order_by("id").values_list("kind", "data"))
    assert stored == [*((row.kind, {}) for row in rows), (other.kind, {})]


def test_times_of_any_zone_are_the_same_moment():
    """SQLite stores them without a zone."""
    local = NOON.astimezone(timezone(timedelta(hours=-9, minutes=-30)))

    bulk.insert_many(Event, [{"kind": "local", "created_at": local}])

    assert Event.objects.get().created_at == NOON


def test_loaded_rows_are_as_the_orm_reads_them(owner, stranger):
    """Times, JSON, None and all; and only those asked for."""
    mine = Authorization.objects.create(owner=owner, token="A", expiry_date=NOON)
    Authorization.objects.create(owner=stranger, token="B")

    (row,) = bulk.load(Authorization, "owner_id", [owner.pk])

    expected = {field.attname: getattr(mine, field.attname) for field in Authorization._meta.concrete_fields}
    assert {name: getattr(row, name) for name in expected} == expected
    assert row == mine


def test_relations_keep_the_type_of_their_key(owner):
    """A process is known by a UUID, wherever it is named."""
    process = ServerProcess.objects.create(name="web", kind="web")
    charger = Charger.objects.create(owner=owner, identifier="CP-1")
    Presence.objects.create(charger=charger, process=process)

    (row,) = bulk.load(Presence, "charger_id", [charger.pk])

    assert row.process_id == process.pk


def test_left_out_attributes_are_fetched_on_access(owner):
    """As those of a deferred row."""
    made = Authorization.objects.create(owner=owner, token="A")

    (row,) = bulk.load(Authorization, "id", [made.pk], leave_out=("token",))

    assert "token" not in vars(row)
    assert (row.token, row.owner) == ("A", owner)


def test_condition_narrows(owner):
    """It is SQL over the model's own columns."""
    Authorization.objects.create(owner=owner, token="A", expiry_date=NOON)
    forever = Authorization.objects.create(owner=owner, token="B")

    rows = bulk.load(Authorization, "owner_id", [owner.pk], condition="expiry_date IS NULL", lock=True)

    assert rows == [forever]


def test_no_keys_find_nothing():
    assert bulk.load(Authorization, "id", []) == []


def test_upsert_inserts_and_overwrites():
    """Whole rows, by their primary key."""
    later = NOON + timedelta(days=1)
    bulk.upsert_many(PartnerLease, [{"partner": "a", "lease_until": NOON}])

    bulk.upsert_many(PartnerLease, [{"partner": name, "lease_until": later} for name in "ba"])

    assert dict(PartnerLease.objects.values_list("partner", "lease_until")) == {"a": later, "b": later}


def _seen(charger, at, message_id):
    row = {"charger_id": charger.pk, "action": "Heartbeat", "seen_at": at, "created_at": at}
    key = ("charger_id", "evse_id", "connector_id", "action")
    rows = [{**row, "message_id": message_id, "evse_id": 0, "connector_id": number} for number in (2, 1)]
    bulk.upsert_many(ActionStatus, rows, by=key, keep=("created_at",), latest="seen_at")
    return list(ActionStatus.objects.order_by("connector_id").values_list("created_at", "message_id"))


@pytest.fixture
def charger(owner):
    return Charger.objects.create(owner=owner, identifier="CP-1")


def test_upsert_by_a_unique_key_keeps_what_it_should(charger):
    """The row stays the same one; what was to be kept is as it was."""
    assert _seen(charger, NOON, "a") == [(NOON, "a")] * 2
    numbers = set(ActionStatus.objects.values_list("pk", flat=True))

    assert _seen(charger, NOON + timedelta(hours=1), "b") == [(NOON, "b")] * 2
    assert set(ActionStatus.objects.values_list("pk", flat=True)) == numbers


def test_upsert_does_not_move_back_in_time(charger):
    """What is older than the stored row changes nothing."""
    _seen(charger, NOON, "a")

    assert _seen(charger, NOON - timedelta(seconds=1), "late") == [(NOON, "a")] * 2


def test_update_of_nothing_does_nothing():
    """On either database."""
    bulk.update_many(Authorization, ("token",), [])

    assert not Authorization.objects.exists()


def test_upsert_of_nothing_does_nothing():
    bulk.upsert_many(PartnerLease, [])

    assert not PartnerLease.objects.exists()


@pytest.mark.parametrize(("tokens", "found"), [(["A", "C"], ["A"]), ([], []), (["ä\"'"], ["ä\"'"])])
def test_among_finds_what_in_finds(owner, tokens, found):
    """Numbers or texts, whatever they hold."""
    for token in ("A", "B", "ä\"'"):
        Authorization.objects.create(owner=owner, token=token)

    rows = Authorization.objects.filter(token__among=tokens, owner__id__among=[owner.pk])

    assert [row.token for row in rows] == found


def _merge(*rows):
    """Merge (time, properties[, is_stored]) into the datum of stream 1."""
    given = [
        {
            "received_at": NOON,
            "stream_id": 1,
            "measured_at": at,
            "properties": dict(properties),
            "is_stored": all(stored),
        }
        for at, properties, *stored in rows
    ]
    watch = ("properties", "is_stored", "is_published")
    bulk.merge_many(
        Datum, given, by=("stream_id", "measured_at"), merge=("properties", "is_stored"), watch=watch
    )
    return list(Datum.objects.order_by("measured_at").values_list("properties", "is_stored"))


@pytest.mark.parametrize("count", [0, 1, 9, 73])
def test_merged_rows_are_inserted_once(count):
    """Whatever chunks it makes."""
    rows = [(NOON + timedelta(seconds=number), {"n": number}) for number in range(count)]
    _merge(*rows)
    assert _merge(*rows) == [({"n": number}, True) for number in range(count)]


def test_merged_row_takes_in_members_and_keeps_flags():
    """What both have is the new one's."""
    _merge((NOON, {"a": 1, "b": "ä"}))
    assert _merge((NOON, {"b": 2.5, "c": 3}, False)) == [({"a": 1, "b": 2.5, "c": 3}, True)]


def test_merged_rows_that_change_get_ids_of_their_own():
    """One id each, above all that there were: whoever reads by id sees them again."""
    rows = [(NOON + timedelta(seconds=number), {"n": number}) for number in range(70)]
    _merge(*rows)
    last = Datum.objects.latest("pk").pk
    _merge(*((at, {"m": 1}) for at, _ in rows[:66]))
    _merge((NOON - timedelta(days=1), {}))
    ids = list(Datum.objects.filter(pk__gt=last).values_list("pk", flat=True))
    assert len(set(ids)) == 67


def test_merged_row_that_does_not_change_is_left_alone():
    """However the database lays JSON out."""
    made = Datum.objects.create(
        stream_id=1, received_at=NOON, measured_at=NOON, properties={"a": 1, "b": [1.5, "ä"]}
    )
    _merge((NOON, {"a": 1}), (NOON + timedelta(seconds=1), {}))
    assert Datum.objects.get(measured_at=NOON).pk == made.pk


@pytest.mark.postgres
def test_merged_row_notes_when_its_new_id_was_drawn():
    """Else readers that go by settled ids could step over one that is not committed yet."""
    _merge((NOON, {"a": 1}))

    def drawn():
        with connection.cursor() as cursor:
            cursor.execute("SELECT drawn_at FROM chargers_datum")
            return cursor.fetchone()[0]

    before = drawn()
    _merge((NOON, {"a": 2}))
    assert drawn() > before
