"""A limit of a whole charge point by the API, and a newer one in its place."""

import pytest

from tests.fullstack.scenarios.test_profiles import draws
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
async def test_whole_charger_is_limited(play, version):
    """By its maximum; a newer limit replaces it under the same number."""
    scene = await play(version)
    await scene.charges()

    status, told = await scene.ask("POST", "limit", {"watts": 6900, "wait": 10})
    assert (status, told["state"], told["steps"][0]["purpose"]) == (
        200,
        "verified",
        "ChargingStationMaxProfile",
    )
    await draws(scene, 10)
    status, newer = await scene.ask("POST", "limit", {"watts": 4140, "wait": 10})
    assert (status, newer["state"], newer["profile"]) == (200, "verified", told["profile"])
    await draws(scene, 6)
