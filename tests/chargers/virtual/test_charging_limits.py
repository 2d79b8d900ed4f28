"""Power at the virtual charge point follows its charging profiles, and the limits of others."""

import pytest

from chargers.virtual.charging import NotPossible
from chargers.virtual.power import AC, DC
from tests.chargers.smart_charging.words import later, told
from tests.chargers.virtual.charging_profiles import STATION, TX, charge, order, power
from tests.kit.scripted_csms import NOW

pytestmark = pytest.mark.once


# Power ----------------------------------------------------------------------------------------


async def test_power_follows_a_profile_at_once(either, start):
    point = await start(either)
    await charge(either, point)
    before = power(point)

    await order(either, told(periods="0:6:1"))

    assert (before, power(point)) == (11_000, 6 * 230)


async def test_power_follows_each_period(either, start):
    point = await start(either)
    await order(either, told(periods="0:10 60:6 120:16", duration=180))
    await charge(either, point)
    powers = [power(point)]

    for _ in range(3):
        await point.clock.forward(60)
        powers.append(power(point))

    assert powers == [6900, 4140, 11_000, 11_000]


async def test_energy_is_what_the_profile_let_through(either, start):
    """At each boundary, not merely when somebody looks."""
    point = await start(either)
    await charge(either, point)
    before = point.read(point.connectors[1]).register_wh
    await order(either, told(unit="W", start=20, periods="0:3600 1800:7200"))

    await point.clock.forward(3600)

    assert point.read(point.connectors[1]).register_wh - before == pytest.approx(1800 + 3600, abs=3)


async def test_nothing_allowed_suspends_until_something_is(either, start):
    point = await start(either)
    await charge(either, point)

    await order(either, told(periods="0:0 60:16"))
    suspended = (power(point), point.connectors[1].status)
    await point.clock.forward(60)

    assert suspended == (0, "SuspendedEVSE")
    assert point.connectors[1].status == "Charging"


async def test_suspension_is_told(csms, csms201, start):
    point = await start(csms)
    await charge(csms, point)
    await order(csms, told(periods="0:0"))
    await csms.until(lambda: csms.of("StatusNotification")[-1]["status"] == "SuspendedEVSE")
    point = await start(csms201)
    await charge(csms201, point)
    await order(csms201, told(periods="0:0"))

    event = await csms201.hears("TransactionEvent", 3)

    assert event["transactionInfo"]["chargingState"] == "SuspendedEVSE"


async def test_cleared_profile_lets_the_power_rise(either, start):
    point = await start(either)
    await charge(either, point)
    await order(either, told(periods="0:6"))

    await either.call("ClearChargingProfile", {})

    assert power(point) == 11_000


async def test_cars_share_what_the_station_may_take(either, start):
    """One that takes less leaves the rest to the others."""
    point = await start(either, connectors=3)
    for connector in (1, 2, 3):
        await charge(either, point, connector)

    await order(either, told(unit="W", periods="0:15000", **STATION), 0)
    shares = [power(point, connector) for connector in (1, 2, 3)]
    await point.set_power(3000, 1)
    yielded = [power(point, connector) for connector in (1, 2, 3)]
    await point.unplug(3)

    assert (shares, yielded) == ([5000, 5000, 5000], [3000, 6000, 6000])
    assert [power(point, connector) for connector in (1, 2)] == [3000, 11_000]


async def test_relative_profile_begins_with_the_transaction(either, start):
    point = await start(either)
    await order(either, told(chargingProfileKind="Relative", start=None, periods="0:6 60:16"))
    await point.clock.forward(500)
    await charge(either, point)

    first = power(point)
    await point.clock.forward(40)

    assert (first, power(point)) == (4140, 11_000)


async def test_power_follows_a_clock_that_is_set(csms, build):
    """Which the CSMS does at each boot and heartbeat."""
    point = build(csms)
    point.clock.set(later(86_400))
    point.smart_charging.install(told(start=-60, duration=3600, periods="0:6"), 1)
    before = point.connectors[1].allowed_w

    point.registration.hear_time({"currentTime": NOW})

    assert (before, point.connectors[1].allowed_w) == (None, 4140)


# Lives of profiles ----------------------------------------------------------------------------


async def test_transaction_takes_its_profiles_along(either, start):
    point = await start(either)
    transaction = await charge(either, point)
    await order(either, told(1, periods="0:10"))
    await order(either, told(2, periods="0:6", transactionId=transaction, **TX))
    within = power(point)

    await point.unplug()

    assert within == 4140
    assert [each.profile_id for each in point.smart_charging.held] == [1]


async def test_profiles_outlive_the_power_but_not_those_of_a_transaction(either, start):
    point = await start(either)
    transaction = await charge(either, point)
    await order(either, told(1))
    await order(either, told(2, transactionId=transaction, **TX))

    await point.power_cycle()
    await either.hears("BootNotification", 2)

    assert [each.profile_id for each in point.smart_charging.held] == [1]


async def test_change_of_profiles_is_published(either, start):
    point = await start(either)
    published = []
    point.subscribe("charging_profiles", published.append)

    await order(either, told(5, periods="0:6 60:8"))
    await order(either, told(5, periods="0:6 60:8"))
    await point.clock.forward(60)

    assert published == [
        {"profiles": [5], "limits_w": [4140.0]},
        {"profiles": [5], "limits_w": [5520.0]},
    ]


# Limits of others, and cars that speak ISO 15118 ----------------------------------------------


async def test_external_limit_counts_and_goes(either, start):
    """The CSMS cannot clear it."""
    point = await start(either)
    await charge(either, point)

    await point.external_limit(5000)
    await either.call("ClearChargingProfile", {})
    limited = power(point)
    await point.external_limit()

    assert (limited, power(point)) == (5000, 11_000)


async def test_external_limit_is_told_in_201(csms201, start):
    point = await start(csms201)

    await point.external_limit(5000, "SO")
    told_of = await csms201.hears("NotifyChargingLimit")
    await point.external_limit()

    assert told_of["chargingLimit"] == {"chargingLimitSource": "SO"}
    assert told_of["chargingSchedule"][0]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 5000.0}]
    assert await csms201.hears("ClearedChargingLimit") == {"chargingLimitSource": "SO"}


@pytest.mark.parametrize("args", [{"watts": -1}, {"watts": 5000, "source": "Me"}])
async def test_external_limit_that_makes_no_sense_is_refused(either, start, args):
    point = await start(either)

    with pytest.raises(NotPossible):
        await point.external_limit(**args)


@pytest.mark.parametrize(
    ("outlet", "transfer", "member"),
    [(AC, "AC_three_phase", "acChargingParameters"), (DC, "DC", "dcChargingParameters")],
)
async def test_car_tells_what_it_needs(csms201, start, outlet, transfer, member):
    point = await start(csms201, outlet=outlet)

    await point.plug_in(soc=20, needs_wh=30_000)
    needs = await csms201.hears("NotifyEVChargingNeeds")

    assert (needs["evseId"], needs["chargingNeeds"]["requestedEnergyTransfer"]) == (1, transfer)
    assert needs["chargingNeeds"][member]["energyAmount"] == 30_000


async def test_car_tells_what_it_makes_of_a_schedule(csms201, start):
    point = await start(csms201)
    transaction = await charge(csms201, point, needs_wh=30_000)

    await order(csms201, told(2, periods="0:6 60:8", duration=600, transactionId=transaction, **TX))
    plan = await csms201.hears("NotifyEVChargingSchedule")

    periods = [
        (each["startPeriod"], each["limit"]) for each in plan["chargingSchedule"]["chargingSchedulePeriod"]
    ]
    assert (plan["evseId"], periods) == (1, [(0, 6.0), (40, 8.0), (580, 48.0)])


async def test_other_cars_tell_nothing(csms201, start):
    point = await start(csms201)
    transaction = await charge(csms201, point)

    await order(csms201, told(2, transactionId=transaction, **TX))
    await csms201.call("GetCompositeSchedule", {"evseId": 1, "duration": 1})

    assert csms201.of("NotifyEVChargingNeeds", "NotifyEVChargingSchedule") == []
