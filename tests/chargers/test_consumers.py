"""Sockets: who is let in, what is answered, and that nothing acknowledged is lost."""

import asyncio
import json
import threading
from types import SimpleNamespace

import pytest
from django.db import transaction

from chargers import consumers
from chargers.models import Charger, Connector, FailedHandshake, Message, Presence, Reading, Transaction
from chargers.ocpp import works
from chargers.services import presence, reconciling, registration, remote
from chargers.wire.validation import V16
from csms.models import Event
from tests.kit.chargers import InProcessCharger, basic, boards_closed, in_thread, until
from tokens.models import Account
from tokens.services import create_credential

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest.fixture
async def wire():
    """Return a function that makes chargers' ends of the wire; all are hung up in the end."""
    made = []

    def make(*args, **options):
        made.append(InProcessCharger(*args, **options))
        return made[-1]

    yield make
    for end in made:
        await end.disconnect()
    await boards_closed()


@pytest.fixture
async def online(wire, charger):
    """The charger CP-1, connected."""
    end = wire()
    await end.connect()
    return end


class TestHandshake:
    async def test_charger_without_password_is_let_in(self, wire, charger):
        """Security profile 0, with the subprotocol confirmed."""
        assert await wire().connect() == ("ocpp1.6", None)

    @pytest.mark.parametrize(
        "path", ["/ocpp/CP-1/", "/OCPP/CP-1", "//ocpp//CP-1", "/ws/CP-1", "/ocpp/j/v16/CP-1"]
    )
    async def test_aliases_lead_to_the_same_charger(self, wire, charger, path):
        """Chargers write their URLs in many ways."""
        assert (await wire(path).connect())[1] is None

    async def test_human_id_in_the_path_names_the_account(self, wire, charger, owner, stranger):
        """With the login beside it, as SolarNetwork's chargers are set up; another's id leads nowhere."""
        hid, strange = await in_thread(
            lambda: [Account.objects.create(owner=user).hid for user in (owner, stranger)]
        )
        _, password = await in_thread(lambda: create_credential(owner, "site"))
        assert (await wire(f"/ocpp/j/v16h/{hid}/CP-1").connect())[1] is None
        assert (await wire(f"/ocpp/j/v16hu/{hid}/site/{password}/CP-1").connect())[1] is None
        assert (await wire(f"/ocpp/j/v16hu/{strange}/site/{password}/CP-1").connect())[1] == 401
        assert (await wire("/ocpp/j/v16h/nobody/CP-1").connect())[1] == 404
        paths = await in_thread(lambda: list(FailedHandshake.objects.order_by("id").values_list("path")))
        assert paths == [(f"/ocpp/j/v16hu/{strange}/site/***/CP-1",), ("/ocpp/j/v16h/nobody/CP-1",)]

    @pytest.mark.parametrize(
        ("offered", "confirmed", "protocol"),
        [
            (["ocpp2.0.1"], "ocpp2.0.1", "ocpp2.0.1"),
            (["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], "ocpp2.0.1", "ocpp2.0.1"),
            ([], None, "ocpp1.6"),
        ],
    )
    async def test_version_is_what_was_chosen(self, wire, charger, offered, confirmed, protocol):
        """None offered: what the charger spoke last, else 1.6."""
        assert await wire(subprotocols=offered).connect() == (confirmed, None)
        assert (await in_thread(Presence.objects.get)).protocol == protocol

    async def test_missing_subprotocol_may_be_refused(self, wire, charger, settings):
        """By a setting, and it leaves a row that staff can read."""
        settings.CSMS_REQUIRE_SUBPROTOCOL = True
        assert await wire(subprotocols=[]).connect() == (None, 400)
        await until(lambda: FailedHandshake.objects.filter(reason="no subprotocol offered").exists())
        assert (await wire().connect())[1] is None

    async def test_unsupported_subprotocol_is_closed(self, wire, charger):
        """The handshake is completed without a subprotocol, then closed (OCPP-J 3.1.2)."""
        end = wire(subprotocols=["ocpp1.5"])
        assert await end.connect() == (None, None)
        assert (await end.receive())["code"] == 1002

    async def test_own_password_is_checked(self, wire, charger):
        """The user name is the identifier."""
        password = await in_thread(lambda: registration.set_password(charger))
        assert (await wire(headers=[(b"authorization", basic("CP-1", password))]).connect())[1] is None
        for wrong in ("x", "", password[:-1]):
            end = wire(headers=[(b"authorization", basic("CP-1", wrong))])
            assert await end.connect() == (None, 401)
        assert await wire().connect() == (None, 401)
        failure = await in_thread(lambda: FailedHandshake.objects.filter(username="CP-1").get())
        assert (failure.count, failure.reason, failure.charger_id) == (
            3,
            "wrong or missing password",
            charger.pk,
        )
        told = await in_thread(lambda: Event.objects.get(kind="charger.refused", object_id=failure.pk))
        assert told.charger_id == charger.pk

    async def test_chosen_password_is_slow_once(self, wire, charger):
        """After its first success a quick verifier stands beside the hash."""
        await in_thread(lambda: registration.set_password(charger, "correct horse"))
        header = [(b"authorization", basic("CP-1", "correct horse"))]
        assert (await wire(headers=header).connect())[1] is None
        await in_thread(charger.refresh_from_db)
        assert charger.password_verifier
        assert (await wire(headers=header).connect())[1] is None
        wrong = [(b"authorization", basic("CP-1", "wrong"))]
        assert await wire(headers=wrong).connect() == (None, 401)

    async def test_guesses_from_one_address_keep_nobody_else_waiting(self, wire, charger, monkeypatch):
        """Slow comparisons are bounded for each; beyond it is told to come later."""
        monkeypatch.setattr(consumers, "MOST_COMPARING_FOR_ONE", 1)
        await in_thread(lambda: registration.set_password(charger, "correct horse"))
        ends = [
            wire(headers=[(b"authorization", basic("CP-1", word))]) for word in ("guess", "again", "other")
        ]
        for end, address in zip(ends, ("192.0.2.1", "192.0.2.1", "192.0.2.2"), strict=True):
            end._communicator.scope["client"] = (address, 1)
        hold = threading.Event()
        held = [consumers._comparing.submit(hold.wait, 10) for _ in range(2)]
        first = asyncio.create_task(ends[0].connect())
        try:
            await until(lambda: consumers._comparing_for["192.0.2.1"])
            assert await ends[1].connect() == (None, 503)
            other = asyncio.create_task(ends[2].connect())
            await until(lambda: consumers._comparing_for["192.0.2.2"])
        finally:
            hold.set()
        assert [await first, await other] == [(None, 401)] * 2
        assert (all(done.result() for done in held), consumers._comparing_for.total()) == (True, 0)

    async def test_credential_lets_in_the_chargers_that_it_names(self, wire, owner, charger):
        """A user name of its own, for some of the owner's chargers."""
        _, secret = await in_thread(lambda: create_credential(owner, "site", allowed_charge_points=["CP-1"]))
        header = [(b"authorization", basic("site", secret))]
        assert (await wire(headers=header).connect())[1] is None
        assert (await wire(f"/ocpp/j/v16u/site/{secret}/CP-1").connect())[1] is None
        assert await wire("/ocpp/CP-2", headers=header).connect() == (None, 403)

    async def test_credential_of_another_owner_does_not_open(self, wire, stranger, charger):
        """The identifier then means a charger of the credential's owner."""
        _, secret = await in_thread(lambda: create_credential(stranger, "theirs", allowed_charge_points=[]))
        await wire(headers=[(b"authorization", basic("theirs", secret))]).connect()
        assert not await in_thread(lambda: Presence.objects.filter(charger=charger).exists())
        assert await in_thread(
            lambda: Charger.objects.filter(owner=stranger, registration_status="Pending").exists()
        )

    async def test_profile_2_needs_tls(self, wire, charger):
        """A station of profile 2 or 3 is refused on a plain connection."""
        charger.security_profile = 2
        password = await in_thread(lambda: registration.set_password(charger))
        end = wire(headers=[(b"authorization", basic("CP-1", password))])
        assert await end.connect() == (None, 403)

    async def test_proxy_that_is_trusted_tells_of_tls(self, wire, charger, settings):
        """X-Forwarded-Proto counts from a trusted proxy only."""
        charger.security_profile = 2
        password = await in_thread(lambda: registration.set_password(charger))
        headers = [(b"authorization", basic("CP-1", password)), (b"x-forwarded-proto", b"https")]
        end = wire(headers=headers)
        end._communicator.scope["client"] = ("10.0.0.1", 1)
        assert await end.connect() == (None, 403)
        settings.CSMS_TRUSTED_PROXIES = ["10.0.0.0/8"]
        end = wire(headers=headers)
        end._communicator.scope["client"] = ("10.0.0.1", 1)
        assert (await end.connect())[1] is None

    @pytest.mark.parametrize(
        ("policy", "status", "registration_status"),
        [("reject", 404, None), ("pending", None, "Pending"), ("accept", None, "Accepted")],
    )
    async def test_unknown_charger_meets_the_policy(
        self, wire, admin_user, settings, policy, status, registration_status
    ):
        """Rejected ones leave a row that staff can read; others are entered for the default owner."""
        settings.CSMS_UNKNOWN_CHARGERS = policy
        assert (await wire("/ocpp/NEW").connect())[1] == status
        found = await in_thread(lambda: list(Charger.objects.values_list("registration_status", "owner")))
        assert found == ([(registration_status, admin_user.pk)] if registration_status else [])
        assert await in_thread(FailedHandshake.objects.count) == (1 if status else 0)

    async def test_new_chargers_are_bounded_per_address(self, wire, admin_user, settings):
        """Names cost an attacker nothing."""
        settings.CSMS_PENDING_CHARGERS_PER_HOUR = 2
        statuses = [(await wire(f"/ocpp/NEW-{number}").connect())[1] for number in range(3)]
        assert statuses == [None, None, 429]

    async def test_failed_handshakes_are_bounded_per_address(self, wire, admin_user, settings):
        """Beyond the bound of an hour no more rows are written."""
        settings.CSMS_UNKNOWN_CHARGERS = "reject"
        settings.CSMS_FAILED_HANDSHAKES_PER_HOUR = 2
        for number in range(4):
            await wire(f"/ocpp/NEW-{number}").connect()
        assert await in_thread(FailedHandshake.objects.count) == 2

    async def test_path_without_a_charger_is_not_found(self, wire, charger):
        """The handshake tells who it could not be."""
        assert await wire("/somewhere/else").connect() == (None, 404)

    async def test_removed_charger_is_unknown(self, wire, charger, settings):
        """Deleting hides it; its name is free again."""
        settings.CSMS_UNKNOWN_CHARGERS = "reject"
        await in_thread(lambda: registration.remove(charger))
        assert await wire().connect() == (None, 404)


class TestConversation:
    async def test_what_is_answered_is_stored(self, online, driver):
        """Boot, status, start, values and stop, each durable before its answer."""
        await online.call("BootNotification", BOOT)
        await online.call(
            "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        )
        start = {"connectorId": 1, "idTag": "TAG1", "meterStart": 0, "timestamp": "2026-11-21T04:00:00Z"}
        number = (await online.call("StartTransaction", start))[2]["transactionId"]
        assert (await in_thread(Transaction.objects.get)).pk == number
        value = {"timestamp": "2026-11-21T04:01:00Z", "sampledValue": [{"value": "20"}]}
        await online.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
        assert (await in_thread(Reading.objects.get)).register_wh == 20
        assert (await in_thread(Connector.objects.get)).status == "Available"
        actions = await in_thread(
            lambda: list(Message.objects.order_by("id").values_list("action", "outcome"))
        )
        assert actions == [
            (each, "result")
            for each in ("BootNotification", "StatusNotification", "StartTransaction", "MeterValues")
        ]

    async def test_messages_before_the_boot_are_welcome(self, online):
        """The first message after a reconnect is often no BootNotification."""
        assert (await online.call("Heartbeat", {}))[0] == 3

    async def test_charger_that_never_booted_is_asked_to_once(self, wire, charger, settings):
        """Some never do by themselves; once it did, nobody asks at the next connection."""
        settings.CSMS_BOOT_TRIGGER_SECONDS = 0.02
        end = wire()
        await end.connect()
        asked = await end.receive()
        assert asked[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
        await end.send(json.dumps([3, asked[1], {"status": "Accepted"}]))
        assert (await end.call("BootNotification", BOOT))[0] == 3
        await in_thread(charger.refresh_from_db)
        assert await in_thread(lambda: remote.ask_for_boot(charger)) is None

    async def test_rubbish_is_answered_and_logged_and_the_socket_lives(self, online):
        """A frame that no one can read costs nobody anything."""
        await online.send("rubbish\0")
        assert (await online.receive())[:3] == [4, "-1", "FormationViolation"]
        assert (await online.call("Heartbeat", {}))[0] == 3
        await until(
            lambda: Message.objects.filter(outcome="unreadable", request__startswith="rubbish").exists()
        )

    async def test_answer_that_comes_late_is_logged_without_its_secrets(self, online):
        """It ends no command, and its text is still the charger's configuration."""
        key = {"key": "AuthorizationKey", "readonly": False, "value": "s3cret"}
        await online.send(json.dumps([3, "long ago", {"configurationKey": [key]}]))
        logged = await until(lambda: Message.objects.filter(outcome="ignored").first())
        assert ("AuthorizationKey" in logged.request, "s3cret" in logged.request) == (True, False)

    async def test_made_up_and_unsupported_actions_are_told_apart(self, online):
        """Every inbound action whose answer needs no content is taken in."""
        assert (await online.call("MadeUp", {}))[2] == "NotImplemented"
        assert (await online.call("SignCertificate", {"csr": "x"}))[2] == "NotSupported"

    async def test_action_without_a_handler_is_stored_and_answered(self, wire, charger):
        """What 2.0.1 stations notify is kept as an event."""
        end = wire(subprotocols=["ocpp2.0.1"])
        await end.connect()
        payload = {"id": 1, "seqNo": 0, "generatedAt": "2026-11-21T04:00:00Z", "tbc": False, "requestId": 1}
        assert (await end.call("NotifyMonitoringReport", payload))[0] == 3
        assert (await in_thread(lambda: Event.objects.get(kind="charger.NotifyMonitoringReport"))).data[
            "payload"
        ] == payload

    async def test_pipelined_calls_are_answered_in_order(self, online):
        """More than may wait at once: reading stops and goes on."""
        for number in range(60):
            action = "Heartbeat" if number % 2 else "StatusNotification"
            payload = {} if number % 2 else {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
            await online.send(json.dumps([2, str(number), action, payload]))
        answers = [await online.receive() for _ in range(60)]
        assert [answer[1] for answer in answers] == [str(number) for number in range(60)]

    async def test_stranger_is_cut_off_when_it_sends_too_much(self, wire, admin_user, settings):
        """Also when it comes back."""
        settings.CSMS_PENDING_MESSAGES_PER_HOUR = 2
        first, again = wire("/ocpp/NEW"), wire("/ocpp/NEW")
        first._communicator.scope["client"] = ("10.0.0.1", 1)
        await first.connect()
        answers = [await first.call("BootNotification", BOOT) for _ in range(3)]
        await again.connect()
        answers.append(await again.call("BootNotification", BOOT))

        assert [answer[2]["status"] for answer in answers[:2]] == ["Pending", "Pending"]
        assert [answer["code"] for answer in answers[2:]] == [1008, 1008]

    async def test_approved_stranger_may_send_what_it_likes(self, wire, admin_user, settings):
        """It learns of the approval at its next boot."""
        settings.CSMS_PENDING_MESSAGES_PER_HOUR = 2
        newcomer = wire("/ocpp/NEW")
        newcomer._communicator.scope["client"] = ("10.0.0.1", 1)
        await newcomer.connect()
        await in_thread(Charger.objects.update, registration_status="Accepted")

        answers = [await newcomer.call("BootNotification", BOOT) for _ in range(4)]

        assert [answer[2]["status"] for answer in answers] == ["Accepted"] * 4

    async def test_after_pending_only_money_is_taken(self, wire, charger, driver):
        """Other calls are refused as the standard says; values and transactions are stored."""
        charger.registration_status = "Pending"
        await in_thread(charger.save)
        end = wire()
        await end.connect()
        assert (await end.call("BootNotification", BOOT))[2]["status"] == "Pending"
        assert (await end.call("Authorize", {"idTag": "TAG1"}))[2] == "SecurityError"
        value = {"timestamp": "2026-11-21T04:01:00Z", "sampledValue": [{"value": "20"}]}
        assert (await end.call("MeterValues", {"connectorId": 1, "meterValue": [value]}))[0] == 3
        assert (await end.call("StopTransaction", {"transactionId": 5, "meterStop": 1, "timestamp": "x"}))[
            0
        ] == 3
        await in_thread(lambda: registration.approve(charger))
        assert (await end.call("Authorize", {"idTag": "TAG1"}))[0] == 3

    @pytest.mark.parametrize(
        ("change", "kind"),
        [({"registration_status": "Pending"}, 3), ({"enabled": False}, 4)],
        ids=["pending", "rejected"],
    )
    async def test_pending_charger_may_send_what_it_is_asked_for(self, wire, charger, change, kind):
        """OCPP 1.6 section 4.2 allows both sides to talk while it is pending, and neither after a rejection."""
        await in_thread(lambda: Charger.objects.filter(pk=charger.pk).update(**change))
        end = wire()
        await end.connect()
        await end.call("BootNotification", BOOT)
        await in_thread(lambda: remote.trigger(charger, "StatusNotification", origin="test"))
        asked = await end.receive()
        await end.send(json.dumps([3, asked[1], {"status": "Accepted"}]))
        told = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
        assert (await end.call("StatusNotification", told))[0] == kind

    async def test_bad_message_harms_only_itself(self, online, wire, owner, monkeypatch):
        """Its batch runs again without it; its frame is logged."""

        def burst(charger, payload):
            raise RuntimeError("burst")

        monkeypatch.setitem(works.HANDLERS[V16], "FirmwareStatusNotification", burst)
        await in_thread(lambda: Charger.objects.create(owner=owner, identifier="CP-2", security_profile=0))
        other = wire("/ocpp/CP-2")
        await other.connect()
        answers = await asyncio.gather(
            online.call("FirmwareStatusNotification", {"status": "Idle"}),
            other.call("BootNotification", BOOT),
        )
        assert (answers[0][2], answers[1][0]) == ("InternalError", 3)
        assert (
            await in_thread(lambda: Message.objects.get(action="FirmwareStatusNotification"))
        ).outcome == "error"


class TestPresence:
    async def test_connected_charger_is_online_until_it_leaves(self, online, charger):
        """Both are told."""
        presence = await in_thread(lambda: Presence.objects.select_related("process").get())
        assert presence.is_online(presence.connected_at)
        await online.disconnect()
        await until(lambda: Presence.objects.get().token is None)
        kinds = await in_thread(lambda: list(Event.objects.order_by("pk").values_list("kind", flat=True)))
        assert kinds == ["charger.connected", "charger.disconnected"]

    async def test_removed_charger_is_hung_up(self, online, charger):
        """Its socket closes, and gives its lease back."""
        await in_thread(registration.remove, charger)
        assert (await online.receive())["code"] == 1008
        await online.disconnect()
        await until(lambda: Presence.objects.filter(process=None, token=None).exists())

    async def test_charger_whose_removal_was_undone_is_not_hung_up(self, online, charger):
        """Nobody is told before the commit."""

        def change_ones_mind():
            with transaction.atomic():
                registration.remove(charger)
                transaction.set_rollback(True)

        await in_thread(change_ones_mind)
        assert (await online.call("Heartbeat", {}))[0] == 3
        assert (await online.call("Heartbeat", {}))[0] == 3

    async def test_newest_socket_wins(self, online, wire, charger):
        """The old one is closed, and its end changes nothing."""
        newer = wire()
        await newer.connect()
        assert (await online.receive())["type"] == "websocket.close"
        token = (await in_thread(Presence.objects.get)).token
        await online.disconnect()
        assert (await newer.call("Heartbeat", {}))[0] == 3
        assert (await in_thread(Presence.objects.get)).token == token


class TestQuiet:
    @pytest.fixture
    def looked_after(self, monkeypatch, settings):
        """The identifiers of chargers that were quiet, in order; quiet is whoever is silent for a moment."""
        settings.CSMS_QUIET_SECONDS, settings.CSMS_QUIET_LATEST_SECONDS = 0.05, 0.2
        found = []
        step = SimpleNamespace(reconcile=lambda charger: found.append(charger.identifier), due=lambda now: [])
        monkeypatch.setattr(reconciling, "STEPS", (step,))
        return found

    async def test_charger_that_has_connected_is_looked_after(self, looked_after, online):
        """Not every one boots."""
        await until(lambda: looked_after == ["CP-1"])

    async def test_charger_that_has_booted_is_looked_after_again(self, looked_after, online):
        """Once for the connection, once for the boot."""
        await until(lambda: looked_after == ["CP-1"])
        await online.call("BootNotification", BOOT)

        await until(lambda: looked_after == ["CP-1"] * 2)

    async def test_change_that_is_wanted_wakes_the_owner_of_the_socket(self, looked_after, online, charger):
        """From any process, after the commit."""
        await until(lambda: looked_after == ["CP-1"])
        await in_thread(lambda: presence.tend(charger))

        await until(lambda: looked_after == ["CP-1"] * 2)
