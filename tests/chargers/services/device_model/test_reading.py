"""Asking a station for reports: what is there when its answer comes."""

import pytest
from django.db import connection

from chargers.models import Presence, Report
from chargers.services import device_model, wakeups


class Link:
    """A socket in this process, whose station might answer the moment that it is asked."""

    is_free = True

    def __init__(self, token):
        self.token, self.found = token, []

    def offer(self, command):
        is_open = Report.objects.filter(command=command, state=Report.State.OPEN).exists()
        self.found.append((command.action, is_open, connection.in_atomic_block))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("options", "action"),
    [({"base": "FullInventory"}, "GetBaseReport"), ({"criteria": ["Problem"]}, "GetReport")],
)
def test_report_is_open_before_the_station_is_asked(far201, monkeypatch, options, action):
    """Its first part may come at once, over another connection to the database."""
    station = far201.charger
    link = Link(Presence.objects.get(charger=station).token)
    monkeypatch.setitem(wakeups.links, station.pk, link)

    device_model.read(station, origin="test", **options)

    assert link.found == [(action, True, False)]
