"""Instructions: what becomes a command, what is Declined, and how each of them ends."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chargers.models import Charger, Command, Instruction, Presence
from chargers.services import commands, instructions
from csms.models import ServerProcess

pytestmark = pytest.mark.django_db

NODE = 7
HOUR = timedelta(hours=1)


@pytest.fixture
def online(charger):
    """The charger, connected to a process that is not this one."""
    Presence.objects.create(
        charger=charger,
        process=ServerProcess.objects.create(name="elsewhere", kind="web"),
        protocol=charger.protocol,
        token=uuid4(),
        expires_at=timezone.now() + HOUR,
    )
    return charger


def add(owner, parameters, *, topic="OCPP_v16", **options):
    """Add an instruction for CP-1 and return it as the database has it."""
    named = {"chargerIdentifier": "CP-1"} | parameters
    listed = [{"name": name, "value": value} for name, value in named.items() if value is not None]
    (row,) = instructions.add(owner, [NODE], instructions.Asked(topic=topic, parameters=listed, **options))
    return Instruction.objects.get(pk=row.pk)


def declined(row):
    """Return why an instruction was Declined at once."""
    assert (row.state, row.command) == ("Declined", None)
    return instructions.result_of(row)["error"]


CLEAR = {"action": "ClearCache"}
START = {"action": "RemoteStartTransaction", "idTag": "TAG1"}


class TestCommand:
    """What an instruction becomes."""

    def test_instruction_becomes_a_command(self, owner, charger):
        """With the parameters as its payload, and its origin told."""
        row = add(owner, {"action": "UnlockConnector", "connectorId": "1"}, expires_at=timezone.now() + HOUR)

        assert (row.state, row.node_id, row.owner) == ("Received", NODE, owner)
        command = row.command
        assert (command.charger, command.action, command.payload) == (
            charger,
            "UnlockConnector",
            {"connectorId": 1},
        )
        assert (command.origin, command.created_by, command.instruction) == ("solarnetwork", owner, row)

    def test_msg_is_the_payload(self, owner, charger):
        """Then other parameters are no part of the message."""
        row = add(owner, {"action": "Reset", "msg": '{"type":"Soft"}', "type": "Hard"}, expires_at=soon())

        assert row.command.payload == {"type": "Soft"}

    def test_pieces_of_msg_are_joined(self, owner, charger):
        """A value over 256 characters is split by clients."""
        pieces = [("chargerIdentifier", "CP-1"), ("action", "Reset"), ("msg", '{"type":'), ("msg", '"Soft"}')]
        asked = instructions.Asked(
            topic="OCPP_v16",
            parameters=[{"name": name, "value": value} for name, value in pieces],
            expires_at=soon(),
        )

        (row,) = instructions.add(owner, [NODE], asked)

        assert row.command.payload == {"type": "Soft"}

    @pytest.mark.parametrize("number", ["{pk}", "0", "x", "9" * 30])
    def test_charger_is_found_by_number_first(self, owner, charger, number):
        """A number that leads nowhere leaves it to the identifier."""
        row = add(owner, {"chargePointId": number.format(pk=charger.pk), **CLEAR})

        assert row.command.charger == charger

    def test_charger_may_be_on_another_node(self, owner, charger):
        """It must belong to the owner of the node, no more."""
        assert charger.node_id != NODE
        assert add(owner, CLEAR).command.charger == charger

    def test_ocpp_201_is_spoken_too(self, owner, charger):
        """Where theirs does nothing."""
        Charger.objects.update(protocol="ocpp2.0.1")

        row = add(owner, {"action": "GetBaseReport", "requestId": "1", "reportBase": "FullInventory"}, **V201)

        assert row.command.payload == {"requestId": 1, "reportBase": "FullInventory"}

    def test_each_node_gets_an_instruction(self, owner, charger):
        """In the order named."""
        parameters = [
            {"name": "chargerIdentifier", "value": "CP-1"},
            {"name": "action", "value": "ClearCache"},
        ]
        rows = instructions.add(owner, [3, 2], instructions.Asked(topic="OCPP_v16", parameters=parameters))

        assert [row.node_id for row in rows] == [3, 2]
        assert Command.objects.count() == 2

    def test_secrets_are_not_kept(self, owner, charger):
        """The command keeps them sealed for the sending; what is shown is masked."""
        secret = {"action": "ChangeConfiguration", "key": "AuthorizationKey", "value": "hunter2"}

        row = add(owner, secret)

        assert "hunter2" not in str(row.parameters)
        assert row.command.words["value"] == "hunter2"


def soon():
    return timezone.now() + HOUR


V201 = {"topic": "OCPP_v201"}


class TestDeclined:
    """What becomes no command is stored, and says why."""

    def test_unknown_topic(self, owner, charger):
        assert declined(add(owner, CLEAR, topic="SetControlParameter")) == (
            "Topic SetControlParameter is not supported here: there are OCPP_v16 and OCPP_v201."
        )

    @pytest.mark.parametrize("named", [None, "CP-2", ""])
    def test_unknown_charger(self, owner, charger, named):
        reason = declined(add(owner, {"chargerIdentifier": named, **CLEAR}))

        assert reason == "OCPP charger not specified or not available."

    def test_charger_of_somebody_else(self, owner, stranger, charger):
        """It is told in the same words as one that is not there, by number as by name."""
        reasons = {
            declined(add(stranger, CLEAR)),
            declined(add(stranger, {"chargePointId": str(charger.pk), **CLEAR})),
            declined(add(stranger, {"chargePointId": "999999", **CLEAR})),
        }

        assert reasons == {"OCPP charger not specified or not available."}

    def test_charger_of_somebody_else_for_a_superuser(self, charger, django_user_model):
        """Whoever may see all still instructs only what is theirs."""
        root = django_user_model.objects.create_superuser("root")

        assert declined(add(root, CLEAR)) == "OCPP charger not specified or not available."

    def test_deleted_charger(self, owner, charger):
        Charger.objects.update(deleted_at=timezone.now())

        assert declined(add(owner, CLEAR)) == "OCPP charger not specified or not available."

    def test_charger_of_the_other_version(self, owner, charger):
        """It says which topic would be right."""
        assert declined(add(owner, CLEAR, **V201)) == "The charger speaks ocpp1.6: use topic OCPP_v16."

    @pytest.mark.parametrize("action", [None, ""])
    def test_missing_action(self, owner, charger, action):
        assert declined(add(owner, {"action": action})) == "OCPP action parameter missing."

    @pytest.mark.parametrize("action", ["Dance", "BootNotification", "GetLog"])
    def test_action_that_is_not_for_chargers(self, owner, charger, action):
        """Unknown, the other way around, or of the security extension."""
        assert declined(add(owner, {"action": action})) == f"OCPP action {action} is not supported."

    @pytest.mark.parametrize(
        ("message", "reason"),
        [
            ({"type": "Sideways"}, 'payload.type: "Sideways" is not one of "Hard" or "Soft"'),
            ({}, "payload.type: is required"),
            ({"msg": "[]"}, "payload: must be an object"),
            ({"msg": "{}"}, "payload.type: is required"),
            ({"type": "Soft", "type.x": "1"}, "type.x: type is a value of its own"),
        ],
    )
    def test_message_that_is_not_valid(self, owner, charger, message, reason):
        error = declined(add(owner, {"action": "Reset", **message}))

        assert error == f"Error decoding OCPP action message: {reason}"

    def test_message_that_is_no_json(self, owner, charger):
        error = declined(add(owner, {"action": "Reset", "msg": "{type"}))

        assert error.startswith("Error decoding OCPP action message: ")

    def test_secret_is_not_told(self, owner, charger):
        """What is wrong with a secret is said without it."""
        secret = {"action": "ChangeConfiguration", "key": "AuthorizationKey", "value": "s" * 501}

        error = declined(add(owner, secret))

        assert error == "Error decoding OCPP action message: payload.value: is not valid"

    def test_charger_that_may_not_operate(self, owner, online):
        """Nothing is started on a charger that is disabled."""
        Charger.objects.update(enabled=False)

        assert declined(add(owner, START)) == (
            "Error handling OCPP action: CP-1 is disabled or not accepted: nothing is started on it"
        )

    def test_expiry_in_the_past(self, owner, charger):
        row = add(owner, CLEAR, expires_at=timezone.now())

        assert declined(row) == "The expirationDate has passed."

    @pytest.mark.parametrize("way", ["instructionDate", "executionDate"])
    def test_what_is_meant_for_later(self, owner, online, way):
        """To do at once what somebody wants done later would be worse than not to do it."""
        later = timezone.now() + HOUR
        if way == "instructionDate":
            row = add(owner, CLEAR, instruction_at=later)
        else:
            row = add(owner, {**CLEAR, "executionDate": later.isoformat(), "msg": "{}"})

        assert declined(row) == "OCPP instructions are carried out at once; a later date is not supported."


class TestExpiry:
    """How long an instruction may wait for its charger."""

    def test_instruction_waits_a_day(self, owner, charger):
        """For a charger that is offline; until when is shown."""
        row = add(owner, CLEAR)

        assert row.state == "Received"
        assert row.expires_at - row.created_at == timedelta(hours=24)

    def test_caller_may_keep_it_shorter(self, owner, charger):
        """As `exec` does."""
        row = add(owner, CLEAR, kept=timedelta(seconds=60))

        assert row.expires_at - row.created_at == timedelta(seconds=60)

    def test_expiration_date_wins(self, owner, charger):
        row = add(owner, CLEAR, expires_at=(until := soon()))

        assert row.expires_at == until
        assert abs(row.command.expires_at - until) < timedelta(seconds=1)

    def test_a_month_is_the_longest(self, owner, charger):
        """What asks for more waits so long, and says so."""
        row = add(owner, CLEAR, expires_at=timezone.now() + timedelta(days=365))

        assert row.expires_at - row.created_at == timedelta(days=30)

    @pytest.mark.parametrize(
        ("action", "members"),
        [
            ("RemoteStartTransaction", {"idTag": "TAG1"}),
            ("RemoteStopTransaction", {"transactionId": "1"}),
            ("UnlockConnector", {"connectorId": "1"}),
            ("Reset", {"type": "Soft"}),
            (
                "ReserveNow",
                {
                    "connectorId": "1",
                    "expiryDate": "2026-11-21T12:00:00Z",
                    "idTag": "A",
                    "reservationId": "1",
                },
            ),
        ],
    )
    def test_what_is_meant_for_now_is_not_kept(self, owner, charger, action, members):
        """An hour later it would surprise somebody else."""
        assert declined(add(owner, {"action": action, **members})) == "Client not available."

    @pytest.mark.parametrize(
        ("action", "members"),
        [
            (
                "RequestStartTransaction",
                {"remoteStartId": "1", "idToken": '{"idToken":"T","type":"Central"}'},
            ),
            ("RequestStopTransaction", {"transactionId": "1"}),
            ("UnlockConnector", {"evseId": "1", "connectorId": "1"}),
            ("Reset", {"type": "OnIdle"}),
        ],
    )
    def test_what_is_meant_for_now_is_not_kept_in_201(self, owner, charger, action, members):
        """The twins of OCPP 2.0.1."""
        Charger.objects.update(protocol="ocpp2.0.1")

        assert declined(add(owner, {"action": action, **members}, **V201)) == "Client not available."

    def test_what_is_meant_for_now_goes_to_an_online_charger(self, owner, online):
        """It is not kept should the charger vanish meanwhile: there is no expiry."""
        row = add(owner, START)

        assert (row.state, row.expires_at, row.command.expires_at) == ("Received", None, None)

    def test_what_is_meant_for_now_is_kept_when_asked_for(self, owner, charger):
        """Who names an expirationDate means it."""
        assert add(owner, START, expires_at=soon()).state == "Received"


class TestEnd:
    """How an instruction ends, told by its command."""

    @pytest.fixture
    def row(self, owner, charger):
        return add(owner, CLEAR)

    def test_answer_completes_it(self, row):
        """Its members are the result, a refusal of the charger too."""
        commands.finish(row.command, Command.State.COMPLETED, result={"status": "Rejected"})

        row = Instruction.objects.get()
        assert (row.state, instructions.result_of(row)) == ("Completed", {"status": "Rejected"})
        assert row.state_at == row.command.finished_at

    @pytest.mark.parametrize(
        ("state", "end", "error"),
        [
            (
                "failed",
                {"error_code": "NotSupported", "error_description": "No."},
                "Error handling OCPP action: NotSupported: No.",
            ),
            ("failed", {"error_code": "InternalError"}, "Error handling OCPP action: InternalError"),
            ("failed", {"error_code": "NotConnected"}, "Client not available."),
            ("timed_out", {}, "Error handling OCPP action: The charger did not answer in time."),
            ("cancelled", {}, "The instruction was cancelled."),
        ],
    )
    def test_failure_declines_it(self, row, state, end, error):
        """The error says why."""
        commands.finish(row.command, Command.State(state), **end)

        row = Instruction.objects.get()
        assert (row.state, instructions.result_of(row)) == ("Declined", {"error": error})

    def test_expiry_declines_it(self, row):
        """Time is up for a charger that never came."""
        commands.expire(timezone.now() + timedelta(hours=25))

        row = Instruction.objects.get()
        assert row.state == "Declined"
        assert (
            instructions.result_of(row)["error"]
            == "The instruction expired before the charger could take it."
        )

    def test_sent_is_executing(self, row):
        """There is no result yet."""
        sent_at = timezone.now()
        Command.objects.update(state="sent", sent_at=sent_at)

        row = Instruction.objects.get()
        assert (row.state, instructions.result_of(row), row.state_at) == ("Executing", None, sent_at)

    def test_waiting_one_can_be_cancelled(self, row):
        """More than once without harm."""
        assert instructions.cancel(row)
        assert instructions.cancel(Instruction.objects.get())
        assert Command.objects.get().state == "cancelled"

    @pytest.mark.parametrize("state", ["sent", "completed"])
    def test_what_was_sent_cannot_be_cancelled(self, row, state):
        Command.objects.update(state=state)

        assert not instructions.cancel(Instruction.objects.get())
