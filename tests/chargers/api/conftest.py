"""API clients of several accounts, and a row of everything for two owners."""

import pytest
from rest_framework.test import APIClient

from tests.kit import world
from tokens import services


def _client(user):
    token, secret = services.create_api_token(user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.identifier}:{secret}")
    # A fresh token's first use is written down; that would count as a query of the test.
    client.get("/api/v1/")
    return client


@pytest.fixture
def superuser(django_user_model):
    return django_user_model.objects.create_superuser("root")


@pytest.fixture
def client(owner):
    return _client(owner)


@pytest.fixture
def root_client(superuser):
    return _client(superuser)


@pytest.fixture
def rows(owner):
    return world.of(owner)


@pytest.fixture
def other_rows(stranger):
    return world.of(stranger)
