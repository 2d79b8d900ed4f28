"""Signed requests at SolarNetwork's doors: who is let in, and with which words others are not."""

import hashlib
import types
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.urls import clear_url_caches, include, path
from django.utils import timezone
from rest_framework.test import APIClient

from csms import secrets, solar
from tests.tokens.conftest import WhoAmI
from tokens import jobs, services, snws2
from tokens.authentication import _as_sent
from tokens.models import ApiToken, UsedSignature
from tokens.solar import View

pytestmark = [pytest.mark.django_db, pytest.mark.spec("solar-ocpp", "Authentication")]

ROOT = "/solaruser/api/v1/sec"
CHALLENGE = {
    "WWW-Authenticate": "SNWS2",
    "Access-Control-Allow-Headers": "Authorization, Content-MD5, Content-Type, Digest, X-SN-Date",
}


class Echo(View):
    """Says who called and what it understood."""

    def get(self, request, name=""):
        query = {name: request.query_params.getlist(name) for name in request.query_params}
        return solar.answer({"user": self.account.username, "name": name, "query": query})

    def post(self, request, name=""):
        data = request.data
        fields = {name: data.getlist(name) for name in data} if hasattr(data, "getlist") else data
        return solar.answer({"user": self.account.username, "body": fields})


class Datum(Echo):
    allow_data_tokens = True


urls = types.ModuleType("tests.tokens.solar_urls")
urls.urlpatterns = [
    path("whoami", WhoAmI.as_view()),
    path(
        ROOT.lstrip("/") + "/",
        include([solar.route("echo/{name}", Echo.as_view()), solar.route("echo", Echo.as_view())]),
    ),
    path("solarquery/api/v1/sec/datum", Datum.as_view()),
]


@pytest.fixture(autouse=True)
def doors(settings):
    settings.ROOT_URLCONF = urls
    clear_url_caches()


@pytest.fixture
def issued(owner):
    """A token and its secret."""
    return services.create_api_token(owner)


def signed(
    issued, *, method="GET", path=f"{ROOT}/echo", query="", body=b"", at=None, host="testserver", **headers
):
    """Return what a client adds to a request that it signs, as Django's client takes it."""
    token, secret = issued
    at = at or timezone.now()
    headers = {"x-sn-date": snws2.http_date(at), **{name.replace("_", "-"): v for name, v in headers.items()}}
    request = snws2.Request(method, (path,), query, headers, (host,), body)
    value = snws2.authorization(request, token.identifier, secret, at=at)
    sent = {
        f"HTTP_{name.upper().replace('-', '_')}": text
        for name, text in headers.items()
        if name != "content-type"
    }
    return {"HTTP_AUTHORIZATION": value, **sent}


def get(headers, path=f"{ROOT}/echo"):
    # REST framework's client sends a Content-Type even with nothing.
    return Client().get(path, **headers)


def post(body, headers, content_type="application/json", path=f"{ROOT}/echo"):
    return APIClient().generic("POST", path, body, content_type=content_type, **headers)


def refusal(answer):
    return answer.status_code, answer.json()["message"]


# Let in ---------------------------------------------------------------------------------------


def test_signature_speaks_for_the_owner_of_the_token(issued):
    """The envelope around the answer is theirs."""
    answer = get(signed(issued))

    assert (answer.status_code, answer.json()["data"]["user"]) == (200, "owner")


def test_query_is_signed_and_read(issued):
    """Non-ASCII and repeated values too."""
    query = "b=2&a=caf%C3%A9%20*&b=1"

    answer = get(signed(issued, query=query), f"{ROOT}/echo?{query}")

    assert answer.json()["data"]["query"] == {"a": ["café *"], "b": ["2", "1"]}


def test_json_is_signed_and_read(issued):
    """The signature needs the body before the parser does."""
    body = '{"hello": "wörld"}'.encode()
    digest = b64encode(hashlib.sha256(body).digest()).decode()
    headers = signed(
        issued, method="POST", body=body, content_type="application/json", digest=f"sha-256={digest}"
    )

    assert post(body, headers).json()["data"]["body"] == {"hello": "wörld"}


def test_form_is_signed_as_parameters_and_read(issued):
    """As SolarNetwork's own clients do."""
    kind = "application/x-www-form-urlencoded"
    headers = signed(issued, method="POST", body=b"a=1&b=x+y&a=2", content_type=kind)

    assert post(b"a=1&b=x+y&a=2", headers, kind).json()["data"]["body"] == {"a": ["1", "2"], "b": ["x y"]}


def test_multipart_is_signed_as_it_is_and_read(issued):
    """Its bytes are hashed."""
    kind = "multipart/form-data; boundary=b"
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    headers = signed(issued, method="POST", body=body, content_type=kind)

    assert post(body, headers, kind).json()["data"]["body"] == {"a": ["1"]}


def test_use_of_a_signing_token_is_noted(issued):
    """As of any other."""
    get(signed(issued))

    assert ApiToken.objects.get().last_used_at is not None


def test_bearer_works_here_too(issued):
    """For people with curl."""
    token, secret = issued

    assert get({"HTTP_AUTHORIZATION": f"Bearer {token.identifier}:{secret}"}).status_code == 200


def test_signature_costs_one_query(issued, django_assert_num_queries):
    """Besides noting the use, once a minute."""
    get(signed(issued))

    with django_assert_num_queries(1):
        get(signed(issued))


# Refused --------------------------------------------------------------------------------------


def test_no_token_is_challenged():
    """With their scheme, and with what browsers want to hear."""
    answer = get({})

    message = "Authentication credentials were not provided."
    assert (answer.status_code, answer.json()) == (401, {"success": False, "message": message})
    assert CHALLENGE.items() <= dict(answer.items()).items()
    assert answer["X-SN-ErrorMessage"] == message


def test_refusal_says_why_in_body_and_header(issued):
    """401 for all that is wrong with a signature."""
    token, _ = issued

    answer = get(signed((token, "another secret")))

    assert (answer.status_code, answer.json()) == (401, {"success": False, "message": "Bad credentials"})
    assert CHALLENGE.items() <= dict(answer.items()).items()
    assert answer["X-SN-ErrorMessage"] == "Bad credentials"


def test_unknown_token_and_wrong_signature_get_the_same_answer(issued):
    """Or ids could be found out by trying."""
    _, secret = issued
    unknown = ApiToken(identifier="x" * 20)

    answers = [get(signed((unknown, secret))), get(signed((issued[0], "wrong")))]

    assert [refusal(answer) for answer in answers] == [(401, "Bad credentials")] * 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("SNWS2", "Invalid Credential value"),
        ("SNWS2 nonsense", "Invalid Credential value"),
        ("snws2 Credential=x,Signature=1", "Invalid Signature value"),
        (f"SNWS2 Credential=x,Signature={'0' * 64}", "Invalid SignedHeaders value"),
        ("Bearer x:y", "Bad credentials"),
        ("Basic eDp5", "Authentication credentials were not provided."),
    ],
)
def test_malformed_header_is_refused(value, message):
    """With the reason; the challenge is always theirs."""
    answer = get({"HTTP_AUTHORIZATION": value})

    assert refusal(answer) == (401, message)
    assert answer["WWW-Authenticate"] == "SNWS2"


@pytest.mark.parametrize("minutes", [-15, 15])
def test_wrong_clock_is_refused(issued, minutes):
    """A quarter of an hour is too much."""
    at = timezone.now() + timedelta(minutes=minutes, seconds=minutes)

    assert refusal(get(signed(issued, at=at))) == (401, "Date skew too large")


def test_wrong_digest_is_refused(issued):
    """Though the signature is genuine."""
    headers = signed(
        issued, method="POST", body=b"{}", content_type="application/json", digest="sha-256=AAAA"
    )

    assert refusal(post(b"{}", headers)) == (401, "Content SHA-256 digest value mismatch")


def test_changed_body_is_refused(issued):
    """Without a digest the signature still covers it."""
    headers = signed(issued, method="POST", body=b'{"a":1}', content_type="application/json")

    assert refusal(post(b'{"a":2}', headers)) == (401, "Bad credentials")


def test_header_added_on_the_way_is_refused(issued):
    """One that changes what the request means."""
    answer = get({**signed(issued), "HTTP_X_SN_OTHER": "1"})

    assert refusal(answer) == (401, "The 'x-sn-other' HTTP header must be included in SignedHeaders")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"enabled": False}, "Disabled token"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "Expired token"),
        ({"policy": {"notAfter": "2020-01-01T00:00:00Z"}}, "Expired token"),
    ],
)
def test_void_token_is_refused_with_the_reason(issued, change, message):
    """To whoever knows the secret."""
    ApiToken.objects.update(**change)

    assert refusal(get(signed(issued))) == (401, message)
    assert refusal(get(signed((issued[0], "wrong")))) == (401, "Bad credentials")


def test_token_of_an_inactive_owner_is_refused(issued, owner):
    """Its rows are nobody's business any more."""
    type(owner).objects.update(is_active=False)

    assert refusal(get(signed(issued))) == (401, "Disabled account")


def test_secret_that_cannot_be_decrypted_is_a_wrong_one(issued, settings, caplog):
    """The log tells staff, the caller learns nothing."""
    headers = signed(issued)
    settings.CSMS_SECRET_KEYS = ["a new key that forgot the old one"]

    assert refusal(get(headers)) == (401, "Bad credentials")
    assert issued[0].identifier in caplog.text


@pytest.mark.parametrize("told", ["15", ""])
def test_body_beyond_the_limit_is_refused(settings, told):
    """Before anything else, with its own status; also one in chunks, which has not told its length."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    request = RequestFactory().post("/x", b'{"a":"bcdefgh"}', content_type="application/json")
    request.META["CONTENT_LENGTH"] = told

    answer = Echo.as_view()(request).render()

    assert (answer.status_code, answer.data) == (
        413,
        {"success": False, "message": "The body must be 10 bytes or less."},
    )


def test_too_many_fields_are_refused(issued, settings):
    """Django's own limit, in their words."""
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    token, secret = issued
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token.identifier}:{secret}"}

    answer = post(b"a=1&b=2&c=3", headers, "application/x-www-form-urlencoded")

    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Illegal argument: ")


# What was on the wire -------------------------------------------------------------------------


def test_path_is_the_one_on_the_wire():
    """Percent-encoded, and without its query."""
    request = AsyncRequestFactory().get("/x")
    request.scope["raw_path"] = b"/a%2Fb%20%c3%a9?query"

    assert _as_sent(request).paths == ("/a%2Fb%20%c3%a9",)


def test_path_outside_of_asgi_is_encoded_as_usual():
    """Servers and tests that keep the decoded path only."""
    assert _as_sent(RequestFactory().get("/a b/é")).paths == ("/a%20b/%C3%A9",)


FORWARDED = {
    "HTTP_X_FORWARDED_HOST": "csms.example.com",
    "HTTP_X_FORWARDED_PORT": "8443",
    "HTTP_X_FORWARDED_PREFIX": "/csms/",
}


def test_proxies_that_are_trusted_are_believed(settings):
    """Host, port and the prefix that they have cut."""
    settings.CSMS_TRUSTED_PROXIES = ["127.0.0.0/8"]

    sent = _as_sent(RequestFactory().get("/x", **FORWARDED))

    assert {"testserver", "csms.example.com", "csms.example.com:8443", "csms.example.com:443"} <= set(
        sent.hosts
    )
    assert sent.paths == ("/x", "/csms/x")


def test_others_are_not_believed():
    """Anyone can write such headers."""
    sent = _as_sent(RequestFactory().get("/x", **FORWARDED))

    assert (sent.hosts, sent.paths) == (("testserver", "testserver:443", "testserver:80"), ("/x",))


def test_public_host_of_the_settings_may_be_signed(issued, settings):
    """Behind a proxy that does not tell."""
    headers = signed(issued, host="csms.example.com")
    assert refusal(get(headers)) == (401, "Bad credentials")

    settings.CSMS_PUBLIC_HOSTS = ["csms.example.com"]

    assert get(headers).status_code == 200


# Policies -------------------------------------------------------------------------------------


@pytest.fixture
def limited(owner):
    """Return a function that makes a token with a policy."""
    return lambda **policy: services.create_api_token(owner, policy=policy)


def test_path_that_the_policy_forbids_is_denied(limited):
    """403: who calls is known."""
    answer = get(signed(limited(apiPaths=["/user/**"])))

    assert answer.status_code == 403
    assert answer.json() == {
        "success": False,
        "message": "ACCESS_DENIED",
        "errors": [{"message": "The policy of this token does not allow this path."}],
    }


def test_path_that_the_policy_allows_is_open(limited):
    """Relative to /api/v1/sec."""
    assert get(signed(limited(apiPaths=["/echo/**"]))).status_code == 200


def test_view_knows_the_limits_of_its_caller(limited):
    """Nodes and sources are for the view to ask about."""
    token, _ = limited(nodeIds=[5], sourceIds=["/a/*"])

    assert (token.limits.allows_node(5), token.limits.allows_node(6)) == (True, False)
    assert (token.limits.allows_source("/a/b"), token.limits.allows_source("/b")) == (True, False)


@pytest.mark.parametrize("policy", [{"nodeIds": [5]}, {"sourceIds": ["/a"]}, {"apiPaths": ["/**"]}])
def test_narrow_token_opens_no_door_that_knows_no_policies(limited, policy):
    """Or it would be more powerful there than it says."""
    token, secret = limited(**policy)

    answer = APIClient().get("/whoami", HTTP_AUTHORIZATION=f"Bearer {token.identifier}:{secret}")

    assert answer.status_code == 403
    assert answer.json()["detail"] == "The policy of this token allows SolarNetwork's APIs only."


def test_end_that_a_policy_sets_holds_at_every_door(issued):
    """It takes nothing away but time."""
    token, secret = issued
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token.identifier}:{secret}"}
    ApiToken.objects.update(policy={"notAfter": "2999-01-01T00:00:00Z"})
    assert APIClient().get("/whoami", **headers).status_code == 200

    ApiToken.objects.update(policy={"notAfter": "2020-01-01T00:00:00Z"})

    assert APIClient().get("/whoami", **headers).status_code == 401


def test_policy_that_cannot_be_understood_opens_nothing(issued):
    """Written before policies were checked."""
    ApiToken.objects.update(policy={"nodes": [1]})

    assert refusal(get(signed(issued))) == (403, "ACCESS_DENIED")


def test_data_token_is_let_in_only_where_the_view_says_so(owner):
    """It may query datum."""
    issued = services.create_api_token(owner, kind=ApiToken.Kind.DATA)
    datum = "/solarquery/api/v1/sec/datum"

    assert refusal(get(signed(issued))) == (403, "ACCESS_DENIED")
    assert get(signed(issued, path=datum), datum).status_code == 200


# Replays --------------------------------------------------------------------------------------


@pytest.fixture
def write(issued):
    """Return a function that sends one and the same signed request, which changes something."""
    headers = signed(issued, method="POST", body=b"{}", content_type="application/json")
    return lambda: post(b"{}", headers)


def test_signed_request_may_be_repeated_by_default(write):
    """Clients repeat what was not answered."""
    assert [write().status_code, write().status_code] == [200, 200]
    assert not UsedSignature.objects.exists()


def test_replayed_change_is_refused_where_the_setting_says_so(write, settings):
    """Whoever listened cannot do it again."""
    settings.CSMS_SNWS2_REPLAY_CACHE = True

    assert write().status_code == 200
    assert refusal(write()) == (401, "Request already used")


def test_reading_may_be_repeated_all_the_same(issued, settings):
    """Two views of a page may ask for the same in the same second."""
    settings.CSMS_SNWS2_REPLAY_CACHE = True
    headers = signed(issued)

    assert [get(headers).status_code, get(headers).status_code] == [200, 200]


def test_used_signatures_are_forgotten_with_their_date(write, settings):
    """What is too old to be believed need not be remembered."""
    settings.CSMS_SNWS2_REPLAY_CACHE = True
    write()

    jobs.forget_used_signatures(timezone.now() + timedelta(minutes=14))
    assert UsedSignature.objects.count() == 1
    jobs.forget_used_signatures(timezone.now() + timedelta(minutes=16))
    assert not UsedSignature.objects.exists()


def test_refused_request_leaves_no_signature(issued, settings):
    """Only who knows a secret can fill the table."""
    settings.CSMS_SNWS2_REPLAY_CACHE = True

    post(b"{}", signed((issued[0], "wrong"), method="POST", body=b"{}", content_type="application/json"))

    assert not UsedSignature.objects.exists()


def test_secret_stays_encrypted(issued):
    """It is needed in clear for the moment of the comparison only."""
    token, secret = issued
    get(signed(issued))

    assert secrets.decrypt(token.secret_encrypted) == secret
    assert secret not in token.secret_encrypted
