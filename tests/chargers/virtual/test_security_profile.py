"""The security profile of OCPP 1.6: upwards, and only with what it needs."""

import base64

import pytest

from chargers.virtual import client
from tests.chargers.virtual.conftest import ready
from tests.chargers.virtual.test_certificates import certificate, pem

pytestmark = pytest.mark.once


async def change(csms, value):
    order = {"key": "SecurityProfile", "value": value}
    return (await csms.call("ChangeConfiguration", order)).payload["status"]


async def trust(csms):
    root = {"certificateType": "CentralSystemRootCertificate", "certificate": pem(certificate())}
    assert (await csms.call("InstallCertificate", root)).payload == {"status": "Accepted"}


@pytest.mark.parametrize(("password", "profile"), [("", "0"), ("s3cret", "1")])
async def test_profile_is_what_the_connection_has(csms, build, password, profile):
    point = await ready(build(csms, password=password), csms)

    assert point.configuration["SecurityProfile"] == profile


async def test_password_profile_needs_a_password(csms, point):
    assert await change(csms, "1") == "Rejected"


async def test_password_profile_reconnects(csms, build):
    point = await ready(build(csms, password="s3cret", configuration={"SecurityProfile": 0}), csms)

    status = await change(csms, "1")
    await csms.until(lambda: csms.connections == 2)

    assert (status, point.configuration["SecurityProfile"]) == ("Accepted", "1")


@pytest.mark.parametrize("value", ["0", "1", "4", "x"])
async def test_profile_never_falls(csms, build, value):
    await ready(build(csms, password="s3cret"), csms)

    assert await change(csms, value) == "Rejected"


@pytest.mark.parametrize(("profile", "has_root"), [("2", False), ("3", False), ("3", True)])
async def test_tls_needs_certificates(csms, build, profile, has_root):
    await ready(build(csms, password="s3cret"), csms)
    if has_root:
        await trust(csms)

    assert await change(csms, profile) == "Rejected"


async def test_profile_that_does_not_connect_is_taken_back(csms, build, monkeypatch):
    """A CSMS without TLS: it is tried once, and then as before."""
    monkeypatch.setattr(client, "HANDSHAKE_SECONDS", 0.3)
    point = await ready(build(csms, password="s3cret"), csms)
    failures = []
    point.subscribe("connection_refused", failures.append)
    await trust(csms)

    status = await change(csms, "2")
    raised = point.configuration["SecurityProfile"]
    await csms.until(lambda: csms.connections == 2 and point.is_online)

    assert (status, raised, len(failures)) == ("Accepted", "2", 1)
    assert point.configuration["SecurityProfile"] == "1"
    assert point.client.url.startswith("ws://")


async def test_profile_is_tried_at_the_start_where_a_stop_came_before(csms, build, monkeypatch):
    """It cannot stay what no connection has shown to work."""
    monkeypatch.setattr(client, "HANDSHAKE_SECONDS", 0.3)
    point = await ready(build(csms, password="s3cret"), csms)
    failures = []
    point.subscribe("connection_refused", failures.append)
    await trust(csms)
    await change(csms, "2")

    await point.stop()
    await point.start()
    await csms.until(lambda: csms.connections == 2 and point.is_online)

    assert (point.configuration["SecurityProfile"], len(failures)) == ("1", 1)


async def cut(csms, point):
    await csms.hang_up()


async def stop(csms, point):
    await point.stop()
    await point.start()


@pytest.mark.parametrize("interrupt", [cut, stop])
async def test_new_password_counts_at_the_next_connection(csms, build, interrupt):
    """Whatever ends the present one; the CSMS takes no other any more."""
    point = await ready(build(csms, password="s3cret"), csms)
    await csms.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": "another s3cret"})

    await interrupt(csms, point)
    await csms.until(lambda: csms.connections == 2 and point.is_online)

    told = csms.headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(told) == b"CP-1:another s3cret"
