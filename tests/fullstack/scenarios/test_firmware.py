"""New firmware, step by step, and what becomes of it when a step fails."""

import pytest

from chargers.wire.validation import V16
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once
LOCATION = "https://firmware.example/virtual-2.5.1.bin"
LONG_AGO = "2026-01-01T00:00:00Z"


async def updates(scene):
    """Ask for new firmware."""
    if scene.is_201:
        firmware = {"location": LOCATION, "retrieveDateTime": LONG_AGO}
        assert await scene.orders("UpdateFirmware", {"requestId": 7, "firmware": firmware}) == "Accepted"
    else:
        command = await scene.order("UpdateFirmware", {"location": LOCATION, "retrieveDate": LONG_AGO})
        assert command["result"] == {}


async def tells(scene, last):
    """Wait for the last status and return all, as the server recorded them."""
    await scene.until(lambda: {"status": last}.items() <= (scene.sent(NOTICE) or [{}])[-1].items())
    await scene.delivers()
    return [event.data["payload"]["status"] for event in await scene.events("charger.firmware")]


NOTICE = "FirmwareStatusNotification"


@both
@pytest.mark.acceptance("firmware done")
async def test_new_firmware_is_installed(play, version):
    """It boots with it, and charges again afterwards."""
    scene = await play(version)

    await updates(scene)

    steps = await tells(scene, "Installed")
    assert [step for step in steps if step in PLAIN] == PLAIN
    row = await scene.row()
    assert (row.firmware_status, row.firmware_version, row.boot_count) == ("Installed", "2.5.1", 2)
    await scene.shows("Available")


PLAIN = ["Downloading", "Downloaded", "Installing", "Installed"]


@both
@pytest.mark.parametrize(
    ("outcome", "steps"),
    [
        pytest.param(
            "DownloadFailed",
            ["Downloading", "DownloadFailed"],
            marks=pytest.mark.acceptance("firmware download failed"),
        ),
        pytest.param(
            "InstallationFailed",
            ["Downloading", "Downloaded", "Installing", "InstallationFailed"],
            marks=pytest.mark.acceptance("firmware install failed"),
        ),
    ],
)
async def test_old_firmware_is_kept(play, version, outcome, steps):
    scene = await play(version)
    await scene.point.set_outcome("firmware", outcome)

    await updates(scene)

    assert await tells(scene, outcome) == steps
    row = await scene.row()
    assert (row.firmware_status, row.firmware_version, row.boot_count) == (outcome, "1.0", 1)
    await scene.shows("Available")


@both
async def test_driver_may_finish_before_the_installation(play, version):
    scene = await play(version, connectors=2)
    started = await scene.charges()

    await updates(scene)
    await scene.shows("Unavailable", connector=2)
    assert await scene.transactions(ended_at=None) == [started]
    await scene.point.unplug()

    assert (await tells(scene, "Installed"))[-1] == "Installed"
    assert (await scene.ended(started)).stop_reason == "EVDisconnected"


async def test_signed_firmware_tells_of_its_signature(play):
    """The security whitepaper's request for 1.6; a certificate that is none is refused."""
    scene = await play(V16)
    firmware = {"location": LOCATION, "retrieveDateTime": LONG_AGO, "signature": "c2lnbmVk"}

    order = {"requestId": 7, "firmware": firmware | {"signingCertificate": "no certificate"}}
    assert await scene.orders("SignedUpdateFirmware", order) == "InvalidCertificate"

    assert scene.sent("SignedFirmwareStatusNotification") == []
    *_, event = await scene.events("charger.security_event")
    assert event.data["payload"]["type"] == "InvalidFirmwareSigningCertificate"
