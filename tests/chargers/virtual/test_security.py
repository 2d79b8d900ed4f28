"""Security events: kept, published, and delivered for certain."""

import pytest

from tests.chargers.virtual.conftest import ready

pytestmark = pytest.mark.once


async def test_event_is_told_with_its_information(either, build):
    point = await ready(build(either), either)

    point.security_event("TamperDetectionActivated", "the door")

    told = await either.hears("SecurityEventNotification", 2)
    assert (told["type"], told["techInfo"]) == ("TamperDetectionActivated", "the door")


async def test_event_while_offline_is_told_later(either, build):
    point = await ready(build(either), either)
    await point.go_offline()
    await either.until(lambda: not point.is_connected)

    point.security_event("TamperDetectionActivated")
    await point.go_online()

    assert "techInfo" not in await either.hears("SecurityEventNotification", 2)


async def test_event_is_told_again_after_an_error(csms, point):
    await csms.hears("SecurityEventNotification")  # of the start
    csms.script["SecurityEventNotification"] = [("InternalError", "")]

    point.security_event("MemoryExhaustion")

    assert await csms.hears("SecurityEventNotification", 3) == csms.of("SecurityEventNotification")[1]


async def test_events_can_be_switched_off(csms, build):
    point = await ready(build(csms, configuration={"DisableSecurityEventNotifications": "true"}), csms)

    point.security_event("MemoryExhaustion")

    assert len(point.delivery) == 0
    assert [event.type for event in point.security.events] == ["StartupOfTheDevice", "MemoryExhaustion"]


@pytest.mark.parametrize(
    ("kind", "critical"), [("TamperDetectionActivated", True), ("InvalidMessages", False)]
)
async def test_event_is_published(csms, point, kind, critical):
    told = []
    point.subscribe("security_event", told.append)

    point.security_event(kind, "x" * 999)

    assert (told[0]["type"], told[0]["critical"], len(told[0]["info"])) == (kind, critical, 255)
