"""OpenAPI: complete, valid, true to what the server answers, and nothing of it from outside."""

import re
from io import StringIO

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.kit import routes, world
from tokens import services

PREFIXES = ("/api/v1/", "/solaruser/", "/solarquery/")
ROUTES = [route for prefix in PREFIXES for route in routes.walk(prefix) if route.view.schema is not None]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_schema_is_valid_and_complete():
    """The generator finds nothing that it has to guess."""
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO(), stderr=StringIO())


def _described(route):
    return route.path.replace("{pk}", "{id}")


def test_every_route_is_described(client):
    """Whatever the URL table has of our APIs is in the schema."""
    paths = client.get("/api/schema?format=json").json()["paths"]

    missing = [str(route) for route in ROUTES if route.method not in paths.get(_described(route), {})]
    assert missing == []


def test_docs_ask_no_other_host(client):
    """The page loads its scripts, styles and pictures from here."""
    page = client.get("/api/docs").content.decode()

    assert "swagger-ui-bundle.js" in page
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", page) == []


@pytest.fixture(scope="module")
def described():
    """The schema, loaded from the application that it describes.

    Unlike Django's test client, that of schemathesis would close the connection of the test.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(owner, stranger):
    """The key of an owner with a row of everything."""
    world.of(owner)
    world.of(stranger)
    token, secret = services.create_api_token(owner)
    return {"Authorization": f"Bearer {token.identifier}:{secret}"}


@pytest.mark.strictest
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_answers_are_as_described(described, headers, route):
    """Whatever is sent, the server does not fail and answers with what the schema announces."""
    operation = described[_described(route)][route.method.upper()]

    @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def hold(case):
        case.call_and_validate(headers=headers, checks=CHECKS)

    hold()
