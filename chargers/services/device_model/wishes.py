"""What people want of a charger's variables: said, taken back, watched. Delivery is `reconciliation`'s."""

from django.db import transaction
from django.utils import timezone

from chargers import batch
from chargers.models import Protocol, Variable
from chargers.services import commands, presence
from chargers.services.device_model import facts, settling
from chargers.wire import masking, v16_variables, v201_variables
from csms import events

WORDS = {Protocol.OCPP16: v16_variables, Protocol.OCPP201: v201_variables}
MOST_WISHES = 200
_PLACE = ("component", "component_instance", "evse_id", "connector_id", "name", "instance", "attribute")
# Taken by the charger, these change what it logs in with: that needs more than telling it.
_LOGINS = {("", "authorizationkey"), ("securityctrlr", "basicauthpassword")}


class Refused(commands.Refused):
    """A wish that was not taken; `field` names its member, `index` which of the wishes it was."""

    def __init__(self, message, *, field="", index=0):
        self.field, self.index, self.message = field, index, message
        super().__init__(message)


def want(charger, variables, *, user=None, origin="system"):
    """Want variables to have values, until they are forgotten; return their rows.

    `variables` are dicts of Variable's attributes: `name` and `value`, a text, and `component`, `evse_id`
    and so on where the charger speaks OCPP 2.0.1. Delivered once the charger is online and quiet. A later
    wish for the same variable replaces an earlier one. Raises Refused, and then none of them is taken.
    """
    protocol = commands.protocol_of(charger, timezone.now())
    wishes = [_checked(charger, protocol, wish, index) for index, wish in enumerate(variables[:MOST_WISHES])]
    if len(variables) > MOST_WISHES:
        raise Refused(f"At most {MOST_WISHES} at once.", index=MOST_WISHES)
    with transaction.atomic():
        rows = facts.locked(charger, [place["name"] for place, _ in wishes])
        most = len(rows) + facts.room_of(charger)
        wanted = [_want(charger, rows, most, wish, index, user, origin) for index, wish in enumerate(wishes)]
        presence.tend(charger)
    return wanted


def _checked(charger, protocol, wish, index):
    """Return (attributes that name the variable, value), as they may be stored and sent."""
    value = wish.get("value")
    if not isinstance(value, str):
        raise Refused("It must be a text.", field="value", index=index)
    row = Variable(charger=charger, **{name: wish[name] for name in _PLACE if wish.get(name)})
    if (row.component.casefold(), row.name.casefold()) in _LOGINS:
        problem = (
            "What the charger logs in with cannot be changed here: set its password, then tell the charger."
        )
        raise Refused(problem, field="name", index=index)
    row.desired_value = value
    words = WORDS[Protocol(protocol)]
    if problem := words.problem_of(row):
        raise Refused(problem, field="component", index=index)
    action, payload, _ = words.change([row])
    try:
        commands.check(protocol, action, payload)
    except commands.InvalidPayload as refusal:
        raise Refused(refusal.message, field=_member(refusal.field), index=index) from refusal
    return {name: getattr(row, name) for name in _PLACE}, value


# What the members of payloads are called here.
_MEMBERS = {"key": "name", "value": "value", "attributeValue": "value", "attributeType": "attribute"}


def _member(path):
    if path.endswith("name"):
        return "component" if "component" in path else "name"
    return _MEMBERS.get(path.rpartition(".")[2], "name")


def _want(charger, rows, most, wish, index, user, origin):
    place, value = wish
    row = rows.get(facts.key_of(place))
    if row is None:
        if len(rows) >= most:
            raise Refused("The charger has too many variables.", field="name", index=index)
        row = rows[facts.key_of(place)] = Variable(charger=charger, **place)
        row.is_secret = masking.is_secret_name(row.name)
    elif row.mutability == Variable.Mutability.READ_ONLY:
        raise Refused("The charger says that this can only be read.", field="name", index=index)
    row.wish = value
    row.desired_at, row.desired_by, row.desired_origin = timezone.now(), user, origin[:40]
    _start(row)
    row.save()
    events.record("variable.wanted", charger=charger, object_id=row.pk, **place)
    return row


def _start(row):
    """Have the wish delivered from the beginning; what is under way for an earlier one says nothing of it."""
    row.desired_state, row.desired_reason = Variable.Desired.WAITING, ""
    row.command = row.verified_at = None
    row.losses, row.lost_at = 0, None
    row.reread, row.attempts, row.next_attempt_at = "", 0, timezone.now()


@transaction.atomic
def retry(variable):
    """Deliver a wish again, whatever became of it; return whether there is one."""
    row = _locked(variable)
    if row is None or row.desired_value is None:
        return False
    _start(row)
    row.save(update_fields=settling.FIELDS)
    presence.tend(row.charger)
    return True


@transaction.atomic
def forget(variable):
    """Want nothing more of a variable: what the charger has, it keeps. Say whether there was a wish."""
    row = _locked(variable)
    if row is None or row.desired_value is None:
        return False
    _clear(variable)
    if row.reported_at is None and not row.is_monitored:
        row.delete()  # nothing else is known of it
        return True
    _clear(row)
    row.save()
    return True


def _clear(row):
    row.desired_value, row.desired_state, row.desired_reason = None, "", ""
    row.desired_at = row.desired_by = row.verified_at = row.command = None
    row.desired_origin, row.reread, row.attempts, row.next_attempt_at = "", "", 0, None
    row.losses, row.lost_at = 0, None


def _locked(variable):
    rows = Variable.objects.select_for_update(no_key=True, of=("self",)).select_related("charger")
    return rows.filter(pk=variable.pk).first()


@transaction.atomic
def monitor(variable, is_monitored):
    """Read a variable again now and then, or stop that."""
    Variable.objects.filter(pk=variable.pk).update(is_monitored=is_monitored)
    variable.is_monitored = is_monitored


def replaced_by_hand(row, value, status, command):
    """A command of its own has set the variable: that is what is wanted now, where anything was before it."""
    if row.desired_value is not None and row.desired_state != Variable.Desired.SENT:
        if row.is_secret or not isinstance(value, str) or command.created_at < row.desired_at:
            return
        row.wish, row.desired_at = value, batch.now()
        row.desired_by_id, row.desired_origin = command.created_by_id, command.origin
        settling.answer(row, status, "", batch.now())
    elif row.desired_value is None and row.reported_at is not None and not row.is_secret:
        row.reread, row.attempts, row.next_attempt_at = Variable.Reread.CHANGED, 0, batch.now()
