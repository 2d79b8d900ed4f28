"""What vendors say to each other, both ways."""

import pytest

from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("data transfer to the charge point")
async def test_vendor_message_reaches_the_charge_point(play, version):
    scene, heard = await play(version), []
    scene.point.register_data_transfer(
        "org.example", "ping", lambda data: (heard.append(data), ("Accepted", "pong"))[1]
    )

    command = await scene.order(
        "DataTransfer", {"vendorId": "org.example", "messageId": "ping", "data": "hello"}
    )

    assert command["result"] == {"status": "Accepted", "data": "pong"}
    assert heard == ["hello"]


@both
@pytest.mark.parametrize(
    ("vendor", "message", "status"),
    [("org.example", "other", "UnknownMessageId"), ("nobody", "ping", "UnknownVendorId")],
)
@pytest.mark.acceptance("data transfer to the charge point")
async def test_unknown_vendors_and_messages_are_told_apart(play, version, vendor, message, status):
    scene = await play(version)
    scene.point.register_data_transfer("org.example", "ping", lambda data: "Accepted")

    assert await scene.orders("DataTransfer", {"vendorId": vendor, "messageId": message}) == status


@both
@pytest.mark.acceptance("data transfer to the CSMS")
async def test_vendor_message_reaches_the_csms(play, version):
    """It is kept, whoever understands it."""
    scene = await play(version)

    answer = await scene.point.data_transfer("org.example", "ping", "hello")

    assert answer["status"] == "UnknownVendorId"
    (event,) = await scene.events("charger.data_transfer")
    assert event.data["payload"] == {"vendorId": "org.example", "messageId": "ping", "data": "hello"}


@both
@pytest.mark.acceptance("data transfer to the CSMS")
async def test_vendor_message_needs_a_network(play, version):
    scene = await play(version)
    await scene.goes_offline()

    assert await scene.point.data_transfer("org.example") == {"status": "Offline"}
