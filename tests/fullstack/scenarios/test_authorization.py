"""Whom the CSMS lets charge, and what the charge point remembers of that."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.fullstack.scenarios.versions import both
from tests.kit.chargers import in_thread
from tokens.models import Authorization

pytestmark = pytest.mark.once
REMEMBERS = {"LocalPreAuthorize": "true", "AuthorizationCacheEnabled": "true"}


async def known(scene, **attributes):
    """Enter a token and return it."""
    token = f"T-{scene.charger.pk}"
    await in_thread(Authorization.objects.create, owner=scene.server.owner, token=token, **attributes)
    return token


async def charges_once(scene, token="TAG1"):
    await scene.charges(token)
    await scene.point.unplug()
    await scene.delivers()


@both
@pytest.mark.acceptance("cached id")
async def test_remembered_tag_starts_without_asking(play, version):
    scene = await play(version, configuration=REMEMBERS)
    await charges_once(scene)

    await scene.charges()

    assert len(scene.sent("Authorize")) == 1
    assert [stored.authorization_status for stored in await scene.transactions()] == ["Accepted"] * 2


@both
@pytest.mark.acceptance("clear cache")
async def test_forgotten_tag_is_asked_for(play, version):
    scene = await play(version, configuration=REMEMBERS)
    await charges_once(scene)

    assert await scene.orders("ClearCache") == "Accepted"
    await scene.charges()

    assert len(scene.sent("Authorize")) == 2


async def is_refused(scene, token, verdict):
    await scene.point.plug_in()

    assert await scene.point.present_tag(token) == verdict

    await scene.shows("Preparing")
    assert await scene.transactions() == []
    assert len(scene.sent("Authorize")) == 1


@both
@pytest.mark.acceptance("invalid id")
async def test_unknown_tag_does_not_charge(play, version):
    await is_refused(await play(version), "NOBODY", "Invalid")


@both
@pytest.mark.acceptance("blocked id")
async def test_blocked_tag_does_not_charge(play, version):
    scene = await play(version)

    await is_refused(scene, await known(scene, enabled=False), "Blocked")


@both
@pytest.mark.acceptance("expired id")
async def test_expired_tag_does_not_charge(play, version):
    scene = await play(version)
    yesterday = timezone.now() - timedelta(days=1)

    await is_refused(scene, await known(scene, expiry_date=yesterday), "Expired")


@both
async def test_tag_blocked_since_is_stopped(play, version):
    """Who starts from memory and is blocked meanwhile is stopped by the answer to the start."""
    scene = await play(version, configuration=REMEMBERS)
    token = await known(scene)
    await charges_once(scene, token)
    await in_thread(Authorization.objects.filter(token=token).update, enabled=False)

    await scene.point.plug_in()
    assert await scene.point.present_tag(token) == "Accepted"

    await scene.until(lambda: scene.states().count("ended") == 2)
    await scene.delivers()
    _, refused = await scene.transactions()
    assert (refused.authorization_status, refused.ended_at is not None) == ("Blocked", True)
    assert scene.told["transaction"][-1]["reason"] == "DeAuthorized"
