"""Messages that the operator asks for."""

import pytest

from chargers.wire.validation import V16, V201
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
@pytest.mark.parametrize("message", ["Heartbeat", "StatusNotification", "MeterValues"])
@pytest.mark.acceptance("trigger")
async def test_triggered_message_comes(play, version, message):
    scene = await play(version)
    before = len(scene.sent(message))

    assert await scene.asks("trigger", message, connector=1) == "Accepted"

    await scene.sends(message, count=before + 1)
    await scene.answered(message)


@pytest.mark.acceptance("trigger")
async def test_triggered_boot(play):
    scene = await play(V16)

    assert await scene.asks("trigger", "BootNotification") == "Accepted"

    await scene.sends("BootNotification", count=2)
    assert scene.point.is_online


@both
@pytest.mark.acceptance("trigger")
async def test_trigger_without_connector_means_all(play, version):
    scene = await play(version, connectors=2)
    before = len(scene.sent("StatusNotification"))

    assert await scene.asks("trigger", "StatusNotification") == "Accepted"

    numbers = {"evseId"} if scene.is_201 else {"connectorId"}
    told = [1, 2] if scene.is_201 else [0, 1, 2]
    await scene.sends("StatusNotification", count=before + len(told))
    again = scene.sent("StatusNotification")[before:]
    assert sorted(each[name] for each in again for name in numbers) == told


@both
@pytest.mark.acceptance("trigger")
async def test_triggered_values_of_a_transaction(play, version):
    """They belong to it."""
    scene = await play(version)
    started = await scene.charges()

    message = "TransactionEvent" if scene.is_201 else "MeterValues"
    assert await scene.asks("trigger", message, connector=1) == "Accepted"

    await scene.until(lambda: scene.told["meter"])
    await scene.delivers()
    assert await scene.readings(transaction=started, context="Trigger")


@both
@pytest.mark.acceptance("trigger rejected")
async def test_trigger_at_no_connector(play, version):
    scene = await play(version)

    assert await scene.asks("trigger", "MeterValues", connector=9) == "Rejected"


@pytest.mark.acceptance("trigger rejected")
async def test_trigger_of_what_does_not_run(play):
    """There is nothing to tell about a transaction, and an accepted station does not boot again."""
    scene = await play(V201)

    assert await scene.asks("trigger", "TransactionEvent", connector=1) == "Rejected"
    assert await scene.asks("trigger", "BootNotification") == "Rejected"
