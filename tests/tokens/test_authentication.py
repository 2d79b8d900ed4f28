"""Who is let in at the HTTP doors, and why not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tokens import services
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(owner):
    """A token and its secret."""
    return services.create_api_token(owner)


def bearer(issued):
    token, secret = issued
    return {"HTTP_AUTHORIZATION": f"Bearer {token.identifier}:{secret}"}


def api_key(issued):
    return {"HTTP_X_API_KEY": issued[1]}


@pytest.fixture(params=[bearer, api_key])
def form(request):
    """How the token is sent."""
    return request.param


def get(headers, path="/whoami"):
    return APIClient().get(path, **headers)


def test_token_speaks_for_its_owner(issued, form):
    answer = get(form(issued))

    assert (answer.status_code, answer.json()) == (200, {"user": "owner"})


def test_scheme_is_read_in_any_case(issued):
    token, secret = issued

    assert get({"HTTP_AUTHORIZATION": f"bearer {token.identifier}:{secret}"}).status_code == 200


def test_no_token_is_challenged():
    answer = get({})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer x", "Bearer :", "Bearer x:y", "Bearer ü:ü", "Bearer a b:c"]
)
def test_malformed_bearer_is_refused(value):
    assert get({"HTTP_AUTHORIZATION": value}).status_code == 401


def test_wrong_secret_and_unknown_id_get_the_same_answer(issued):
    token, secret = issued

    wrong = get({"HTTP_AUTHORIZATION": f"Bearer {token.identifier}:{secret}x"})
    unknown = get({"HTTP_AUTHORIZATION": f"Bearer {'x' * 20}:{secret}"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_longer_id_is_another_id(issued):
    token, secret = issued

    assert get({"HTTP_AUTHORIZATION": f"Bearer {token.identifier}x:{secret}"}).status_code == 401


def test_wrong_api_key_is_refused(issued):
    assert get({"HTTP_X_API_KEY": issued[1] + "x"}).status_code == 401


@pytest.mark.parametrize(
    ("change", "why"),
    [({"enabled": False}, "disabled"), ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expired")],
)
def test_void_token_is_refused_with_the_reason(issued, form, change, why):
    ApiToken.objects.update(**change)

    answer = get(form(issued))

    assert answer.status_code == 401
    assert why in answer.json()["detail"]


def test_token_of_an_inactive_owner_is_refused(issued, form, owner):
    owner.is_active = False
    owner.save()

    answer = get(form(issued))

    assert answer.status_code == 401
    assert "not active" in answer.json()["detail"]


def test_reason_is_told_only_to_who_knows_the_secret(issued):
    ApiToken.objects.update(enabled=False)
    token, _ = issued

    answer = get({"HTTP_AUTHORIZATION": f"Bearer {token.identifier}:wrong"})

    assert "disabled" not in answer.json()["detail"]


@pytest.mark.parametrize(("path", "status"), [("/whoami", 403), ("/datum", 200)])
def test_data_token_is_let_in_only_where_the_view_says_so(owner, form, path, status):
    issued = services.create_api_token(owner, kind=ApiToken.Kind.DATA)

    assert get(form(issued), path).status_code == status


def test_use_is_noted_at_most_once_a_minute(issued, form, django_assert_num_queries):
    get(form(issued))
    first = ApiToken.objects.get().last_used_at
    assert first is not None

    with django_assert_num_queries(1):
        get(form(issued))


def test_use_is_noted_again_after_a_minute(issued, form):
    long_ago = timezone.now() - timedelta(hours=1)
    ApiToken.objects.update(last_used_at=long_ago)

    get(form(issued))

    assert ApiToken.objects.get().last_used_at > long_ago


@pytest.fixture
def staff(owner):
    """The session of a member of staff, in a browser that checks CSRF."""
    owner.is_staff = True
    owner.save()
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(owner, backend="tokens.logins.ThrottledBackend")
    return client


def test_staff_session_may_read(staff):
    assert staff.get("/whoami").json() == {"user": "owner"}


def test_staff_session_may_not_write_without_csrf_token(staff):
    assert staff.post("/whoami").status_code == 403


def test_session_of_others_counts_for_nothing(stranger):
    client = APIClient()
    client.force_login(stranger, backend="tokens.logins.ThrottledBackend")

    assert client.get("/whoami").status_code == 401
