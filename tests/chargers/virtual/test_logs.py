"""Logs that a CSMS fetches."""

import pytest

from chargers.virtual.logs import Logs
from chargers.wire.validation import V16
from tests.chargers.virtual.conftest import ready

pytestmark = pytest.mark.once

THERE = "http://127.0.0.1:9/logs/"
PLAIN, FULL = "DiagnosticsStatusNotification", "LogStatusNotification"


def order(kind="DiagnosticsLog", request_id=5, location=THERE, **limits):
    log = {"remoteLocation": location} | limits
    return {"logType": kind, "requestId": request_id, "log": log}


async def until(server, notification, status):
    await server.until(lambda: status in [told["status"] for told in server.of(notification)])
    return [told["status"] for told in server.of(notification)]


async def test_diagnostics_are_uploaded(csms, point):
    finished = await csms.call("GetDiagnostics", {"location": THERE})

    assert finished.payload["fileName"].startswith("DiagnosticsLog-")
    assert await until(csms, PLAIN, "Uploaded") == ["Uploading", "Uploaded"]


async def test_diagnostics_of_the_future_are_none(csms, point):
    order = {"location": THERE, "startTime": "2999-01-01T00:00:00Z"}

    assert (await csms.call("GetDiagnostics", order)).payload == {}


@pytest.mark.parametrize("location", [THERE, "ftp://127.0.0.1/"])
async def test_diagnostics_fail(csms, point, location):
    """On request, or by a protocol that the charge point does not know."""
    await point.set_outcome("log", "PermissionDenied" if location == THERE else "")

    await csms.call("GetDiagnostics", {"location": location, "retries": 1, "retryInterval": 0})

    assert await until(csms, PLAIN, "UploadFailed") == ["Uploading", "UploadFailed"]


async def test_log_is_uploaded(either, build):
    await ready(build(either), either)

    finished = await either.call("GetLog", order())

    assert finished.payload["status"] == "Accepted"
    assert await until(either, FULL, "Uploaded") == ["Uploading", "Uploaded"]
    assert {told["requestId"] for told in either.of(FULL)} == {5}


@pytest.mark.parametrize(
    "outcome", ["UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"]
)
async def test_upload_fails_on_request(either, build, outcome):
    point = await ready(build(either), either)
    await point.set_outcome("log", outcome)

    await either.call("GetLog", order())

    assert (await until(either, FULL, outcome))[-1] == outcome


async def test_empty_log_is_rejected(either, build):
    point = await ready(build(either), either)
    point.security.events.clear()

    assert (await either.call("GetLog", order("SecurityLog"))).payload == {"status": "Rejected"}


async def test_later_log_takes_the_place_of_one_before(either, build):
    point = await ready(build(either), either)
    await point.set_outcome("log", "UploadFailure")
    first = order() | {"retries": 9, "retryInterval": 60}
    await either.call("GetLog", first)
    await until(either, FULL, "Uploading")

    finished = await either.call("GetLog", order(request_id=6))
    await until(either, FULL, "Uploaded")

    assert finished.payload["status"] == "AcceptedCanceled"
    told = [(each["status"], each["requestId"]) for each in either.of(FULL)]
    between = [] if either.version == V16 else [("AcceptedCanceled", 5)]
    assert told == [("Uploading", 5), *between, ("Uploading", 6), ("Uploaded", 6)]


@pytest.mark.parametrize(("is_there", "status"), [(True, "Uploaded"), (False, "UploadFailure")])
async def test_file_leaves_the_house_where_somebody_carries_it(csms, build, is_there, status):
    carried = []

    async def transfer(location, name, content):
        carried.append((location, name, content))
        return is_there

    point = await ready(build(csms), csms)
    point.logs = Logs(point, transfer)
    point.security_event("MemoryExhaustion", "full")
    name = (await csms.call("GetLog", order("SecurityLog"))).payload["filename"]
    await until(csms, FULL, status)

    assert carried[0][:2] == (THERE, name)
    assert b"MemoryExhaustion full" in carried[0][2]


async def test_diagnostics_hold_no_secret(csms, build):
    point = await ready(build(csms, password="s3cret-password"), csms)

    assert "s3cret" not in str(point.logs.content("DiagnosticsLog"))


@pytest.mark.parametrize(("action", "message"), [("TriggerMessage", PLAIN), ("ExtendedTriggerMessage", FULL)])
async def test_trigger_tells_where_the_upload_stands(csms, point, action, message):
    finished = await csms.call(action, {"requestedMessage": message})

    assert finished.payload == {"status": "Accepted"}
    assert await csms.hears(message) == {"status": "Idle"}
