"""Cables that the operator lets go."""

import pytest

from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("unlock, no cable")
async def test_unlock_without_a_cable(play, version):
    scene = await play(version)

    assert await scene.asks("unlock", connector=1) == "Unlocked"

    await scene.shows("Available")


@both
@pytest.mark.acceptance("unlock, cable in")
async def test_unlock_with_a_cable(play, version):
    scene = await play(version)
    await scene.point.plug_in()
    await scene.shows("Preparing")

    assert await scene.asks("unlock", connector=1) == "Unlocked"

    assert await scene.transactions() == []


@both
@pytest.mark.acceptance("unlock, transaction running")
async def test_unlock_while_it_charges(play, version):
    """1.6 ends the transaction; 2.0.1 leaves it alone and says so."""
    scene = await play(version)
    started = await scene.charges()

    answer = await scene.asks("unlock", connector=1)

    if scene.is_201:
        assert answer == "OngoingAuthorizedTransaction"
        assert await scene.transactions(ended_at=None) == [started]
    else:
        assert answer == "Unlocked"
        assert (await scene.ended(started)).stop_reason == "UnlockCommand"


@both
@pytest.mark.acceptance("unlock, failure")
async def test_unlock_of_a_stuck_lock(play, version):
    scene = await play(version)
    await scene.point.set_lock("stuck")

    assert await scene.asks("unlock", connector=1) == "UnlockFailed"


@both
async def test_unlock_of_no_connector(play, version):
    scene = await play(version)

    assert await scene.asks("unlock", connector=5) == ("UnknownConnector" if scene.is_201 else "NotSupported")
