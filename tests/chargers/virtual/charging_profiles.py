"""What tests about charging profiles do to a scripted CSMS and its charge point, in both versions."""

from chargers.wire import v16, v201
from chargers.wire.validation import V16

STATION = {"chargingProfilePurpose": "ChargingStationMaxProfile"}
TX = {"chargingProfilePurpose": "TxProfile"}


def words(server):
    return v16 if server.version == V16 else v201


async def order(server, profile, number=1):
    """Have a profile set; return the answer."""
    place = {"evse_id": number, "connector_id": number}
    return (await server.call(*words(server).set_charging_profile(profile, **place))).payload


async def status_of(server, profile, number=1):
    return (await order(server, profile, number))["status"]


async def composite(server, number=1, seconds=600, unit="A"):
    """Return the periods of the composite schedule: [(second, limit)]."""
    place = {"evse_id": number, "connector_id": number}
    answer = await server.call(*words(server).get_composite_schedule(seconds, unit=unit, **place))
    schedule = words(server).read_composite_schedule(answer.payload)
    return [(each["startPeriod"], each["limit"]) for each in schedule["chargingSchedulePeriod"]]


async def charge(server, point, connector=1, **car):
    """Have a car charge here, at full power; return its transaction as the CSMS names it."""
    await point.plug_in(connector, soc=20, **car)
    await point.present_tag("TAG1", connector)
    running = point.connectors[connector].transaction
    await server.until(lambda: not point.delivery.holds())
    await point.clock.forward(20)
    return str(point.words.transaction_id(running))


def power(point, connector=1):
    return point.read(point.connectors[connector]).power_w
