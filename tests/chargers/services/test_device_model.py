"""What a charger says of its settings, where it means more than a setting."""

import pytest

from chargers.models import Charger, Connector
from chargers.services import device_model

pytestmark = pytest.mark.django_db


def _learn(charger, value):
    key = {"key": "NumberOfConnectors", "readonly": True, "value": value}
    device_model.learn(charger, "GetConfiguration", {"configurationKey": [key]})
    connectors = Connector.objects.filter(charger=charger).values_list("connector_id", flat=True)
    return Charger.objects.get(pk=charger.pk).connector_count, list(connectors)


@pytest.mark.spec("solar-ocpp", "Connectors save")
def test_number_of_connectors_enters_them(charger):
    """Those that it has are numbered from 1; their status is unknown until it is told."""
    assert _learn(charger, "2") == (2, [1, 2])
    assert set(Connector.objects.values_list("status", flat=True)) == {"Unknown"}


def test_connectors_that_reported_themselves_stay(charger):
    """Some chargers count wrongly."""
    Connector.objects.create(charger=charger, connector_id=3, status="Charging")

    assert _learn(charger, "1") == (1, [1, 3])


@pytest.mark.parametrize("value", [None, "", "0", "-1", "many", "101", "9" * 30, "²"])
def test_nonsense_enters_nothing(charger, value):
    """Nobody makes a million rows with one answer."""
    assert _learn(charger, value) == (0, [])
