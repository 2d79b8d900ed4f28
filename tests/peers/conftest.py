"""One server for all independent clients, with an owner, two chargers with passwords and a driver."""

from dataclasses import dataclass

import pytest
from django.contrib.auth import get_user_model

from chargers.models import Charger
from chargers.services import registration
from chargers.wire.validation import V16, V201
from tests.kit import emptying, live
from tokens.models import Authorization
from tokens.services import create_api_token

PASSWORD = "a password of its own"


@dataclass(frozen=True)
class Station:
    """Where the server is, who may ask it, and the numbers of its chargers by OCPP version."""

    address: str
    key: str
    chargers: dict

    @property
    def websockets(self):
        return self.address.replace("http", "ws") + "/ocpp"


@pytest.fixture(scope="package")
def db(django_db_setup, django_db_blocker):
    """The database, whose rows the server of the package can see."""
    with emptying.committed(django_db_blocker):
        yield


@pytest.fixture(scope="package")
def station(db):
    """Start the server, with rows that it can see."""
    owner = get_user_model().objects.create_user("owner")
    Authorization.objects.create(owner=owner, token="TAG1")
    chargers = {version: _entered(owner, version) for version in (V16, V201)}
    token, secret = create_api_token(owner)
    with live.server() as (address, _):
        yield Station(address, f"{token.identifier}:{secret}", chargers)


def _entered(owner, version):
    charger = Charger.objects.create(owner=owner, identifier=f"CP-{version}", protocol=version)
    registration.set_password(charger, PASSWORD, is_generated=True)
    return charger
