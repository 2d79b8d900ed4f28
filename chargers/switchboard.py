"""What a server process knows of its sockets: who is connected, and that the process is alive.

One switchboard an event loop, started with the server, or else with the first socket. It owns the
committer, beats the process's row, listens on the process's one channel and closes sockets when the
database is away for too long or the process is to end.
"""

import asyncio
import contextlib
import threading
import time
import weakref
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError
from django.db import connections as databases

from chargers.ocpp.committer import Committer
from chargers.ocpp.works import Beat
from chargers.services import presence, wakeups
from csms import metrics, processes
from csms.models import ServerProcess

log = structlog.get_logger(__name__)

SUPERSEDED = 1000, "superseded by a newer connection"
RESTART, AWAY = (1012, "service restart"), (1013, "database unavailable")
# How long sockets that are to be closed may take to be answered.
DRAIN_SECONDS = 10
# A process that did not beat for so long may have lost its leases to a clean-up.
LATE_SECONDS = ServerProcess.DEAD_AFTER_SECONDS - ServerProcess.BEAT_SECONDS
_boards = weakref.WeakKeyDictionary()
_starting = threading.Lock()


async def current():
    """Return the switchboard of the running loop, started at the first call."""
    loop = asyncio.get_running_loop()
    board = _boards.get(loop)
    if board is None:
        with _starting:
            board = _boards.setdefault(loop, Switchboard())
    await board.ready()
    return board


def boards():
    """Return the switchboards of this process."""
    return list(_boards.values())


async def start():
    """Start the running loop's switchboard with its server, as soon as the database lets it."""
    while True:
        try:
            return await current()
        except DatabaseError as error:
            log.error("switchboard.waits", error=repr(error))
            await asyncio.sleep(1)


class Switchboard:
    """The sockets of one event loop, and their process."""

    def __init__(self):
        self.process = None
        self.committer = None
        self.is_draining = False
        self._connections = {}  # token -> Connection
        self._start = None
        self._tasks = []
        # Messages of this hour by charger: what strangers send must not fill the disk.
        self._strangers, self._strangers_hour = Counter(), 0
        # Per lane: whether a beat is under way in it, when the last one was written, and whether
        # our leases may have been taken since, so that the next must cover the silent sockets too.
        self._beating = set()
        self._beaten_at = {}
        self._doubtful = set()

    async def ready(self):
        """Wait until the process is entered and the lanes run."""
        if self._start is None:
            self._start = asyncio.ensure_future(self._open())
        await asyncio.shield(self._start)

    async def _open(self):
        try:
            process = await asyncio.to_thread(_enter_process)
        except Exception:
            self._start = None
            raise
        self.process = process
        self.committer = Committer(process_id=process.pk)
        wakeups.home.loop, wakeups.home.channel = asyncio.get_running_loop(), process.channel
        self._tasks = [asyncio.create_task(self._pulse()), asyncio.create_task(self._listen())]

    # Sockets ----------------------------------------------------------------------------------

    def submit(self, connection, work):
        """Have work of a connection done in its charger's lane."""
        self.committer.submit(connection.identifier, work)

    def enter(self, connection, superseded):
        """Take in a socket; whoever held the charger before is closed: the newest wins."""
        self._connections[connection.token] = connection
        wakeups.links[connection.charger_id] = connection
        metrics.connected.set(len(self._connections))
        if superseded is None:
            return
        process_id, token = superseded
        if token in self._connections:
            self._connections[token].hang_up(*SUPERSEDED)
        elif process_id is not None and process_id != self.process.pk:
            channel = ServerProcess(pk=process_id).channel
            wakeups.tell(channel, {"type": "socket.superseded", "token": token.hex})

    def takes_from_stranger(self, charger_id):
        """Say whether a charger that nobody has approved may have another message stored this hour."""
        hour = int(time.time() // 3600)
        if hour != self._strangers_hour:
            self._strangers, self._strangers_hour = Counter(), hour
        self._strangers[charger_id] += 1
        return self._strangers[charger_id] <= settings.CSMS_PENDING_MESSAGES_PER_HOUR

    def leave(self, connection):
        """A socket has ended."""
        self._connections.pop(connection.token, None)
        if wakeups.links.get(connection.charger_id) is connection:
            del wakeups.links[connection.charger_id]
        metrics.connected.set(len(self._connections))

    # The pulse --------------------------------------------------------------------------------

    async def _pulse(self):
        """Beat, extend the leases of who was heard of, and close all while the database is away."""
        while True:
            await asyncio.sleep(ServerProcess.BEAT_SECONDS)
            if self.committer.is_down:
                log.error("sockets.closed", cause="database away", count=len(self._connections))
                for connection in list(self._connections.values()):
                    connection.hang_up(*AWAY)
            self._beat()

    def _beat(self):
        """Put a beat into each lane, unless the last one still waits there."""
        by_lane = defaultdict(list)
        for connection in self._connections.values():
            number = self.committer.lane_number(connection.identifier)
            if number in self._doubtful or connection.last_frame_at > connection.flushed_at:
                by_lane[number].append(connection)
        for number, lane in enumerate(self.committer.lanes):
            if number in self._beating:
                continue
            self._beating.add(number)
            # What another lane finds out while this beat is under way is for the next one.
            was_doubtful = number in self._doubtful
            self._doubtful.discard(number)
            covered = [(connection, connection.last_frame_at) for connection in by_lane[number]]
            work = Beat(
                self.process,
                [_heard(connection) for connection in by_lane[number]],
                [note for connection in by_lane[number] for note in connection.take_notes()],
                done=partial(self._beaten, number, covered),
                failed=partial(self._not_beaten, number, was_doubtful),
            )
            work.loop = asyncio.get_running_loop()
            lane.put(work)

    def _beaten(self, number, covered, pulse):
        """A beat is written: the sockets that it covered hold their leases, or are closed."""
        self._beating.discard(number)
        late, self._beaten_at[number] = self._beaten_at.get(number), time.monotonic()
        if not pulse.is_known or (late and self._beaten_at[number] - late > LATE_SECONDS):
            # Somebody may have thought that we are dead.
            self._doubtful = set(range(len(self.committer.lanes)))
        for connection, last_frame_at in covered:
            connection.flushed_at = last_frame_at
            if connection.token in pulse.superseded:
                connection.hang_up(*SUPERSEDED)
        for charger_id in pulse.waiting:
            if link := wakeups.links.get(charger_id):
                link.look()

    def _not_beaten(self, number, was_doubtful, error):
        """A beat could not be written: what it was to cover, the next one must."""
        self._beating.discard(number)
        if was_doubtful:
            self._doubtful.add(number)

    # Other processes ----------------------------------------------------------------------------

    async def _listen(self):
        """Take wake-ups from the process's channel; a layer that is away is tried again."""
        layer = get_channel_layer()
        while True:
            try:
                self._hear(await layer.receive(self.process.channel))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  each layer fails in its own way
                log.warning("channel_layer.away", error=repr(error))
                with contextlib.suppress(Exception):
                    # The Redis layer believes itself subscribed although that is what failed.
                    await layer.flush()
                await asyncio.sleep(1)

    def _hear(self, message):
        if message["type"] == "command.finished":
            wakeups.finished(message["command"], message["charger"])
        elif message["type"] == "socket.superseded":
            for token, connection in list(self._connections.items()):
                if token.hex == message["token"]:
                    connection.hang_up(*SUPERSEDED)
        elif link := wakeups.links.get(message["charger"]):
            _FOR_LINKS[message["type"]](link, message)

    # The end ------------------------------------------------------------------------------------

    async def drain(self, spread=3.0):
        """Let in nobody more, finish what is in hand, then close every socket, spread over seconds."""
        self.is_draining = True
        if self._start is not None:
            with contextlib.suppress(DatabaseError):
                await self._start
        open_ones = list(self._connections.values())
        pause = min(spread / len(open_ones), 0.05) if open_ones else 0
        for connection in open_ones:
            connection.retire(*RESTART)
            await asyncio.sleep(pause)
        await self._are_gone(DRAIN_SECONDS)
        for connection in list(self._connections.values()):
            connection.hang_up(*RESTART)
        await self._are_gone(1)
        await self.close()

    async def _are_gone(self, seconds):
        """Wait until no socket is left, or `seconds` are over."""
        deadline = time.monotonic() + seconds
        while self._connections and time.monotonic() < deadline:  # noqa: ASYNC110  it changes in many places
            await asyncio.sleep(0.02)

    async def close(self):
        """End the tasks and the lanes, and leave the list of processes."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections.values()):
            connection.ended()
            self.leave(connection)
        if self.committer is not None:
            await asyncio.to_thread(self.committer.stop)
            with contextlib.suppress(Exception):
                await asyncio.to_thread(_leave_process, self.process.pk)
        _boards.pop(asyncio.get_running_loop(), None)
        if wakeups.home.loop is asyncio.get_running_loop():
            wakeups.home.loop, wakeups.home.channel = None, ""


def _look(link, message):
    wakeups.asked_by(message["charger"], message["reply"])
    link.look()


# What messages from other processes mean for the socket of the charger that they name.
_FOR_LINKS = {
    "commands.look": _look,
    "charger.tend": lambda link, message: link.tend(message.get("within", 0.0)),
    "charger.dismissed": lambda link, message: link.dismiss(message["code"], message["reason"]),
}


def _heard(connection):
    last_frame_at = datetime.fromtimestamp(connection.last_frame_at, UTC)
    lease = timedelta(seconds=presence.LEASE_INTERVALS * connection.interval)
    return connection.charger_id, connection.token, last_frame_at, last_frame_at + lease


def _enter_process():
    try:
        return processes.register("web")
    finally:
        databases.close_all()


def _leave_process(process_id):
    try:
        ServerProcess.objects.filter(pk=process_id).delete()
    finally:
        databases.close_all()
