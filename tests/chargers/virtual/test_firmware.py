"""New firmware, step by step."""

import pytest

from chargers.wire.validation import V16, V201
from tests.chargers.virtual.conftest import ready
from tests.chargers.virtual.test_certificates import certificate, events, pem

pytestmark = pytest.mark.once

THERE = "http://127.0.0.1:9/virtual-2.5.bin"
# Whatever the clock of the CSMS says.
SOONER, LATER = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
STATUSES = ("FirmwareStatusNotification", "SignedFirmwareStatusNotification")
SIGNED_STORY = [
    "Downloading",
    "Downloaded",
    "SignatureVerified",
    "Installing",
    "InstallRebooting",
    "Installed",
]


def order(action="UpdateFirmware", version=V16, *, location=THERE, request_id=7, **firmware):
    """Return (action, payload) of an update that is wanted at once."""
    if (action, version) == ("UpdateFirmware", V16):
        return action, {"location": location, "retrieveDate": SOONER}
    told = {"location": location, "retrieveDateTime": SOONER} | firmware
    return action, {"requestId": request_id, "firmware": told}


def signed(version, **options):
    """Return (action, payload) of an update that brings a certificate."""
    proof = {"signingCertificate": pem(certificate()), "signature": "c2lnbmVk"}
    action = "SignedUpdateFirmware" if version == V16 else "UpdateFirmware"
    return order(action, version, **(proof | options))


async def story(server, last):
    """Wait for the status `last`, and return all until then."""
    await server.until(lambda: last in [told["status"] for told in server.of(*STATUSES)])
    return [told["status"] for told in server.of(*STATUSES)]


async def test_address_that_is_none_fails_the_download(csms201, point201):
    await csms201.call(*order(version=V201, location="http://[::1"))

    assert (await story(csms201, "DownloadFailed")) == ["Downloading", "DownloadFailed"]


@pytest.mark.parametrize(
    ("action", "version", "steps"),
    [
        ("UpdateFirmware", V16, ["Downloading", "Downloaded", "Installing", "Installed"]),
        ("SignedUpdateFirmware", V16, SIGNED_STORY),
        ("UpdateFirmware", V201, SIGNED_STORY),
    ],
)
async def test_update_from_download_to_boot(csms, csms201, build, action, version, steps):
    server = csms if version == V16 else csms201
    await ready(build(server), server)
    asked = order() if (action, version) == ("UpdateFirmware", V16) else signed(version)

    finished = await server.call(*asked)
    told = await story(server, "Installed")

    assert finished.payload == ({} if len(steps) == 4 else {"status": "Accepted"})
    assert told == steps
    assert "2.5" in str(await server.hears("BootNotification", 2))
    assert {each.get("requestId") for each in server.of(*STATUSES)} == ({7} if len(steps) > 4 else {None})
    await server.until(lambda: "FirmwareUpdated" in events(server))


async def test_without_a_certificate_nothing_is_verified(csms201, point201):
    await csms201.call(*order(version=V201))

    assert "SignatureVerified" not in await story(csms201, "Installed")


async def test_boot_after_new_firmware_says_why(csms201, point201):
    await csms201.call(*order(version=V201, location="http://127.0.0.1:9/latest"))
    boot = await csms201.hears("BootNotification", 2)

    assert (boot["reason"], boot["chargingStation"]["firmwareVersion"]) == ("FirmwareUpdate", "1.1")


@pytest.mark.parametrize(
    "outcome", ["DownloadFailed", "InvalidSignature", "InstallVerificationFailed", "InstallationFailed"]
)
async def test_update_fails_on_request(either, build, outcome):
    point = await ready(build(either), either)
    await point.set_outcome("firmware", outcome)

    await either.call(*signed(either.version))

    assert (await story(either, outcome))[-1] == outcome
    await either.until(lambda: point.connectors[1].status == "Available")
    assert point.identity["firmware_version"] == "1.0"


async def test_plain_words_tell_of_every_failure(csms, point):
    await point.set_outcome("firmware", "InstallVerificationFailed")

    await csms.call(*order())

    assert (await story(csms, "InstallationFailed"))[-1] == "InstallationFailed"


async def test_protocol_that_it_does_not_know_fails(csms, point):
    await csms.call("UpdateFirmware", {"location": "ftp://x/y", "retrieveDate": SOONER, "retries": -3})

    assert (await story(csms, "DownloadFailed")) == ["Downloading", "DownloadFailed"]


async def test_what_charges_may_go_on(csms201, point201):
    await point201.plug_in()
    await point201.present_tag("TAG1")
    await csms201.call(*order(version=V201))
    waiting = await story(csms201, "InstallScheduled")

    await point201.present_tag("TAG1")
    assert point201.connectors[1].status == "Unavailable"
    told = await story(csms201, "Installed")

    assert told == [*waiting, "Installing", "InstallRebooting", "Installed"]
    assert csms201.of("TransactionEvent")[-1]["transactionInfo"]["stoppedReason"] == "Local"


async def test_who_looks_for_the_cable_is_sent_away(csms201, point201):
    await point201.present_tag("TAG1")
    await csms201.call(*order(version=V201, installDateTime=LATER))
    await story(csms201, "InstallScheduled")

    await point201.plug_in()

    assert point201.connectors[1].transaction is None
    assert point201.connectors[1].status == "Unavailable"


@pytest.mark.parametrize(
    ("member", "status"), [("retrieveDateTime", "DownloadScheduled"), ("installDateTime", "InstallScheduled")]
)
async def test_update_waits_for_its_time(csms201, point201, member, status):
    await csms201.call(*order(version=V201, **{member: LATER}))

    assert (await story(csms201, status))[-1] == status


async def test_later_update_takes_the_place_of_one_before(csms201, point201):
    await csms201.call(*order(version=V201, retrieveDateTime=LATER))

    finished = await csms201.call(*order(version=V201, request_id=8))
    await story(csms201, "Installed")

    assert finished.payload == {"status": "AcceptedCanceled"}
    assert [each["requestId"] for each in csms201.of(*STATUSES)] == [7, 8, 8, 8, 8, 8]


async def test_nothing_interrupts_an_installation(csms201, build):
    point = await ready(build(csms201), csms201)
    point.firmware.status = "Installing"

    assert (await csms201.call(*order(version=V201))).payload == {"status": "Rejected"}


@pytest.mark.parametrize("text", ["nonsense", pem(certificate(until=2021))], ids=["no PEM", "expired"])
async def test_certificate_that_does_not_count_is_refused(either, build, text):
    await ready(build(either), either)

    finished = await either.call(*signed(either.version, signingCertificate=text))

    assert finished.payload["status"] == "InvalidCertificate"
    await either.until(lambda: "InvalidFirmwareSigningCertificate" in events(either))


async def test_power_cut_ends_an_update(csms201, point201):
    await csms201.call(*order(version=V201, retrieveDateTime=LATER))
    await story(csms201, "DownloadScheduled")

    await point201.power_cycle()

    assert (await story(csms201, "DownloadFailed"))[-1] == "DownloadFailed"


async def test_time_that_is_none_is_refused(csms, point):
    finished = await csms.call("UpdateFirmware", {"location": THERE, "retrieveDate": "soon"})

    assert finished.outcome == "error"


@pytest.mark.parametrize(
    ("action", "notification", "words"),
    [
        ("TriggerMessage", "FirmwareStatusNotification", ["Idle", "Idle"]),
        (
            "ExtendedTriggerMessage",
            "SignedFirmwareStatusNotification",
            ["Idle", "DownloadScheduled", "DownloadScheduled"],
        ),
    ],
)
async def test_trigger_tells_where_the_update_stands(csms, point, action, notification, words):
    """The plain notification has no word for an update that waits."""
    ask = action, {"requestedMessage": "FirmwareStatusNotification"}
    assert (await csms.call(*ask)).payload == {"status": "Accepted"}
    await csms.hears(notification)
    await csms.call(*signed(V16, retrieveDateTime=LATER))
    await csms.call(*ask)

    await csms.hears(notification, len(words))

    assert [told["status"] for told in csms.of(notification)] == words


async def test_outcome_must_be_one(point):
    with pytest.raises(Exception, match="outcome must be one of"):
        await point.set_outcome("firmware", "Exploded")
    with pytest.raises(Exception, match="activity must be one of"):
        await point.set_outcome("weather", "DownloadFailed")
