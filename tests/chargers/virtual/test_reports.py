"""What the station says of itself at length."""

import pytest

from tests.chargers.virtual.conftest import ready

pytestmark = pytest.mark.once


async def report(csms201, action, **payload):
    """Ask for a report; return its entries once it has come to its end."""
    finished = await csms201.call(action, {"requestId": 4} | payload)
    assert finished.payload == {"status": "Accepted"}
    await csms201.until(lambda: csms201.of("NotifyReport")[-1:] and not csms201.of("NotifyReport")[-1]["tbc"])
    return [entry for part in csms201.of("NotifyReport") for entry in part["reportData"]]


def places(entries):
    return {(each["component"]["name"], each["variable"]["name"]) for each in entries}


async def test_base_report_comes_in_parts(csms201, point201):
    await report(csms201, "GetBaseReport", reportBase="FullInventory")

    parts = csms201.of("NotifyReport")
    assert len(parts) > 2
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert {part["requestId"] for part in parts} == {4}


async def test_configuration_is_what_can_be_set(csms201, point201):
    entries = await report(csms201, "GetBaseReport", reportBase="ConfigurationInventory")

    assert "ReadOnly" not in {each["variableAttribute"][0]["mutability"] for each in entries}
    assert ("OCPPCommCtrlr", "HeartbeatInterval") in places(entries)


async def test_summary_is_the_state_of_everything(csms201, build):
    point = await ready(build(csms201, connectors=2), csms201)
    await point.raise_fault(2, "GroundFailure")

    entries = await report(csms201, "GetBaseReport", reportBase="SummaryInventory")

    values = {
        (each["component"]["name"], each["component"].get("evse", {}).get("id"), each["variable"]["name"]): (
            each["variableAttribute"][0]["value"]
        )
        for each in entries
    }
    assert values["Connector", 1, "AvailabilityState"] == "Available"
    assert values["EVSE", 2, "AvailabilityState"] == "Faulted"
    assert values["ChargingStation", None, "Problem"] == "true"


async def test_secrets_are_not_reported(csms201, build):
    await ready(build(csms201, password="s3cret-password"), csms201)

    assert "s3cret" not in str(await report(csms201, "GetBaseReport", reportBase="FullInventory"))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"component": {"name": "EVSE"}, "variable": {"name": "Power"}}, {("EVSE", "Power")}),
        (
            {"component": {"name": "evse", "evse": {"id": 1}}, "variable": {"name": "power"}},
            {("EVSE", "Power")},
        ),
        (
            {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": "ItemsPerMessage"}},
            {("DeviceDataCtrlr", "ItemsPerMessage")},
        ),
    ],
)
async def test_report_of_what_is_named(csms201, point201, wanted, found):
    assert places(await report(csms201, "GetReport", componentVariable=[wanted])) == found


@pytest.mark.parametrize(
    "order",
    [
        {"componentVariable": [{"component": {"name": "Nonsense"}}]},
        {"componentVariable": [{"component": {"name": "EVSE", "evse": {"id": 9}}}]},
        {"componentCriteria": ["Problem"]},
    ],
)
async def test_report_of_nothing_is_empty(csms201, point201, order):
    finished = await csms201.call("GetReport", {"requestId": 4} | order)

    assert finished.payload == {"status": "EmptyResultSet"}


async def test_report_of_what_has_a_problem(csms201, point201):
    await point201.raise_fault()

    entries = await report(csms201, "GetReport", componentCriteria=["Problem"])

    assert {name for name, _ in places(entries)} == {"ChargingStation", "Connector"}


async def test_read_only_state_cannot_be_set(csms201, point201):
    place = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
    order = {"setVariableData": [place | {"attributeValue": "5"}]}

    answer = (await csms201.call("SetVariables", order)).payload["setVariableResult"]

    assert answer[0]["attributeStatus"] == "Rejected"
