"""When the meters are read: by intervals, by the clock, and for the end of a transaction."""

import pytest

from tests.chargers.virtual.conftest import ready
from tests.kit.steered_clock import SteeredClock

pytestmark = pytest.mark.once


@pytest.fixture
def steered():
    return SteeredClock()


async def charging(point, connector=1):
    await point.plug_in(connector)
    await point.present_tag("TAG1", connector)
    await point.clock.rest()


def contexts(values):
    return [each["sampledValue"][0]["context"] for each in values]


def told(server):
    """Return the MeterValues that were sent on their own, and those of TransactionEvents, in order."""
    return [each for each in server.of("MeterValues", "TransactionEvent") if "meterValue" in each]


async def test_readings_are_aligned_with_the_clock(csms, build, steered):
    point = await ready(
        build(csms, clock=steered, connectors=2, configuration={"ClockAlignedDataInterval": 900}), csms
    )
    await steered.forward(500)
    await charging(point)
    await csms.until(lambda: not point.delivery)

    await steered.forward(400)
    await csms.hears("MeterValues", 2)

    idle, busy = sorted(csms.of("MeterValues"), key=lambda each: "transactionId" in each)
    assert {each["meterValue"][0]["timestamp"] for each in (idle, busy)} == {"2026-11-21T12:15:00.000Z"}
    assert contexts(busy["meterValue"]) == ["Sample.Clock"]
    assert (idle["connectorId"], busy["connectorId"], busy["transactionId"]) == (2, 1, 100)


async def test_readings_are_aligned_with_the_clock_in_201(csms201, build, steered):
    keys = {"ClockAlignedDataInterval": 900}
    point = await ready(build(csms201, clock=steered, connectors=2, configuration=keys), csms201)
    await charging(point)
    await csms201.until(lambda: not point.delivery)

    await steered.forward(900)
    idle = await csms201.hears("MeterValues")
    await csms201.until(lambda: not point.delivery)

    assert idle["evseId"] == 2
    assert csms201.of("TransactionEvent")[-1]["triggerReason"] == "MeterValueClock"


async def test_aligned_readings_may_be_for_idle_times_only(csms201, build, steered):
    keys = {"ClockAlignedDataInterval": 900, "AlignedDataCtrlr.SendDuringIdle": "true"}
    point = await ready(build(csms201, clock=steered, connectors=2, configuration=keys), csms201)
    await charging(point)

    await steered.forward(900)
    await csms201.hears("MeterValues")
    await csms201.until(lambda: not point.delivery)

    triggers = [each["triggerReason"] for each in csms201.of("TransactionEvent")]
    assert "MeterValueClock" not in triggers


async def test_new_interval_of_the_clock_holds_at_once(csms, build, steered):
    await ready(build(csms, clock=steered), csms)

    await csms.call("ChangeConfiguration", {"key": "ClockAlignedDataInterval", "value": "60"})
    await steered.forward(60)

    assert (await csms.hears("MeterValues"))["connectorId"] == 1


async def test_stop_brings_what_was_kept(csms, build, steered):
    keys = {
        "MeterValueSampleInterval": 60,
        "StopTxnSampledData": "Energy.Active.Import.Register",
        "ClockAlignedDataInterval": 90,
        "StopTxnAlignedData": "Power.Active.Import",
        "MeterValuesAlignedData": "",
    }
    point = await ready(build(csms, clock=steered, configuration=keys), csms)
    await charging(point)
    await steered.forward(60)
    await steered.forward(30)
    await point.unplug()

    data = (await csms.hears("StopTransaction"))["transactionData"]

    assert contexts(data) == ["Transaction.Begin", "Sample.Periodic", "Sample.Clock", "Transaction.End"]
    assert data[2]["sampledValue"][0]["measurand"] == "Power.Active.Import"


async def test_end_brings_what_was_kept_in_201(csms201, build, steered):
    keys = {
        "StopTxnSampledData": "Energy.Active.Import.Register",
        "SampledDataCtrlr.TxEndedInterval": 60,
        "StopTxnAlignedData": "Power.Active.Import",
        "AlignedDataCtrlr.TxEndedInterval": 90,
    }
    point = await ready(build(csms201, clock=steered, configuration=keys), csms201)
    await charging(point)
    await steered.forward(60)
    await steered.forward(30)
    await point.unplug()
    await csms201.until(lambda: not point.delivery)

    ended = csms201.of("TransactionEvent")[-1]
    assert contexts(ended["meterValue"]) == ["Sample.Periodic", "Sample.Clock", "Transaction.End"]


async def test_what_is_kept_has_a_bound(csms, build, steered):
    point = await ready(build(csms, clock=steered, configuration={"StopTxnSampledData": "Voltage"}), csms)
    await charging(point)

    for _ in range(2500):
        point.metering.keep(point.connectors[1], "StopTxnSampledData", "Sample.Periodic")

    kept = point.connectors[1].transaction.kept
    assert 500 <= len(kept) <= 1000
    assert contexts(kept[:1]) == ["Transaction.Begin"]


async def test_switched_off_samples_are_not_taken(csms201, build, steered):
    keys = {"MeterValueSampleInterval": 60, "SampledDataCtrlr.Enabled": "false"}
    point = await ready(build(csms201, clock=steered, configuration=keys), csms201)
    await charging(point)

    await steered.forward(60)
    await csms201.until(lambda: not point.delivery)

    assert "MeterValuePeriodic" not in [each["triggerReason"] for each in csms201.of("TransactionEvent")]
