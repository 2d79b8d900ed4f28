"""A scene: a virtual charge point and what the real server keeps of it, seen side by side."""

import asyncio
import json
import random
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from chargers.models import Charger, Connector, Message, Presence, Reading, Transaction
from chargers.services import registration, remote
from chargers.virtual.charge_point import EVENTS, ChargePoint
from chargers.virtual.client import Backoff
from chargers.virtual.clock import Clock
from chargers.wire.validation import V201
from csms.models import Event
from tests.kit import chargers
from tests.kit.chargers import in_thread

# In 2.0.1 a connector only knows whether somebody is there.
PASSWORD = "s3cret of the station"
_AT_ONCE = Backoff(minimum=0.5, spread=0.0, repeats=0)  # the clock hurries
_OCCUPIED = {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"}
SECONDS = 10


class Hurry(Clock):
    """The cars live a thousand times faster, and the wire waits a hundred times shorter."""

    def __init__(self):
        super().__init__(speed=1000)

    async def sleep(self, seconds):
        await asyncio.sleep(seconds / 100)

    async def live(self, seconds):
        await asyncio.sleep(seconds / self.speed)


@dataclass(frozen=True)
class Server:
    """Where a server is, whose chargers are on it, and what opens its API for that owner."""

    address: str
    owner: object
    key: str

    @property
    def websockets(self):
        return self.address.replace("http", "ws") + "/ocpp"

    def request(self, method, path, body=None):
        """Ask the native API; return (status, decoded body)."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.address}/api/v1/{path}", data, headers, method=method)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read() or b"null")


class Scene:
    """One charge point of a server. `told` holds what it published, by event."""

    def __init__(self, server, charger, **options):
        self.server, self.charger, self.version = server, charger, charger.protocol
        self.point = hurried(server.websockets, charger.identifier, self.version, **options)
        self.told = {event: [] for event in EVENTS}
        for event, values in self.told.items():
            self.point.subscribe(event, values.append)

    @property
    def is_201(self):
        return self.version == V201

    # What the charge point did ----------------------------------------------------------------

    def frames(self, direction):
        """Return the frames that left ("out") or came ("in"), decoded."""
        texts = [each["message"] for each in self.told["ocpp_message"] if each["direction"] == direction]
        return [json.loads(text) for text in texts]

    def sent(self, *actions):
        """Return the payloads of its CALLs of these actions, in order."""
        return [frame[3] for frame in self.frames("out") if frame[0] == 2 and frame[2] in actions]

    def was_asked(self, *actions):
        """Return the payloads of the server's CALLs of these actions, in order."""
        return [frame[3] for frame in self.frames("in") if frame[0] == 2 and frame[2] in actions]

    def states(self):
        """Return the states that its transactions went through, in order."""
        return [each["state"] for each in self.told["transaction"]]

    async def until(self, condition, seconds=SECONDS):
        """Wait until `condition()` holds of the charge point; return what it says."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                await asyncio.sleep(0.005)
        return found

    async def went(self, *statuses, connector=1):
        """Wait until these were the last statuses of a connector; they may have been short."""

        def told():
            return [each["status"] for each in self.told["status"] if each["connector"] == connector]

        await self.until(lambda: told()[-len(statuses) :] == list(statuses))

    async def sends(self, action, count=1):
        """Wait for its `count`-th CALL of an action and return the payload."""
        await self.until(lambda: len(self.sent(action)) >= count)
        return self.sent(action)[count - 1]

    async def comes_online(self):
        """Wait until it is accepted, and all that it has to say was heard."""
        await self.until(lambda: self.point.is_online)
        await self.point.told(SECONDS)
        await self.delivers()

    async def delivers(self):
        """Wait until nothing that money hangs on waits any more."""
        await self.until(lambda: not self.point.delivery)

    async def goes_offline(self):
        """Take the network away, and wait until it has noticed."""
        await self.point.go_offline()
        await self.until(lambda: not self.point.is_connected)

    async def comes_back(self):
        """Give the network back."""
        await self.point.go_online()
        await self.comes_online()

    async def charges(self, token="TAG1", connector=1):
        """Begin a session with a cable and a tag; return the stored transaction."""
        before = await self.transactions()
        await self.point.plug_in(connector)
        assert await self.point.present_tag(token, connector) == "Accepted"
        await self.delivers()
        (started,) = [each for each in await self.transactions() if each not in before]
        await self.shows("Charging", connector)
        return started

    # What the server knows ---------------------------------------------------------------------

    async def stored(self, query, seconds=SECONDS):
        """Wait until `query()` finds something in the database; return it."""
        return await chargers.until(query, seconds)

    async def transactions(self, **wanted):
        """Return the charger's transactions, the oldest first."""
        found = Transaction.objects.filter(charger=self.charger, **wanted).order_by("pk")
        return await in_thread(list, found)

    async def ended(self, transaction):
        """Wait until a transaction has ended; return it as it is stored then."""
        wanted = Transaction.objects.filter(pk=transaction.pk, ended_at__isnull=False)
        return await self.stored(wanted.first)

    async def readings(self, **wanted):
        """Return the charger's readings, the oldest first."""
        found = Reading.objects.filter(charger=self.charger, **wanted).order_by("measured_at", "pk")
        return await in_thread(list, found)

    async def shows(self, status, connector=1):
        """Wait until charge point and server agree on a connector's status, in 1.6's words."""
        if connector:
            await self.until(lambda: self.point.connectors[connector].status == status)
        stored = "Occupied" if self.is_201 and status in _OCCUPIED else status
        where = {"evse_id": connector, "connector_id": 1} if self.is_201 else {"connector_id": connector}
        row = Connector.objects.filter(charger=self.charger, status=stored, **where)
        return await self.stored(row.first)

    async def events(self, kind):
        """Return what the server recorded of a kind about this charger, the oldest first."""
        return await in_thread(
            list, Event.objects.filter(charger_id=self.charger.pk, kind=kind).order_by("pk")
        )

    async def answered(self, action):
        """Wait until the server has answered a message of this charger with a result."""
        wanted = Message.objects.filter(
            charger=self.charger, action=action, origin=Message.Origin.CHARGER, outcome=Message.Outcome.RESULT
        )
        return await self.stored(wanted.first)

    def presence(self):
        """Return the rows (none or one) that say whether the server sees a connection."""
        return Presence.objects.filter(charger=self.charger)

    async def row(self):
        """Return the charger as it is stored now."""
        return await in_thread(Charger.objects.get, pk=self.charger.pk)

    # What the operator does --------------------------------------------------------------------

    async def ask(self, method, path, body=None):
        """Ask the API about this charger; return (status, decoded body)."""
        return await asyncio.to_thread(
            self.server.request, method, f"chargers/{self.charger.pk}/{path}", body
        )

    async def ask_for(self, path, method="GET", body=None):
        """Ask the API for anything; return (status, decoded body)."""
        return await asyncio.to_thread(self.server.request, method, path, body)

    async def order(self, action, payload=None):
        """Have a command sent through the API and return its row, which has ended."""
        body = {"action": action, "payload": payload or {}, "wait": SECONDS}
        status, command = await self.ask("POST", "commands", body)
        assert status == 200, command
        return command

    async def orders(self, action, payload=None):
        """Return the `status` of a charge point's answer to a command."""
        command = await self.order(action, payload)
        assert command["state"] == "completed", command
        return command["result"]["status"]

    def place(self, connector):
        """Return how this version names a connector, for the words of `asks`; None names none."""
        if connector is None:
            return {}
        return {"evse_id": connector if self.is_201 else 0, "connector_id": 1 if self.is_201 else connector}

    async def asks(self, wish, *what, connector=None, **options):
        """Ask for a `wish` in the words of the version (see wire.v16): start, stop, unlock and so on.

        Return the `status` of the answer.
        """
        say = getattr(remote.words(self.charger), wish)
        return await self.orders(*say(*what, **self.place(connector), **options))

    def count_connectors(self):
        """Return how many connectors the server knows; a query."""
        return Connector.objects.filter(charger=self.charger, connector_id__gt=0).count()

    def question(self):
        """Return (action, payload) of a question that every charge point can answer."""
        if not self.is_201:
            return "GetConfiguration", {"key": ["HeartbeatInterval"]}
        asked = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        return "GetVariables", {"getVariableData": [asked]}

    async def refuses_to_start(self):
        """Ask the API for a remote start that it refuses itself; return the HTTP status."""
        action, payload = remote.words(self.charger).start("TAG1", connector_id=1, remote_start_id=7)
        return (await self.ask("POST", "commands", {"action": action, "payload": payload}))[0]

    async def changes(self, **attributes):
        """Change the charger's row."""
        await in_thread(Charger.objects.filter(pk=self.charger.pk).update, **attributes)

    async def starts(self, token="TAG1", connector=1):
        """Ask for a remote start; return the `status` of the answer."""
        place = {"evse_id": connector, "connector_id": connector}
        return await self.asks("start", token, remote_start_id=7, **place)

    async def stops(self, transaction):
        """Ask for a remote stop; return the `status` of the answer."""
        return await self.asks("stop", transaction.transaction_id or transaction.pk)


def hurried(url, identifier, version, *, configuration=None, **options):
    """Return a charge point in a hurry, which samples only when asked to and waits for cables for ever."""
    settings = {"MeterValueSampleInterval": 0, "TransactionMessageRetryInterval": 0, "ConnectionTimeOut": 0}
    defaults = {"clock": Hurry(), "dice": random.Random(1), "backoff": _AT_ONCE}
    options = defaults | options | {"configuration": settings | (configuration or {})}
    return ChargePoint(url, identifier, version, **options)


def entered(owner, identifier, version, *, password=PASSWORD, **attributes):
    """Enter a charger that logs in with `password`; with an empty one it needs none."""
    security = {} if password else {"security_profile": 0}
    attributes = security | attributes
    charger = Charger.objects.create(owner=owner, identifier=identifier, protocol=version, **attributes)
    if password:
        registration.set_password(charger, password, is_generated=True)
    return charger
