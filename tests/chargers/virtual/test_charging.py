"""Drivers, cars and transactions, in both versions."""

from datetime import timedelta

import pytest

from chargers.virtual.charging import NotPossible
from chargers.virtual.power import DC, Car
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import NOW
from tests.kit.steered_clock import SteeredClock

pytestmark = pytest.mark.once
REFUSED = {"transactionId": 7, "idTagInfo": {"status": "Blocked"}}


class Hasty(SteeredClock):
    """A clock that nobody can look at twice at the same moment."""

    def life(self):
        self._now += timedelta(seconds=10)
        return super().life()


async def charging(point, connector=1):
    await point.plug_in(connector)
    await point.present_tag("TAG1", connector)
    return point.connectors[connector].transaction


async def test_session_from_plug_to_unplug(csms, point):
    await charging(point)
    await csms.hears("StartTransaction")
    await point.present_tag("TAG1")
    await point.unplug()
    stop = await csms.hears("StopTransaction")

    assert stop["transactionId"] == 100
    assert stop["reason"] == "Local"
    await csms.until(lambda: csms.of("StatusNotification")[-1]["status"] == "Available")
    assert [each["status"] for each in csms.of("StatusNotification")[2:]] == [
        "Preparing",
        "Charging",
        "Finishing",
        "Available",
    ]


async def test_tag_first_and_cable_second(csms, point):
    await point.present_tag("TAG1")
    waiting = point.connectors[1].status
    await point.plug_in()

    assert (await csms.hears("StartTransaction"))["idTag"] == "TAG1"
    assert waiting == "Preparing"


async def test_tag_without_a_cable_is_forgotten(csms, build):
    point = await ready(build(csms, configuration={"ConnectionTimeOut": 10}), csms)

    await point.present_tag("TAG1")
    await csms.until(lambda: point.connectors[1].status == "Available")
    await point.plug_in()

    assert point.connectors[1].transaction is None


async def test_energy_is_stop_minus_start(csms, build):
    point = await ready(build(csms, register_wh=5_000.7), csms)
    transaction = await charging(point)
    flow = point.connectors[1].flow
    await csms.until(lambda: flow.energy_wh > 10 or point.read(point.connectors[1]) is None)

    await point.unplug()
    stop = await csms.hears("StopTransaction")

    assert (await csms.hears("StartTransaction"))["meterStart"] == 5_000
    assert stop["meterStop"] - 5_000 == pytest.approx(flow.energy_wh, abs=1)
    assert transaction.reason == stop["reason"] == "EVDisconnected"


async def test_register_stays_where_the_transaction_ended(csms, build):
    """A slow machine: every look at the clock shows a later moment."""
    point = await ready(build(csms, clock=Hasty()), csms)
    await charging(point)

    await point.unplug()

    stop = await csms.hears("StopTransaction")
    assert stop["meterStop"] == (await point.state())["connectors"][0]["register_wh"] > 0


async def test_samples_follow_the_interval(csms, build):
    point = await ready(build(csms, configuration={"MeterValueSampleInterval": 60}), csms)
    await charging(point)

    values = (await csms.hears("MeterValues", 3))["meterValue"][0]["sampledValue"]

    assert {value["measurand"] for value in values} == {
        "Energy.Active.Import.Register",
        "Power.Active.Import",
        "Current.Import",
        "Voltage",
    }
    registers = [int(each["meterValue"][0]["sampledValue"][0]["value"]) for each in csms.of("MeterValues")]
    assert registers == sorted(registers)


async def test_direct_current_tells_the_state_of_charge(csms201, build):
    point = build(csms201, outlet=DC, configuration={"MeterValuesSampledData": "SoC"})
    await ready(point, csms201)
    await point.plug_in()
    await point.present_tag("TAG1")

    point.charging.sample(point.connectors[1])
    event = await csms201.hears("TransactionEvent", 3)

    assert event["meterValue"][0]["sampledValue"][0]["measurand"] == "SoC"


async def test_refused_tag_starts_nothing(csms, point):
    csms.script["Authorize"] = [{"idTagInfo": {"status": "Expired"}}]

    await point.plug_in()

    assert await point.present_tag("TAG1") == "Expired"
    assert point.connectors[1].status == "Preparing"


async def test_start_that_is_refused_ends_at_once(csms, point):
    csms.script["StartTransaction"] = [REFUSED]

    await charging(point)
    stop = await csms.hears("StopTransaction")

    assert (stop["transactionId"], stop["reason"]) == (7, "DeAuthorized")


async def test_another_tag_does_not_stop(csms, point):
    await charging(point)

    with pytest.raises(NotPossible, match="another token"):
        await point.present_tag("TAG2")

    assert point.connectors[1].transaction


async def test_tag_of_the_same_group_stops(csms, point):
    group = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    csms.script["Authorize"] = [group, group]
    csms.script["StartTransaction"] = [group | {"transactionId": 3}]
    await charging(point)
    await csms.until(lambda: point.connectors[1].transaction.number == 3)

    await point.present_tag("TAG2")

    assert (await csms.hears("StopTransaction"))["idTag"] == "TAG2"


async def test_full_car_suspends(csms, point):
    await point.plug_in()
    await charging_with(point, Car(battery_wh=100, soc=99.9))
    await csms.until(lambda: point.read(point.connectors[1]).power_w == 0)

    point.charging.sample(point.connectors[1])

    assert point.connectors[1].status == "SuspendedEV"


async def charging_with(point, car):
    point.connectors[1].car = car
    await point.present_tag("TAG1")


async def test_no_power_suspends_and_power_resumes(csms, point):
    await charging(point)

    await point.set_power(0)
    suspended = point.connectors[1].status
    await point.set_power(None)

    assert (suspended, point.connectors[1].status) == ("SuspendedEV", "Charging")


async def test_fault_ends_the_charge(csms, point):
    await charging(point)

    await point.raise_fault(1, "Smoke")
    await csms.hears("StopTransaction")
    await csms.until(lambda: csms.of("StatusNotification")[-1]["status"] == "Faulted")
    await point.clear_fault(1)

    last = csms.of("StatusNotification")[-1]
    assert (last["errorCode"], last["info"]) == ("OtherError", "Smoke")
    assert point.connectors[1].status == "Finishing"


@pytest.mark.parametrize("what", ["plug_in", "unplug", "present_tag"])
async def test_what_cannot_be_is_refused(csms, point, what):
    await point.raise_fault(1)
    if what == "plug_in":
        await point.plug_in()

    with pytest.raises(NotPossible):
        await getattr(point, what)(**({"token": "TAG1"} if what == "present_tag" else {}))


async def test_unknown_connector_is_refused(csms, point):
    with pytest.raises(NotPossible, match="no connector 9"):
        await point.plug_in(9)


# OCPP 2.0.1 -----------------------------------------------------------------------------------


async def test_events_of_a_session(csms201, point201):
    await charging(point201)
    await csms201.hears("TransactionEvent", 2)
    await point201.present_tag("TAG1")
    await csms201.hears("TransactionEvent", 3)

    events = csms201.of("TransactionEvent")
    assert [(each["eventType"], each["seqNo"], each["triggerReason"]) for each in events] == [
        ("Started", 0, "Authorized"),
        ("Updated", 1, "ChargingStateChanged"),
        ("Ended", 2, "StopAuthorized"),
    ]
    assert len({each["transactionInfo"]["transactionId"] for each in events}) == 1
    assert events[2]["transactionInfo"]["stoppedReason"] == "Local"


async def test_deauthorized_event_ends_the_charge(csms201, point201):
    csms201.script["TransactionEvent"] = [{"idTokenInfo": {"status": "Blocked"}}]

    await charging(point201)
    await csms201.until(
        lambda: [each["eventType"] for each in csms201.of("TransactionEvent")][-1:] == ["Ended"]
    )

    assert csms201.of("TransactionEvent")[-1]["transactionInfo"]["stoppedReason"] == "DeAuthorized"


async def test_fault_is_told_as_an_event(csms201, point201):
    await point201.raise_fault(1, "GroundFailure")

    event = await csms201.hears("NotifyEvent")

    assert event["eventData"][0]["techCode"] == "GroundFailure"


async def test_pending_station_starts_nothing_from_afar(csms201, build):
    csms201.script["BootNotification"] = [{"status": "Pending", "currentTime": NOW, "interval": 300}]
    point = build(csms201)
    await point.start()
    await csms201.until(lambda: point.registration.status == "Pending")

    token = {"idToken": "TAG1", "type": "Central"}
    finished = await csms201.call("RequestStartTransaction", {"idToken": token, "remoteStartId": 1})

    assert finished.payload == {"status": "Rejected"}


# Tokens that turn out to be invalid ---------------------------------------------------------------


async def refused(csms, build, **keys):
    csms.script["StartTransaction"] = [REFUSED]
    point = await ready(build(csms, configuration=keys), csms)
    await charging(point)
    await csms.until(lambda: not point.delivery)
    return point


async def test_refused_start_pauses_where_it_must_not_stop(csms, build):
    point = await refused(csms, build, StopTransactionOnInvalidId="false")

    await csms.until(lambda: point.connectors[1].status == "SuspendedEVSE")

    register = point.read(point.connectors[1]).register_wh
    assert point.connectors[1].flow.power_w == 0
    assert point.read(point.connectors[1]).register_wh == register


async def test_refused_start_may_take_a_little(csms, build):
    csms.script["StartTransaction"] = [REFUSED]
    point = await ready(build(csms, configuration={"MaxEnergyOnInvalidId": 100}), csms)
    await charging(point)

    stop = await csms.hears("StopTransaction")

    assert stop["reason"] == "DeAuthorized"
    assert 100 <= stop["meterStop"] < 300


async def test_pause_outlives_the_cable(csms, build):
    keys = {"StopTransactionOnInvalidId": "false", "StopTransactionOnEVSideDisconnect": "false"}
    point = await refused(csms, build, **keys)
    await csms.until(lambda: point.connectors[1].status == "SuspendedEVSE")

    await point.unplug()
    await point.plug_in()

    assert point.connectors[1].status == "SuspendedEVSE"
    assert point.connectors[1].flow.power_w == 0


async def test_token_of_the_master_group_only_stops(csms201, build):
    master = {"status": "Accepted", "groupIdToken": {"idToken": "GUARDS", "type": "Central"}}
    keys = {"AuthCtrlr.MasterPassGroupId": "guards"}
    point = await ready(build(csms201, connectors=2, configuration=keys), csms201)
    await charging(point)
    csms201.script["Authorize"] = [{"idTokenInfo": master}, {"idTokenInfo": master}]

    with pytest.raises(NotPossible, match="only stops"):
        await point.present_tag("GUARD", 2)
    await point.present_tag("GUARD", 1)
    await csms201.until(lambda: not point.delivery)

    assert csms201.of("TransactionEvent")[-1]["transactionInfo"]["stoppedReason"] == "MasterPass"


# Cables -------------------------------------------------------------------------------------------


async def test_transaction_outlives_its_cable_where_it_may(csms201, build):
    point = await ready(build(csms201, configuration={"StopTransactionOnEVSideDisconnect": "false"}), csms201)
    transaction = await charging(point)

    await point.unplug()
    without = point.connectors[1].status
    await point.plug_in()
    await csms201.until(lambda: not point.delivery)

    infos = [each["transactionInfo"].get("chargingState") for each in csms201.of("TransactionEvent")]
    assert (without, point.connectors[1].status) == ("SuspendedEV", "Charging")
    assert point.connectors[1].transaction is transaction
    assert infos == ["EVConnected", "Charging", "Idle", "Charging"]


async def left_behind(csms, build):
    point = await ready(build(csms, configuration={"UnlockConnectorOnEVSideDisconnect": "false"}), csms)
    await charging(point)
    await point.unplug()
    await csms.hears("StopTransaction")
    return point


async def test_cable_that_stays_locked_keeps_others_out(csms, build):
    point = await left_behind(csms, build)

    with pytest.raises(NotPossible, match="still holds the cable"):
        await point.plug_in()
    with pytest.raises(NotPossible, match="Finishing"):
        await point.present_tag("TAG2")


async def test_its_token_unlocks_a_cable_that_stayed(csms, build):
    point = await left_behind(csms, build)

    status = await point.present_tag("tag1")

    assert (status, point.connectors[1].status) == ("Accepted", "Available")


async def test_unlock_from_afar_frees_a_cable_that_stayed(csms, build):
    point = await left_behind(csms, build)

    await csms.call("UnlockConnector", {"connectorId": 1})

    assert point.connectors[1].status == "Available"


# What is told of a status -------------------------------------------------------------------------


async def test_short_status_is_not_told(csms, build):
    clock = SteeredClock()
    point = await ready(build(csms, clock=clock, configuration={"MinimumStatusDuration": 5}), csms)
    await csms.hears("StatusNotification", 2)

    await point.plug_in()
    await clock.rest()
    await clock.forward(3)
    await point.unplug()
    await clock.rest()
    await clock.forward(10)
    await point.raise_fault(1)
    await clock.rest()
    await clock.forward(6)
    await csms.hears("StatusNotification", 3)

    assert [each["status"] for each in csms.of("StatusNotification")[2:]] == ["Faulted"]


async def test_status_that_comes_and_goes_has_not_lasted(csms, build):
    """What was seen before it went does not count."""
    clock = SteeredClock()
    point = await ready(build(csms, clock=clock, configuration={"MinimumStatusDuration": 5}), csms)
    await csms.hears("StatusNotification", 2)
    await point.plug_in()
    await clock.rest()
    await clock.forward(3)
    await point.unplug()
    await clock.forward(1)

    await point.plug_in()
    await clock.rest()
    await clock.forward(2)
    await point.unplug()
    await clock.rest()
    await clock.forward(10)
    await point.raise_fault(1)
    await clock.rest()
    await clock.forward(6)
    await csms.hears("StatusNotification", 3)

    assert [each["status"] for each in csms.of("StatusNotification")[2:]] == ["Faulted"]


async def test_error_that_is_no_fault_is_told_with_the_status_as_it_is(csms, point):
    await charging(point)

    await point.raise_error("MeterDrift", "is off by 3 %", "meter")
    await csms.until(lambda: "info" in csms.of("StatusNotification")[-1])

    last = csms.of("StatusNotification")[-1]
    assert (last["status"], last["errorCode"]) == ("Charging", "OtherError")
    assert (last["info"], last["vendorErrorCode"], last["vendorId"]) == (
        "meter",
        "MeterDrift",
        "is off by 3 %",
    )


async def test_error_is_an_event_in_201(csms201, point201):
    await point201.raise_error("MeterDrift", "is off by 3 %", "meter")

    event = (await csms201.hears("NotifyEvent"))["eventData"][0]

    assert (event["techCode"], event["techInfo"]) == ("MeterDrift", "meter is off by 3 %")


async def test_fault_of_the_whole_is_told_of_connector_0(csms, point):
    await point.raise_fault(0, "InternalError")
    await csms.until(lambda: {"connectorId": 0, "status": "Faulted"}.items() <= told_last(csms, 0).items())
    await point.clear_fault(0)

    await csms.until(lambda: told_last(csms, 0)["status"] == "Available")
    assert point.connectors[1].status == "Available"


def told_last(csms, number):
    return [each for each in csms.of("StatusNotification") if each["connectorId"] == number][-1]


async def test_status_of_201_is_told_when_it_looks_different(csms201, point201):
    """Preparing, Charging and Finishing are all Occupied there."""
    await charging(point201)
    await point201.present_tag("TAG1")
    await point201.unplug()
    await csms201.until(lambda: not point201.delivery)
    await csms201.hears("StatusNotification", 3)

    assert [each["connectorStatus"] for each in csms201.of("StatusNotification")] == [
        "Available",
        "Occupied",
        "Available",
    ]
