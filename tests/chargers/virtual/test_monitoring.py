"""Monitors: what the CSMS wants to hear of, it hears."""

import pytest

pytestmark = pytest.mark.once

POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
STATE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
BEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
SECRET = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


def wanted(place, kind="UpperThreshold", value=3000, severity=5, **more):
    return place | {"type": kind, "value": value, "severity": severity} | more


async def monitored(csms201, *monitors):
    """Set monitors and return the results."""
    finished = await csms201.call("SetVariableMonitoring", {"setMonitoringData": list(monitors)})
    return finished.payload["setMonitoringResult"]


async def charging(point201):
    await point201.plug_in()
    await point201.present_tag("TAG1")


def told(csms201):
    return [event for message in csms201.of("NotifyEvent") for event in message["eventData"]]


async def test_power_beyond_a_threshold_is_told(csms201, point201):
    await csms201.call("SetVariableMonitoring", {"setMonitoringData": [wanted(POWER)]})
    await charging(point201)
    await csms201.hears("NotifyEvent")
    await point201.set_power(0)
    await csms201.hears("NotifyEvent", 2)

    beyond, back = told(csms201)
    assert (beyond["trigger"], beyond["variableMonitoringId"]) == ("Alerting", 1)
    assert float(beyond["actualValue"]) > 3000
    assert beyond["transactionId"] == point201.connectors[1].transaction.uid
    assert (back["cleared"], back["actualValue"]) == (True, "0")


async def test_power_below_a_threshold_is_told(csms201, point201):
    await charging(point201)
    await csms201.until(lambda: point201.read(point201.connectors[1]).power_w > 100)
    await monitored(csms201, wanted(POWER, "LowerThreshold", 100))

    await point201.set_power(0)

    assert (await csms201.hears("NotifyEvent"))["eventData"][0]["actualValue"] == "0"


@pytest.mark.parametrize(("place", "value"), [(STATE, "Occupied"), (BEAT, "999")])
async def test_change_is_told(csms201, point201, place, value):
    await monitored(csms201, wanted(place, "Delta", 10))

    await csms201.call("SetVariables", {"setVariableData": [BEAT | {"attributeValue": "999"}]})
    await point201.plug_in()

    event = (await csms201.hears("NotifyEvent"))["eventData"][0]
    assert (event["trigger"], event["actualValue"]) == ("Delta", value)


@pytest.mark.parametrize("kind", ["Periodic", "PeriodicClockAligned"])
async def test_periodic_monitor_tells_when_it_is_due(csms201, point201, kind):
    await monitored(csms201, wanted(POWER, kind, 1))

    event = (await csms201.hears("NotifyEvent"))["eventData"][0]

    assert event["trigger"] == "Periodic"


async def test_monitor_of_transactions_needs_one(csms201, point201):
    await monitored(csms201, wanted(POWER, "Periodic", 1, transaction=True), wanted(STATE, "Periodic", 1))
    await csms201.hears("NotifyEvent", 3)
    before = {event["variableMonitoringId"] for event in told(csms201)}

    await charging(point201)
    await csms201.until(lambda: 1 in {event["variableMonitoringId"] for event in told(csms201)})

    assert before == {2}


@pytest.mark.parametrize(
    ("monitor", "status"),
    [
        (wanted(POWER), "Accepted"),
        (wanted(POWER | {"component": {"name": "Nonsense"}}), "UnknownComponent"),
        (wanted(POWER | {"component": {"name": "EVSE", "evse": {"id": 9}}}), "UnknownComponent"),
        (wanted(POWER | {"variable": {"name": "Nonsense"}}), "UnknownVariable"),
        (wanted(STATE), "UnsupportedMonitorType"),
        (wanted(SECRET, "Delta"), "UnsupportedMonitorType"),
        (wanted(POWER, value=99_000_000), "Rejected"),
        (wanted(POWER, "Delta", -1), "Rejected"),
        (wanted(POWER, "Periodic", 0), "Rejected"),
        (wanted(POWER, severity=10), "Rejected"),
        (wanted(POWER, id=7), "Rejected"),
    ],
)
async def test_monitor_is_judged(csms201, point201, monitor, status):
    (result,) = await monitored(csms201, monitor)

    assert result["status"] == status
    assert (result["component"], result["type"]) == (monitor["component"], monitor["type"])


async def test_same_monitor_twice_is_a_duplicate(csms201, point201):
    results = await monitored(csms201, wanted(POWER), wanted(POWER, value=5), wanted(POWER, value=9, id=1))

    assert [each["status"] for each in results] == ["Accepted", "Duplicate", "Accepted"]
    assert [each.value for each in point201.monitoring.monitors.values()] == [9]


async def test_cleared_monitor_is_silent(csms201, point201):
    await monitored(csms201, wanted(POWER))

    finished = await csms201.call("ClearVariableMonitoring", {"id": [1, 2]})

    statuses = [each["status"] for each in finished.payload["clearMonitoringResult"]]
    assert statuses == ["Accepted", "NotFound"]
    assert point201.monitoring.monitors == {}


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        ({}, [1, 2, 3]),
        ({"monitoringCriteria": ["ThresholdMonitoring"]}, [1]),
        ({"monitoringCriteria": ["DeltaMonitoring", "PeriodicMonitoring"]}, [2, 3]),
        ({"componentVariable": [{"component": {"name": "EVSE"}, "variable": {"name": "Power"}}]}, [1, 2]),
    ],
)
async def test_monitors_are_reported(csms201, point201, criteria, ids):
    monitors = wanted(POWER), wanted(POWER, "Periodic", 600), wanted(BEAT, "Delta")
    await monitored(csms201, *monitors)

    finished = await csms201.call("GetMonitoringReport", {"requestId": 8} | criteria)
    report = await csms201.hears("NotifyMonitoringReport")

    assert (finished.payload, report["requestId"]) == ({"status": "Accepted"}, 8)
    assert [each["variableMonitoring"][0]["id"] for each in report["monitor"]] == ids


async def test_report_without_monitors_is_empty(csms201, point201):
    finished = await csms201.call("GetMonitoringReport", {"requestId": 8})

    assert finished.payload == {"status": "EmptyResultSet"}


@pytest.mark.parametrize(("base", "left"), [("All", 1), ("FactoryDefault", 0), ("HardWiredOnly", 0)])
async def test_base_clears_monitors(csms201, point201, base, left):
    await monitored(csms201, wanted(POWER))

    finished = await csms201.call("SetMonitoringBase", {"monitoringBase": base})

    assert finished.payload == {"status": "Accepted"}
    assert len(point201.monitoring.monitors) == left


async def test_level_silences_what_is_less_severe(csms201, point201):
    answers = [(await csms201.call("SetMonitoringLevel", {"severity": each})).payload for each in (4, 10)]
    await monitored(csms201, wanted(POWER, "Periodic", 1, 5), wanted(POWER, "Periodic", 1, 4))

    await csms201.hears("NotifyEvent", 3)

    assert [answer["status"] for answer in answers] == ["Accepted", "Rejected"]
    assert {event["variableMonitoringId"] for event in told(csms201)} == {2}


async def test_monitors_that_are_switched_off_are_silent(csms201, point201):
    place = {"component": {"name": "MonitoringCtrlr"}, "variable": {"name": "Enabled"}}
    await csms201.call("SetVariables", {"setVariableData": [place | {"attributeValue": "false"}]})
    await monitored(csms201, wanted(STATE, "Delta"))

    await point201.plug_in()
    point201.monitoring.look()
    await csms201.call("SetVariables", {"setVariableData": [place | {"attributeValue": "true"}]})
    await point201.unplug()

    assert (await csms201.hears("NotifyEvent"))["eventData"][0]["actualValue"] == "Available"


async def test_monitor_outlives_a_restart(csms201, point201):
    await monitored(csms201, wanted(POWER, "Periodic", 1))
    await csms201.hears("NotifyEvent")

    await point201.stop(seconds=0.1)
    before = len(csms201.of("NotifyEvent"))
    await point201.start()

    await csms201.hears("NotifyEvent", before + 1)
