"""What holds for every route of the native API, found by walking the URL table."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from chargers.models import Charger
from csms.models import Event
from tests.kit import routes, world

pytestmark = pytest.mark.strictest
ROUTES = list(routes.walk())
# An event is shown once its transaction has ended, so the test must not be one.
LISTS = [
    pytest.param(route, marks=pytest.mark.django_db(transaction=route.model is Event))
    for route in ROUTES
    if route.action == "list" and not route.parameters
]
DETAILS = [route for route in ROUTES if route.parameters]
CREATES = [route for route in ROUTES if route.action == "create" and not route.parameters]


def test_walker_finds_the_routes():
    """A walker that finds nothing would prove nothing."""
    found = {str(route) for route in ROUTES}

    assert {
        "get /api/v1/",
        "get /api/v1/readings/",
        "post /api/v1/chargers/{charger_id}/commands/",
        "delete /api/v1/authorizations/{pk}/",
    } <= found


@pytest.mark.django_db
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_no_route_is_open(route):
    """Without a key every route refuses, as a problem document."""
    answer = APIClient().generic(route.method.upper(), route.filled(*[1] * len(route.parameters)))

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_unknown_route_is_a_problem(db):
    """A path that leads nowhere is refused in the words of the API, not with a page."""
    answer = APIClient().get("/api/v1/chargers/minus-one/")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_lists_show_own_rows_only(client, rows, other_rows, route):
    """A list holds the caller's rows and none of a stranger's."""
    shown = {row["id"] for row in client.get(route.path).json()["results"]}

    assert rows[route.model].pk in shown
    assert other_rows[route.model].pk not in shown


@pytest.mark.parametrize("route", DETAILS, ids=str)
def test_rows_of_strangers_do_not_exist(client, rows, other_rows, route):
    """Whatever is tried on a stranger's row: 404, and the row is as it was."""
    model = _model(route)
    row = other_rows[model]
    before = model.objects.filter(pk=row.pk).values().get()

    answer = client.generic(route.method.upper(), route.filled(row.pk), _body(route), "application/json")

    assert answer.status_code == 404
    assert model.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("route", DETAILS, ids=str)
def test_own_rows_are_found(client, rows, route):
    """The same requests on one's own rows are not refused for want of the row."""
    row = rows[_model(route)]

    answer = client.generic(route.method.upper(), route.filled(row.pk), "{}", "application/json")

    assert answer.status_code in (200, 204, 400, 409)


@pytest.mark.parametrize("route", CREATES, ids=str)
def test_rows_cannot_be_made_for_strangers(client, stranger, route):
    """Naming another account as owner is refused, and the field is named."""
    answer = client.post(route.path, {"owner": stranger.pk})

    assert answer.status_code == 400
    assert "owner" in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "get"], ids=str)
def test_slash_is_optional(client, rows, route):
    """A route answers the same with and without the slash at its end, without a redirect."""
    path = route.filled(*[rows[_model(route)].pk for _ in route.parameters])

    assert client.get(path.rstrip("/")).json() == client.get(path).json()


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_lists_cost_the_same_however_long(client, rows, route):
    """Nine rows more cost no query more: nothing is looked up row by row."""
    before = _queries(client, route.path)
    world.multiply(rows[route.model], 9)

    assert len(client.get(route.path).json()["results"]) == 10
    # Events first ask, on PostgreSQL, what may be read by id.
    assert _queries(client, route.path) == before <= 3


def _body(route):
    return '{"action": "Reset", "payload": {"type": "Soft"}}' if route.action == "create" else "{}"


def _model(route):
    """The model whose number the path holds."""
    return Charger if "charger_id" in route.parameters else route.model


def _queries(client, path):
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return len(queries)
