"""What meters say while a car charges."""

import pytest

from chargers.models import Reading
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


@both
@pytest.mark.acceptance("sampled values")
async def test_samples_are_stored_with_their_transaction(play, version):
    """A register that rises, with the power and what else was asked for."""
    measurands = "Energy.Active.Import.Register,Power.Active.Import,Voltage"
    settings = {"MeterValueSampleInterval": 200, "MeterValuesSampledData": measurands}
    scene = await play(version, configuration=settings)
    started = await scene.charges()
    await scene.until(lambda: len(scene.told["meter"]) >= 3)

    await scene.point.unplug()

    stored = await scene.ended(started)
    readings = await scene.readings(transaction=stored, context="Sample.Periodic")
    registers = [reading.register_wh for reading in readings]
    assert len(readings) >= 3
    assert registers == sorted(registers)
    assert stored.start_wh <= registers[0] < registers[-1] <= stored.end_wh
    assert all(reading.power_w > 1000 and 220 < reading.voltage_v < 240 for reading in readings[1:])
    assert {reading.current_a for reading in readings} == {None}


@both
@pytest.mark.acceptance("clock-aligned values")
async def test_values_by_the_clock(play, version):
    """They come without a transaction too, and within one they belong to it."""
    settings = {"ClockAlignedDataInterval": 600, "MeterValuesAlignedData": "Energy.Active.Import.Register"}
    scene = await play(version, configuration=settings)
    idle = Reading.objects.filter(charger=scene.charger, transaction=None, context="Sample.Clock")
    assert (await scene.stored(idle.first)).register_wh is not None

    started = await scene.charges()

    charging = Reading.objects.filter(transaction=started, context="Sample.Clock")
    assert (await scene.stored(charging.first)).register_wh >= started.start_wh


@both
@pytest.mark.acceptance("sampled values")
async def test_end_of_a_transaction_brings_its_own_values(play, version):
    scene = await play(version, configuration={"StopTxnSampledData": "Power.Active.Import"})
    started = await scene.charges()

    await scene.point.unplug()

    stored = await scene.ended(started)
    kept = await scene.readings(transaction=stored, context="Transaction.End")
    assert [reading.measured_at for reading in kept] == [stored.ended_at]
