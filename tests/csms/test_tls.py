"""TLS that ends at a proxy."""

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpResponse
from django.test import RequestFactory

from csms import tls


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.CSMS_TRUSTED_PROXIES = ["10.0.0.0/8"]


async def seen_scheme(peer, proto):
    """Return the scheme that the application behind the wrapper sees."""
    seen = []

    async def application(scope, receive, send):
        seen.append(scope["scheme"])

    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 1),
        "headers": [(b"x-forwarded-proto", proto)],
    }
    await ApplicationCommunicator(tls.told_by_proxies(application), scope).wait()
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("10.0.0.1", b"https", "https"),
        ("10.0.0.1", b"http", "http"),
        ("203.0.113.7", b"https", "http"),
    ],
)
async def test_only_trusted_proxies_are_believed(peer, proto, scheme):
    """Links and CSRF checks follow the browser's own connection, and nobody else's word."""
    assert await seen_scheme(peer, proto) == scheme


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cookies_of_tls_stay_on_tls(scheme):
    """A session that began on TLS is never sent in clear."""

    def view(request):
        response = HttpResponse()
        response.set_cookie("sessionid", "x")
        return response

    request = RequestFactory().get("/", secure=scheme == "https")

    response = tls.secure_cookies(view)(request)

    assert bool(response.cookies["sessionid"]["secure"]) is (scheme == "https")


async def test_cookies_of_asynchronous_views_too():
    """Live streams are asynchronous; so is their middleware."""

    async def view(request):
        response = HttpResponse()
        response.set_cookie("sessionid", "x")
        return response

    response = await tls.secure_cookies(view)(RequestFactory().get("/", secure=True))

    assert response.cookies["sessionid"]["secure"] is True


def test_admin_sets_its_cookie_so(client, db):
    """The middleware stands before those that set cookies."""
    response = client.get("/admin/login/", secure=True)

    assert response.cookies["csrftoken"]["secure"] is True
