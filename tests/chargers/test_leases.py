"""Leases: who may end them, and how a living process gets back what a clean-up took from it."""

import asyncio
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from chargers import consumers, switchboard
from chargers.models import Charger, Presence
from chargers.services import presence
from csms import processes
from csms.models import Event, ServerProcess
from tests.chargers.ocpp.test_committer import Hold
from tests.kit.chargers import InProcessCharger, boards_closed, until

NOW = timezone.now()
LATER = NOW + timedelta(seconds=16)


class TestCleanUp:
    """As jobs do it, for processes that are dead."""

    pytestmark = pytest.mark.django_db

    @pytest.fixture
    def process(self):
        process = processes.register("web")
        ServerProcess.objects.update(beat_at=NOW)
        return process

    @pytest.fixture
    def lease(self, charger, process):
        presence.connect([(charger, uuid.uuid4(), "ocpp1.6", "::1")], process_id=process.pk, now=NOW)
        return Presence.objects.select_related("process").get()

    def test_lease_of_a_living_process_stays(self, lease):
        assert presence.clean_up(NOW + timedelta(seconds=14)) == 0
        assert lease.is_online(NOW + timedelta(seconds=14))

    def test_charger_of_a_dead_process_is_offline_before_anyone_cleans_up(self, lease):
        assert not lease.is_online(LATER)
        assert not Presence.objects.online(LATER).exists()

    def test_lease_of_a_dead_process_is_ended_once(self, lease):
        assert (presence.clean_up(LATER), presence.clean_up(LATER)) == (1, 0)
        lease.refresh_from_db()
        assert (lease.process, lease.token, lease.disconnected_at) == (None, None, LATER)
        assert Event.objects.filter(kind="charger.disconnected").count() == 1

    def test_newer_socket_of_the_charger_keeps_its_lease(self, charger, lease):
        """It found a living process while the old one died."""
        token, alive = uuid.uuid4(), processes.register("web")
        ServerProcess.objects.filter(pk=alive.pk).update(beat_at=LATER)
        presence.connect([(charger, token, "ocpp1.6", "::1")], process_id=alive.pk, now=LATER)
        assert presence.clean_up(LATER) == 0
        assert Presence.objects.get().token == token

    def test_lease_that_was_cleaned_up_is_taken_back(self, charger, lease, process):
        """The process was only late."""
        presence.clean_up(LATER)

        superseded = presence.extend([(charger.pk, lease.token, LATER, LATER)], process_id=process.pk)

        lease.refresh_from_db()
        assert (superseded, lease.process, lease.disconnected_at) == (set(), process, None)
        assert Event.objects.order_by("id").last().kind == "charger.connected"

    def test_lease_that_somebody_else_took_stays_there(self, charger, lease, process):
        """The newest socket wins, whatever an older one hears."""
        newer = uuid.uuid4()
        presence.connect([(charger, newer, "ocpp1.6", "::1")], process_id=process.pk, now=LATER)

        superseded = presence.extend([(charger.pk, lease.token, LATER, LATER)], process_id=process.pk)

        assert superseded == {lease.token}
        assert Presence.objects.get().token == newer


class TestBeat:
    """As the switchboard beats, for sockets that are connected."""

    pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

    @pytest.fixture
    async def online(self, charger, monkeypatch):
        """The charger, connected to a process whose heart beats fast."""
        monkeypatch.setattr(ServerProcess, "BEAT_SECONDS", 0.02)
        end = InProcessCharger()
        await end.connect()
        yield end
        await end.disconnect()
        await boards_closed()

    async def test_silent_charger_is_online_again_after_its_process_was_thought_dead(self, online):
        """The row of the process is gone, as after a day without its database."""
        await until(rows(lambda: ServerProcess.objects.all().delete()[0]))
        await until(rows(lambda: Presence.objects.online(timezone.now()).exists()))

    @pytest.mark.postgres
    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one lane")
    async def test_beat_under_way_does_not_end_a_doubt_that_came_later(self, online, charger):
        """Another lane finds that the process was thought dead; this lane's beat began before."""
        hold, beats = await held_alone(charger.identifier), set()
        # So many that the charger's lane has a beat behind what holds it.
        await until(rows(lambda: beats.add(ServerProcess.objects.get().beat_at) or len(beats) > 5))
        await until(rows(lambda: ServerProcess.objects.all().delete()[0]))
        await until(rows(ServerProcess.objects.exists))
        hold.released.set()
        await until(rows(lambda: Presence.objects.online(timezone.now()).exists()))

    async def test_handshake_that_gave_up_waiting_leaves_no_lease(self, online, charger, monkeypatch):
        """The database was away for a while, and the charger is gone when its turn comes."""
        monkeypatch.setattr(consumers, "HANDSHAKE_SECONDS", 0.05)
        hold, late = Hold(), InProcessCharger()
        (board,) = switchboard.boards()
        board.committer.submit(charger.identifier, hold)
        assert await late.connect() == (None, 503)
        hold.released.set()
        await until(rows(lambda: Presence.objects.filter(token=None).exists()))
        await online.call("Heartbeat", {})  # the socket that lives has its lease again
        await until(rows(lambda: Presence.objects.online(timezone.now()).exists()))

    async def test_superseded_socket_is_closed_though_nobody_told_it(self, online):
        """The wake-up from the other process may be lost."""
        await until(rows(lambda: Presence.objects.update(token=uuid.uuid4())))
        await online.call("Heartbeat", {})
        assert (await online.receive())["code"] == 1000

    async def test_socket_of_a_removed_charger_is_closed_though_nobody_told_it(self, online):
        """That wake-up may be lost too; the socket gives its lease back."""
        await until(rows(lambda: Charger.objects.update(deleted_at=NOW)))
        await online.call("Heartbeat", {})
        assert (await online.receive())["type"] == "websocket.close"
        await online.disconnect()
        await until(rows(lambda: Presence.objects.filter(process=None, token=None).exists()))


class HoldAlone(Hold):
    """Holds the lane unless a beat is in its batch, which would keep the process's row locked."""

    def __init__(self):
        super().__init__()
        self.began, self.is_alone = threading.Event(), False

    def run(self, batch):
        self.is_alone = len(batch.works) == 1
        self.began.set()
        if self.is_alone:
            super().run(batch)


async def held_alone(identifier):
    """Return what holds the charger's lane."""
    (board,) = switchboard.boards()
    while True:
        hold = HoldAlone()
        board.committer.submit(identifier, hold)
        await asyncio.to_thread(hold.began.wait, 10)
        if hold.is_alone:
            return hold


def rows(function):
    """Return `function` for another thread, which gives its connection back."""

    def run():
        try:
            return function()
        finally:
            connection.close()

    return run
