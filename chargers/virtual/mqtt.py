"""A charge point on an MQTT broker: topics for commands and their answers, for variables and for events.

Theory of operation. What is to be published waits in a queue of bounded length, so nothing here ever
waits inside the charge point; a task publishes from it in order, each once the one before was
acknowledged. What a broker misses while it is away is sent when it is back, as far as the queue
reaches; variables that are retained are sent then with their latest value. Commands that no one can
read are answered too. When this program dies, the broker says that the charge point is not connected.
"""

import asyncio
import logging
import re
from collections import deque
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

import aiomqtt
import orjson

from chargers.virtual.charge_point import EVENTS
from chargers.virtual.commands import COMMANDS, BadCommand
from chargers.virtual.everest import VARIABLES

log = logging.getLogger(__name__)
ROOT = "ocpp_1_6_charge_point"
# Who subscribes late wants to know what holds now.
RETAINED = ("charging_schedules", "is_connected", "boot_notification_response")
# What may wait: messages for the broker, and commands that were not carried out yet.
LONGEST_QUEUE, MOST_COMMANDS = 1000, 100
LARGEST_PAYLOAD = 1024 * 1024
ACKNOWLEDGE_SECONDS = 15
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
_TRACED = "ocpp_message"


class Message(NamedTuple):
    """Something to publish."""

    topic: str
    payload: bytes
    is_retained: bool = False


class Bridge:
    """The Commands of one charge point, its events and the variables of its interface, on a broker.

    `client(**options)` returns a new aiomqtt.Client; `on_change(is_connected, cause)` hears when
    the broker comes and goes. Build it before the charge point starts, and `run` it beside.
    """

    def __init__(self, commands, client, *, trace=False, on_change=lambda is_connected, cause: None):
        self._commands, self._client, self._on_change = commands, client, on_change
        self.root = f"{ROOT}/{quote(commands.point.identifier, safe='')}"
        self._is_there = None
        self._waiting, self._latest, self._tasks = deque(maxlen=LONGEST_QUEUE), {}, set()
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        for event in EVENTS:
            if event != _TRACED or trace:
                commands.point.subscribe(event, partial(self._tell, f"event/{event}", False))
        for variable in VARIABLES:
            if variable != _TRACED or trace:
                told = partial(self._tell, f"var/{variable}", variable in RETAINED)
                commands.interface.subscribe(variable, told)

    def __len__(self):
        """How much waits to be published."""
        return len(self._waiting)

    async def run(self):
        """Be on the broker, for ever; one that goes away is waited for."""
        pause = FIRST_PAUSE
        while True:
            will = aiomqtt.Will(f"{self.root}/var/is_connected", b"false", qos=1, retain=True)
            cause = "the broker is gone"
            try:
                async with self._client(will=will, max_queued_incoming_messages=LONGEST_QUEUE) as client:
                    self._note(True, "")
                    pause = FIRST_PAUSE
                    await self._serve(client)
            except* (aiomqtt.MqttError, OSError, UnicodeError) as problems:
                cause = str(problems.exceptions[0])
            if asyncio.current_task().cancelling():
                # A broker that fails at this very moment would hide that we are to end.
                raise asyncio.CancelledError
            log.info("the MQTT broker is away: %s", cause)
            self._note(False, cause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _note(self, is_there, cause):
        if is_there is not self._is_there:
            self._is_there = is_there
            self._on_change(is_there, cause)

    async def drained(self, seconds):
        """Wait until all is published, for at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self._waiting:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            log.info("%d messages did not reach the MQTT broker", len(self._waiting))

    # Publishing -------------------------------------------------------------------------------

    def _tell(self, name, is_retained, value):
        message = Message(f"{self.root}/{name}", orjson.dumps(value), is_retained)
        if is_retained:
            self._latest[message.topic] = message
        self._put(message)

    def _put(self, message):
        self._waiting.append(message)
        self._filled.set()

    def _begin_anew(self):
        """Who comes back knows nothing of what was retained: what holds now is enough of that."""
        others = [message for message in self._waiting if not message.is_retained]
        self._waiting.clear()
        self._waiting.extend([*others, *self._latest.values()])
        self._filled.set()

    async def _serve(self, client):
        self._begin_anew()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish(client))
            await client.subscribe(f"{self.root}/cmd/+", qos=1)
            async for message in client.messages:
                self._take(message)

    async def _publish(self, client):
        while True:
            while self._waiting:
                message = self._waiting[0]
                topic, payload, is_retained = message
                await client.publish(topic, payload, qos=1, retain=is_retained, timeout=ACKNOWLEDGE_SECONDS)
                if asyncio.current_task().cancelling():
                    # Python 3.11 swallows a cancellation that comes together with the acknowledgement.
                    raise asyncio.CancelledError
                # It may have been pushed out meanwhile.
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()
            self._emptied.set()
            self._filled.clear()
            await self._filled.wait()

    # Commands ---------------------------------------------------------------------------------

    def _take(self, message):
        command, identifier = message.topic.value.rpartition("/")[2], None
        try:
            request = _parsed(message)
            identifier = request.get("id")
            name, args = self._commands.checked(request | {"command": command})
        except BadCommand as problem:
            self._answer(command, identifier, {"error": str(problem)})
            return
        if len(self._tasks) >= MOST_COMMANDS:
            self._answer(command, identifier, {"error": "too many commands wait"})
            return
        task = asyncio.ensure_future(self._carry_out(identifier, name, args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, identifier, name, args):
        self._answer(name, identifier, await self._commands.carry_out(name, args))

    def _answer(self, command, identifier, answer):
        # A name from outside may hold what no broker takes in a topic.
        name = command if command in COMMANDS else re.sub(r"[^a-z0-9_]", "_", command)[:50]
        self._put(Message(f"{self.root}/result/{name}", orjson.dumps({"id": identifier, **answer})))


def _parsed(message):
    """Return the request that a message is; raises BadCommand."""
    if message.retain:
        raise BadCommand("a command must not be retained: it would be carried out again and again")
    if len(message.payload) > LARGEST_PAYLOAD:
        raise BadCommand(f"a command has at most {LARGEST_PAYLOAD} bytes")
    try:
        request = orjson.loads(message.payload or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadCommand(f"not JSON: {error}") from None
    if not isinstance(request, dict) or "command" in request:
        raise BadCommand('a command is an object: {"id": "a", "args": {}}')
    return request
