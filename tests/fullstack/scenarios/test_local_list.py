"""The list of tokens that the CSMS keeps at the charge point."""

import pytest

from chargers.wire.validation import V16, V201
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once
OFF = {"LocalAuthListEnabled": "false"}


def entry(scene, token, status="Accepted"):
    if scene.is_201:
        return {"idToken": {"idToken": token, "type": "ISO14443"}, "idTokenInfo": {"status": status}}
    return {"idTag": token, "idTagInfo": {"status": status}}


async def sends(scene, version_number, *entries, kind="Full"):
    """Send a list; return the status."""
    number = {"versionNumber" if scene.is_201 else "listVersion": version_number}
    tokens = {"localAuthorizationList": list(entries)} if entries else {}
    return await scene.orders("SendLocalList", number | {"updateType": kind} | tokens)


async def version_of(scene):
    answer = (await scene.order("GetLocalListVersion"))["result"]
    return answer["versionNumber" if scene.is_201 else "listVersion"]


@both
@pytest.mark.acceptance("local list version")
async def test_version_of_the_list(play, version):
    """0 while it is empty, then what the CSMS said."""
    scene = await play(version)
    assert await version_of(scene) == 0

    await sends(scene, 7, entry(scene, "TAG1"))

    assert await version_of(scene) == 7


@both
@pytest.mark.acceptance("local list full")
async def test_listed_tag_charges_without_asking(play, version):
    scene = await play(version, configuration={"LocalPreAuthorize": "true"})

    assert await sends(scene, 1, entry(scene, "TAG1")) == "Accepted"
    await scene.charges("TAG1")

    assert scene.sent("Authorize") == []
    assert [stored.authorization_status for stored in await scene.transactions()] == ["Accepted"]


@both
@pytest.mark.acceptance("local list full")
async def test_list_counts_while_there_is_no_network(play, version):
    scene = await play(version, configuration={"LocalAuthorizeOffline": "true"})
    await sends(scene, 1, entry(scene, "TAG1"), entry(scene, "TAG2", "Blocked"))
    await scene.goes_offline()

    await scene.point.plug_in()
    assert await scene.point.present_tag("TAG2") == "Blocked"
    assert await scene.point.present_tag("TAG1") == "Accepted"
    await scene.comes_back()

    assert [stored.id_token for stored in await scene.transactions()] == ["TAG1"]


@both
async def test_changes_to_the_list(play, version):
    """A new token comes in; one without a verdict goes."""
    scene = await play(version, configuration={"LocalPreAuthorize": "true"})
    await sends(scene, 1, entry(scene, "TAG1"))
    gone = entry(scene, "TAG1")
    del gone["idTokenInfo" if scene.is_201 else "idTagInfo"]

    assert await sends(scene, 2, gone, entry(scene, "TAG2"), kind="Differential") == "Accepted"
    await scene.charges("TAG2")

    assert scene.sent("Authorize") == []
    assert await version_of(scene) == 2


@both
@pytest.mark.acceptance("local list version mismatch")
async def test_older_changes_are_refused(play, version):
    scene = await play(version)
    await sends(scene, 5, entry(scene, "TAG1"))

    assert await sends(scene, 5, entry(scene, "TAG2"), kind="Differential") == "VersionMismatch"

    assert await version_of(scene) == 5


@both
@pytest.mark.acceptance("local list failed")
async def test_list_that_is_too_long_fails(play, version):
    """The one before stays."""
    scene = await play(version, configuration={"SendLocalListMaxLength": 2})
    await sends(scene, 1, entry(scene, "TAG1"))

    assert await sends(scene, 2, *(entry(scene, f"MANY-{number}") for number in range(3))) == "Failed"

    assert await version_of(scene) == 1


@pytest.mark.acceptance("local list not supported")
async def test_list_that_is_switched_off(play):
    scene = await play(V16, configuration=OFF)

    assert await sends(scene, 1, entry(scene, "TAG1")) == "NotSupported"

    assert await version_of(scene) == -1


@pytest.mark.acceptance("local list not supported")
async def test_list_of_a_station_that_is_switched_off(play):
    """2.0.1 has no word for it but failure."""
    scene = await play(V201, configuration=OFF)

    assert await sends(scene, 1, entry(scene, "TAG1")) == "Failed"

    assert await version_of(scene) == 0
