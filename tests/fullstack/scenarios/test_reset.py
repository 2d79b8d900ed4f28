"""Restarts that the operator asks for."""

import pytest

from chargers.wire.validation import V16, V201
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("hard reset without transaction")
async def test_hard_reset_of_an_idle_charge_point(play, version):
    await resets_idle(await play(version), hard=True)


@both
@pytest.mark.acceptance("soft reset without transaction")
async def test_soft_reset_of_an_idle_charge_point(play, version):
    await resets_idle(await play(version), hard=False)


async def resets_idle(scene, *, hard):
    """It boots once more and shows its connectors again."""
    assert await scene.asks("reset", hard=hard) == "Accepted"

    await boots_again(scene)
    assert await scene.transactions() == []
    await scene.shows("Available")


async def boots_again(scene):
    await scene.sends("BootNotification", count=2)
    await scene.comes_online()
    assert (await scene.row()).boot_count == 2


@both
@pytest.mark.acceptance("hard reset with transaction")
async def test_hard_reset_ends_what_charges(play, version):
    """The stop is delivered before it goes down."""
    scene = await play(version)
    started = await scene.charges()

    assert await scene.asks("reset", hard=True) == "Accepted"

    stored = await scene.ended(started)
    assert stored.stop_reason == ("ImmediateReset" if scene.is_201 else "HardReset")
    await boots_again(scene)
    assert len(await scene.transactions()) == 1


@pytest.mark.acceptance("soft reset with transaction")
async def test_soft_reset_ends_what_charges(play):
    scene = await play(V16)
    started = await scene.charges()

    assert await scene.asks("reset", hard=False) == "Accepted"

    assert (await scene.ended(started)).stop_reason == "SoftReset"
    await boots_again(scene)


@pytest.mark.acceptance("soft reset with transaction")
async def test_reset_on_idle_waits_for_the_driver(play):
    """What 2.0.1 makes of a soft reset: nobody is interrupted."""
    scene = await play(V201)
    started = await scene.charges()

    assert await scene.asks("reset", hard=False) == "Scheduled"
    assert scene.point.connectors[1].transaction is not None
    await scene.point.unplug()

    assert (await scene.ended(started)).stop_reason == "EVDisconnected"
    await boots_again(scene)
