"""Ways to the CSMS that it prescribes."""

import pytest

from tests.chargers.virtual.conftest import ready

pytestmark = pytest.mark.once

PROFILE = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://example.org/ocpp",
    "messageTimeout": 30,
    "securityProfile": 1,
    "ocppInterface": "Wired0",
}


@pytest.mark.parametrize(
    ("slot", "changes", "status"),
    [
        (1, {}, "Accepted"),
        (9, {}, "Rejected"),
        (1, {"ocppVersion": "OCPP16"}, "Rejected"),
        (1, {"ocppTransport": "SOAP"}, "Rejected"),
        (1, {"ocppCsmsUrl": "http://example.org"}, "Rejected"),
        (1, {"securityProfile": 0}, "Rejected"),
    ],
)
async def test_network_profile(csms201, build, slot, changes, status):
    point = await ready(build(csms201, configuration={"SecurityProfile": 1}), csms201)
    order = {"configurationSlot": slot, "connectionData": PROFILE | changes}

    finished = await csms201.call("SetNetworkProfile", order)

    assert finished.payload["status"] == status
    assert point.network_profiles == ({1: PROFILE} if status == "Accepted" else {})
