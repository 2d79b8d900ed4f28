"""A charger of either version that is online and answers what a test says; nothing is learnt by itself."""

import pytest

from chargers.models import Charger, Learning, Variable
from chargers.services import device_model
from csms.models import Event
from tests.kit.orders import FarCharger


def known(charger):
    """Let everything that can be learnt of the charger be known."""
    Learning.objects.create(
        charger=charger,
        state=Learning.State.KNOWN,
        described_as=f"{charger.vendor}\n{charger.model}\n{charger.firmware_version}\n{charger.protocol}",
    )


@pytest.fixture
def far(charger):
    """The charger CP-1, which speaks OCPP 1.6."""
    known(charger)
    return FarCharger(charger, device_model.reconcile)


@pytest.fixture
def far201(owner):
    """A station that speaks OCPP 2.0.1."""
    station = Charger.objects.create(owner=owner, identifier="CS-1", security_profile=0, protocol="ocpp2.0.1")
    known(station)
    return FarCharger(station, device_model.reconcile)


@pytest.fixture
def of(db):
    """Return a function that finds the row of a variable."""
    return lambda name: Variable.objects.get(name=name)


@pytest.fixture
def changes(db):
    """Return a function that lists what was told of changed values: (name, old, new, source)."""

    def told():
        rows = Event.objects.filter(kind="variable.changed").order_by("pk")
        return [tuple(row.data[name] for name in ("name", "old", "new", "source")) for row in rows]

    return told
