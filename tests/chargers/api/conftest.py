"""API clients of several accounts, and a row of everything for two owners."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from chargers.models import Charger, Command, Presence
from chargers.services import commands, wakeups
from csms.models import ServerProcess
from tests.kit import world
from tokens import services


def client_of(user):
    """Return a client with a token of `user`."""
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
    return client_of(owner)


@pytest.fixture
def root_client(superuser):
    return client_of(superuser)


@pytest.fixture
def rows(owner):
    return world.of(owner)


@pytest.fixture
def other_rows(stranger):
    return world.of(stranger)


@dataclass
class Answering:
    """The far end: a socket in this process whose charger answers at once."""

    charger: Charger
    token: UUID
    is_free: bool = True
    result: object = None

    def offer(self, command):
        commands.finish(command, Command.State.COMPLETED, result=self.result or {"status": "Accepted"})

    def look(self):
        while command := commands.claim(self.charger, self.token, timezone.now()):
            self.offer(command)

    def dismiss(self, code, reason):
        pass


@pytest.fixture
def online(charger):
    now = timezone.now()
    return Presence.objects.create(
        charger=charger,
        process=ServerProcess.objects.create(name="web", kind="web"),
        protocol="ocpp1.6",
        token=uuid4(),
        expires_at=now + timedelta(minutes=15),
    )


@pytest.fixture
def answering(transactional_db, online, monkeypatch):
    link = Answering(online.charger, online.token)
    monkeypatch.setitem(wakeups.links, online.charger_id, link)
    return link


@pytest.fixture
def says(answering):
    """Return a function that tells what the charger answers to everything."""

    def say(result):
        answering.result = result

    return say
