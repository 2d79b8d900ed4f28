"""BootNotification, and what a charge point may do before it was accepted."""

import pytest

from chargers.services import registration
from chargers.wire.validation import V16
from tests.fullstack.scenarios.versions import both
from tests.kit.chargers import in_thread
from tests.kit.scripted_csms import SILENCE

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("cold boot")
async def test_cold_boot(play, version):
    scene = await play(version, connectors=2)

    for connector in (1, 2) if scene.is_201 else (0, 1, 2):
        await scene.shows("Available", connector)
    row = await scene.row()
    assert (row.vendor, row.model, row.boot_count) == ("Stationmaster", "Virtual", 1)
    assert scene.told["boot_notification_response"][0]["interval"] >= 1
    assert next(frame[2] for frame in scene.frames("out") if frame[0] == 2) == "BootNotification"


@both
@pytest.mark.acceptance("cold boot pending")
async def test_pending_boot(stage, version):
    """It answers, but starts nothing; once approved it is asked to boot again."""
    scene = await stage(version, charger={"registration_status": "Pending"})
    await scene.point.start()
    await scene.until(lambda: scene.told["boot_notification_response"])

    assert scene.told["boot_notification_response"][0]["status"] == "Pending"
    assert (await scene.order(*scene.question()))["state"] == "completed"
    assert scene.sent("StatusNotification") == []
    assert await scene.refuses_to_start() == 409
    await in_thread(registration.approve, scene.charger)
    assert await scene.asks("trigger", "BootNotification") == "Accepted"

    await scene.comes_online()
    await scene.shows("Available")
    assert (await scene.row()).boot_count == 1


@both
@pytest.mark.acceptance("boot rejected")
async def test_rejected_boot(stage, version):
    """It ignores what it is asked, and tries again after the interval it was told."""
    scene = await stage(version, charger={"enabled": False})
    await scene.point.start()
    await scene.until(lambda: scene.told["boot_notification_response"])

    assert scene.told["boot_notification_response"][0]["status"] == "Rejected"
    action, payload = scene.question()
    status, _ = await scene.ask("POST", "commands", {"action": action, "payload": payload, "wait": 0.1})
    assert (status, scene.was_asked(action)) == (202, [payload])
    assert [frame for frame in scene.frames("out") if frame[0] != 2] == []
    assert (await scene.row()).boot_count == 0
    await scene.changes(enabled=True)

    await scene.comes_online()
    assert len(scene.sent("BootNotification")) >= 2
    assert (await scene.row()).boot_count == 1


@both
@pytest.mark.acceptance("boot callerror")
async def test_boot_answered_with_an_error(far, version):
    await boots_again_after(("InternalError", "out of order"), far, version)


@both
@pytest.mark.acceptance("boot no response")
async def test_boot_without_an_answer(far, version):
    await boots_again_after(SILENCE, far, version)


async def boots_again_after(answer, far, version):
    """It says nothing else until it has booted, which it tries again later."""
    csms, point = await far(version, {"BootNotification": [answer]}, call_timeout=0.2, boot_retry_seconds=10)

    await csms.hears("StatusNotification")

    assert [heard.action for heard in csms.heard[:2]] == ["BootNotification", "BootNotification"]
    assert csms.heard[0].message_id != csms.heard[1].message_id
    assert point.is_online


async def test_reconnect_is_no_boot(play):
    """Who has booted goes on where it was."""
    scene = await play(V16)

    await scene.goes_offline()
    await scene.comes_back()

    assert len(scene.sent("BootNotification")) == 1
    assert (await scene.row()).boot_count == 1
