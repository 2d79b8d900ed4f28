"""The feed of live events: one poller, any number of takers."""

import asyncio
import json

import pytest
from django.db import connection

from csms import events, stream
from csms.models import Event
from tests.kit.chargers import in_thread

EVERYONE = stream.Interest(owners=None)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick(monkeypatch):
    """A feed that looks often, so that tests do not wait."""
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(stream, "KEEP_ALIVE_SECONDS", 0.2)


def _record(kind, **values):
    try:
        return Event.objects.create(kind=kind, **values).pk
    finally:
        connection.close()  # the thread's own, which nobody else would close


record = in_thread


class Taker:
    """A client of the feed, that remembers the events it was given."""

    def __init__(self, interest=EVERYONE, *, after=None):
        self.frames = stream.feed().frames(interest, after=after)

    async def next(self):
        """Return the next event; comments and bare ids are passed over."""
        while True:
            part = (await asyncio.wait_for(anext(self.frames), 5)).decode()
            for line in part.splitlines():
                if line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))

    async def started(self):
        """Return when the taker has its position: what is recorded from here on is for it."""
        while not (await asyncio.wait_for(anext(self.frames), 5)).startswith(b"id: "):
            pass
        return self

    async def close(self):
        await self.frames.aclose()


async def test_taker_gets_what_happens_from_now_on(quick):
    """Without an id to resume from, only new events come."""
    await record(_record, "old")
    taker = await Taker().started()

    await record(_record, "new")

    assert (await taker.next())["kind"] == "new"
    await taker.close()


async def test_taker_resumes_after_an_id(quick):
    """With an id, everything after it comes first, in order, then what is new; nothing twice."""
    first = await record(_record, "first")
    await record(_record, "second")
    taker = Taker(after=first)
    assert (await taker.next())["kind"] == "second"

    await record(_record, "third")

    assert (await taker.next())["kind"] == "third"
    await taker.close()


@pytest.mark.parametrize(
    "interest",
    [
        stream.Interest(owners=None, kinds=frozenset({"wanted"})),
        stream.Interest(owners=None, charger_id=7),
    ],
)
async def test_taker_gets_only_what_it_wants(quick, interest):
    """Kinds and chargers are sorted out, both live and on resuming."""
    before = await record(_record, "unwanted", charger_id=1)
    await record(_record, "wanted", charger_id=7)
    live, resumed = await Taker(interest).started(), Taker(interest, after=before)
    await record(_record, "unwanted", charger_id=1)
    newest = await record(_record, "wanted", charger_id=7)

    assert (await live.next())["id"] == newest
    assert [(await resumed.next())["kind"], (await resumed.next())["id"]] == ["wanted", newest]
    await live.close()
    await resumed.close()


async def test_taker_gets_nothing_of_other_owners(quick, owner, stranger):
    """An event reaches only who may see its owner's rows."""
    interest = stream.Interest(owners=frozenset({owner.pk}))
    taker = await Taker(interest).started()
    await record(_record, "theirs", owner=stranger)
    await record(_record, "mine", owner=owner)

    assert (await taker.next())["kind"] == "mine"
    await taker.close()


async def test_slow_taker_misses_nothing(quick, monkeypatch):
    """A taker that falls behind the buffer reads the rest from the database."""
    monkeypatch.setattr(stream, "BUFFERED", 3)
    monkeypatch.setattr(stream, "PAGE", 4)
    slow, fast = await Taker().started(), await Taker().started()
    made = [await record(_record, f"event {number}") for number in range(20)]
    for _ in made:
        await fast.next()

    assert [(await slow.next())["id"] for _ in made] == made
    await slow.close()
    await fast.close()


async def test_idle_stream_is_kept_alive_with_its_position(quick):
    """When nothing comes a comment is sent, with the id from which to resume."""
    newest = await record(_record, "old")
    taker = await Taker().started()

    part = await asyncio.wait_for(anext(taker.frames), 5)

    assert part == b": keep-alive\nid: %d\n\n" % newest
    await taker.close()


async def test_takers_share_one_poller(quick, monkeypatch):
    """Twenty takers cost as many looks at the database as one."""
    looks = []
    fetch = stream.Feed._fetch
    monkeypatch.setattr(stream.Feed, "_fetch", lambda feed: looks.append(1) or fetch(feed))
    monkeypatch.setattr(stream, "POLL_SECONDS", 60)
    takers = [await Taker().started() for _ in range(20)]
    await record(_record, "new")
    stream.nudge()

    assert {(await taker.next())["kind"] for taker in takers} == {"new"}
    assert len(looks) <= 3
    for taker in takers:
        await taker.close()


async def test_many_commits_are_few_looks(quick, monkeypatch):
    """However often it is nudged, the feed looks at its own pace."""
    looks = []
    fetch = stream.Feed._fetch
    monkeypatch.setattr(stream.Feed, "_fetch", lambda feed: looks.append(1) or fetch(feed))
    monkeypatch.setattr(stream, "POLL_SECONDS", 60)
    taker = await Taker().started()
    for number in range(100):
        await record(_record, f"event {number}")
        stream.nudge()

    for _ in range(100):
        await taker.next()

    assert len(looks) < 50
    await taker.close()


async def test_last_taker_ends_the_poller(quick):
    """Without takers nobody asks the database, and the next taker starts anew."""
    taker = await Taker().started()
    await taker.close()
    await asyncio.sleep(0.1)
    assert stream.feed()._poller is None

    again = await Taker().started()
    await record(_record, "new")

    assert (await again.next())["kind"] == "new"
    await again.close()


async def test_closing_ends_streams(quick):
    """When the server stops, every stream ends by itself."""
    taker = await Taker().started()

    stream.close()

    with pytest.raises(StopAsyncIteration):
        await taker.next()


async def test_stream_ends_so_that_keys_are_asked_for_again(quick, monkeypatch):
    """A stream has a longest life; its taker comes back with its key."""
    taker = await Taker().started()
    monkeypatch.setattr(stream, "LIFETIME_SECONDS", 0)

    with pytest.raises(StopAsyncIteration):
        await taker.next()


def test_recorded_event_is_framed_in_full(owner):
    """A frame has the id to resume from and the row as the list shows it."""
    events.record("charger.connected", owner_id=owner.pk, object_id=3, reason="new")
    event = Event.objects.get()

    head, data = stream.frame(event).decode().strip().split("\n")

    assert head == f"id: {event.pk}"
    assert json.loads(data.removeprefix("data: "))["data"] == {"reason": "new"}
