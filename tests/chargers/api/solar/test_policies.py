"""Tokens with policies at SolarUser's doors: what belongs to no single node, and what tells of datum."""

import pytest
from rest_framework.test import APIClient

from chargers.models import PublishSettings
from tokens import services
from tokens.models import Authorization, Credential

pytestmark = [pytest.mark.django_db, pytest.mark.spec("solar-ocpp", "Authentication")]

BASE = "/solaruser/api/v1/sec/user"
DENIED = {
    "success": False,
    "message": "ACCESS_DENIED",
    "errors": [{"message": "The policy of this token names nodes; this belongs to the whole account."}],
}


@pytest.fixture
def call(owner):
    """Return a function that calls with a token of a policy."""

    def calling(method, path, body=None, **policy):
        token, secret = services.create_api_token(owner, policy=policy)
        client = APIClient(headers={"Authorization": f"Bearer {token.identifier}:{secret}"})
        return getattr(client, method)(f"{BASE}{path}", body)

    return calling


@pytest.fixture
def account(owner):
    """What belongs to the account of the owner, by number."""
    return {
        "authorization": Authorization.objects.create(owner=owner, token="TAG").pk,
        "credential": services.create_credential(owner, "site")[0].pk,
        "settings": PublishSettings.objects.create(owner=owner, source_id_template="/a").pk,
    }


def state():
    return [list(model.objects.values()) for model in (Authorization, Credential, PublishSettings)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/ocpp/authorizations", {"token": "NEW"}),
        ("delete", "/ocpp/authorizations/{authorization}", None),
        ("post", "/ocpp/credentials", {"username": "new"}),
        ("delete", "/ocpp/credentials/{credential}", None),
        ("get", "/ocpp/credentials", None),
        ("get", "/ocpp/credentials?username=site", None),
        ("get", "/ocpp/credentials/{credential}", None),
        ("post", "/ocpp/settings", {"sourceIdTemplate": "/b"}),
        ("delete", "/ocpp/settings", None),
    ],
)
def test_what_belongs_to_all_nodes_is_not_for_a_token_of_some(call, account, method, path, body):
    """A driver, a login or a setting that it made would count at every node's chargers."""
    before = state()

    answer = call(method, path.format(**account), body, nodeIds=[1])

    assert (answer.status_code, answer.json()) == (403, DENIED)
    assert state() == before


@pytest.mark.parametrize(
    "path", ["/ocpp/authorizations", "/ocpp/authorizations/{authorization}", "/ocpp/settings"]
)
def test_drivers_and_settings_may_be_looked_at(call, account, path):
    """They name no charger, and hold for the token's nodes too."""
    assert call("get", path.format(**account), nodeIds=[1]).status_code == 200


@pytest.mark.parametrize("policy", [{"apiPaths": ["/user/**"]}, {"sourceIds": ["/a/**"]}])
def test_other_policies_leave_accounts_alone(call, policy):
    """They are about something else."""
    assert call("post", "/ocpp/credentials", {"username": "new"}, **policy).status_code == 201


@pytest.mark.parametrize("policy", [{"sourceIds": ["/a/**"]}, {"minAggregation": "Hour"}])
def test_log_of_events_is_not_for_tokens_of_some_datum(call, policy):
    """It holds meter values as they came."""
    answer = call("get", "/events", **policy)

    why = "The policy of this token is about datum, which the log of events holds."
    assert answer.status_code == 403
    assert answer.json() == {"success": False, "message": "ACCESS_DENIED", "errors": [{"message": why}]}


def test_path_is_judged_without_the_prefix_of_an_installation(owner):
    """Served below another path, what is forbidden stays so."""
    token, secret = services.create_api_token(owner, policy={"apiPaths": ["!/user/ocpp/**"]})
    client = APIClient(headers={"Authorization": f"Bearer {token.identifier}:{secret}"})

    assert client.get(f"{BASE}/events", SCRIPT_NAME="/csms").status_code == 200
    assert client.get(f"{BASE}/ocpp/chargers", SCRIPT_NAME="/csms").status_code == 403
