"""What outlives the process of a virtual charge point."""

import shutil
import stat

import pytest

from chargers.virtual.state import StateFile
from chargers.wire.validation import V16
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import NOW

pytestmark = pytest.mark.once


@pytest.fixture
def live(build, tmp_path):
    """Return a function that starts a charge point with a memory; what it did before is forgotten but there."""

    async def begin(server, **options):
        point = build(server, **options)
        memory = StateFile(point, tmp_path / "state.json")
        memory.restore()
        await point.start()
        memory.recover()
        await server.until(lambda: point.is_online)
        return point

    return begin


@pytest.fixture
def die(tmp_path):
    """Return a function that ends a charge point as a kill does: the file stays as it was."""

    async def end(point):
        path = tmp_path / "state.json"
        await point.go_offline()
        before = path.read_bytes()
        await point.stop(seconds=0)
        path.write_bytes(before)

    return end


def of_transactions(server):
    return server.of("StartTransaction", "StopTransaction", "TransactionEvent")


async def test_charge_ends_with_the_power_in_the_next_life(either, live, die):
    point = await live(either)
    await point.plug_in()
    await point.present_tag("TAG1")
    await either.until(lambda: not point.delivery)
    await die(point)

    point = await live(either)
    await either.until(lambda: not point.delivery)

    last = of_transactions(either)[-1]
    reason = last["reason"] if either.version == V16 else last["transactionInfo"]["stoppedReason"]
    assert reason == "PowerLoss"
    assert point.connectors[1].transaction is None


async def test_number_is_known_in_the_next_life(csms, live, die):
    point = await live(csms)
    await point.plug_in()
    await point.present_tag("TAG1")
    await csms.until(lambda: not point.delivery)
    await die(point)

    await live(csms)

    assert (await csms.hears("StopTransaction"))["transactionId"] == 100


async def test_what_waited_is_delivered_with_its_real_number(csms, live, die):
    point = await live(csms)
    await point.present_tag("TAG1")
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)
    await point.plug_in()
    await point.unplug()
    await die(point)

    point = await live(csms)
    stop = await csms.hears("StopTransaction")

    assert (stop["transactionId"], stop["reason"]) == (100, "EVDisconnected")
    assert len(csms.of("StartTransaction")) == 1


async def test_what_the_csms_has_set_outlives_the_process(csms, live, die):
    point = await live(csms)
    entry = {"idTag": "TAG1", "idTagInfo": {"status": "Blocked"}}
    full = {"listVersion": 7, "updateType": "Full", "localAuthorizationList": [entry]}
    await csms.call("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "77"})
    await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    await csms.call("SendLocalList", full)
    await die(point)

    point = await live(csms)

    assert point.configuration["MeterValueSampleInterval"] == "77"
    assert point.connectors[1].status == "Unavailable"
    assert (point.local_list.version, point.local_list.find("TAG1").status) == (7, "Blocked")


async def test_going_out_of_service_outlives_the_process(csms, live, die):
    point = await live(csms)
    await point.plug_in()
    await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    await die(point)

    point = await live(csms)

    assert point.connectors[1].status == "Unavailable"


async def test_new_firmware_is_there_in_the_next_life(csms, live, die):
    point = await live(csms)
    await csms.call("UpdateFirmware", {"location": "http://127.0.0.1:9/7.5.bin", "retrieveDate": NOW})
    await csms.until(lambda: {"status": "Installed"} in csms.of("FirmwareStatusNotification"))
    await die(point)

    await live(csms)

    assert csms.of("BootNotification")[-1]["firmwareVersion"] == "7.5"


async def test_file_is_for_its_owner_only(csms, live, tmp_path):
    await live(csms)

    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


async def test_file_that_cannot_be_written_costs_nothing_else(csms, build, tmp_path):
    """Who wants to know hears of it once; charges are told as ever."""
    folder, told = tmp_path / "there", []
    folder.mkdir()
    point = build(csms)
    StateFile(point, folder / "state.json", on_failed=told.append).restore()
    await ready(point, csms)
    shutil.rmtree(folder)

    await point.plug_in()
    await point.present_tag("TAG1")
    await point.unplug()

    await csms.hears("StopTransaction")
    assert len(told) == 1
    assert "state.json" in told[0]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": 5}'])
async def test_file_of_somebody_else_is_refused(csms, build, tmp_path, text):
    (tmp_path / "other.json").write_text(text)

    with pytest.raises(ValueError, match="no state of a charge point"):
        StateFile(build(csms), tmp_path / "other.json").restore()


async def test_file_of_another_version_is_refused(csms, csms201, build, tmp_path):
    """What waits in it are messages that the other version does not know."""
    memory = tmp_path / "state.json"
    StateFile(build(csms), memory).save()

    with pytest.raises(ValueError, match=r"it is of CP-1 ocpp1\.6"):
        StateFile(build(csms201), memory).restore()


async def test_without_a_file_it_begins_anew(csms, build, tmp_path):
    point = await ready(build(csms), csms)

    StateFile(point, tmp_path / "none.json").restore()

    assert point.connectors[1].status == "Available"
