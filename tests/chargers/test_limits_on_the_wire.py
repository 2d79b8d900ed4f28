"""Limits to chargers that are connected: what the frames are, and what misbehaviour leaves in the rows."""

import json
from datetime import UTC, datetime

import pytest

from chargers.models import ChargingLimit, ChargingProfile, Command
from chargers.services import smart_charging
from tests.kit.chargers import InProcessCharger, boards_closed, in_thread, until

pytestmark = pytest.mark.django_db(transaction=True)
BOOT = {
    "ocpp1.6": {"chargePointVendor": "Acme", "chargePointModel": "One"},
    "ocpp2.0.1": {"chargingStation": {"vendorName": "Acme", "model": "One"}, "reason": "PowerUp"},
}


class Station(InProcessCharger):
    """A charger that answers what it is asked as a test says: {action: answer or code of an error}."""

    def __init__(self, version):
        super().__init__(subprotocols=(version,))
        self.asked = []

    async def play(self, answers, *, calls):
        """Answer until `calls` requests of `answers` have come; None is silence, others it does not know."""
        while calls:
            _, message_id, action, payload = await self.receive()
            answer = answers.get(action, "NotSupported")
            if action in answers:
                self.asked.append((action, payload))
                calls -= 1
            if isinstance(answer, str):
                await self.send(json.dumps([4, message_id, answer, "", {}]))
            elif answer is not None:
                await self.send(json.dumps([3, message_id, answer]))


def composite(version, limit):
    """Return an answer to GetCompositeSchedule that says one limit in amps."""
    now = datetime.now(UTC).isoformat()
    schedule = {
        "duration": 60,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    if version == "ocpp1.6":
        return {"status": "Accepted", "connectorId": 1, "scheduleStart": now, "chargingSchedule": schedule}
    return {"status": "Accepted", "schedule": schedule | {"evseId": 1, "scheduleStart": now}}


@pytest.fixture(params=["ocpp1.6", "ocpp2.0.1"])
def version(request, charger):
    charger.protocol, charger.connector_count = request.param, 2
    charger.save()
    return request.param


@pytest.fixture
def plug(charger, version):
    is_16 = version == "ocpp1.6"
    return charger.connectors.create(evse_id=0 if is_16 else 1, connector_id=1)


@pytest.fixture
async def station(plug, version):
    """The charger CP-1, connected in process."""
    end = Station(version)
    await end.connect()
    yield end
    await end.disconnect()
    await boards_closed()


def _limited(plug, **options):
    return smart_charging.limit(plug, amps=16, origin="test", **options)


async def _has(state):
    """Wait until the limit is in `state`, and return it with its profile."""
    found = ChargingLimit.objects.select_related("profile").filter(state=state)
    return await until(found.first)


async def test_limit_is_verified(station, plug, version):
    """Set, accepted, asked for the composite schedule, and found in it."""
    await in_thread(_limited, plug)
    answers = {"SetChargingProfile": {"status": "Accepted"}, "GetCompositeSchedule": composite(version, 16.0)}
    await station.play(answers, calls=2)

    limit = await _has("verified")
    assert [action for action, _ in station.asked] == ["SetChargingProfile", "GetCompositeSchedule"]
    assert (limit.profile.state, limit.steps[0]["outcome"]) == ("installed", "accepted")


@pytest.mark.parametrize(
    ("answer", "state", "command", "words"),
    [
        ({"status": "Rejected"}, "refused", "completed", "Rejected"),
        ("InternalError", "failed", "failed", "InternalError"),
        ("NotImplemented", "refused", "failed", "NotImplemented"),
        ({"status": "Perhaps"}, "refused", "completed", "Perhaps"),
        ({}, "failed", "failed", ""),
        ([], "failed", "failed", ""),
    ],
)
async def test_misbehaviour_is_told_apart(station, plug, answer, state, command, words):
    """The command, the profile and the limit each say what happened."""
    await in_thread(_limited, plug)
    await station.play({"SetChargingProfile": answer}, calls=1)

    limit = await until(ChargingLimit.objects.exclude(state="trying").select_related("profile").first)
    told = await in_thread(Command.objects.get, action="SetChargingProfile")
    assert (limit.state, told.state) == (state, command)
    assert words in limit.reason
    assert limit.profile.state in ("rejected", "failed")


async def test_connection_lost_before_the_answer_is_no_answer(station, plug):
    """It is tried again, later; what the charger did is not known."""
    await in_thread(_limited, plug)
    await station.play({"SetChargingProfile": None}, calls=1)
    await station.disconnect()

    profile = await until(ChargingProfile.objects.filter(state="waiting").first)
    limit = await in_thread(ChargingLimit.objects.get)
    assert (limit.state, profile.reason, profile.attempts) == ("trying", "ConnectionLost", 1)


@pytest.fixture
def soon_quiet(settings):
    """Chargers count as quiet at once."""
    settings.CSMS_QUIET_SECONDS = settings.CSMS_QUIET_LATEST_SECONDS = 0.05


async def test_reboot_brings_the_limit_back(soon_quiet, station, plug, version):
    """Once the charger is quiet it is sent what it may have forgotten."""
    answers = {"SetChargingProfile": {"status": "Accepted"}, "GetCompositeSchedule": composite(version, 16.0)}
    await in_thread(_limited, plug)
    await station.play(answers, calls=2)
    await _has("verified")
    await station.call("BootNotification", BOOT[version])
    while [action for action, _ in station.asked].count("SetChargingProfile") < 2:
        await station.play(answers, calls=1)

    first, second = (payload for action, payload in station.asked if action == "SetChargingProfile")
    assert _number(first) == _number(second)


def _number(payload):
    profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
    return profile.get("chargingProfileId") or profile["id"]
