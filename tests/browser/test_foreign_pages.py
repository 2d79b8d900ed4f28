"""A page of another origin that calls SolarNetwork's APIs with a token of its own."""

import pytest

from tokens import services
from tokens.models import Authorization

pytestmark = [pytest.mark.browser, pytest.mark.once]

# With what signed requests bring along, too: browsers ask before they send it.
CALL = """([url, key]) => fetch(url, {
    method: "POST",
    headers: {"Authorization": `Bearer ${key}`, "Content-Type": "application/json", "X-SN-Date": "now"},
    body: JSON.stringify({token: "FROM-A-PAGE"}),
}).then(async (answer) => [answer.status, (await answer.json()).success])"""


def test_page_of_another_origin_saves_and_reads(visit, address, boss):
    """Its browser asks first and is told yes."""
    token, secret = services.create_api_token(boss)
    other = address.replace("127.0.0.1", "localhost")
    url = f"{other}/solaruser/api/v1/sec/user/ocpp/authorizations"

    with visit(None) as person:
        person.open("/admin/login/")
        answer = person.do(lambda page: page.evaluate(CALL, [url, f"{token.identifier}:{secret}"]))
        person.strayed.clear()  # it was meant to call elsewhere

    assert (answer, Authorization.objects.get().owner) == ([201, True], boss)
