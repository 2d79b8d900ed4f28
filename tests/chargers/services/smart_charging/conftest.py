"""A charger that is connected, and the answers that it gives."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chargers.models import Command, Connector, Presence, Transaction, Variable
from chargers.services import commands
from csms.models import ServerProcess

State = Command.State


_IN_201 = {
    "ChargeProfileMaxStackLevel": "ProfileStackLevel",
    "ChargingScheduleAllowedChargingRateUnit": "RateUnit",
    "ChargingScheduleMaxPeriods": "PeriodsPerSchedule",
    "MaxChargingProfilesInstalled": "Entries",
    "SupportedFeatureProfiles": "Enabled",
}


class Station:
    """The far end: what it was asked, oldest first, and its answers."""

    def __init__(self, charger):
        self.charger = charger

    def asked(self):
        """Return the commands that wait for an answer."""
        return list(Command.objects.filter(charger=self.charger, state=State.QUEUED).order_by("id"))

    def next(self, action="SetChargingProfile"):
        """Return the payload of the only command that waits, which must be of `action`."""
        (command,) = self.asked()
        assert command.action == action
        return command.payload

    def answer(self, result="Accepted", **more):
        """Answer the oldest command that waits: with a status, or any result."""
        result = {"status": result, **more} if isinstance(result, str) else result
        self._end(State.COMPLETED, result=result)

    def fail(self, code, words=""):
        """Answer it with a CALLERROR."""
        self._end(State.FAILED, error_code=code, error_description=words)

    def stay_silent(self):
        self._end(State.TIMED_OUT)

    def _end(self, state, **what):
        command = self.asked()[0]
        command.charger = self.charger
        assert commands.finish(command, state, **what)

    def compose(self, value, unit="A"):
        """Answer the question for a composite schedule with one period."""
        periods = [{"startPeriod": 0, "limit": value}]
        if self.charger.protocol == "ocpp1.6":
            schedule = {"duration": 60, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
            self.answer(connectorId=1, scheduleStart=timezone.now().isoformat(), chargingSchedule=schedule)
        else:
            schedule = {"evseId": 1, "duration": 60, "scheduleStart": timezone.now().isoformat()}
            schedule |= {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
            self.answer(schedule=schedule)

    def go_offline(self):
        Presence.objects.filter(charger=self.charger).delete()

    def go_online(self):
        Presence.objects.update_or_create(
            charger_id=self.charger.pk,
            defaults={
                "process": ServerProcess.objects.create(name="web", kind="web"),
                "protocol": self.charger.protocol,
                "token": uuid4(),
                "expires_at": timezone.now() + timedelta(days=1),
            },
        )

    def reboot(self):
        self.charger.booted_at = timezone.now()
        self.charger.save()

    def told(self, name, value):
        """Have it said of itself what OCPP 1.6 calls by `name`."""
        component = ""
        if self.charger.protocol != "ocpp1.6":
            component, name = "SmartChargingCtrlr", _IN_201[name]
        Variable.objects.create(
            charger=self.charger, component=component, name=name, value=value, reported_at=timezone.now()
        )

    def start(self, connector=1):
        """Begin a transaction on a connector (1.6) or EVSE (2.0.1)."""
        is_16 = self.charger.protocol == "ocpp1.6"
        return Transaction.objects.create(
            owner=self.charger.owner,
            charger=self.charger,
            protocol=self.charger.protocol,
            transaction_id="" if is_16 else f"session-{connector}",
            evse_id=0 if is_16 else connector,
            connector_id=connector if is_16 else 1,
            started_at=timezone.now(),
        )


@pytest.fixture(params=["ocpp1.6", "ocpp2.0.1"])
def station(request, charger):
    """The charger CP-1 with two connectors, online, in each version."""
    charger.protocol = request.param
    charger.connector_count = 2
    charger.save()
    return _station(charger)


@pytest.fixture
def station16(charger):
    charger.connector_count = 2
    charger.save()
    return _station(charger)


def _station(charger):
    is_16 = charger.protocol == "ocpp1.6"
    for number in (1, 2):
        place = {"connector_id": number} if is_16 else {"evse_id": number, "connector_id": 1}
        Connector.objects.create(charger=charger, **place)
    station = Station(charger)
    station.go_online()
    return station


@pytest.fixture
def plug(station):
    """Its first connector."""
    return station.charger.connectors.order_by("evse_id", "connector_id").first()
