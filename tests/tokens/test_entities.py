"""SolarUser's authorizations and credentials: what is saved, shown, and refused."""

from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from csms import secrets
from tokens import services
from tokens.models import Authorization, Credential

BASE = "/solaruser/api/v1/sec/user/ocpp"
DUPLICATE = "An attempt to save a duplicate key has been denied."


@pytest.fixture(autouse=True)
def doors(settings):
    """The product's own URL table."""
    settings.ROOT_URLCONF = "csms.urls"


@pytest.fixture
def client(owner):
    token, secret = services.create_api_token(owner)
    return APIClient(headers={"Authorization": f"Bearer {token.identifier}:{secret}"})


@pytest.fixture
def save(client):
    """Return a function that saves an entity and returns (status, body)."""

    def post(noun, **body):
        answer = client.post(f"{BASE}/{noun}", body)
        return answer.status_code, answer.json()

    return post


def refused(location, message):
    return 422, {
        "success": False,
        "message": message,
        "errors": [{"location": location, "message": message}],
    }


def malformed(location, message):
    return 422, {
        "success": False,
        "message": f"Malformed JSON: {location}: {message}",
        "errors": [{"location": location, "message": message}],
    }


def duplicate(location):
    errors = [{"location": location, "message": DUPLICATE}]
    return 422, {"success": False, "code": "DAO.00101", "message": DUPLICATE, "errors": errors}


# Authorizations ---------------------------------------------------------------------------------------

REQUIRED = refused("token", "The authorization token is required.")


@pytest.mark.spec("solar-ocpp", "Authorizations save")
@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, REQUIRED),
        ({"token": None}, REQUIRED),
        ({"token": "  "}, REQUIRED),
        ({"token": "x" * 21}, refused("token", "The authorization token must be 20 characters or less.")),
        (
            {"token": "a", "parentId": "x" * 21},
            refused("parentId", "The parent ID must be 20 characters or less."),
        ),
        ({"token": ["a"]}, malformed("token", "Not a valid string.")),
        ({"token": "a", "enabled": "perhaps"}, malformed("enabled", "Must be a valid boolean.")),
        (
            {"token": "a", "expiryDate": "never"},
            malformed("expiryDate", 'Malformed date string: "never"'),
        ),
        ({"token": "a", "id": "x"}, malformed("id", "A valid integer is required.")),
        ({"token": "a", "id": 99}, (403, {"success": False, "message": "UNKNOWN_OBJECT"})),
    ],
)
def test_bad_authorizations_are_refused(save, body, answer):
    """With the exact status and body, and nothing is written."""
    assert save("authorizations", **body) == answer
    assert not Authorization.objects.exists()


def test_several_faults_are_told_at_once(save):
    """All texts joined by a blank, and each by itself."""
    status, body = save("authorizations", token="x" * 21, parentId="y" * 21)

    assert status == 422
    assert body["message"] == (
        "The authorization token must be 20 characters or less. The parent ID must be 20 characters or less."
    )
    assert [error["location"] for error in body["errors"]] == ["token", "parentId"]


def test_token_is_measured_and_stored_without_blanks(save):
    """Twenty characters and blanks around them fit."""
    status, body = save("authorizations", token=f"  {'x' * 20} ")

    assert (status, body["data"]["token"]) == (201, "x" * 20)
    assert Authorization.objects.get().token == "x" * 20


@pytest.mark.parametrize("token", ["TT", "tt"])
def test_token_is_unique_in_an_account(save, owner, token):
    """Whatever its case, since chargers present it in any."""
    Authorization.objects.create(owner=owner, token="tt")

    assert save("authorizations", token=token) == duplicate("token")


def test_other_accounts_may_have_the_same_token(save, stranger):
    """It is unique among the caller's only."""
    Authorization.objects.create(owner=stranger, token="tt")

    assert save("authorizations", token="tt")[0] == 201


def test_update_replaces_the_whole_row(save, owner):
    """What is left out becomes empty; when it was made, and what this API does not know, stays."""
    made = datetime(2020, 1, 1, tzinfo=UTC)
    row = Authorization.objects.create(
        owner=owner, token="a", parent_token="p", expiry_date=made, created_at=made, concurrent_transactions=2
    )

    save("authorizations", id=row.pk, token="b", created="2021-01-01T00:00:00Z")

    row.refresh_from_db()
    assert (row.token, row.token_key, row.parent_token, row.expiry_date, row.enabled) == (
        *("b", "b", "", None),
        False,
    )
    assert (row.created_at, row.concurrent_transactions) == (made, 2)


def test_update_to_a_taken_token_changes_nothing(save, owner):
    """The row is as it was before."""
    Authorization.objects.create(owner=owner, token="a")
    row = Authorization.objects.create(owner=owner, token="b", enabled=True)

    assert save("authorizations", id=row.pk, token="A") == duplicate("token")
    row.refresh_from_db()
    assert (row.token, row.enabled) == ("b", True)


def test_unknown_members_are_ignored(save):
    """As theirs does; `expired` is computed."""
    status, body = save("authorizations", token="a", expired=True, colour="blue")

    assert (status, body["data"]["expired"]) == (201, False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2030-03-01T00:00:00.120Z", "2030-03-01T00:00:00.12Z"),
        ("2030-03-01 00:00:00Z", "2030-03-01T00:00:00Z"),
        ("2030-03-01T02:00:00+02:00", "2030-03-01T00:00:00Z"),
        (1898553600000, "2030-03-01T00:00:00Z"),
    ],
)
@pytest.mark.spec("solar-ocpp", "Date formatting")
def test_dates_come_in_any_form_and_leave_in_one(save, text, shown):
    """UTC with T and Z, as many digits as needed."""
    assert save("authorizations", token="a", expiryDate=text)[1]["data"]["expiryDate"] == shown


@pytest.mark.parametrize("body", ["[1]", "{", '"x"', '{"token": NaN}'])
def test_what_is_no_object_is_malformed(client, body):
    """422 in the envelope, whatever is wrong with it."""
    answer = client.generic("POST", f"{BASE}/authorizations", body, "application/json")

    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Malformed JSON: ")


def test_forms_are_not_taken(client):
    """Entities are JSON."""
    answer = client.post(f"{BASE}/authorizations", {"token": "a"}, format="multipart")

    assert (answer.status_code, answer.json()["success"]) == (415, False)


def test_deleted_authorization_is_gone(client, owner):
    """The answer is empty; a second time there is none."""
    row = Authorization.objects.create(owner=owner, token="a")

    first = client.delete(f"{BASE}/authorizations/{row.pk}")
    second = client.delete(f"{BASE}/authorizations/{row.pk}")

    assert (first.status_code, first.json()) == (200, {"success": True})
    assert (second.status_code, second.json()["code"]) == (404, "DAO.00102")


# Credentials ------------------------------------------------------------------------------------------


@pytest.mark.spec("solar-ocpp", "Credentials save")
@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, refused("username", "The username is required.")),
        ({"username": "x" * 65}, refused("username", "The username must be 64 characters or less.")),
        ({"username": "a:b"}, refused("username", "The username must not contain a colon.")),
        (
            {"username": "a", "allowedChargePoints": ["x" * 49]},
            refused("allowedChargePoints.0", "The charge point ID must be 48 characters or less."),
        ),
        (
            {"username": "a", "allowedChargePoints": "CP"},
            malformed("allowedChargePoints", 'Expected a list of items but got type "str".'),
        ),
        (
            {"username": "a", "password": "x" * 256},
            refused("password", "The password must be 255 characters or less."),
        ),
        ({"username": "a", "id": 99}, (403, {"success": False, "message": "UNKNOWN_OBJECT"})),
    ],
)
def test_bad_credentials_are_refused(save, body, answer):
    """With the exact status and body, and nothing is written."""
    assert save("credentials", **body) == answer
    assert not Credential.objects.exists()


def test_username_is_unique_among_all_accounts(save, stranger):
    """Chargers say only that, not whose they are."""
    services.create_credential(stranger, "taken")

    assert save("credentials", username="taken") == duplicate("username")


def _fits(password):
    row = Credential.objects.get()
    return secrets.check_fast(password.encode(), row.password_hash, row.password_verifier)


def test_generated_password_is_shown_once_and_fits(client, save):
    """No later answer shows it."""
    _, body = save("credentials", username="a")

    shown = client.get(f"{BASE}/credentials/{body['data']['id']}").json()["data"]
    assert _fits(body["data"]["password"])
    assert "password" not in shown


@pytest.mark.parametrize("password", [None, ""])
def test_update_without_password_keeps_it(save, password):
    """Leaving it out means no change, and so does an empty one."""
    _, made = save("credentials", username="a")

    status, body = save("credentials", id=made["data"]["id"], username="b", password=password)

    assert (status, "password" in body["data"]) == (200, False)
    assert _fits(made["data"]["password"])


def test_update_with_password_replaces_it(save):
    """The old one is void."""
    _, made = save("credentials", username="a")

    save("credentials", id=made["data"]["id"], username="a", password="chosen")

    assert not _fits(made["data"]["password"])
    assert secrets.check_slow(b"chosen", Credential.objects.get().password_hash)


def test_allowed_chargers_keep_their_order_without_repeats(save):
    """An ordered set."""
    _, body = save("credentials", username="a", allowedChargePoints=["B", "A", "B"])

    assert body["data"]["allowedChargePoints"] == ["B", "A"]


@pytest.mark.parametrize("given", [None, []])
def test_no_allowed_chargers_means_any(save, given):
    """And the member is left out."""
    _, body = save("credentials", username="a", allowedChargePoints=given)

    assert "allowedChargePoints" not in body["data"]
    assert Credential.objects.get().allows("CP-1")


@pytest.mark.parametrize("username", ["unknown", "theirs", ""])
def test_username_that_is_not_the_callers_is_absent(client, stranger, username):
    """Unknown or foreign: the same 404."""
    services.create_credential(stranger, "theirs")

    answer = client.get(f"{BASE}/credentials?username={username}")

    assert (answer.status_code, answer.json()["code"]) == (404, "DAO.00102")
