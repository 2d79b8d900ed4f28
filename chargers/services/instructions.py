"""SolarNetwork's instructions: flat parameters for a node, carried out as commands to chargers.

    Received -> Executing -> Completed | Declined
             -> Declined (expired, cancelled)

The state is the command's. What cannot become a command is stored too, Declined with the reason.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from django.db import transaction
from django.utils import timezone

from chargers.models import Charger, Command, Instruction
from chargers.services import commands
from chargers.wire import parameters
from chargers.wire.validation import V16, V201, to_charger
from csms.lookups import is_row_number

ORIGIN = "solarnetwork"
TOPICS = {"OCPP_v16": V16, "OCPP_v201": V201}
# Theirs. What the security extension added to 1.6 is sent by other doors.
ACTIONS = {
    V16: frozenset(
        "CancelReservation ChangeAvailability ChangeConfiguration ClearCache ClearChargingProfile "
        "DataTransfer GetCompositeSchedule GetConfiguration GetDiagnostics GetLocalListVersion "
        "RemoteStartTransaction RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile "
        "TriggerMessage UnlockConnector UpdateFirmware".split()
    ),
    V201: to_charger(V201),
}
# Meant for who stands before the charger now: an hour later they would surprise somebody else.
AT_ONCE = frozenset(
    "RemoteStartTransaction RemoteStopTransaction RequestStartTransaction RequestStopTransaction ReserveNow "
    "Reset UnlockConnector".split()
)
# Parameters that address the message and are no part of it.
_ADDRESS = ("action", "chargePointId", "chargerIdentifier", "msg")
# A client's clock may be this much ahead of ours before an instruction counts as meant for later.
_AHEAD = timedelta(minutes=15)

_UNREACHED = "Client not available."
_UNREADABLE = "Error decoding OCPP action message: "
_FAILED = "Error handling OCPP action: "
_ENDS = {
    Command.State.TIMED_OUT: f"{_FAILED}The charger did not answer in time.",
    Command.State.EXPIRED: "The instruction expired before the charger could take it.",
    Command.State.CANCELLED: "The instruction was cancelled.",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a client asks for.

    `expires_at` None lets `kept` decide how long it may wait. `nodes` are those whose chargers the
    client may reach; none named are all.
    """

    topic: str
    parameters: list = field(default_factory=list)
    instruction_at: datetime | None = None
    expires_at: datetime | None = None
    kept: timedelta = timedelta(hours=24)
    nodes: frozenset = frozenset()


class _Declined(Exception):
    """Why an instruction becomes no command."""


def add(owner, node_ids, asked):
    """Store an instruction of `owner` for each node and have it carried out; return the rows."""
    with transaction.atomic():
        return [_add(owner, node_id, asked) for node_id in node_ids]


def _add(owner, node_id, asked):
    now = timezone.now()
    row = Instruction(
        owner=owner,
        node_id=node_id,
        topic=asked.topic,
        parameters=parameters.masked(asked.parameters),
        created_at=now,
        instruction_at=asked.instruction_at or now,
        expires_at=asked.expires_at,
    )
    try:
        row.command, row.expires_at = _send(owner, asked, now)
    except _Declined as reason:
        row.error = str(reason)
    row.save(force_insert=True)
    return row


def _send(owner, asked, now):
    """Return the command that `asked` became, and until when it may wait; raises _Declined."""
    version = TOPICS.get(asked.topic)
    if version is None:
        raise _Declined(f"Topic {asked.topic} is not supported here: there are {' and '.join(TOPICS)}.")
    texts = parameters.joined(asked.parameters)
    _refuse_other_times(asked, texts, now)
    charger = _charger(owner, asked.nodes, texts)
    _refuse_other_version(charger, version, now)
    action = _action(version, texts)
    payload = _payload(version, action, texts)
    expires_at = _expiry(asked, action, now)
    try:
        command = commands.send(
            charger,
            action,
            payload,
            origin=ORIGIN,
            user=owner,
            expires_in=expires_at and (expires_at - now).total_seconds(),
        )
    except commands.NotConnected:
        raise _Declined(_UNREACHED) from None
    except commands.InvalidPayload as error:
        raise _Declined(f"{_UNREADABLE}{_told(error, asked.parameters)}") from None
    except commands.Refused as error:
        raise _Declined(f"{_FAILED}{error}") from None
    return command, expires_at


def _refuse_other_times(asked, texts, now):
    if asked.expires_at is not None and asked.expires_at <= now:
        raise _Declined("The expirationDate has passed.")
    # To do at once what somebody wants done later would be worse than not to do it.
    if "executionDate" in texts or (asked.instruction_at or now) > now + _AHEAD:
        raise _Declined("OCPP instructions are carried out at once; a later date is not supported.")


def _charger(owner, nodes, texts):
    """Return the owner's charger that the parameters name, by our number first."""
    mine = Charger.objects.alive().owned_by(owner).filter(owner=owner).select_related("presence__process")
    if nodes:
        mine = mine.filter(node_id__in=nodes)
    number, identifier = texts.get("chargePointId", ""), texts.get("chargerIdentifier", "")
    found = mine.filter(pk=number).first() if is_row_number(number) else None
    if found is None and identifier:
        found = mine.filter(identifier=identifier).first()
    if found is None:
        raise _Declined("OCPP charger not specified or not available.")
    return found


def _refuse_other_version(charger, version, now):
    spoken = commands.protocol_of(charger, now)
    if spoken != version:
        topic = next(topic for topic, each in TOPICS.items() if each == spoken)
        raise _Declined(f"The charger speaks {spoken}: use topic {topic}.")


def _action(version, texts):
    action = texts.get("action", "")
    if not action:
        raise _Declined("OCPP action parameter missing.")
    if action not in ACTIONS[version]:
        raise _Declined(f"OCPP action {action[:60]} is not supported.")
    return action


def _payload(version, action, texts):
    """Return the message: the JSON text `msg`, or else what the remaining parameters spell."""
    try:
        if "msg" in texts:
            return orjson.loads(texts["msg"])
        members = {name: text for name, text in texts.items() if name not in _ADDRESS}
        return parameters.payload(version, action, members)
    except ValueError as error:
        raise _Declined(f"{_UNREADABLE}{error}") from None


def _told(error, sent):
    """Return what is wrong with a payload; without the value where it could be a secret."""
    return error if parameters.masked(sent) == sent else f"{error.field}: is not valid"


def _expiry(asked, action, now):
    if asked.expires_at is None and action in AT_ONCE:
        return None
    return min(asked.expires_at or now + asked.kept, now + commands.LONGEST_EXPIRY)


def wait(instructions, seconds):
    """Return when all of them have ended, or after `seconds`. Call outside a transaction."""
    deadline = timezone.now() + timedelta(seconds=seconds)
    for row in instructions:
        if row.command is not None:
            commands.wait(row.command, max((deadline - timezone.now()).total_seconds(), 0))


def cancel(instruction):
    """Withdraw an instruction whose command was not sent; say whether it is Declined now."""
    command = instruction.command
    if command is not None and not commands.cancel(command):
        command.refresh_from_db()  # somebody else may have ended it
    return instruction.state == Instruction.State.DECLINED


def result_of(instruction):
    """Return the result parameters: the charger's answer, or the error; None while there are none."""
    command = instruction.command
    if command is None:
        return {"error": instruction.error}
    if command.state == Command.State.COMPLETED:
        return command.result
    return {"error": _failure(command)} if command.is_finished else None


def _failure(command):
    if command.state in _ENDS:
        return _ENDS[command.state]
    if command.error_code == "NotConnected":
        return _UNREACHED
    return _FAILED + ": ".join(filter(None, [command.error_code, command.error_description]))
