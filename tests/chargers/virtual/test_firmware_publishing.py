"""Firmware for the neighbours."""

import pytest

pytestmark = pytest.mark.once

ORDER = {"location": "http://127.0.0.1:9/x.bin", "checksum": "abc", "requestId": 3}
NOTIFICATION = "PublishFirmwareStatusNotification"


async def until(csms201, status):
    await csms201.until(
        lambda: csms201.of(NOTIFICATION)[-1:] and csms201.of(NOTIFICATION)[-1]["status"] == status
    )


async def test_firmware_is_published_until_it_is_not(csms201, point201):
    answers = [(await csms201.call("PublishFirmware", ORDER)).payload]
    answers.append((await csms201.call("UnpublishFirmware", {"checksum": "abc"})).payload)
    await until(csms201, "Published")
    answers += [(await csms201.call("UnpublishFirmware", {"checksum": "abc"})).payload for _ in range(2)]

    statuses = [answer["status"] for answer in answers]
    assert statuses == ["Accepted", "DownloadOngoing", "Unpublished", "NoFirmware"]
    told = csms201.of(NOTIFICATION)
    assert [each["status"] for each in told] == ["Downloading", "Downloaded", "ChecksumVerified", "Published"]
    assert {each["requestId"] for each in told} == {3}
    assert told[-1]["location"]


@pytest.mark.parametrize("outcome", ["DownloadFailed", "InvalidChecksum", "PublishFailed"])
async def test_publishing_fails_on_request(csms201, point201, outcome):
    await point201.set_outcome("publish", outcome)

    await csms201.call("PublishFirmware", ORDER)
    await until(csms201, outcome)

    finished = await csms201.call("UnpublishFirmware", {"checksum": "abc"})
    assert finished.payload == {"status": "NoFirmware"}


async def test_trigger_tells_where_it_stands(csms201, point201):
    await csms201.call("TriggerMessage", {"requestedMessage": NOTIFICATION})

    assert await csms201.hears(NOTIFICATION) == {"status": "Idle"}
