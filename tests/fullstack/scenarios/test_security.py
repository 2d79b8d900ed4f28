"""Passwords and what guards should know."""

import pytest

from chargers.models import FailedHandshake
from chargers.wire.validation import V16
from tests.chargers.virtual.test_certificates import certificate, pem
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("security event after reconnect")
async def test_security_event_is_told_later(play, version):
    scene = await play(version)
    before = len(await scene.events("charger.security_event"))
    await scene.goes_offline()

    scene.point.security_event("TamperDetectionActivated", "the lid is open")
    await scene.comes_back()

    *_, event = await scene.events("charger.security_event")
    assert event.data["payload"]["type"] == "TamperDetectionActivated"
    assert len(await scene.events("charger.security_event")) == before + 1


NEW_PASSWORD = "another s3cret, just as long"


async def changes_password(scene):
    """Give it a new password on both sides; return the command that told it."""
    status, _ = await scene.ask("PATCH", "", {"password": NEW_PASSWORD})
    assert status == 200
    if not scene.is_201:
        return await scene.order("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD})
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return await scene.order("SetVariables", {"setVariableData": [place | {"attributeValue": NEW_PASSWORD}]})


@both
@pytest.mark.acceptance("authorization key update")
async def test_new_password_counts_after_a_reconnect(play, version):
    """It answers first, then comes back with the new one; nobody can read it anywhere."""
    scene = await play(version)

    command = await changes_password(scene)

    assert "Accepted" in str(command["result"])
    assert NEW_PASSWORD not in str(command)
    await scene.until(lambda: scene.told["is_connected"] == [True, False, True])
    await scene.comes_online()
    assert scene.told["connection_refused"] == []
    assert len(scene.sent("BootNotification")) == 1
    assert scene.point.client.password == NEW_PASSWORD


@both
async def test_old_password_opens_nothing_any_more(play, version):
    scene = await play(version)
    await scene.goes_offline()
    status, _ = await scene.ask("PATCH", "", {"password": NEW_PASSWORD})
    assert status == 200

    await scene.point.go_online()

    await scene.until(lambda: scene.told["connection_refused"])
    assert scene.told["connection_refused"][0]["http_status"] == 401
    refused = FailedHandshake.objects.filter(identifier=scene.charger.identifier)
    assert (await scene.stored(refused.first)).status_code == 401


async def raises(scene, profile):
    """Ask for a security profile; return the status."""
    return await scene.orders("ChangeConfiguration", {"key": "SecurityProfile", "value": profile})


@pytest.mark.acceptance("authorization key update")
@pytest.mark.acceptance("security profile update")
async def test_password_and_profile_come_later(play):
    """Out of the box it has neither; then the operator gives it both, and it comes back with them."""
    scene = await play(V16, password="")
    assert await raises(scene, "1") == "Rejected"

    assert (await changes_password(scene))["result"] == {"status": "Accepted"}
    await scene.until(lambda: len(scene.told["is_connected"]) == 3)
    await scene.comes_online()
    assert await raises(scene, "1") == "Accepted"
    await scene.until(lambda: len(scene.told["is_connected"]) == 5)
    await scene.comes_online()

    assert scene.point.configuration["SecurityProfile"] == "1"
    assert (await scene.row()).security_profile == 1
    assert scene.told["connection_refused"] == []


@pytest.mark.parametrize("profile", ["0", "1", "2", "3"])
@pytest.mark.acceptance("security profile update")
async def test_security_profile_does_not_fall_nor_rise_without_certificates(play, profile):
    scene = await play(V16)

    assert await raises(scene, profile) == "Rejected"

    assert scene.point.configuration["SecurityProfile"] == "1"
    assert scene.told["is_connected"] == [True]


@pytest.mark.acceptance("security profile update")
async def test_profile_that_cannot_connect_is_taken_back(play):
    """Our server has no TLS here: the charge point tries it once and comes back as it was."""
    scene = await play(V16)
    root = {"certificateType": "CentralSystemRootCertificate", "certificate": pem(certificate())}
    assert await scene.orders("InstallCertificate", root) == "Accepted"

    assert await raises(scene, "2") == "Accepted"

    await scene.until(lambda: scene.told["is_connected"] == [True, False, True])
    await scene.comes_online()
    assert scene.point.configuration["SecurityProfile"] == "1"
    assert len(scene.told["connection_refused"]) == 1
