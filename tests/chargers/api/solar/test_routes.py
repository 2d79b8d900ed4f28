"""What holds for every route of SolarNetwork's dialect, found by walking the URL table."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from chargers.models import ActionStatus, Charger, Connector, Presence, PublishSettings, Transaction
from csms.models import Event
from csms.solar import NoRoute
from tests.kit import routes, world
from tokens import services
from tokens.models import Authorization, Credential

pytestmark = pytest.mark.strictest
PREFIX = "/solaruser/api/v1/sec/user/"
ROUTES = list(routes.walk(PREFIX))
# Those of instructions and datum have tests of their own for what they show.
ALL_ROUTES = [
    route
    for prefix in ("/solaruser/", "/solarquery/")
    for route in routes.walk(prefix)
    if route.view is not NoRoute
]
GETS = [route for route in ROUTES if route.method == "get"]
DETAILS = [route for route in ROUTES if route.parameters]
SAVES = [route for route in ROUTES if route.method == "post" and not route.path.endswith("sessions/end/")]
ABSENT = {
    "success": False,
    "code": "DAO.00102",
    "message": "The requested key was not found.",
}
# Lists below another row, and a session: what is not there is empty.
EMPTY = {
    "get connectors/{charge_point}/": {"success": True, "data": []},
    "get sessions/incomplete/{charge_point}/": {"success": True, "data": []},
    "get sessions/{id}/": {"success": True},
}


def _name(route):
    return str(route).replace(f"{PREFIX}ocpp/", "")


def _path(route, rows):
    """Return the path of a route for the rows of an owner."""
    noun = route.path.removeprefix(f"{PREFIX}ocpp/").split("/")[0]
    own = {
        "authorizations": Authorization,
        "credentials": Credential,
        "chargers": Charger,
        "sessions": Transaction,
    }
    row = rows[own.get(noun, Charger)]
    values = {
        "id": str(getattr(row, "uuid", row.pk)),
        "charge_point": rows[Charger].pk,
        "evse": rows[Connector].evse_id,
        "connector": rows[Connector].connector_id,
    }
    return route.path.format(**values)


def _body(noun, rows):
    """Return a body that saves the owner's own row of a noun."""
    charger = rows[Charger].pk
    return {
        "authorizations": {"id": rows[Authorization].pk, "token": "changed"},
        "credentials": {"id": rows[Credential].pk, "username": "changed"},
        "chargers": {
            "id": charger,
            "nodeId": 1,
            "info": {"id": "changed", "chargePointVendor": "V", "chargePointModel": "M"},
        },
        "chargers/settings": {"chargePointId": charger, "sourceIdTemplate": "/changed"},
        "connectors": {"chargePointId": charger, "connectorId": 1, "info": {"status": "Faulted"}},
        "settings": {"sourceIdTemplate": "/changed"},
    }[noun]


def _noun(route):
    return route.path.removeprefix(f"{PREFIX}ocpp/").rstrip("/")


def _state():
    models = (Charger, Connector, PublishSettings, Authorization, Credential, Transaction)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_walker_finds_the_routes():
    """A walker that finds nothing would prove nothing."""
    found = {_name(route) for route in ROUTES}

    assert {"post authorizations/", "delete settings/{charge_point}/settings/", "get sessions/{id}/"} <= found


@pytest.mark.django_db
@pytest.mark.parametrize("route", ALL_ROUTES, ids=str)
def test_no_route_is_open(route):
    """Without a key every route refuses, in an envelope."""
    path = route.filled(*[1] * len(route.parameters))

    answer = APIClient().generic(route.method.upper(), path)

    assert answer.status_code == 401
    assert answer.json()["success"] is False


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_data_tokens_are_refused(owner, route):
    """They query datum, and may do nothing here."""
    token, secret = services.create_api_token(owner, kind="ReadNodeData")
    client = APIClient(headers={"Authorization": f"Bearer {token.identifier}:{secret}"})

    answer = client.generic(route.method.upper(), route.filled(*[1] * len(route.parameters)))

    assert (answer.status_code, answer.json()["success"]) == (403, False)


@pytest.mark.parametrize("route", DETAILS, ids=_name)
def test_rows_of_strangers_do_not_exist(client, rows, other_rows, route):
    """Whatever is tried on a stranger's row answers as if there were none, and nothing has changed."""
    before = _state()

    answer = client.generic(route.method.upper(), _path(route, other_rows))

    expected = EMPTY.get(_name(route))
    assert answer.json() == (expected or ABSENT)
    assert answer.status_code == (200 if expected else 404)
    assert _state() == before


@pytest.mark.parametrize("route", DETAILS, ids=_name)
def test_own_rows_are_found(client, rows, route):
    """The same requests on one's own rows succeed, and show something or remove it."""
    answer = client.generic(route.method.upper(), _path(route, rows))

    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert ("data" in answer.json()) == (route.method == "get")


@pytest.mark.parametrize("route", SAVES, ids=_name)
def test_rows_of_strangers_cannot_be_written(client, rows, other_rows, route):
    """A body that names a stranger's row is refused as one that names none; account settings name nobody's."""
    before = _state()
    body = _body(_noun(route), other_rows) | ({"userId": 10**6} if _noun(route) == "settings" else {})

    answer = client.post(route.path, body)

    message = "ACCESS_DENIED" if _noun(route) == "settings" else "UNKNOWN_OBJECT"
    assert (answer.status_code, answer.json()) == (403, {"success": False, "message": message})
    assert _state() == before


@pytest.mark.parametrize("route", SAVES, ids=_name)
def test_nobody_writes_for_another_account(client, rows, stranger, route):
    """A `userId` that is not the caller's is refused, whatever else the body says."""
    before = _state()

    answer = client.post(route.path, {**_body(_noun(route), rows), "userId": stranger.pk})

    assert (answer.status_code, answer.json()) == (403, {"success": False, "message": "ACCESS_DENIED"})
    assert _state() == before


@pytest.mark.parametrize("route", SAVES, ids=_name)
@pytest.mark.parametrize("kind", [int, str, float])
def test_own_rows_are_written(client, rows, owner, route, kind):
    """With the caller's own `userId`, as a number or a text, a save succeeds."""
    answer = client.post(route.path, {**_body(_noun(route), rows), "userId": kind(owner.pk)})

    assert answer.status_code == 200
    assert answer.json()["data"]["userId"] == owner.pk


def test_sessions_of_strangers_cannot_be_ended(client, rows, other_rows):
    """They answer as sessions do that are not open."""
    session = other_rows[Transaction]

    answer = client.post(f"{PREFIX}ocpp/sessions/end?id={session.uuid}")

    session.refresh_from_db()
    assert (answer.json(), session.ended_at) == ({"success": True, "data": False}, None)


LISTS = [route for route in GETS if not route.parameters and _noun(route) != "settings"]


def _rows_of(answer):
    data = answer.json()["data"]
    return data["results"] if isinstance(data, dict) else data


@pytest.mark.parametrize("route", LISTS, ids=_name)
def test_lists_show_own_rows_only(client, owner, rows, other_rows, route):
    """Something of the caller's, and nothing of a stranger's."""
    found = _rows_of(client.get(route.path))

    chargers = {row["chargePointId"] for row in found if "chargePointId" in row}
    assert found
    assert {row.get("userId", owner.pk) for row in found} == {owner.pk}
    assert chargers <= {rows[Charger].pk}


@pytest.mark.parametrize("route", LISTS, ids=_name)
def test_lists_cost_the_same_however_long(client, owner, rows, route):
    """Nine rows more of everything cost no query more."""
    before = _queries(client, route.path)
    _multiply(rows)

    assert len(_rows_of(client.get(route.path))) >= 10
    # The log of events asks three tables, two of them for their newest id first.
    assert _queries(client, route.path) == before <= (6 if route.path.endswith("events/") else 2)


def _multiply(rows):
    owner, event = rows[Charger].owner, Event
    for number in range(9):
        charger = Charger.objects.create(owner=owner, identifier=f"CP-more-{number}")
        Presence.objects.create(charger=charger, connected_at=world.NOON)
        PublishSettings.objects.create(owner=owner, charger=charger, source_id_template="/b")
        event.objects.create(owner=owner, kind="charger.connected", charger_id=charger.pk)
    for model in (Authorization, Credential, Connector, Transaction, ActionStatus):
        world.multiply(rows[model], 9)


def _queries(client, path):
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return len(queries)


@pytest.mark.parametrize("route", GETS, ids=_name)
def test_slash_is_optional(client, rows, route):
    """A route answers the same with and without the slash at its end, without a redirect."""
    path = _path(route, rows)

    assert client.get(path.rstrip("/")).json() == client.get(path).json()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/solaruser", "/solaruser/", f"{PREFIX}nothing", f"{PREFIX}ocpp/chargers/1/2/3", "/solarquery/api/v1/x"],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_unknown_path_is_an_envelope(client, method, path):
    """Not a page."""
    answer = getattr(client, method)(path)

    assert answer.status_code == 404
    assert answer.json() == {"success": False, "message": "There is nothing at this path."}


@pytest.mark.parametrize(
    ("method", "path"),
    [("put", "chargers"), ("delete", "chargers"), ("post", "chargers/1"), ("get", "sessions/end")],
)
def test_wrong_method_is_an_envelope(client, method, path):
    """405, with what is allowed in its header."""
    answer = getattr(client, method)(f"{PREFIX}ocpp/{path}")

    assert (answer.status_code, answer.json()["success"]) == (405, False)
    assert answer["Allow"]


@pytest.mark.parametrize(
    "path", ["authorizations/x", "chargers/1.5", "connectors/1/-x", f"chargers/{'9' * 20}"]
)
def test_path_that_is_no_number_is_an_illegal_argument(client, path):
    """As theirs: 422."""
    answer = client.get(f"{PREFIX}ocpp/{path}")

    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Illegal argument: ")


def test_session_is_named_by_a_uuid(client):
    """What is none is an illegal argument; one that nobody has shows no data."""
    unknown = client.get(f"{PREFIX}ocpp/sessions/{uuid.uuid4()}")
    malformed = client.get(f"{PREFIX}ocpp/sessions/1")

    assert (unknown.status_code, unknown.json()) == (200, {"success": True})
    assert malformed.status_code == 422


def test_unknown_form_of_a_list_is_refused_in_an_envelope(client):
    """406 where no form fits."""
    answer = client.get(f"{PREFIX}ocpp/chargers", headers={"Accept": "image/png"})

    assert (answer.status_code, answer.json()["success"]) == (406, False)
