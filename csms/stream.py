"""Live events for any number of takers, from one poller in each server process.

    database --poll (one thread)--> Feed: the newest events --wake--> takers, each with a position

A taker has no queue: it goes through the feed's buffer from where it stands. One that is slow, or
that resumes from an old id, stands before the buffer and reads pages from the database until it
has caught up; so memory is bounded and nobody misses an event. Which rows may be read by id is
told by `Event.objects.settled()`. The HTTP door is chargers/api/native/events.py.
"""

import asyncio
import logging
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import orjson
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from csms.models import Event

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# A busy server commits hundreds of times a second; so many looks would be taken from its chargers.
PACE_SECONDS = 0.1
KEEP_ALIVE_SECONDS = 15
# A stream ends after this, and its taker resumes: a key that was revoked is asked for again.
LIFETIME_SECONDS = 15 * 60
PAGE = 500
BUFFERED = 5000
MAX_TAKERS = 500


@dataclass(frozen=True)
class Interest:
    """Which events a taker may and wants to see; `owners` None means every owner's."""

    owners: frozenset | None
    kinds: frozenset = frozenset()
    charger_id: int | None = None

    def wants(self, event):
        return (
            (self.owners is None or event.owner_id in self.owners)
            and (not self.kinds or event.kind in self.kinds)
            and (self.charger_id is None or event.charger_id == self.charger_id)
        )

    def narrow(self, queryset):
        if self.owners is not None:
            queryset = queryset.filter(owner__in=self.owners)
        if self.kinds:
            queryset = queryset.filter(kind__in=self.kinds)
        if self.charger_id is not None:
            queryset = queryset.filter(charger_id=self.charger_id)
        return queryset


def frame(event):
    """Return `event` as a Server-Sent Event; its kind is inside, so that `onmessage` gets them all."""
    content = {
        "id": event.pk,
        "created_at": event.created_at,
        "kind": event.kind,
        "owner": event.owner_id,
        "charger": event.charger_id,
        "object_id": event.object_id,
        "data": event.data,
    }
    return b"id: %d\ndata: %s\n\n" % (event.pk, orjson.dumps(content, option=orjson.OPT_UTC_Z))


def _in_database(read):
    """Run `read` in the feed's thread, and leave no broken or pooled connection behind."""
    try:
        return read()
    except DatabaseError:
        connection.close()
        raise
    finally:
        close_old_connections()


def _leave_database():
    connection.close()


class Feed:
    """What one event loop's takers share: the newest events and the task that fetches them."""

    def __init__(self, loop):
        self.loop = loop
        self.is_closing = False
        # Every settled event with floor < id <= head is in the buffer; None before the first look.
        self._head = None
        self._floor = None
        self._buffer = []
        self._takers = 0
        self._poller = None
        self._nudge = asyncio.Event()
        self._looked_at = 0.0
        self._changed = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="events")

    @property
    def is_full(self):
        return self._takers >= MAX_TAKERS

    def nudge(self):
        """Look soon. Safe from any thread; so is `close`."""
        if self._takers:
            with suppress(RuntimeError):  # the loop has ended
                self.loop.call_soon_threadsafe(self._look_soon)

    def _look_soon(self):
        self.loop.call_at(self._looked_at + PACE_SECONDS, self._nudge.set)

    def close(self):
        """End all streams; their takers come back to another process."""
        self.is_closing = True
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._wake)

    async def frames(self, interest, *, after=None):
        """Yield Server-Sent Events with ids above `after` (None: from now on), then new ones as they come."""
        self._arrive()
        started_at = sent_at = self.loop.time()
        position = after
        try:
            yield b"retry: 2000\n\n"
            while not self.is_closing and self.loop.time() < started_at + LIFETIME_SECONDS:
                changed = self._changed
                if position is None and self._head is not None:
                    position = self._head
                    # An id without data reaches no listener, yet moves the browser's Last-Event-ID.
                    yield b"id: %d\n\n" % position
                found, position = await self._beyond(position, interest)
                for part in found:
                    yield part
                if not found and not await self._woken(changed, sent_at + KEEP_ALIVE_SECONDS):
                    found = [b": keep-alive\nid: %d\n\n" % position if position else b": keep-alive\n\n"]
                    yield found[0]
                if found:
                    sent_at = self.loop.time()
        finally:
            self._takers -= 1
            self._nudge.set()

    def _arrive(self):
        self._takers += 1
        if self._poller is None:
            self._head = self._floor = None
            self._buffer.clear()
            self._poller = self.loop.create_task(self._poll())

    async def _woken(self, changed, until):
        with suppress(TimeoutError):
            return await asyncio.wait_for(changed.wait(), max(0, until - self.loop.time()))
        return False

    async def _beyond(self, position, interest):
        """Return what `interest` finds beyond `position`, and the position then reached."""
        if self._head is None or position is None or position >= self._head:
            return [], position
        if position < self._floor:
            return await self._from_database(position, interest)
        start = bisect_right(self._buffer, position, key=lambda event: event.pk)
        wanted = [event for event in self._buffer[start:] if interest.wants(event)]
        return [event.frame for event in wanted], self._head

    async def _from_database(self, position, interest):
        head = self._head
        rows = interest.narrow(Event.objects.filter(id__gt=position, id__lte=head)).order_by("id")
        try:
            found = await self._read(lambda: list(rows[:PAGE]))
        except DatabaseError:
            return [], position
        return [frame(event) for event in found], found[-1].pk if len(found) == PAGE else head

    async def _poll(self):
        """Fetch what is new until the last taker has gone."""
        try:
            while self._takers and not self.is_closing:
                self._looked_at = self.loop.time()
                if not await self._looked():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._nudge.wait(), POLL_SECONDS)
                    self._nudge.clear()
        finally:
            # Even when cancelled: the connection is the thread's, and only there it can be closed.
            self._poller = None
            self._thread.submit(_leave_database)

    async def _looked(self):
        """Look for what is new; say whether more waits."""
        try:
            return await self._fetch()
        except DatabaseError as error:
            logger.warning("events cannot be read: %s", error)
            return False

    async def _fetch(self):
        """Take the next page into the buffer; say whether more waits."""
        if self._head is None:
            newest = await self._read(lambda: Event.objects.settled().order_by("-id").first())
            self._head = self._floor = newest.pk if newest else 0
            self._wake()
            return False
        head = self._head
        found = await self._read(
            lambda: list(Event.objects.settled().filter(id__gt=head).order_by("id")[:PAGE])
        )
        for event in found:
            event.frame = frame(event)
        if found:
            self._take(found)
        return len(found) == PAGE

    def _take(self, found):
        self._buffer.extend(found)
        self._head = found[-1].pk
        if (excess := len(self._buffer) - BUFFERED) > 0:
            self._floor = self._buffer[excess - 1].pk
            del self._buffer[:excess]
        self._wake()

    def _wake(self):
        self._changed.set()
        self._changed = asyncio.Event()

    def _read(self, read):
        return self.loop.run_in_executor(self._thread, _in_database, read)


_feed = None


def feed():
    """Return the feed of the running event loop; a server has one loop, hence one feed."""
    global _feed  # noqa: PLW0603  (one per process)
    loop = asyncio.get_running_loop()
    if _feed is None or _feed.loop is not loop:
        _feed = Feed(loop)
    return _feed


def nudge():
    """Tell this process's takers that an event was committed: they need not wait for the next look."""
    if _feed is not None:
        _feed.nudge()


def is_full():
    """Say whether this process has as many takers as it serves."""
    return _feed is not None and _feed.is_full


def close():
    """End all streams of this process; the server calls it when it drains, since it waits for them."""
    if _feed is not None:
        _feed.close()
