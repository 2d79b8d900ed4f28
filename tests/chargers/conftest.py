"""Fixtures for chargers: the owner's charger, a driver, and what a charger says to us."""

from datetime import UTC, datetime

import pytest
from django.db import transaction

from chargers.batch import open_batch
from chargers.models import Charger
from chargers.ocpp import works
from chargers.wire.validation import V16
from tokens.models import Authorization

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def charger(owner):
    """An accepted OCPP 1.6 charger that needs no password."""
    return Charger.objects.create(owner=owner, identifier="CP-1", security_profile=0)


@pytest.fixture
def driver(owner):
    """A token that may charge."""
    return Authorization.objects.create(owner=owner, token="TAG1")


@pytest.fixture
def tell(charger):
    """Return a function that runs the handler of a message as the committer would, in a batch of its own."""

    def run(action, payload, *, version=V16, now=NOW, to=charger):
        with transaction.atomic(), open_batch([to.pk], serial_ids=[to.pk]) as batch:
            batch.now = now
            answer = works.HANDLERS[version][action](batch.chargers[to.pk], payload)
        to.refresh_from_db()
        return answer

    return run
