"""Two at once: callers, and a caller beside the charger's answer."""

import asyncio
from dataclasses import dataclass

import pytest

from chargers.models import Charger, ChargingLimit, ChargingProfile, Command
from chargers.services import commands, smart_charging, wakeups
from tests.kit.chargers import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


def _limit(pk, amps):
    return smart_charging.limit(Charger.objects.get(pk=pk), amps=amps)


def _accept(pk):
    command = Command.objects.select_related("charger").get(pk=pk)
    commands.finish(command, Command.State.COMPLETED, result={"status": "Accepted"})


async def test_of_two_callers_the_later_one_has_the_limit(station):
    """One limit in force, one profile, and the newest command is the newest limit's."""
    await asyncio.gather(*(in_thread(_limit, station.charger.pk, amps) for amps in (6, 8, 10, 12)))

    in_force = await in_thread(lambda: ChargingLimit.objects.select_related("profile").get(ended_at=None))
    newest = await in_thread(lambda: Command.objects.order_by("id").last())
    assert in_force.profile.command_id == newest.pk
    period = in_force.profile.schedules[0]["chargingSchedulePeriod"][0]
    assert period["limit"] == in_force.value
    assert await in_thread(ChargingProfile.objects.count) == 1


async def test_answer_beside_a_newer_limit(station):
    """Whichever is first: the newer limit waits for its own answer."""
    first = await in_thread(_limit, station.charger.pk, 16)
    await asyncio.gather(in_thread(_accept, first.command_id), in_thread(_limit, station.charger.pk, 10))

    in_force = await in_thread(lambda: ChargingLimit.objects.select_related("profile").get(ended_at=None))
    assert (in_force.value, in_force.state, in_force.profile.state) == (10, "trying", "sent")


async def test_limit_beside_its_lifting(station):
    """Either order leaves one truth: a limit in force that is sent, or none and a profile being cleared."""
    await in_thread(_limit, station.charger.pk, 16)
    await asyncio.gather(
        in_thread(smart_charging.unlimit, station.charger), in_thread(_limit, station.charger.pk, 10)
    )

    in_force = await in_thread(lambda: ChargingLimit.objects.filter(ended_at=None).first())
    profile = await in_thread(ChargingProfile.objects.get)
    assert (profile.state, profile.is_desired) == (("sent", True) if in_force else ("clearing", False))


@dataclass
class Free:
    """The far end: a socket of this process with nothing on its way."""

    offered: list
    token: object = None
    is_free: bool = True

    def offer(self, command):
        self.offered.append(command)

    def look(self):
        self.offered.append("look")


def test_no_order_overtakes_another(station):
    """A clearing that another process wrote down would take away the limit that was set after it."""
    smart_charging.limit(station.charger, amps=16)
    station.answer()
    station.compose(16.0)
    smart_charging.unlimit(station.charger)
    link = Free([])
    wakeups.links[station.charger.pk] = link
    try:
        smart_charging.limit(station.charger, amps=10)
    finally:
        del wakeups.links[station.charger.pk]

    assert [command.action for command in station.asked()] == ["ClearChargingProfile", "SetChargingProfile"]
    assert link.offered == ["look"]
