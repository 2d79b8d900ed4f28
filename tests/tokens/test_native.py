"""The native API's authorizations and credentials."""

import pytest
from drf_spectacular.generators import SchemaGenerator

from csms import secrets
from tokens import services
from tokens.models import Authorization, Credential

pytestmark = pytest.mark.django_db

AUTHORIZATIONS, CREDENTIALS = "/api/v1/authorizations/", "/api/v1/credentials/"


@pytest.fixture
def api(caller, owner):
    return caller(owner)


@pytest.fixture
def authorization(owner):
    return Authorization.objects.create(owner=owner, token="Tag1")


@pytest.fixture
def credential(owner):
    return services.create_credential(owner, "box")[0]


def fields_of(answer):
    return [error["field"] for error in answer.json()["errors"]]


def test_authorization_is_made_for_the_caller(api, owner):
    answer = api.post(AUTHORIZATIONS, {"token": "Tag1", "parent_token": "Family", "description": "Ann"})

    assert answer.status_code == 201
    assert answer.json() | {"token": "Tag1", "enabled": True, "expiry_date": None} == answer.json()
    assert Authorization.objects.presented(owner.pk, "TAG1").exists()


@pytest.mark.parametrize("path", ["/api/v1/authorizations", "/api/v1/authorizations/"])
def test_trailing_slash_is_optional(api, authorization, path):
    assert api.get(path).json() == {
        "results": [api.get(f"/api/v1/authorizations/{authorization.pk}").json()],
        "next": None,
    }


def test_token_is_unique_in_any_case(api, authorization):
    answer = api.post(AUTHORIZATIONS, {"token": "TAG1"})

    assert (answer.status_code, fields_of(answer)) == (400, ["token"])


def test_two_owners_may_have_the_same_token(caller, authorization, stranger):
    assert caller(stranger).post(AUTHORIZATIONS, {"token": "Tag1"}).status_code == 201


def test_authorization_is_changed_in_part(api, authorization):
    answer = api.patch(f"{AUTHORIZATIONS}{authorization.pk}/", {"enabled": False, "token": "tag1"})

    assert (answer.status_code, answer.json()["enabled"]) == (200, False)


def test_authorization_is_deleted(api, authorization):
    assert api.delete(f"{AUTHORIZATIONS}{authorization.pk}/").status_code == 204
    assert not Authorization.objects.exists()


@pytest.mark.parametrize(("query", "count"), [("token=TAG1", 1), ("token=tag2", 0), ("enabled=false", 0)])
def test_authorizations_are_filtered(api, authorization, query, count):
    assert len(api.get(f"{AUTHORIZATIONS}?{query}").json()["results"]) == count


def test_bad_filter_is_named(api):
    answer = api.get(f"{CREDENTIALS}?owner=x")

    assert (answer.status_code, fields_of(answer)) == (400, ["owner"])


@pytest.mark.parametrize("door", ["authorizations", "credentials"])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_stranger_finds_nothing(caller, stranger, authorization, credential, door, method):
    row = {"authorizations": authorization, "credentials": credential}[door]

    answer = getattr(caller(stranger), method)(f"/api/v1/{door}/{row.pk}/", {})

    assert answer.status_code == 404
    assert caller(stranger).get(f"/api/v1/{door}/").json()["results"] == []


def test_row_for_another_owner_is_refused(api, stranger):
    answer = api.post(AUTHORIZATIONS, {"token": "Tag2", "owner": stranger.pk})

    assert (answer.status_code, fields_of(answer)) == (400, ["owner"])


def test_superuser_may_name_the_owner(caller, superuser, stranger):
    answer = caller(superuser).post(AUTHORIZATIONS, {"token": "Tag2", "owner": stranger.pk})

    assert (answer.status_code, answer.json()["owner"]) == (201, stranger.pk)


def test_rows_are_not_given_away(caller, superuser, authorization, stranger):
    answer = caller(superuser).patch(f"{AUTHORIZATIONS}{authorization.pk}/", {"owner": stranger.pk})

    assert (answer.status_code, fields_of(answer)) == (400, ["owner"])


def test_generated_password_is_shown_once(api):
    made = api.post(CREDENTIALS, {"username": "box", "allowed_charge_points": ["CP1"]}).json()

    stored = Credential.objects.get(pk=made["id"])
    assert secrets.check_fast(made["password"].encode(), stored.password_hash)
    assert "password" not in api.get(f"{CREDENTIALS}{stored.pk}/").json()


def test_chosen_password_is_never_shown(api):
    made = api.post(CREDENTIALS, {"username": "box", "password": "chosen by people"}).json()

    assert "password" not in made
    assert secrets.check_slow(b"chosen by people", Credential.objects.get().password_hash)


def test_user_name_is_unique_over_all_accounts(caller, stranger, credential):
    answer = caller(stranger).post(CREDENTIALS, {"username": "box"})

    assert (answer.status_code, fields_of(answer)) == (400, ["username"])


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"username": "a:b"}, "username"),
        ({"username": "ok", "password": ""}, "password"),
        ({"username": "ok", "allowed_charge_points": "CP1"}, "allowed_charge_points"),
        ({"username": "ok", "allowed_charge_points": ["CP1", ""]}, "allowed_charge_points.1"),
    ],
)
def test_bad_credential_is_refused_by_field(api, content, field):
    answer = api.post(CREDENTIALS, content)

    assert (answer.status_code, fields_of(answer)) == (400, [field])


def test_password_is_replaced(api, credential):
    api.patch(f"{CREDENTIALS}{credential.pk}/", {"password": "new one"})

    credential.refresh_from_db()
    assert secrets.check_slow(b"new one", credential.password_hash)


def test_null_asks_for_a_new_generated_password(api, credential):
    answer = api.patch(f"{CREDENTIALS}{credential.pk}/", {"password": None}).json()

    credential.refresh_from_db()
    assert secrets.check_fast(answer["password"].encode(), credential.password_hash)


def test_other_changes_leave_the_password(api, credential):
    answer = api.patch(f"{CREDENTIALS}{credential.pk}/", {"enabled": False}).json()

    hash_before = credential.password_hash
    credential.refresh_from_db()
    assert (credential.password_hash, credential.enabled) == (hash_before, False)
    assert "password" not in answer


def test_schema_tells_paths_and_ways_to_authenticate():
    schema = SchemaGenerator().get_schema(request=None, public=True)

    assert {"/api/v1/authorizations/", "/api/v1/credentials/{id}/"} <= set(schema["paths"])
    assert {"bearer", "apiKey", "session"} <= set(schema["components"]["securitySchemes"])
