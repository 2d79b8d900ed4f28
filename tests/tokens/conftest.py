"""A URL table with this app's doors, and callers of each kind."""

import types

import pytest
from django.contrib import admin
from django.urls import clear_url_caches, include, path
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from tokens import services
from tokens.api.native import router


class WhoAmI(APIView):
    def get(self, request):
        return Response({"user": request.user.username})

    post = get


class Datum(WhoAmI):
    allow_data_tokens = True


urls = types.ModuleType("tests.tokens.urls")
urls.urlpatterns = [
    path("whoami", WhoAmI.as_view()),
    path("datum", Datum.as_view()),
    path("admin/", admin.site.urls),
    path("api/v1/", include(router.urls)),
]


@pytest.fixture(autouse=True)
def doors(settings):
    settings.ROOT_URLCONF = urls
    clear_url_caches()


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def caller():
    """Return a client that speaks for an account."""

    def client(user):
        token, secret = services.create_api_token(user)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.identifier}:{secret}")
        return client

    return client


@pytest.fixture
def superuser(django_user_model):
    return django_user_model.objects.create_superuser("root", password="root's password")
