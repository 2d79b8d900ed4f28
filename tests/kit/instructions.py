"""Instructions for tests: bodies and forms as clients send them, and rows in any state."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from chargers.models import Command, Instruction

BASE = "/solaruser/api/v1/sec/instr"
FORM = "application/x-www-form-urlencoded"
CREATED = datetime(2026, 3, 1, 10, 30, 49, 120000, tzinfo=UTC)
DENIED = {"success": False, "message": "ACCESS_DENIED"}
SUCCESS = {"success": True}
CLEAR = {"nodeId": 7, "topic": "OCPP_v16", "params": {"chargerIdentifier": "CP-1", "action": "ClearCache"}}


def listed(parameters):
    return [{"name": name, "value": value} for name, value in parameters.items()]


def form(parameters=CLEAR["params"], **fields):
    """Return the fields of a form, as their clients write it."""
    for number, (name, value) in enumerate(parameters.items()):
        fields |= {f"parameters[{number}].name": name, f"parameters[{number}].value": value}
    return urlencode(fields)


def refusal(message):
    return {"success": False, "message": f"Illegal argument: {message}"}


def queued(owner, charger, *, node=7, state="queued", **fields):
    """Make an instruction with its command."""
    command = Command.objects.create(owner=owner, charger=charger, action="ClearCache", state=state)
    fields = {"topic": "OCPP_v16", "instruction_at": CREATED, "created_at": CREATED} | fields
    return Instruction.objects.create(owner=owner, node_id=node, command=command, **fields)


def declined(owner, *, node=7):
    return Instruction.objects.create(
        owner=owner, node_id=node, topic="OCPP_v16", instruction_at=CREATED, created_at=CREATED, error="No."
    )


def ids(answer):
    assert answer.status_code == 200
    return [row["id"] for row in answer.json()["data"]]
