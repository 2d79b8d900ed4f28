"""Instructions to virtual charge points over a live server: sent, waited for, kept, refused."""

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.request import Request, urlopen

import pytest

from chargers.models import Charger
from chargers.services import registration
from chargers.virtual.charge_point import ChargePoint
from chargers.wire.validation import V16, V201
from tests.chargers.virtual.conftest import AT_ONCE
from tests.kit import live
from tests.kit.instructions import BASE, form
from tokens import services

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

SECONDS = 30


class Site:
    """A live server, a token for it, and the owner's chargers."""

    def __init__(self, address, owner):
        self.address, self.owner = address, owner
        token, secret = services.create_api_token(owner)
        self._headers = {"Authorization": f"Bearer {token.identifier}:{secret}"}
        self._passwords = {}

    def enter(self, version):
        charger = Charger.objects.create(owner=self.owner, identifier="CP-1", protocol=version)
        self._passwords[version] = registration.set_password(charger, "s3cret", is_generated=True)

    @asynccontextmanager
    async def plugged_in(self, version, **configuration):
        """A charge point that has connected and booted."""
        url = self.address.replace("http", "ws") + "/ocpp/"
        options = {"password": self._passwords[version], "configuration": configuration}
        point = ChargePoint(url, "CP-1", version, backoff=AT_ONCE, **options)
        await point.start()
        try:
            async with asyncio.timeout(SECONDS):
                while not point.is_online:
                    await asyncio.sleep(0.01)
            yield point
        finally:
            await point.stop(seconds=1)

    async def ask(self, method, path):
        """Return the data that a path answers with; everything is in the query, as their client does it."""
        return await asyncio.to_thread(self._ask, Request(f"{self.address}{BASE}/{path}", method=method))

    def _ask(self, request):
        request.headers |= self._headers
        with urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer).get("data")

    async def add(self, topic, action, *, verb="add", **members):
        query = form({"chargerIdentifier": "CP-1", "action": action, **members}, nodeId=3)
        return await self.ask("POST", f"{verb}/{topic}?{query}")

    async def ended(self, row):
        """Return the instruction once it has ended."""
        async with asyncio.timeout(SECONDS):
            while row["state"] not in ("Completed", "Declined"):
                await asyncio.sleep(0.05)
                row = await self.ask("GET", f"view?id={row['id']}")
        return row


@pytest.fixture
def site(owner):
    with live.server() as (address, _):
        yield Site(address, owner)


UNLOCK = {
    V16: ("OCPP_v16", "UnlockConnector", {"connectorId": "1"}),
    V201: ("OCPP_v201", "UnlockConnector", {"evseId": "1", "connectorId": "1"}),
}
HEARTBEAT = {"requestedMessage": "Heartbeat"}


@pytest.mark.parametrize("version", [V16, V201])
def test_instruction_is_carried_out(site, version):
    """Added, seen Completed with the charger's answer; then another, waited for."""
    site.enter(version)
    topic, action, members = UNLOCK[version]

    async def play():
        async with site.plugged_in(version):
            added = await site.ended(await site.add(topic, action, **members))
            executed = await site.add(topic, action, verb="exec", **members)
        return added, executed

    for row in asyncio.run(play()):
        assert (row["state"], row["resultParameters"]) == ("Completed", {"status": "Unlocked"})


@pytest.mark.parametrize("version", [V16, V201])
def test_instruction_waits_for_its_charger(site, version):
    """Store and forward: Received while the charger is offline, carried out when it comes."""
    site.enter(version)

    async def play():
        row = await site.add(UNLOCK[version][0], "TriggerMessage", **HEARTBEAT)
        pending = await site.ask("GET", "viewPending?nodeId=3")
        async with site.plugged_in(version):
            return row, pending, await site.ended(row)

    row, pending, ended = asyncio.run(play())

    assert (row["state"], pending) == ("Received", [row])
    assert (ended["state"], ended["resultParameters"]) == ("Completed", {"status": "Accepted"})


def test_exec_waits_for_a_charger_that_comes(site):
    """Within the time that the caller gives."""
    site.enter(V16)

    async def play():
        asked = asyncio.create_task(site.add("OCPP_v16", "TriggerMessage", verb="exec", **HEARTBEAT))
        while not await site.ask("GET", "viewPending?nodeId=3"):
            await asyncio.sleep(0.05)
        async with site.plugged_in(V16):
            return await asked

    assert asyncio.run(play())["state"] == "Completed"


def test_cancelled_instruction_never_reaches_its_charger(site):
    """What comes after it does."""
    site.enter(V16)
    heard = []

    async def play():
        row = await site.add("OCPP_v16", "ClearCache")
        await site.ask("POST", f"updateState?id={row['id']}&state=Declined")
        async with site.plugged_in(V16) as point:
            point.subscribe("ocpp_message", lambda told: heard.append(told["message"]))
            await site.add("OCPP_v16", "TriggerMessage", verb="exec", **HEARTBEAT)
        return await site.ask("GET", f"view?id={row['id']}")

    row = asyncio.run(play())

    assert (row["state"], row["resultParameters"]["error"]) == ("Declined", "The instruction was cancelled.")
    assert "TriggerMessage" in str(heard)
    assert "ClearCache" not in str(heard)


def test_error_of_the_charger_declines(site):
    """A CALLERROR is told with its code."""
    site.enter(V201)

    async def play():
        async with site.plugged_in(V201, SupportedFeatureProfiles="Core"):
            return await site.add("OCPP_v201", "TriggerMessage", verb="exec", **HEARTBEAT)

    row = asyncio.run(play())

    assert row["state"] == "Declined"
    assert row["resultParameters"]["error"].startswith("Error handling OCPP action: NotSupported: ")
