"""Commands: validated, sent once, followed to their end, across whatever happens."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chargers.models import Command, Message, Presence, Variable
from chargers.services import commands, remote
from csms.models import Event, ServerProcess
from tests.kit.chargers import InProcessCharger, boards_closed, in_thread, until
from tests.kit.meters import BOOT

State = Command.State
RESET = ("Reset", {"type": "Soft"})


@pytest.fixture
def often(monkeypatch):
    """A process that beats so often that tests need not wait; for those that ask for it first."""
    monkeypatch.setattr(ServerProcess, "BEAT_SECONDS", 0.2)


@pytest.fixture
async def online(transactional_db, charger):
    """The charger CP-1, connected in process."""
    end = InProcessCharger()
    await end.connect()
    yield end
    await end.disconnect()
    await boards_closed()


def _sent_meanwhile(execute, sql, *rest):
    """Another process sends what waits, between somebody's look at it and their word about it."""
    if sql.startswith('UPDATE "chargers_command"'):
        connection.execute_wrappers.remove(_sent_meanwhile)
        at_the_last_moment = timezone.now() + timedelta(minutes=2)
        Command.objects.filter(state=State.QUEUED).update(state=State.SENT, sent_at=at_the_last_moment)
        connection.execute_wrappers.append(_sent_meanwhile)
    return execute(sql, *rest)


def send(charger, *asked, **options):
    return in_thread(commands.send, charger, *asked, origin="test", **options)


@pytest.mark.django_db
class TestRefusal:
    def test_charger_is_asked_for_its_boot_at_most_once_an_hour(self, charger):
        """Triggers upset some chargers; one that is gone is not asked at all."""
        assert remote.ask_for_boot(charger) is None
        lately = timezone.now() - timedelta(minutes=59)
        asked = Command.objects.create(
            owner=charger.owner,
            charger=charger,
            action="TriggerMessage",
            origin="registration",
            created_at=lately,
        )
        Presence.objects.create(
            charger=charger,
            process=ServerProcess.objects.create(name="web", kind="web"),
            protocol=charger.protocol,
            token=uuid4(),
            expires_at=timezone.now() + timedelta(minutes=15),
        )
        assert remote.ask_for_boot(charger) is None
        asked.created_at -= timedelta(minutes=1)
        asked.save()
        assert remote.ask_for_boot(charger).payload == {"requestedMessage": "BootNotification"}

    @pytest.mark.parametrize(
        "change",
        [{"enabled": False}, {"registration_status": "Pending"}, {"registration_status": "Rejected"}],
    )
    def test_nothing_is_started_on_a_charger_that_may_not_operate(self, charger, change):
        """Whatever door asks; other requests may still be what puts it in order."""
        for name, value in change.items():
            setattr(charger, name, value)
        with pytest.raises(commands.MayNotOperate):
            commands.send(charger, "RemoteStartTransaction", {"idTag": "A"}, origin="test", expires_in=60)
        assert commands.send(charger, *RESET, origin="test", expires_in=60).state == State.QUEUED

    def test_offline_charger_takes_nothing(self, charger):
        """Without expiry the caller hears it at once, and no row is left."""
        with pytest.raises(commands.NotConnected):
            commands.send(charger, *RESET, origin="test")
        assert Command.objects.count() == 0

    def test_command_may_wait_for_a_charger(self, charger):
        """With expiry it is stored."""
        command = commands.send(charger, *RESET, origin="test", expires_in=60)
        assert (command.state, command.expires_at - command.created_at) == ("queued", timedelta(seconds=60))

    @pytest.mark.parametrize("action", ["MadeUp", "BootNotification", ""])
    def test_unknown_action_is_refused(self, charger, action):
        """What a charger sends cannot be sent to it."""
        with pytest.raises(commands.UnknownAction):
            commands.send(charger, action, {}, origin="test", expires_in=60)

    @pytest.mark.parametrize(
        ("payload", "field"),
        [
            ({}, "payload.type"),
            ({"type": "Odd"}, "payload.type"),
            ({"type": "Soft", "x": 1}, "payload.x"),
            ([], "payload"),
            ({"type": 2**64}, "payload"),
            ({"type": "\ud800"}, "payload"),
            ({"type": "\0"}, "payload"),
            ({"type": float("nan")}, "payload"),
        ],
    )
    def test_bad_payload_names_the_member(self, charger, payload, field):
        """The path leads to what is wrong."""
        with pytest.raises(commands.InvalidPayload) as refusal:
            commands.send(charger, "Reset", payload, origin="test", expires_in=60)
        assert refusal.value.field == field

    def test_waiting_command_can_be_withdrawn(self, charger):
        """Once; what was sent cannot be."""
        command = commands.send(charger, *RESET, origin="test", expires_in=60)
        assert commands.cancel(command)
        assert not commands.cancel(command)
        assert Command.objects.get().state == "cancelled"

    def test_nothing_of_a_former_owner_reaches_the_charger(self, charger, django_user_model):
        """Whoever gave it away must not have it reset at its new owner's."""
        commands.send(charger, *RESET, origin="test", expires_in=60)
        charger.owner = django_user_model.objects.create_user("new-owner")
        charger.save()
        new = commands.send(charger, *RESET, origin="test", expires_in=60)

        claimed = [commands.claim(charger, uuid4(), timezone.now()) for _ in range(2)]

        assert claimed == [new, None]

    def test_overdue_command_expires(self, charger):
        """The job ends it, and tells."""
        commands.send(charger, *RESET, origin="test", expires_in=60)
        assert commands.expire(timezone.now() + timedelta(seconds=61)) == 1
        assert (Command.objects.get().state, Event.objects.get().kind) == ("expired", "command.finished")

    @pytest.mark.parametrize("waits", [{"expires_in": 60}, {}])
    def test_command_that_is_sent_at_the_last_moment_does_not_expire(self, charger, waits):
        """Whoever is told that it was never sent may order it again: the charger would obey twice."""
        kept = timedelta(seconds=waits.get("expires_in", 0))
        now = timezone.now()
        Command.objects.create(charger=charger, owner=charger.owner, expires_at=now + kept if kept else None)
        with connection.execute_wrapper(_sent_meanwhile):
            assert commands.expire(now + timedelta(minutes=2)) == 0
        assert Command.objects.get().state == "sent"

    @pytest.mark.parametrize(("seconds", "state"), [(59, "queued"), (61, "failed")])
    def test_command_whose_connection_never_took_it_fails(self, charger, seconds, state):
        """The charger may never come back; whoever follows the row is told."""
        row = Command.objects.create(owner=charger.owner, charger=charger, action="Reset")
        commands.expire(row.created_at + timedelta(seconds=seconds))
        row.refresh_from_db()
        assert (row.state, row.error_code) == (state, "NotConnected" if state == "failed" else "")

    @pytest.mark.parametrize(
        ("holder", "seconds", "state"),
        [("another", 61, "failed"), ("another", 59, "sent"), (None, 61, "failed"), ("the same", 61, "sent")],
    )
    def test_command_whose_connection_is_gone_is_lost(self, charger, settings, holder, seconds, state):
        """Its process was killed: nobody will write what the charger answers, and others wait behind it."""
        settings.CSMS_CALL_TIMEOUT = 30
        now, token = timezone.now(), uuid4()
        row = Command.objects.create(
            owner=charger.owner, charger=charger, state="sent", presence_token=token, sent_at=now
        )
        held = {"another": uuid4(), "the same": token}.get(holder)
        Presence.objects.create(charger=charger, token=held)

        commands.expire(now + timedelta(seconds=seconds))

        row.refresh_from_db()
        assert (row.state, row.error_code) == (state, "ConnectionLost" if state == "failed" else "")


class TestSending:
    async def test_answer_completes_the_command(self, online, charger):
        """Accepted or not, the charger's words are the result; the log has both."""
        command = await send(charger, *RESET)
        kind, message_id, action, payload = await online.receive()
        assert (kind, action, payload) == (2, "Reset", {"type": "Soft"})
        await online.send(json.dumps([3, message_id, {"status": "Rejected"}]))
        command = await in_thread(commands.wait, command, 10)
        assert (command.state, command.result) == ("completed", {"status": "Rejected"})
        log = await in_thread(lambda: Message.objects.get(origin="csms"))
        assert (log.action, log.outcome, log.answer) == ("Reset", "result", '{"status":"Rejected"}')

    async def test_error_fails_the_command(self, online, charger):
        """With the charger's code and words."""
        command = await send(charger, *RESET)
        frame = await online.receive()
        await online.send(json.dumps([4, frame[1], "InternalError", "dead", {}]))
        command = await in_thread(commands.wait, command, 10)
        assert (command.state, command.error_code, command.error_description) == (
            "failed",
            "InternalError",
            "dead",
        )

    async def test_bad_answer_fails_the_command(self, online, charger):
        """An answer without its status tells nothing; what came is kept."""
        command = await send(charger, *RESET)
        frame = await online.receive()
        await online.send(json.dumps([3, frame[1], {"state": "ok"}]))
        command = await in_thread(commands.wait, command, 10)
        assert (command.state, command.result) == ("failed", {"state": "ok"})

    async def test_silence_times_out(self, transactional_db, charger, settings):
        """And the next command goes out."""
        settings.CSMS_CALL_TIMEOUT = 0.1
        end = InProcessCharger()
        await end.connect()
        first = await send(charger, *RESET)
        second = await send(charger, "ClearCache", {})
        assert (await end.receive())[2] == "Reset"
        frame = await end.receive()
        await end.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
        assert (await in_thread(commands.wait, first, 10)).state == "timed_out"
        assert (await in_thread(commands.wait, second, 10)).state == "completed"
        await end.disconnect()
        await boards_closed()

    async def test_commands_are_sent_one_after_the_other(self, online, charger):
        """In the order in which they were given, never two at once."""
        sent = [await send(charger, "ClearCache", {}) for _ in range(5)]
        ids = []
        for _ in sent:
            frame = await online.receive()
            ids.append(frame[1])
            assert (await online.call("Heartbeat", {}))[0] == 3
            await online.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
        assert ids == [command.message_id for command in sent]
        await until(lambda: Command.objects.filter(state="completed").count() == 5)

    async def test_handler_is_not_stalled_by_an_open_call(self, online, charger):
        """A charger asks while it is asked."""
        await send(charger, *RESET)
        await online.receive()
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        assert (await online.call("StatusNotification", status))[0] == 3

    async def test_stored_command_is_sent_at_the_next_connect(self, transactional_db, charger):
        """Store and forward; one that does not boot, since it only reconnects, is given a moment to."""
        command = await send(charger, *RESET, expires_in=60)
        end = InProcessCharger()
        await end.connect()
        frame = await end.receive()
        await end.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
        assert (await in_thread(commands.wait, command, 10)).state == "completed"
        await end.disconnect()
        await boards_closed()

    async def test_stored_command_lets_the_boot_go_first(self, transactional_db, charger, monkeypatch):
        """Chargers refuse what comes before their BootNotification was answered."""
        monkeypatch.setattr("chargers.connections.GREETING_SECONDS", 600)
        await send(charger, *RESET, expires_in=60)
        end = InProcessCharger()
        await end.connect()
        assert (await end.call("BootNotification", BOOT))[0] == 3
        assert (await end.receive())[2] == "Reset"
        await end.disconnect()
        await boards_closed()

    async def test_lost_connection_fails_what_was_sent_and_keeps_what_was_not(self, online, charger):
        """The answer may be lost for ever; what may wait, waits."""
        first = await send(charger, *RESET)
        second = await send(charger, "ClearCache", {}, expires_in=60)
        await online.receive()
        await online.disconnect()
        assert (await in_thread(commands.wait, first, 10)).error_code == "ConnectionLost"
        await in_thread(second.refresh_from_db)
        assert second.state == "queued"

    async def test_lost_wake_up_costs_no_command(self, often, online, charger):
        """The owner of a socket looks at the rows now and then."""
        row = await in_thread(
            Command.objects.create,
            owner_id=charger.owner_id,
            charger=charger,
            action="ClearCache",
            payload={},
            message_id="m" * 36,
        )
        frame = await online.receive(timeout=20)
        assert (frame[1], frame[2]) == (row.message_id, "ClearCache")

    async def test_rolled_back_command_is_not_sent(self, online, charger):
        """What did not happen wakes nobody."""

        def give_up():
            with transaction.atomic():
                commands.send(charger, *RESET, origin="test")
                transaction.set_rollback(True)

        await in_thread(give_up)
        assert (await online.call("Heartbeat", {}))[0] == 3

    async def test_answer_teaches_the_configuration(self, online, charger):
        """A 1.6 configuration key is a variable; secrets are masked everywhere."""
        command = await send(charger, "GetConfiguration", {})
        frame = await online.receive()
        keys = [
            {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
            {"key": "AuthorizationKey", "readonly": False, "value": "s3cretkey"},
        ]
        await online.send(json.dumps([3, frame[1], {"configurationKey": keys}]))
        await in_thread(commands.wait, command, 10)
        found = await in_thread(lambda: dict(Variable.objects.values_list("name", "value")))
        assert found["HeartbeatInterval"] == "60"
        stored = await in_thread(
            lambda: str([*Variable.objects.values(), *Message.objects.values(), *Command.objects.values()])
        )
        assert "s3cretkey" not in stored


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
class TestRemote:
    """What people ask, in the words of either version; `send` validates each."""

    @pytest.fixture
    def station(self, charger, protocol):
        charger.protocol = protocol
        charger.save()
        return charger

    @pytest.fixture
    def connector(self, station, protocol):
        return station.connectors.create(evse_id=1 if protocol == "ocpp2.0.1" else 0, connector_id=1)

    def test_all_verbs_are_valid_requests(self, station, connector, protocol):
        """Start, stop, unlock, reset, trigger, availability."""
        options = {"origin": "test", "expires_in": 60}
        session = station.transactions.create(
            owner=station.owner,
            protocol=protocol,
            started_at=timezone.now(),
            transaction_id="T" * (protocol == "ocpp2.0.1"),
        )
        sent = [
            remote.start(station, "TAG1", **options),
            remote.start(station, "TAG1", evse_id=connector.evse_id, connector_id=1, **options),
            remote.stop(session, **options),
            remote.unlock(connector, **options),
            remote.reset(station, hard=True, **options),
            remote.reset(station, **options),
            remote.trigger(station, "StatusNotification", connector=connector, **options),
            remote.trigger(station, "Heartbeat", **options),
            remote.availability(station, False, **options),
            remote.availability(station, True, connector=connector, **options),
        ]
        assert {command.state for command in sent} == {"queued"}

    def test_secret_payload_is_sealed_until_it_ends(self, station, protocol):
        """What is sent is what was asked; what is stored in clear is masked."""
        station.protocol = "ocpp1.6"
        payload = {"key": "AuthorizationKey", "value": "s3cretkey"}
        command = commands.send(station, "ChangeConfiguration", payload, origin="test", expires_in=60)
        command.refresh_from_db()
        assert (command.payload["value"], command.words) == ("******", payload)
        assert "s3cretkey" not in command.sealed_payload
        commands.cancel(command)
        assert command.sealed_payload == ""
