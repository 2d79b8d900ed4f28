"""Fixtures: a scripted CSMS, and charge points that are stopped when the test ends."""

import random

import pytest

from chargers.virtual.charge_point import ChargePoint
from chargers.virtual.client import Backoff
from chargers.virtual.clock import Clock
from chargers.wire.validation import V16, V201
from tests.kit.scripted_csms import ScriptedCsms
from tests.kit.steered_clock import SteeredClock

# In a hurried life these would be over before a slow machine has done anything.
_FOR_EVER = ("ConnectionTimeOut", "MeterValueSampleInterval", "TransactionMessageRetryInterval")
AT_ONCE = Backoff(minimum=0.01, spread=0.0, repeats=0)


@pytest.fixture
async def csms():
    """A CSMS for OCPP 1.6."""
    async with ScriptedCsms(V16) as server:
        yield server


@pytest.fixture
async def csms201():
    """A CSMS for OCPP 2.0.1."""
    async with ScriptedCsms(V201) as server:
        yield server


@pytest.fixture
async def build():
    """Return a function that builds a charge point for a scripted CSMS."""
    built = []

    def make(server, **options):
        settings = dict.fromkeys(_FOR_EVER, 0)
        options["configuration"] = settings | options.get("configuration", {})
        defaults = {"backoff": AT_ONCE, "clock": Clock(1000), "dice": random.Random(1)}
        point = ChargePoint(server.url, "CP-1", server.version, **(defaults | options))
        built.append(point)
        return point

    yield make
    for point in built:
        await point.stop(seconds=0.2)


@pytest.fixture
async def point(csms, build):
    """A charge point for OCPP 1.6 that has booted."""
    return await ready(build(csms), csms)


@pytest.fixture
async def point201(csms201, build):
    """A charging station for OCPP 2.0.1 that has booted."""
    return await ready(build(csms201), csms201)


@pytest.fixture(params=[V16, V201])
async def either(request):
    """A CSMS for OCPP 1.6, and then one for 2.0.1."""
    async with ScriptedCsms(request.param) as server:
        yield server


@pytest.fixture
def clock():
    """A clock that the test moves, for charge points of `start`."""
    return SteeredClock()


@pytest.fixture
async def start(build, clock):
    """Return a function that starts a charge point which lives by the clock."""

    async def run(server, **options):
        return await ready(build(server, clock=clock, **options), server)

    return run


async def ready(point, server):
    """Start a charge point and wait until it has told its status and that it started."""
    await point.start()
    await server.hears("StatusNotification")
    await server.until(lambda: not point.delivery)
    return point
