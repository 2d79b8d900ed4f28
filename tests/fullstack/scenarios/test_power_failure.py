"""Mains that fail."""

import pytest

from chargers.wire.validation import V16, V201
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


async def charging_without_power(scene, battery_seconds):
    """Have the power fail while it charges; return what left until the transaction had ended, in order."""
    started = await scene.charges()
    before = len(scene.frames("out"))

    await scene.point.power_cycle(battery_seconds=battery_seconds)

    stored = await scene.ended(started)
    assert (stored.stop_reason, len(await scene.transactions())) == ("PowerLoss", 1)
    await scene.sends("BootNotification", count=2)
    await scene.comes_online()
    assert (await scene.row()).boot_count == 2
    said = [frame[2] for frame in scene.frames("out")[before:] if frame[0] == 2]
    return [action for action in said if action in ("BootNotification", END[scene.version])]


END = {V16: "StopTransaction", V201: "TransactionEvent"}


@both
@pytest.mark.acceptance("power failure, stop before going down")
async def test_battery_lets_it_end_what_charges_first(play, version):
    scene = await play(version)

    assert await charging_without_power(scene, 5) == [END[version], "BootNotification"]


@both
@pytest.mark.acceptance("power failure, stop after the boot")
async def test_what_charged_is_ended_when_the_power_is_back(play, version):
    scene = await play(version)

    assert await charging_without_power(scene, 0) == ["BootNotification", END[version]]


@both
@pytest.mark.acceptance("power failure, unavailable connector")
async def test_connector_stays_out_of_service(play, version):
    """It is Unavailable before and after, until the operator lets it in again."""
    scene = await play(version)
    await scene.asks("availability", False, connector=1)
    await scene.shows("Unavailable")

    await scene.point.power_cycle()
    await scene.sends("BootNotification", count=2)
    await scene.comes_online()

    await scene.shows("Unavailable")
    assert await scene.asks("availability", True, connector=1) == "Accepted"
    await scene.shows("Available")
