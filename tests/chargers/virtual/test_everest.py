"""EVerest's interface on the virtual charge point: names, shapes and meanings as their document says."""

import asyncio
import inspect
import json

import pytest

from chargers.virtual.charging import NotPossible
from chargers.virtual.everest import COMMANDS, VARIABLES, OcppChargePoint
from chargers.virtual.schedules import Settings
from chargers.virtual.settings import custom
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import NOW, SILENCE

pytestmark = pytest.mark.once

DOCUMENT = "everest-ocpp16"
CUSTOM = (
    custom("Colour", default="red", options=("red", "green")),
    custom("Serial", default="7", is_writable=False),
)


@pytest.fixture
async def interface(csms, build):
    """The interface of a charge point for OCPP 1.6 that has booted."""
    interface = OcppChargePoint(build(csms, custom_keys=CUSTOM))
    await ready(interface.point, csms)
    return interface


def heard(interface, variable):
    """Return the list that what is published from now on goes into."""
    values = []
    interface.subscribe(variable, values.append)
    return values


async def changed(csms, key, value):
    return (await csms.call("ChangeConfiguration", {"key": key, "value": value})).payload["status"]


@pytest.mark.spec(DOCUMENT, "Commands")
@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("stop", []),
        ("restart", []),
        ("data_transfer", ["vendor_id", "message_id", "data", "request"]),  # the last is the later form
        ("get_configuration_key", ["keys"]),
        ("set_custom_configuration_key", ["key", "value"]),
        ("monitor_configuration_keys", ["keys"]),
        ("security_event", ["type", "info"]),
        ("set_configuration_key", ["key", "value"]),
    ],
)
def test_command_has_the_arguments_of_the_document(command, arguments):
    assert command in COMMANDS
    assert [*inspect.signature(getattr(OcppChargePoint, command)).parameters][1:] == arguments


@pytest.mark.spec(DOCUMENT, "Variables")
@pytest.mark.parametrize("variable", ["charging_schedules", "is_connected", "configuration_key"])
def test_variable_of_the_document_is_there(variable):
    assert variable in VARIABLES


# Stop and restart -----------------------------------------------------------------------------


@pytest.mark.spec(DOCUMENT, "stop")
async def test_second_stop_is_false(interface):
    assert [await interface.stop(), await interface.stop()] == [True, False]


@pytest.mark.spec(DOCUMENT, "restart")
async def test_restart_is_true_only_after_a_stop(interface):
    while_running = await interface.restart()
    await interface.stop()

    assert [while_running, await interface.restart(), await interface.restart()] == [False, True, False]


async def test_restart_before_the_first_start_is_false(csms, build):
    assert await OcppChargePoint(build(csms)).restart() is False


@pytest.mark.spec(DOCUMENT, "restart")
async def test_restart_boots_again(csms, interface):
    await interface.stop()
    await interface.restart()

    await csms.hears("BootNotification", 2)
    assert csms.connections == 2


async def test_stop_ends_what_charges_before_it_disconnects(csms, interface):
    await interface.point.plug_in()
    await interface.point.present_tag("TAG1")

    await interface.stop()

    assert csms.of("StopTransaction")[0]["reason"] == "Other"


@pytest.mark.spec(DOCUMENT, "stop")
async def test_nobody_charges_while_it_is_stopped(interface):
    await interface.stop()
    await interface.point.plug_in()

    with pytest.raises(NotPossible, match="it is stopped"):
        await interface.point.present_tag("TAG1")


async def test_driver_who_waits_is_forgotten_by_a_stop(csms, interface):
    """Else the cable would start a charge that the CSMS never hears of."""
    await interface.point.present_tag("TAG1")
    await interface.stop()

    await interface.point.plug_in()

    assert interface.point.connectors[1].transaction is None


async def test_stop_while_a_tag_is_asked_about_starts_nothing(csms, interface):
    csms.script["Authorize"] = [SILENCE]
    await interface.set_configuration_key("AllowOfflineTxForUnknownId", "true")
    await interface.point.plug_in()
    presenting = asyncio.create_task(interface.point.present_tag("TAG1"))
    await csms.hears("Authorize")

    await interface.stop()
    await asyncio.wait([presenting])

    assert interface.point.connectors[1].transaction is None


@pytest.mark.spec(DOCUMENT, "is_connected")
async def test_is_connected_is_published_at_every_change(csms, build):
    interface = OcppChargePoint(build(csms))
    values = heard(interface, "is_connected")

    await ready(interface.point, csms)
    await interface.stop()

    assert values == [True, False]


# Configuration keys ---------------------------------------------------------------------------


@pytest.mark.spec(DOCUMENT, "get_configuration_key")
async def test_keys_are_found_whatever_their_case(interface):
    answer = await interface.get_configuration_key(["heartbeatINTERVAL", "NoSuchKey"])

    assert answer == {
        "configuration_keys": [{"key": "HeartbeatInterval", "read_only": False, "value": "300"}],
        "unknown_keys": ["NoSuchKey"],
    }


@pytest.mark.spec(DOCUMENT, "get_configuration_key")
@pytest.mark.parametrize("keys", [[], None])
async def test_no_keys_are_all_keys(interface, keys):
    answer = await interface.get_configuration_key(keys)

    found = {each["key"]: each["read_only"] for each in answer["configuration_keys"]}
    assert (found["NumberOfConnectors"], found["Colour"], found["Serial"]) == (True, False, True)
    assert answer["unknown_keys"] == []


async def test_password_reads_back_as_a_dummy(csms, build):
    interface = OcppChargePoint(build(csms, password="very secret indeed"))

    (found,) = (await interface.get_configuration_key(["AuthorizationKey"]))["configuration_keys"]

    assert found["value"] == "DummyAuthorizationKey"


@pytest.mark.spec(DOCUMENT, "set_custom_configuration_key")
@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("colour", "green", "Accepted"),
        ("Serial", "8", "Accepted"),  # read-only is for the CSMS
        ("Colour", "blue", "Rejected"),
        ("HeartbeatInterval", "60", "Rejected"),
        ("NoSuchKey", "1", "Rejected"),
        ("Colour", "x" * 501, "Rejected"),
    ],
)
async def test_only_custom_keys_are_custom(interface, key, value, status):
    before = await interface.get_configuration_key([key])

    assert await interface.set_custom_configuration_key(key, value) == status

    is_changed = await interface.get_configuration_key([key]) != before
    assert is_changed is (status == "Accepted")


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "60", "Accepted"),
        ("Colour", "green", "Accepted"),
        ("HeartbeatInterval", "often", "Rejected"),
        ("NumberOfConnectors", "9", "Rejected"),
        ("Serial", "8", "Rejected"),
        ("NoSuchKey", "1", "NotSupported"),
    ],
)
async def test_key_is_set_as_by_the_csms(interface, key, value, status):
    """The later command: the same checks as for ChangeConfiguration."""
    assert await interface.set_configuration_key(key, value) == status


async def test_key_that_is_set_here_takes_effect(csms, interface):
    await interface.set_configuration_key("HeartbeatInterval", "1")

    assert await csms.hears("Heartbeat") == {}


@pytest.mark.spec(DOCUMENT, "configuration_key")
async def test_change_of_a_monitored_key_is_published(csms, interface):
    values = heard(interface, "configuration_key")
    await interface.monitor_configuration_keys(["connectiontimeout"])

    assert await changed(csms, "ConnectionTimeOut", "99") == "Accepted"

    assert values == [{"key": "ConnectionTimeOut", "read_only": False, "value": "99"}]


@pytest.mark.spec(DOCUMENT, "configuration_key")
@pytest.mark.parametrize(("key", "value"), [("ConnectionTimeOut", "soon"), ("ResetRetries", "2")])
async def test_other_changes_are_not_published(csms, interface, key, value):
    """A refused one, and one of a key that nobody monitors."""
    values = heard(interface, "configuration_key")
    await interface.monitor_configuration_keys(["ConnectionTimeOut"])

    await changed(csms, key, value)

    assert values == []


@pytest.mark.spec(DOCUMENT, "monitor_configuration_keys")
async def test_later_monitors_extend_earlier_ones(csms, interface):
    values = heard(interface, "configuration_key")
    await interface.monitor_configuration_keys(["ResetRetries"])
    await interface.monitor_configuration_keys(["Colour", "NoSuchKey"])

    await changed(csms, "ResetRetries", "2")
    await interface.set_custom_configuration_key("Colour", "green")

    assert [value["key"] for value in values] == ["ResetRetries", "Colour"]


async def test_key_too_long_to_be_one_is_refused(interface):
    with pytest.raises(NotPossible, match="at most 50 characters"):
        await interface.monitor_configuration_keys(["x" * 51])


# The later variables --------------------------------------------------------------------------


async def test_answer_to_the_boot_is_published(csms, build):
    csms.script["BootNotification"] = [{"status": "Accepted", "currentTime": NOW, "interval": 300}]
    interface = OcppChargePoint(build(csms))
    values = heard(interface, "boot_notification_response")

    await ready(interface.point, csms)

    assert values == [{"status": "Accepted", "current_time": "2026-11-21T12:00:00.000Z", "interval": 300}]


async def test_reason_for_a_status_is_published(csms201, build):
    info = {"reasonCode": "Closed", "additionalInfo": "until spring"}
    answer = {"status": "Pending", "currentTime": "2026-11-21T12:00:00Z", "interval": 60, "statusInfo": info}
    csms201.script["BootNotification"] = [answer]
    interface = OcppChargePoint(build(csms201))
    values = heard(interface, "boot_notification_response")

    await interface.point.start()
    await csms201.until(lambda: values)

    assert values[0]["status_info"] == {"reason_code": "Closed", "additional_info": "until spring"}


async def charged(server, interface):
    """Charge from plug to plug, and return what was published of it."""
    values = heard(interface, "ocpp_transaction_event")
    await interface.point.plug_in()
    await interface.point.present_tag("TAG1")
    await server.until(lambda: interface.point.connectors[1].transaction.verdict)
    interface.point.charging.sample(interface.point.connectors[1])
    await interface.point.unplug()
    return values


async def test_transaction_is_published(csms, interface):
    """In 1.6 it has a number as soon as the CSMS has given one."""
    started, updated, ended = await charged(csms, interface)

    assert started == {
        "transaction_event": "Started",
        "session_id": started["session_id"],
        "evse": {"id": 1, "connector_id": 1},
    }
    assert updated == started | {"transaction_event": "Updated", "transaction_id": "100"}
    assert ended == updated | {"transaction_event": "Ended"}


async def test_transaction_of_201_is_published(csms201, build):
    interface = OcppChargePoint(build(csms201))
    await ready(interface.point, csms201)

    values = await charged(csms201, interface)

    assert [each["transaction_event"] for each in values] == ["Started", "Updated", "Ended"]
    assert {each["transaction_id"] for each in values} == {values[0]["session_id"]}


async def test_frames_are_published_with_their_direction(csms, interface):
    values = heard(interface, "ocpp_message")

    await interface.point.send("Heartbeat", {})

    message = next(each["message"] for each in values if '"Heartbeat"' in each["message"])
    number = json.loads(message)[1]
    of_it = [(each["direction"], each["version"]) for each in values if number in each["message"]]
    assert of_it == [("ChargingStationToCSMS", "1.6"), ("CSMSToChargingStation", "1.6")]


async def test_security_event_reaches_the_csms_and_the_listeners(csms, interface):
    values = heard(interface, "security_event")

    await interface.security_event("TamperDetectionActivated", "the lid is open")

    told = await csms.hears("SecurityEventNotification", 2)  # the first is of the start
    assert (told["type"], told["techInfo"]) == ("TamperDetectionActivated", "the lid is open")
    assert (values[0]["type"], values[0]["timestamp"]) == (told["type"], told["timestamp"])


# Data transfer --------------------------------------------------------------------------------


@pytest.mark.spec(DOCUMENT, "data_transfer")
@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (
            {"vendor_id": "acme", "message_id": "ping", "data": "1"},
            {"vendorId": "acme", "messageId": "ping", "data": "1"},
        ),
        ({"vendor_id": "acme", "message_id": "", "data": ""}, {"vendorId": "acme"}),
        ({"request": {"vendor_id": "acme", "data": "2"}}, {"vendorId": "acme", "data": "2"}),
    ],
)
async def test_data_is_transferred(csms, interface, arguments, sent):
    csms.script["DataTransfer"] = [{"status": "Accepted", "data": "42"}]

    assert await interface.data_transfer(**arguments) == {"status": "Accepted", "data": "42"}
    assert csms.of("DataTransfer") == [sent]


async def test_custom_data_goes_both_ways(csms201, build):
    csms201.script["DataTransfer"] = [
        {"status": "Rejected", "data": {"a": 1}, "customData": {"vendorId": "acme", "b": 2}}
    ]
    interface = OcppChargePoint(build(csms201))
    await ready(interface.point, csms201)

    answer = await interface.data_transfer(
        request={"vendor_id": "acme", "custom_data": {"vendor_id": "other", "data": '{"c": 3}'}}
    )

    assert csms201.of("DataTransfer")[0]["customData"] == {"vendorId": "other", "c": 3}
    assert answer["data"] == '{"a":1}'
    assert json.loads(answer["custom_data"]["data"]) == {"vendorId": "acme", "b": 2}


async def test_data_cannot_be_transferred_offline(interface):
    await interface.stop()

    assert await interface.data_transfer("acme", "ping", "1") == {"status": "Offline"}


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"data": "1"}, "vendor_id is missing"),
        ({"vendor_id": "acme", "colour": "red"}, "no member 'colour'"),
        ({"vendor_id": "acme", "data": 1}, "are texts"),
        ({"vendor_id": "acme", "custom_data": {"data": "{}"}}, "custom_data is"),
        ({"vendor_id": "acme", "custom_data": {"vendor_id": "x", "data": "[]"}}, "custom_data is"),
    ],
)
async def test_bad_request_is_told_what_is_wrong(csms201, build, request_, says):
    with pytest.raises(NotPossible, match=says):
        await OcppChargePoint(build(csms201)).data_transfer(request=request_)


# Charging schedules ---------------------------------------------------------------------------


def profile(limit, *, number=1):
    """Return the profile of a station that is limited at all times."""
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2026-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    }


async def limit(csms, amps):
    payload = {"connectorId": 0, "csChargingProfiles": profile(amps)}
    assert (await csms.call("SetChargingProfile", payload)).payload == {"status": "Accepted"}


async def scheduled(server, build, **settings):
    """Start a charge point of two connectors, and return what it publishes."""
    interface = OcppChargePoint(build(server, connectors=2), schedules=Settings(**settings))
    values = heard(interface, "charging_schedules")
    await ready(interface.point, server)
    await server.until(lambda: values)
    return values


@pytest.mark.spec(DOCUMENT, "charging_schedules")
async def test_schedules_are_published_at_the_start(csms, build):
    (value,) = await scheduled(csms, build)

    assert list(value) == ["0", "1", "2"]
    assert value["1"] == {
        "duration": 600,
        "startSchedule": value["1"]["startSchedule"],
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 48.0, "numberPhases": 3}],
    }


@pytest.mark.spec(DOCUMENT, "charging_schedules")
async def test_schedules_are_published_when_the_csms_limits(csms, build):
    values = await scheduled(csms, build, interval_s=0)

    await limit(csms, 16)
    await csms.until(lambda: len(values) == 2)
    await csms.call("ClearChargingProfile", {})
    await csms.until(lambda: len(values) == 3)

    limits = [value["0"]["chargingSchedulePeriod"][0]["limit"] for value in values]
    assert limits == [96.0, 16.0, 96.0]


async def test_schedules_are_published_now_and_then(csms, build):
    values = await scheduled(csms, build, interval_s=0.01)

    await csms.until(lambda: len(values) >= 3)


async def test_schedules_are_published_in_the_unit_asked_for(csms, build):
    (value,) = await scheduled(csms, build, unit="W", duration_s=60)

    assert (value["1"]["chargingRateUnit"], value["1"]["duration"]) == ("W", 60)
    assert value["1"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 33120.0, "numberPhases": 3}]


async def test_schedules_have_the_later_shape_when_asked_for(csms201, build):
    (value,) = await scheduled(csms201, build, is_typed=True)

    assert [each["evse"] for each in value["schedules"]] == [0, 1, 2]
    assert value["schedules"][1]["charging_schedule_period"] == [
        {"start_period": 0, "limit": 48.0, "number_phases": 3}
    ]
    assert (value["schedules"][1]["duration"], value["schedules"][1]["charging_rate_unit"]) == (600, "A")


@pytest.mark.parametrize("settings", [{"unit": "V"}, {"interval_s": 600}, {"interval_s": -1}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        Settings(**settings)
