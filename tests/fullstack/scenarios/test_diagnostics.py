"""Logs that the operator asks for."""

import pytest

from chargers.wire.validation import V16
from csms.models import Event
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once
LOCATION = "https://logs.example/incoming"


async def asks_for_log(scene, location=LOCATION):
    """Ask for the diagnostics; return the name of their file."""
    if not scene.is_201:
        return (await scene.order("GetDiagnostics", {"location": location}))["result"]["fileName"]
    log = {"logType": "DiagnosticsLog", "requestId": 7, "log": {"remoteLocation": location}}
    answer = (await scene.order("GetLog", log))["result"]
    assert answer["status"] == "Accepted"
    return answer["filename"]


async def tells(scene, last):
    """Wait for the last status and return all, as the server recorded them."""

    def told():
        events = Event.objects.filter(charger_id=scene.charger.pk, kind="charger.diagnostics").order_by("pk")
        states = [event.data["payload"]["status"] for event in events]
        return states if last in states else None

    return await scene.stored(told)


@both
@pytest.mark.acceptance("diagnostics done")
async def test_log_is_uploaded(play, version):
    scene = await play(version)

    assert await asks_for_log(scene)

    assert await tells(scene, "Uploaded") == ["Uploading", "Uploaded"]
    assert (await scene.row()).diagnostics_status == "Uploaded"


@both
@pytest.mark.acceptance("diagnostics failed")
async def test_log_cannot_be_uploaded(play, version):
    scene = await play(version)
    failed = "UploadFailure" if scene.is_201 else "UploadFailed"
    await scene.point.set_outcome("log", "UploadFailure")

    await asks_for_log(scene)

    assert await tells(scene, failed) == ["Uploading", failed]


@pytest.mark.acceptance("diagnostics failed")
async def test_nothing_of_that_time(play):
    """Without a file there is no name, and nothing is uploaded."""
    scene = await play(V16)

    order = {"location": LOCATION, "startTime": "2199-01-01T00:00:00Z"}
    assert (await scene.order("GetDiagnostics", order))["result"] == {}

    assert scene.sent("DiagnosticsStatusNotification") == []
