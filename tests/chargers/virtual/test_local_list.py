"""The local list of tokens, and what it decides."""

import pytest

from chargers.wire.validation import V16
from tests.chargers.virtual.conftest import ready

pytestmark = pytest.mark.once


def words(server):
    """Return what the number of the list is called."""
    return "listVersion" if server.version == V16 else "versionNumber"


def entry(server, token, status="Accepted", **more):
    if server.version == V16:
        return {"idTag": token} | ({"idTagInfo": {"status": status} | more} if status else {})
    found = {"idToken": {"idToken": token, "type": "ISO14443"}}
    return found | ({"idTokenInfo": {"status": status} | more} if status else {})


async def send(server, kind, version, *entries):
    payload = {words(server): version, "updateType": kind, "localAuthorizationList": list(entries)}
    if not entries:
        del payload["localAuthorizationList"]
    return (await server.call("SendLocalList", payload)).payload["status"]


async def version(server):
    return (await server.call("GetLocalListVersion", {})).payload[words(server)]


async def test_full_list_is_taken_and_has_its_version(either, build):
    await ready(build(either), either)
    name, full = words(either), [entry(either, "TAG1")]
    before = await either.call("GetLocalListVersion", {})

    order = {name: 7, "updateType": "Full", "localAuthorizationList": full}
    finished = await either.call("SendLocalList", order)

    assert before.payload == {name: 0}
    assert finished.payload == {"status": "Accepted"}
    assert await version(either) == 7


async def test_empty_list_has_version_0(either, build):
    await ready(build(either), either)
    await send(either, "Full", 7, entry(either, "TAG1"))

    await send(either, "Full", 8)

    assert await version(either) == 0


async def test_changes_add_replace_and_remove(either, build):
    point = await ready(build(either), either)
    await send(either, "Full", 1, entry(either, "TAG1"), entry(either, "TAG2"), entry(either, "TAG3"))
    changes = [entry(either, "tag1", "Blocked"), entry(either, "TAG2", None), entry(either, "TAG4")]

    status = await send(either, "Differential", 2, *changes)

    found = [point.local_list.find(f"TAG{number}") for number in (1, 2, 3, 4)]
    assert (status, await version(either)) == ("Accepted", 2)
    assert [each and each.status for each in found] == ["Blocked", None, "Accepted", "Accepted"]


@pytest.mark.parametrize("number", [1, 2])
async def test_changes_to_another_version_are_refused(either, build, number):
    point = await ready(build(either), either)
    await send(either, "Full", 2, entry(either, "TAG1"))

    status = await send(either, "Differential", number, entry(either, "TAG2"))

    assert status == "VersionMismatch"
    assert point.local_list.find("TAG2") is None


@pytest.mark.parametrize("keys", [{"SendLocalListMaxLength": 1}, {"LocalAuthListMaxLength": 1}])
async def test_too_many_entries_fail_and_change_nothing(either, build, keys):
    await ready(build(either, configuration=keys), either)
    await send(either, "Full", 1, entry(either, "TAG1"))

    status = await send(either, "Full", 2, entry(either, "TAG2"), entry(either, "TAG3"))

    assert (status, await version(either)) == ("Failed", 1)


async def test_entry_without_information_fails_a_full_list(either, build):
    await ready(build(either), either)

    assert await send(either, "Full", 1, entry(either, "TAG1", None)) == "Failed"


async def test_token_that_is_named_twice_fails(either, build):
    await ready(build(either), either)

    assert await send(either, "Full", 1, entry(either, "TAG1"), entry(either, "tag1")) == "Failed"


async def test_disabled_list_is_not_supported(csms, build):
    await ready(build(csms, configuration={"LocalAuthListEnabled": "false"}), csms)

    assert await send(csms, "Full", 1, entry(csms, "TAG1")) == "NotSupported"
    assert await version(csms) == -1


async def test_disabled_list_fails_in_201(csms201, build):
    await ready(build(csms201, configuration={"LocalAuthListEnabled": "false"}), csms201)

    assert await send(csms201, "Full", 1, entry(csms201, "TAG1")) == "Failed"
    assert await version(csms201) == 0


async def test_known_token_charges_without_asking(either, build):
    point = await ready(build(either, configuration={"LocalPreAuthorize": "true"}), either)
    await send(either, "Full", 1, entry(either, "TAG1"))

    assert await point.present_tag("tag1") == "Accepted"
    assert not either.of("Authorize")


async def test_refused_token_is_asked_for_while_online(either, build):
    point = await ready(build(either, configuration={"LocalPreAuthorize": "true"}), either)
    await send(either, "Full", 1, entry(either, "TAG1", "Blocked"))

    assert await point.present_tag("TAG1") == "Accepted"
    assert len(either.of("Authorize")) == 1


async def offline(point, server):
    await point.go_offline()
    await server.until(lambda: not point.is_connected)


async def test_list_stands_above_the_cache(either, build):
    point = await ready(build(either), either)
    await point.present_tag("TAG1")
    await send(either, "Full", 1, entry(either, "TAG1", "Blocked"))
    await offline(point, either)
    point.charging.dismiss(point.connectors[1])

    assert await point.present_tag("TAG1") == "Blocked"


async def test_entry_that_has_run_out_is_expired(either, build):
    point = await ready(build(either), either)
    until = "expiryDate" if either.version == V16 else "cacheExpiryDateTime"
    await send(either, "Full", 1, entry(either, "TAG1", **{until: "2020-01-01T00:00:00Z"}))
    await offline(point, either)

    assert await point.present_tag("TAG1") == "Expired"


async def test_list_decides_offline_only_where_it_may(either, build):
    point = await ready(build(either, configuration={"LocalAuthorizeOffline": "false"}), either)
    await send(either, "Full", 1, entry(either, "TAG1"))
    await offline(point, either)

    assert await point.present_tag("TAG1") == "Invalid"


async def test_listed_token_that_is_refused_is_not_unknown(either, build):
    point = await ready(build(either, configuration={"AllowOfflineTxForUnknownId": "true"}), either)
    await send(either, "Full", 1, entry(either, "TAG1", "Blocked"))
    await offline(point, either)

    assert await point.present_tag("TAG1") == "Blocked"


async def test_cache_learns_from_the_stop(csms, point):
    await point.plug_in()
    await point.present_tag("TAG1")
    csms.script["StopTransaction"] = [{"idTagInfo": {"status": "Blocked"}}]
    await point.present_tag("TAG1")
    await csms.until(lambda: not point.delivery)
    await offline(point, csms)

    assert await point.present_tag("TAG1") == "Blocked"


async def test_without_authorization_everybody_may(csms201, build):
    point = await ready(build(csms201, configuration={"AuthCtrlr.Enabled": "false"}), csms201)

    assert await point.present_tag("STRANGER") == "Accepted"
    assert not csms201.of("Authorize")
