"""The account of the documents' examples: number 1, with a client that speaks for it."""

import pytest
from rest_framework.test import APIClient

from tokens import services


@pytest.fixture
def account(django_user_model):
    return django_user_model.objects.create_user("example", pk=1)


@pytest.fixture
def client(account):
    token, secret = services.create_api_token(account)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.identifier}:{secret}")
    return client
