"""How the virtual charge point answers its CSMS."""

import pytest

from chargers.wire import validation
from chargers.wire.validation import V16, V201
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import SILENCE

pytestmark = pytest.mark.once
TOKEN = {"idToken": "TAG1", "type": "Central"}


async def test_remote_start_brings_the_next_car_to_charge(csms, point):
    finished = await csms.call("RemoteStartTransaction", {"idTag": "TAG1", "connectorId": 1})

    await point.plug_in()

    assert finished.payload == {"status": "Accepted"}
    assert (await csms.hears("StartTransaction"))["idTag"] == "TAG1"


async def test_second_remote_start_is_rejected(csms, point):
    await csms.call("RemoteStartTransaction", {"idTag": "TAG1"})

    finished = await csms.call("RemoteStartTransaction", {"idTag": "TAG2"})

    assert finished.payload == {"status": "Rejected"}


async def test_remote_start_asks_first_where_it_must(csms, build):
    csms.script["Authorize"] = [{"idTagInfo": {"status": "Blocked"}}]
    point = build(csms, configuration={"AuthorizeRemoteTxRequests": "true"})
    await ready(point, csms)
    await point.plug_in()

    await csms.call("RemoteStartTransaction", {"idTag": "TAG1"})
    await csms.hears("Authorize")

    assert point.connectors[1].transaction is None


async def test_remote_stop(csms, point):
    await point.plug_in()
    await point.present_tag("TAG1")
    await csms.until(lambda: point.connectors[1].transaction.number == 100)

    unknown = await csms.call("RemoteStopTransaction", {"transactionId": 1})
    known = await csms.call("RemoteStopTransaction", {"transactionId": 100})

    assert (unknown.payload["status"], known.payload["status"]) == ("Rejected", "Accepted")
    assert (await csms.hears("StopTransaction"))["reason"] == "Remote"


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_reset_stops_reconnects_and_boots(csms, point, kind):
    await point.plug_in()
    await point.present_tag("TAG1")

    finished = await csms.call("Reset", {"type": kind})
    stop = await csms.hears("StopTransaction")
    await csms.hears("BootNotification", 2)

    assert finished.payload == {"status": "Accepted"}
    assert stop["reason"] == f"{kind}Reset"
    assert csms.connections == 2


async def test_reset_is_answered_before_it_happens(csms, point):
    """With nothing to wait for, the connection ends at once, but not before the answer left."""
    assert (await csms.call("Reset", {"type": "Hard"})).outcome == "result"


@pytest.mark.parametrize(("connector", "status"), [(0, "Accepted"), (1, "Accepted"), (9, "Rejected")])
async def test_availability(csms, point, connector, status):
    order = {"connectorId": connector, "type": "Inoperative"}

    assert (await csms.call("ChangeAvailability", order)).payload == {"status": status}


async def test_availability_waits_for_the_charge_and_outlives_the_power(csms, point):
    await point.plug_in()
    await point.present_tag("TAG1")

    finished = await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    await point.power_cycle()

    assert finished.payload == {"status": "Scheduled"}
    assert point.connectors[1].status == "Unavailable"


@pytest.mark.parametrize(
    ("connector", "lock", "status"),
    [
        (1, "works", "Unlocked"),
        (1, "stuck", "UnlockFailed"),
        (1, "none", "NotSupported"),
        (9, "works", "NotSupported"),
    ],
)
async def test_unlock(csms, point, connector, lock, status):
    await point.set_lock(lock)

    assert (await csms.call("UnlockConnector", {"connectorId": connector})).payload == {"status": status}


async def test_availability_waits_for_who_prepares(csms, point):
    await point.plug_in()

    finished = await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    before = point.connectors[1].status
    await point.unplug()

    assert finished.payload == {"status": "Scheduled"}
    assert (before, point.connectors[1].status) == ("Preparing", "Unavailable")


async def test_second_order_out_of_service_changes_nothing(csms, point):
    order = {"connectorId": 1, "type": "Inoperative"}
    await csms.call("ChangeAvailability", order)
    await point.plug_in()

    finished = await csms.call("ChangeAvailability", order)

    assert finished.payload == {"status": "Accepted"}
    assert point.connectors[1].status == "Unavailable"


async def test_order_back_into_service_takes_the_plan_away(csms, point):
    await point.plug_in()
    await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})

    await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
    await point.unplug()

    assert point.connectors[1].status == "Available"


async def test_whole_point_out_of_service_is_told_of_connector_0(csms, point):
    await csms.call("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
    await csms.hears("StatusNotification", 4)

    assert {(each["connectorId"], each["status"]) for each in csms.of("StatusNotification")[2:]} == {
        (0, "Unavailable"),
        (1, "Unavailable"),
    }


async def test_reset_asked_for_twice_happens_once(csms, build):
    csms.script["StopTransaction"] = [SILENCE]
    point = await ready(build(csms, configuration={"WaitForStopTransactionsOnResetTimeout": 1}), csms)
    await point.plug_in()
    await point.present_tag("TAG1")
    resets = []
    point.subscribe("reset", resets.append)

    await csms.call("Reset", {"type": "Soft"})
    await csms.hears("StopTransaction")
    await csms.call("Reset", {"type": "Hard"})
    await csms.hears("BootNotification", 2)

    assert resets == [{"reason": "SoftReset"}]


async def test_unlock_ends_the_transaction_first(csms, point):
    await point.set_lock("stuck")
    await point.plug_in()
    await point.present_tag("TAG1")

    finished = await csms.call("UnlockConnector", {"connectorId": 1})

    assert finished.payload == {"status": "UnlockFailed"}
    assert (await csms.hears("StopTransaction"))["reason"] == "UnlockCommand"


@pytest.mark.parametrize("message", ["BootNotification", "Heartbeat", "StatusNotification", "MeterValues"])
async def test_trigger(csms, point, message):
    before = len(csms.of(message))

    finished = await csms.call("TriggerMessage", {"requestedMessage": message})

    assert finished.payload == {"status": "Accepted"}
    await csms.hears(message, before + 1)


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"requestedMessage": "Heartbeat", "connectorId": 9}, "Rejected"),
        ({"requestedMessage": "MeterValues", "connectorId": 9}, "Rejected"),
        ({"requestedMessage": "DiagnosticsStatusNotification", "connectorId": 9}, "Rejected"),
    ],
)
async def test_trigger_that_cannot_be(csms, point, order, status):
    assert (await csms.call("TriggerMessage", order)).payload == {"status": status}


async def test_trigger_without_a_reading_is_rejected(csms, build):
    await ready(build(csms, configuration={"MeterValuesSampledData": ""}), csms)

    finished = await csms.call("TriggerMessage", {"requestedMessage": "MeterValues"})

    assert finished.payload == {"status": "Rejected"}


async def test_trigger_without_a_connector_is_for_all(csms, build):
    await ready(build(csms, connectors=2), csms)
    await csms.hears("StatusNotification", 3)

    await csms.call("TriggerMessage", {"requestedMessage": "StatusNotification"})
    await csms.hears("StatusNotification", 6)

    assert [each["connectorId"] for each in csms.of("StatusNotification")[3:]] == [0, 1, 2]


@pytest.mark.parametrize("trouble", ["Unavailable", "Faulted", "Charging", "Finishing"])
async def test_remote_start_is_rejected_where_nobody_could_begin(csms, point, trouble):
    connector = point.connectors[1]
    if trouble == "Unavailable":
        await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    elif trouble == "Faulted":
        await point.raise_fault()
    else:
        await point.plug_in()
        await point.present_tag("TAG1")
        if trouble == "Finishing":
            await point.present_tag("TAG1")
    before = connector.status

    finished = await csms.call("RemoteStartTransaction", {"idTag": "TAG2", "connectorId": 1})

    assert (before, finished.payload) == (trouble, {"status": "Rejected"})


async def test_remote_start_waits_no_longer_than_it_must(csms, build):
    point = await ready(build(csms, configuration={"ConnectionTimeOut": 10}), csms)

    await csms.call("RemoteStartTransaction", {"idTag": "TAG1", "connectorId": 1})
    await csms.until(
        lambda: [each["status"] for each in csms.of("StatusNotification")][-2:] == ["Preparing", "Available"]
    )
    await point.plug_in()

    assert point.connectors[1].transaction is None


async def test_configuration_is_told_without_its_secrets(csms, build):
    await ready(build(csms, password="s3cret"), csms)

    answer = (await csms.call("GetConfiguration", {"key": ["authorizationkey", "Nonsense"]})).payload
    everything = (await csms.call("GetConfiguration", {})).payload

    assert answer["unknownKey"] == ["Nonsense"]
    assert answer["configurationKey"][0]["key"] == "AuthorizationKey"
    assert "s3cret" not in str(answer) + str(everything)
    assert len(everything["configurationKey"]) > 20


async def test_configuration_of_too_many_keys_is_refused(csms, build):
    await ready(build(csms, configuration={"GetConfigurationMaxKeys": 2}), csms)

    two = await csms.call("GetConfiguration", {"key": ["ResetRetries", "CpoName"]})
    three = await csms.call("GetConfiguration", {"key": ["ResetRetries", "CpoName", "BlinkRepeat"]})

    assert len(two.payload["configurationKey"]) == 2
    assert three.code == "OccurenceConstraintViolation"


async def test_profile_that_is_not_there_is_not_supported(csms, build):
    await ready(build(csms, configuration={"SupportedFeatureProfiles": "Core"}), csms)

    finished = await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})

    assert finished.code == "NotSupported"


async def test_sampling_changes_at_once(csms, point):
    await point.plug_in()
    await point.present_tag("TAG1")

    await csms.call("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "20"})

    assert await csms.hears("MeterValues")


async def test_new_password_is_used_after_the_answer(csms, point):
    order = {"key": "AuthorizationKey", "value": "another"}

    finished = await csms.call("ChangeConfiguration", order)
    await csms.until(lambda: csms.connections == 2)

    assert finished.payload == {"status": "Accepted"}
    assert csms.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(("is_enabled", "status"), [("true", "Accepted"), ("false", "Rejected")])
@pytest.mark.parametrize("version", [V16, V201])
async def test_clear_cache(csms, csms201, build, version, is_enabled, status):
    server = csms if version == V16 else csms201
    await ready(build(server, configuration={"AuthorizationCacheEnabled": is_enabled}), server)

    assert (await server.call("ClearCache", {})).payload == {"status": status}


async def test_rejected_charge_point_obeys_nobody(csms, build):
    csms.script["BootNotification"] = [
        {"status": "Rejected", "currentTime": "2026-01-01T00:00:00Z", "interval": 9}
    ]
    point = build(csms)
    await point.start()
    await csms.until(lambda: point.registration.status == "Rejected")

    with pytest.raises(TimeoutError):
        await csms.call("ClearCache", {}, seconds=0.1)


@pytest.mark.parametrize("version", [V16, V201])
async def test_every_action_is_answered(csms, csms201, point, point201, version):
    """Whatever the standard lets a CSMS ask gets a valid answer or an honest NotSupported."""
    server = csms if version == V16 else csms201
    outcomes = {}
    for action in sorted(validation.to_charger(version) - {"Reset"}):
        finished = await server.call(action, {})
        outcomes[action] = finished.code or finished.outcome

    assert set(outcomes.values()) <= {
        "result",
        "NotSupported",
        "OccurenceConstraintViolation",
        "OccurrenceConstraintViolation",
    }


async def test_unknown_action_is_not_implemented(csms, point):
    assert (await csms.call("MakeCoffee", {})).code == "NotImplemented"


# OCPP 2.0.1 -----------------------------------------------------------------------------------


async def test_request_start_and_stop(csms201, point201):
    await point201.plug_in()

    start = await csms201.call("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 5, "evseId": 1})
    event = await csms201.hears("TransactionEvent")
    uid = event["transactionInfo"]["transactionId"]
    stop = await csms201.call("RequestStopTransaction", {"transactionId": uid})

    assert (start.payload, stop.payload) == ({"status": "Accepted"}, {"status": "Accepted"})
    assert (event["triggerReason"], event["transactionInfo"]["remoteStartId"]) == ("RemoteStart", 5)
    assert (await csms201.hears("TransactionEvent", 3))["transactionInfo"]["stoppedReason"] == "Remote"


async def test_reset_on_idle_waits(csms201, point201):
    await point201.plug_in()
    await point201.present_tag("TAG1")

    finished = await csms201.call("Reset", {"type": "OnIdle"})
    await point201.present_tag("TAG1")
    boot = await csms201.hears("BootNotification", 2)

    assert finished.payload == {"status": "Scheduled"}
    assert boot["reason"] == "ScheduledReset"


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
async def test_reset_of_an_evse(csms201, build, kind):
    """Alone: the other goes on, and nothing boots."""
    point = await ready(build(csms201, connectors=2), csms201)
    for connector in (1, 2):
        await point.plug_in(connector)
        await point.present_tag("TAG1", connector)

    finished = await csms201.call("Reset", {"type": kind, "evseId": 2})
    wrong = await csms201.call("Reset", {"type": kind, "evseId": 3})
    if kind == "OnIdle":
        await point.present_tag("TAG1", 2)

    assert finished.payload["status"] == ("Scheduled" if kind == "OnIdle" else "Accepted")
    assert wrong.payload["status"] == "Rejected"
    assert [each.status for each in point.connectors.values()] == ["Charging", "Preparing"]
    assert len(csms201.of("BootNotification")) == 1


async def test_immediate_reset(csms201, point201):
    await csms201.call("Reset", {"type": "Immediate"})

    assert (await csms201.hears("BootNotification", 2))["reason"] == "RemoteReset"


async def test_variables(csms201, point201):
    def about(component, variable):
        return {"component": {"name": component}, "variable": {"name": variable}}

    wanted = [
        about("OCPPCommCtrlr", "HeartbeatInterval"),
        about("OCPPCommCtrlr", "Nonsense"),
        about("Nonsense", "Nonsense"),
        about("SecurityCtrlr", "BasicAuthPassword"),
        about("ChargingStation", "AvailabilityState"),
    ]

    await csms201.call("SetVariables", {"setVariableData": [wanted[0] | {"attributeValue": "99"}]})
    answer = (await csms201.call("GetVariables", {"getVariableData": wanted})).payload["getVariableResult"]

    assert [each["attributeStatus"] for each in answer] == [
        "Accepted",
        "UnknownVariable",
        "UnknownComponent",
        "Rejected",
        "Accepted",
    ]
    assert (answer[0]["attributeValue"], answer[4]["attributeValue"]) == ("99", "Available")


async def test_availability_of_an_evse(csms201, point201):
    order = {"operationalStatus": "Inoperative", "evse": {"id": 1}}

    finished = await csms201.call("ChangeAvailability", order)
    await csms201.until(lambda: csms201.of("StatusNotification")[-1]["connectorStatus"] == "Unavailable")

    assert finished.payload == {"status": "Accepted"}


@pytest.mark.parametrize(
    ("place", "status"),
    [({"evseId": 1, "connectorId": 1}, "Unlocked"), ({"evseId": 2, "connectorId": 1}, "UnknownConnector")],
)
async def test_unlock_of_an_evse(csms201, point201, place, status):
    assert (await csms201.call("UnlockConnector", place)).payload == {"status": status}


async def test_trigger_of_a_transaction_event_needs_one(csms201, point201):
    order = {"requestedMessage": "TransactionEvent"}
    without = await csms201.call("TriggerMessage", order)
    await point201.plug_in()
    await point201.present_tag("TAG1")
    await csms201.hears("TransactionEvent", 2)

    within = await csms201.call("TriggerMessage", order)

    assert (without.payload["status"], within.payload["status"]) == ("Rejected", "Accepted")
    assert (await csms201.hears("TransactionEvent", 3))["triggerReason"] == "Trigger"


async def test_transaction_status(csms201, point201):
    await point201.plug_in()
    await point201.present_tag("TAG1")
    uid = point201.connectors[1].transaction.uid

    answer = (await csms201.call("GetTransactionStatus", {"transactionId": uid})).payload

    assert answer["ongoingIndicator"] is True
