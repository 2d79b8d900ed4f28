"""DataTransfer both ways: handlers of vendors, and what chargers make of ours."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.utils import timezone

from chargers.models import Charger, Command
from chargers.services import commands, data_transfer
from chargers.wire.validation import V16, V201
from csms.models import Event
from tests.chargers.admin.conftest import go_online

pytestmark = pytest.mark.django_db
State = Command.State


@pytest.fixture
def vendors(monkeypatch):
    """No vendor but ours, and what a test registers."""
    kept = {name: dict(handlers) for name, handlers in data_transfer._handlers.items()}
    monkeypatch.setattr(data_transfer, "_handlers", kept)
    return data_transfer.vendor


def given(**payload):
    return {"vendorId": "com.example", "messageId": "Ping"} | payload


class TestInbound:
    @pytest.mark.parametrize("version", [V16, V201])
    @pytest.mark.parametrize(
        ("payload", "status"),
        [
            (given(vendorId="V"), "UnknownVendorId"),
            (given(messageId="Dance"), "UnknownMessageId"),
            ({"vendorId": "com.example"}, "UnknownMessageId"),
            (given(), "Accepted"),
            (given(vendorId="COM.Example", messageId="ping"), "Accepted"),
        ],
    )
    def test_answer_says_what_is_unknown(self, vendors, tell, version, payload, status):
        """The vendor, or the message; ids are compared whatever their case."""
        vendors("com.example", "Ping")(lambda charger, data: ("Accepted", None))

        assert tell("DataTransfer", payload, version=version) == {"status": status}

    def test_handler_of_all_messages_takes_what_has_no_other(self, vendors, tell):
        """A vendor may sort its messages itself."""
        vendors("com.example", "Ping")(lambda charger, data: ("Accepted", "one"))
        vendors("com.example")(lambda charger, data: ("Rejected", "any"))

        answers = [tell("DataTransfer", given(messageId=name))["data"] for name in ("Ping", "Other")]

        assert answers == ["one", "any"]

    @pytest.mark.parametrize("data", [{"someKey": [1, None]}, [], 0, "text", False])
    def test_data_passes_untouched(self, vendors, tell, charger, data):
        """Any JSON comes to the handler, whose charger it is given, and goes back (2.0.1)."""
        heard = []
        vendors("com.example", "Ping")(
            lambda charger, data: heard.append((charger, data)) or ("Accepted", data)
        )

        assert tell("DataTransfer", given(data=data), version=V201) == {"status": "Accepted", "data": data}
        assert heard == [(charger, data)]

    def test_data_of_an_answer_is_text_in_16(self, vendors, tell):
        """What is none becomes JSON."""
        vendors("com.example", "Ping")(lambda charger, data: ("Accepted", {"a": 1}))

        assert tell("DataTransfer", given()) == {"status": "Accepted", "data": '{"a":1}'}

    @pytest.mark.parametrize(
        "answer",
        [None, "Accepted", ("Perhaps", None), ("Offline", None), ("Accepted", "\0"), ("Accepted", {1})],
    )
    def test_answer_that_cannot_be_sent_is_a_refusal(self, vendors, tell, answer, caplog):
        """A handler's mistake is in the log, and the charger hears no nonsense."""
        vendors("com.example", "Ping")(lambda charger, data: answer)

        assert tell("DataTransfer", given()) == {"status": "Rejected"}
        assert "com.example" in caplog.text

    def test_handler_that_raises_leaves_nothing_but_the_event(self, vendors, tell, charger, caplog):
        """What it had written is taken back; what others wrote in the same commit stays."""

        def fails(charger, data):
            Charger.objects.update(name="half")
            Charger.objects.create(owner=charger.owner, identifier=charger.identifier)

        vendors("com.example", "Ping")(fails)

        assert tell("DataTransfer", given()) == {"status": "Rejected"}
        assert (charger.name, "failed" in caplog.text) == ("", True)
        event = Event.objects.get()
        assert (event.kind, event.data["status"]) == ("charger.data_transfer", "Rejected")

    def test_database_that_is_away_is_not_the_vendors_fault(self, vendors, tell):
        """The message is taken again once it is back."""

        def away(charger, data):
            raise OperationalError

        vendors("com.example", "Ping")(away)

        with pytest.raises(OperationalError):
            tell("DataTransfer", given())

    def test_secrets_are_masked_in_the_event_alone(self, vendors, tell):
        """The handler needs them; nobody else does."""
        heard = []
        vendors("com.example", "Ping")(lambda charger, data: heard.append(data) or ("Accepted", None))

        tell("DataTransfer", given(data='{"password": "geheim"}'))

        assert "geheim" in heard[0]
        assert "geheim" not in str(Event.objects.get().data)

    @pytest.mark.parametrize("version", [V16, V201])
    def test_our_own_messages(self, tell, version):
        """A charge point may try the way there and back, and ask for the time."""
        ours = {"vendorId": "org.stationmaster"}

        ping = tell("DataTransfer", ours | {"messageId": "Ping", "data": "x"}, version=version)
        time = tell("DataTransfer", ours | {"messageId": "Time"}, version=version)

        assert ping == {"status": "Accepted", "data": "x"}
        assert time == {"status": "Accepted", "data": "2026-11-21T12:00:00.000Z"}


@pytest.mark.once
def test_setting_that_names_no_module_is_named(settings):
    """Whoever mistypes it finds out at the start."""
    settings.CSMS_DATA_TRANSFER_HANDLERS = ["nowhere.to_be_found"]

    with pytest.raises(ImproperlyConfigured, match="CSMS_DATA_TRANSFER_HANDLERS: nowhere"):
        data_transfer.load()


class TestOutbound:
    @pytest.mark.parametrize(
        ("given", "payload"),
        [
            (("V",), {"vendorId": "V"}),
            (("V", "M", ""), {"vendorId": "V", "messageId": "M", "data": ""}),
            (("V", "", "text"), {"vendorId": "V", "data": "text"}),
        ],
    )
    def test_only_what_is_there_is_sent(self, charger, given, payload):
        command = data_transfer.send(charger, *given, origin="test", expires_in=60)

        assert (command.action, command.payload) == ("DataTransfer", payload)

    def test_data_of_16_is_text(self, charger):
        """What 2.0.1 takes this version does not."""
        with pytest.raises(commands.InvalidPayload) as refusal:
            data_transfer.send(charger, "V", "M", {"a": 1}, origin="test", expires_in=60)
        assert refusal.value.field == "payload.data"
        charger.protocol = "ocpp2.0.1"
        sent = data_transfer.send(charger, "V", "M", {"aB": 1}, origin="test", expires_in=60)
        assert sent.payload["data"] == {"aB": 1}

    def test_charger_that_is_not_there_is_offline(self, charger):
        assert data_transfer.exchange(charger, "V", origin="test") == (data_transfer.Outcome("Offline"), None)
        assert not Command.objects.exists()

    def test_silence_is_offline_and_nothing_is_sent_later(self, charger, monkeypatch):
        """Else it would be done although its sender was told that it was not."""
        monkeypatch.setattr(data_transfer, "PATIENCE_SECONDS", 0.01)
        go_online(charger)

        outcome, command = data_transfer.exchange(charger, "V", origin="test", patience=0.01)

        assert (outcome.status, Command.objects.get(pk=command.pk).state) == ("Offline", "cancelled")

    def test_shorter_patience_leaves_it_open(self, charger):
        """Who does not want to wait may look at the command later."""
        go_online(charger)

        outcome, command = data_transfer.exchange(charger, "V", origin="test", patience=0.01)

        assert (outcome, Command.objects.get(pk=command.pk).state) == (None, "queued")

    @pytest.mark.parametrize(
        ("state", "result", "error", "status"),
        [
            (State.COMPLETED, {"status": "Accepted", "data": "d"}, "", "Accepted"),
            (State.COMPLETED, {"status": "UnknownMessageId"}, "", "UnknownMessageId"),
            (State.COMPLETED, {"status": "Perhaps"}, "", "Rejected"),
            (State.COMPLETED, {"status": ["Accepted"]}, "", "Rejected"),
            (State.COMPLETED, None, "", "Rejected"),
            (State.FAILED, None, "NotSupported", "Rejected"),
            (State.FAILED, None, "ConnectionLost", "Offline"),
            (State.TIMED_OUT, None, "", "Offline"),
            (State.EXPIRED, None, "", "Offline"),
            (State.CANCELLED, None, "", "Offline"),
        ],
    )
    def test_every_end_has_an_outcome(self, state, result, error, status):
        """Nonsense is a refusal; where nobody answered, the charger is as good as offline."""
        command = Command(state=state, result=result, error_code=error, finished_at=timezone.now())

        assert data_transfer.outcome(command).status == status

    def test_open_command_has_no_outcome(self):
        assert data_transfer.outcome(Command(state=State.SENT)) is None
