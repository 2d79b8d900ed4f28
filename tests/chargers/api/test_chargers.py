"""Chargers by the native API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import Charger, Presence, RegistrationStatus
from csms import secrets
from csms.models import Event, ServerProcess

CHARGERS = "/api/v1/chargers"


@pytest.fixture
def charger(rows):
    return rows[Charger]


@pytest.fixture
def online(charger):
    """The charger, connected to a process that beats."""
    now = timezone.now()
    Presence.objects.create(
        charger=charger,
        process=ServerProcess.objects.create(name="web", kind="web"),
        protocol="ocpp1.6",
        connected_at=now,
        last_frame_at=now,
        expires_at=now + timedelta(minutes=15),
    )
    return charger


def _fields(answer):
    return [error["field"] for error in answer.json()["errors"]]


def test_charger_belongs_to_its_maker(client, owner):
    """A new charger belongs to the caller, accepted and enabled, and shows no secret."""
    answer = client.post(CHARGERS, {"identifier": "CP1", "protocol": "ocpp2.0.1"})

    charger = Charger.objects.get()
    assert (answer.status_code, answer.json()["id"]) == (201, charger.pk)
    assert (charger.owner, charger.protocol, charger.enabled) == (owner, "ocpp2.0.1", True)
    assert not {"password", "password_hash", "password_verifier"} & set(answer.json())


def test_superuser_makes_chargers_for_others(root_client, owner):
    """A superuser may name the owner."""
    answer = root_client.post(CHARGERS, {"identifier": "CP1", "owner": owner.pk})

    assert (answer.status_code, answer.json()["owner"]) == (201, owner.pk)


def test_version_that_is_spoken_is_not_changed(client, online):
    """Whatever is asked of the charger would be said in words that its connection does not know."""
    path = f"{CHARGERS}/{online.pk}"

    answer = client.patch(path, {"protocol": "ocpp2.0.1"})

    assert (answer.status_code, _fields(answer)) == (400, ["protocol"])
    assert client.patch(path, {"protocol": "ocpp1.6", "name": "Yard"}).status_code == 200


def test_version_of_an_offline_charger_may_be_changed(client, charger):
    """It decides for one that offers no subprotocol."""
    answer = client.patch(f"{CHARGERS}/{charger.pk}", {"protocol": "ocpp2.0.1"})

    assert answer.json()["protocol"] == "ocpp2.0.1"


def test_identifier_is_taken_once(client, charger):
    """A second charger of one owner with the same identifier is refused, naming the field."""
    answer = client.post(CHARGERS, {"identifier": charger.identifier})

    assert (answer.status_code, _fields(answer)) == (400, ["identifier"])


def test_two_owners_may_use_one_identifier(client, other_rows):
    """An identifier says nothing about another account."""
    answer = client.post(CHARGERS, {"identifier": other_rows[Charger].identifier})

    assert answer.status_code == 201


def test_identifier_of_a_deleted_charger_is_free(client, charger):
    """A charger that was deleted does not stand in the way of a new one."""
    client.delete(f"{CHARGERS}/{charger.pk}")

    assert client.post(CHARGERS, {"identifier": charger.identifier}).status_code == 201


def test_generated_password_is_shown_once(client):
    """A password is made when asked for, and only that answer holds it."""
    made = client.post(CHARGERS, {"identifier": "CP1", "generate_password": True}).json()

    shown_again = client.get(f"{CHARGERS}/{made['id']}").json()
    assert secrets.check_fast(made["password"].encode(), Charger.objects.get().password_hash)
    assert "password" not in shown_again


def test_chosen_password_is_not_shown(client, charger):
    """A password that the caller chose works and is not sent back."""
    answer = client.patch(f"{CHARGERS}/{charger.pk}", {"password": "correct horse"})

    charger.refresh_from_db()
    assert secrets.check_slow(b"correct horse", charger.password_hash)
    assert "password" not in answer.json()


def test_location_of_a_stranger_does_not_exist(client, charger, other_rows):
    """A location that the caller may not see is refused like one that is not there."""
    answer = client.patch(f"{CHARGERS}/{charger.pk}", {"location": other_rows[charger.location.__class__].pk})

    assert (answer.status_code, _fields(answer)) == (400, ["location"])


def test_location_and_charger_have_one_owner(root_client, charger, other_rows):
    """Not even a superuser puts a charger at another owner's site."""
    foreign = other_rows[charger.location.__class__].pk

    answer = root_client.patch(f"{CHARGERS}/{charger.pk}", {"location": foreign})

    assert (answer.status_code, _fields(answer)) == (400, ["location"])


def test_owner_does_not_change(root_client, charger, stranger):
    """A charger is not given away, since its history would stay."""
    answer = root_client.patch(f"{CHARGERS}/{charger.pk}", {"owner": stranger.pk})

    assert (answer.status_code, _fields(answer)) == (400, ["owner"])


def test_delete_hides(client, charger):
    """A deleted charger is gone from the API; its transactions stay."""
    answer = client.delete(f"{CHARGERS}/{charger.pk}")

    assert answer.status_code == 204
    assert client.get(f"{CHARGERS}/{charger.pk}").status_code == 404
    assert len(client.get("/api/v1/transactions").json()["results"]) == 1


def test_approve_accepts(client, charger):
    """A pending charger is accepted, and that is told."""
    Charger.objects.update(registration_status=RegistrationStatus.PENDING)

    answer = client.post(f"{CHARGERS}/{charger.pk}/approve")

    assert (answer.status_code, answer.json()["registration_status"]) == (200, "Accepted")
    assert Event.objects.filter(kind="charger.approved", charger_id=charger.pk).exists()


def test_accepting_by_change_is_told_too(client, charger):
    """Writing the status has the effect of approving."""
    Charger.objects.update(registration_status=RegistrationStatus.PENDING)

    client.patch(f"{CHARGERS}/{charger.pk}", {"registration_status": "Accepted"})

    assert Event.objects.filter(kind="charger.approved").count() == 1


def test_online_charger_says_since_when(client, online):
    """A connected charger is online, with the times of its connection."""
    shown = client.get(f"{CHARGERS}/{online.pk}").json()

    assert shown["is_online"] is True
    assert None not in (shown["connected_at"], shown["last_frame_at"])


def test_charger_never_seen_is_offline(client, charger):
    """Without a connection there is nothing to tell."""
    shown = client.get(f"{CHARGERS}/{charger.pk}").json()

    assert (shown["is_online"], shown["connected_at"]) == (False, None)


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("identifier=CP-owner", True),
        ("identifier=CP", False),
        ("is_online=true", True),
        ("is_online=false", False),
        ("registration_status=Accepted", True),
        ("registration_status=Pending", False),
        ("protocol=ocpp1.6", True),
        ("protocol=ocpp2.0.1", False),
        ("search=p-OWN", True),
        ("search=nothing", False),
        ("location=999999", False),
    ],
)
def test_filters(client, online, query, is_found):
    """Each filter keeps what fits and leaves out what does not."""
    assert bool(client.get(f"{CHARGERS}?{query}").json()["results"]) is is_found


@pytest.mark.parametrize("query", ["location=x", "protocol=ocpp9", "registration_status=maybe"])
def test_bad_filter_names_itself(client, charger, query):
    """A filter value that cannot be is refused, naming the parameter."""
    answer = client.get(f"{CHARGERS}?{query}")

    assert (answer.status_code, _fields(answer)) == (400, [query.split("=")[0]])


def test_pages_follow_each_other(client, owner):
    """`next` leads through all chargers, each once."""
    Charger.objects.bulk_create(Charger(owner=owner, identifier=f"CP{n}") for n in range(5))

    first = client.get(f"{CHARGERS}?limit=3").json()
    second = client.get(first["next"]).json()

    seen = [row["identifier"] for row in first["results"] + second["results"]]
    assert (seen, second["next"]) == (["CP0", "CP1", "CP2", "CP3", "CP4"], None)


def test_staff_see_what_their_groups_grant(client, owner, other_rows, stranger):
    """Staff of a group see the chargers of the owners that it grants."""
    from django.contrib.auth.models import Group

    from csms.models import OwnerGrant

    group = Group.objects.create(name="operators")
    OwnerGrant.objects.create(group=group, owner=stranger)
    owner.groups.add(group)
    owner.is_staff = True
    owner.save()

    assert [row["owner"] for row in client.get(CHARGERS).json()["results"]] == [stranger.pk]
