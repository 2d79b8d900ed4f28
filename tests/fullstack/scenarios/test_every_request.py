"""Whatever the operator asks, the charge point has an answer that says more than "no such request"."""

import pytest

from chargers.wire import validation
from tests.fullstack.scenarios.versions import both
from tests.kit.payloads import smallest

pytestmark = pytest.mark.once
# They end the connection; scenarios of their own play them.
RESTARTS = {"Reset", "SignedUpdateFirmware", "UpdateFirmware"}


@both
async def test_every_request_is_answered(play, version):
    """With the least that a request can hold, one after the other, and it is there afterwards."""
    scene = await play(version)
    actions = sorted(validation.to_charger(version) - RESTARTS)

    ends = {action: await scene.order(action, smallest(version, action)) for action in actions}

    unanswered = {action: end["error_code"] for action, end in ends.items() if end["state"] != "completed"}
    assert unanswered == {}
    assert scene.told["is_connected"] == [True]
