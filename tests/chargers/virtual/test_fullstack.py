"""The virtual charge point against the real server: what it did is what the database tells."""

import asyncio
import contextlib
import random

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from chargers.models import Charger, Reading, Transaction
from chargers.services import registration
from chargers.virtual import fleet, visit
from chargers.virtual.charge_point import ChargePoint
from chargers.virtual.client import Backoff
from chargers.virtual.clock import Clock
from chargers.wire.validation import V16, V201
from tests.chargers.virtual.conftest import AT_ONCE
from tests.kit import live
from tokens.models import Authorization

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def url(owner):
    """The websocket address of a real server, whose owner has a token that may charge."""
    Authorization.objects.create(owner=owner, token="TAG1")
    with live.server() as (address, _):
        yield address.replace("http", "ws") + "/ocpp/"


def entered(owner, identifier, version):
    charger = Charger.objects.create(owner=owner, identifier=identifier, protocol=version)
    return charger, registration.set_password(charger, "s3cret", is_generated=True)


async def until(condition, seconds=30):
    """Wait until `condition`, a query, holds."""

    def asked():
        # The thread that asks ends with the loop and would take its connection with it.
        with contextlib.closing(connections["default"]):
            return condition()

    async with asyncio.timeout(seconds):
        while not await sync_to_async(asked)():
            await asyncio.sleep(0.05)


async def play(point, scene):
    await point.start()
    try:
        return await scene(point)
    finally:
        await point.stop()


def built(url, identifier, version, password, **options):
    defaults = {"backoff": AT_ONCE, "clock": Clock(600), "dice": random.Random(1)}
    return ChargePoint(url, identifier, version, password=password, **(defaults | options))


@pytest.mark.parametrize("version", [V16, V201])
def test_session_is_stored_as_it_was(url, owner, version):
    charger, password = entered(owner, "CP-1", version)
    settings = {"MeterValueSampleInterval": 60}
    point = built(url, "CP-1", version, password, configuration=settings, register_wh=1234.5)

    told = asyncio.run(play(point, lambda point: visit.charge(point, "TAG1", seconds=0.5)))

    stored = Transaction.objects.get(charger=charger)
    assert (stored.start_wh, stored.end_wh) == (told.start_wh, told.end_wh)
    assert stored.ended_at is not None
    assert Reading.objects.filter(charger=charger, transaction=stored).count() >= 3


@pytest.mark.parametrize("version", [V16, V201])
def test_offline_session_is_stored_once(url, owner, version):
    charger, password = entered(owner, "CP-1", version)
    point = built(url, "CP-1", version, password)

    async def scene(point):
        await until(lambda: point.is_online)
        await point.present_tag("TAG1")
        await point.go_offline()
        await until(lambda: not point.is_connected)
        await point.plug_in()
        await point.present_tag("TAG1")
        await point.unplug()
        await point.go_online()
        await until(lambda: point.is_online and not point.delivery)

    asyncio.run(play(point, scene))

    assert Transaction.objects.get(charger=charger).ended_at is not None


def test_wrong_password_is_refused(url, owner):
    entered(owner, "CP-1", V16)
    point, told = built(url, "CP-1", V16, "wrong", backoff=Backoff(minimum=60)), []
    point.subscribe("connection_refused", told.append)

    async def scene(point):
        await until(lambda: told)

    asyncio.run(play(point, scene))

    assert told[0]["http_status"] == 401


def test_fleet_charges_soon_and_leaves_nothing_open(url, owner):
    chargers = [
        {"identifier": f"DEMO-{number}", "version": version, "connectors": 1, "kind": kind}
        | {"password": entered(owner, f"DEMO-{number}", f"ocpp{version}")[1]}
        for number, (version, kind) in enumerate([("1.6", "ac"), ("2.0.1", "dc"), ("1.6", "idle")], 1)
    ]

    async def demo():
        stop = asyncio.Event()
        task = asyncio.create_task(fleet.run(url, chargers, "TAG1", stop, speed=600, seed=1))
        await until(lambda: Reading.objects.filter(power_w__gt=0).exists())
        stop.set()
        await task

    asyncio.run(demo())

    assert Transaction.objects.exists()
    assert not Transaction.objects.filter(ended_at=None).exists()
