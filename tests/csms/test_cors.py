"""Pages of other origins at SolarNetwork's doors: what browsers ask first, and what pages may read."""

import pytest
from django.test import Client

from tokens import services

CHARGERS = "/solaruser/api/v1/sec/user/ocpp/chargers"
PAGE = "https://dashboard.example.com"
ASKING = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,digest,x-sn-date",
}

pytestmark = pytest.mark.spec("solar-ocpp", "Authentication")


def ask(path=CHARGERS, **headers):
    return Client(headers={**ASKING, **headers}).options(path)


def get(path=CHARGERS, **headers):
    return Client(headers={"Origin": PAGE, **headers}).get(path)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (CHARGERS, "GET, POST, HEAD, OPTIONS"),
        (f"{CHARGERS}/1", "GET, DELETE, HEAD, OPTIONS"),
        ("/solaruser/api/v1/sec/instr/exec/OCPP_v16", "POST, OPTIONS"),
        ("/solarquery/api/v1/sec/datum/list", "GET, HEAD, OPTIONS"),
        ("/solaruser/nothing", "OPTIONS"),
    ],
)
def test_browser_is_told_what_may_be_sent(path, methods):
    """It asks without a token; no row is looked at."""
    answer = ask(path)

    assert (answer.status_code, answer.content, answer["Access-Control-Allow-Origin"]) == (204, b"", "*")
    assert (answer["Allow"], answer["Access-Control-Allow-Methods"]) == (methods, methods)
    assert (
        answer["Access-Control-Allow-Headers"]
        == "Authorization, Content-MD5, Content-Type, Digest, X-SN-Date"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "status"), [(CHARGERS, 401), ("/solaruser/nothing", 404)])
def test_page_reads_why_it_was_refused(path, status):
    """Or its author sees nothing but that something went wrong."""
    answer = get(path)

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (status, "*")
    assert "X-SN-ErrorMessage" in answer["Access-Control-Expose-Headers"]


def test_page_with_a_token_reads_the_answer(owner):
    """Its token is all that counts: browsers are not invited to send cookies."""
    token, secret = services.create_api_token(owner)

    answer = get(Authorization=f"Bearer {token.identifier}:{secret}")

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Credentials" not in answer


def test_session_of_the_admin_counts_for_nothing_here(admin_client):
    """A page that makes a browser send its cookie all the same learns nothing."""
    assert admin_client.get(CHARGERS, headers={"Origin": PAGE}).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ([PAGE, "https://b.example.com"], PAGE, PAGE),
        ([PAGE], "https://evil.example.com", None),
        ([PAGE], f"{PAGE}.evil.com", None),
        ([], PAGE, None),
    ],
)
@pytest.mark.parametrize("send", [ask, get])
def test_setting_names_who_may(settings, send, origins, origin, allowed):
    """One origin is told at a time, and caches know that it matters."""
    settings.CSMS_CORS_ORIGINS = origins

    answer = send(Origin=origin)

    assert answer.get("Access-Control-Allow-Origin") == allowed
    assert "Origin" in answer["Vary"]


@pytest.mark.parametrize("path", ["/api/v1/chargers/", "/admin/login/"])
def test_other_doors_are_closed_to_pages(path, admin_client):
    """They believe cookies."""
    assert "Access-Control-Allow-Origin" not in admin_client.get(path, headers={"Origin": PAGE})
