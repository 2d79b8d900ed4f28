"""Bringing a quiet charger to what is wanted of it: deliver, read back, restart, learn.

Of each charger one command of ours is under way at most; its end, whatever it is, brings the next step. A
command whose end was never told (a process died in between) is found by its row, and its step is made
anew.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from chargers import batch
from chargers.models import Command, Protocol, Transaction, Variable
from chargers.services import commands, presence, remote
from chargers.services.device_model import facts, learning, settling, wishes
from chargers.services.device_model.capabilities import limits
from chargers.wire import v16_variables, v201_variables
from csms import bulk, secrets

ORIGIN = "device model"
Desired = Variable.Desired
# How many chargers one look finds at most.
MOST_DUE = 1000
NO_ANSWER = "there was no answer."
_WRITTEN = ("desired_value", "desired_at", "desired_by_id", "desired_origin", *settling.FIELDS)


def reconcile(charger):
    """Make the next step with a charger that is quiet, if there is one."""
    ready, fresh = batch.for_all(_waiting, charger)
    if charger.pk in fresh:
        batch.collect(_take_turns, (charger, fresh[charger.pk]))
    if charger.pk in ready:
        advance(charger)


def _waiting(chargers):
    """Return the ids of the chargers for which there is something to do, and those that are new."""
    now, ids = batch.now(), list(chargers)
    rows = Variable.objects.due(now).filter(charger__id__among=ids).order_by()
    ready, fresh = learning.waiting(chargers, now)
    return ready | set(rows.values_list("charger_id", flat=True)), fresh


def _take_turns(fresh):
    described = {charger.pk: what for charger, what in fresh}
    turns = learning.take_turns(described, batch.now())
    for charger in {charger.pk: charger for charger, _ in fresh}.values():
        if charger.pk in turns:
            advance(charger)


def due(now):
    """Return ids of chargers that are online with something to do; a restart is, once it is idle."""
    busy = Transaction.objects.open().filter(charger=OuterRef("charger"))
    restarting = {"desired_state": Desired.REBOOT_REQUIRED, "reread": ""}
    rows = Variable.objects.due(now).filter(charger__in=presence.operating(now)).order_by()
    to_send = rows.exclude(**restarting)
    to_restart = rows.filter(~Exists(busy), **restarting)
    found = [some.values_list("charger_id").distinct()[:MOST_DUE] for some in (to_send, to_restart)]
    return {charger_id for some in found for (charger_id,) in some} | learning.due(now, MOST_DUE)


def advance(charger):
    """Send what comes next, unless something is under way; call when something has ended."""
    now = batch.now()
    with transaction.atomic():
        waiting = charger.variables.filter(next_attempt_at__isnull=False)
        rows = list(waiting.select_for_update(no_key=True, of=("self",)).order_by("pk"))
        if _is_busy(charger, rows, now):
            return
        ready = [row for row in rows if row.next_attempt_at <= now]
        for step in (_deliver, _read, _restart):
            if step(charger, ready, now):
                return
        learning.advance(charger, now)


def _is_busy(charger, rows, now):
    """Say whether a command is under way; what was sent by one that has ended unheard is taken up again."""
    delivering = Q(pk__in={row.command_id for row in rows if row.command_id})
    asked = Command.objects.filter(delivering | Q(pk__in=learning.asked(charger)))
    open_ones = set(asked.exclude(state__in=Command.FINAL).values_list("pk", flat=True))
    lost = [row for row in rows if row.desired_state == Desired.SENT and row.command_id not in open_ones]
    for row in lost:
        settling.miss(row, "What became of the command is not known.", now)
    _write(lost)
    return bool(open_ones)


def _write(rows):
    bulk.update_many(Variable, _WRITTEN, rows)


# Steps: each says whether it has sent something, or may not send anything now ------------------


def _deliver(charger, rows, now):
    waiting = [row for row in rows if row.desired_state == Desired.WAITING]
    sendable = [row for row in waiting if _is_sendable(charger, row)]
    if not sendable:
        return False
    words = wishes.WORDS[Protocol(charger.protocol)]
    action, payload, taken = words.change(sendable, limits(charger))
    user = taken[0].desired_by if len({row.desired_by_id for row in taken}) == 1 else None
    return _send(charger, taken, now, lambda by: commands.send(charger, action, payload, user=user, **by))


def _is_sendable(charger, row):
    problem = wishes.WORDS[Protocol(charger.protocol)].problem_of(row)
    if problem:
        settling.end(row, Desired.NOT_SUPPORTED, problem)
    else:
        try:
            return row.wish is not None
        except secrets.Undecryptable as error:
            settling.end(row, Desired.FAILED, str(error))
    _write([row])
    return False


def _read(charger, rows, now):
    words = wishes.WORDS[Protocol(charger.protocol)]
    unread = [row for row in rows if row.reread and row.desired_state != Desired.SENT]
    for row in unread:
        if problem := words.problem_of(row) or (row.attempts >= settling.MOST_READINGS and NO_ANSWER):
            settling.give_up_reading(row, problem)
    _write([row for row in unread if not row.reread])
    unread = [row for row in unread if row.reread]
    if not unread:
        return False
    action, payload, taken = words.read(unread, limits(charger))
    return _send(charger, taken, now, lambda by: commands.send(charger, action, payload, **by))


def _restart(charger, rows, now):
    restarting = [row for row in rows if row.desired_state == Desired.REBOOT_REQUIRED and not row.reread]
    tired = [row for row in restarting if row.attempts >= settling.MOST_RESETS]
    for row in tired:
        settling.miss(row, "it was asked to, and did not.", now)
    _write(tired)
    restarting = [row for row in restarting if row.next_attempt_at is not None]
    if not restarting or Transaction.objects.open().filter(charger=charger).exists():
        return False
    return _send(charger, restarting, now, lambda by: remote.reset(charger, **by))


def _send(charger, rows, now, order):
    """Send for `rows` by `order`; True: nothing more now, for it was sent or the charger is not there."""
    try:
        command = order({"origin": ORIGIN})
    except (commands.NotConnected, commands.MayNotOperate):
        return True
    except commands.Refused as refusal:
        for row in rows:
            settling.miss(row, str(refusal), now)
            row.attempts += 1
        _write(rows)
        return False
    for row in rows:
        settling.send(row, command, now)
    _write(rows)
    return True


# Ends of commands ------------------------------------------------------------------------------


def why(command):
    """Return in a sentence why an answer did not come, or what it was instead."""
    if command.state == Command.State.COMPLETED:
        return "It did not answer this."
    said = " ".join(filter(None, (command.error_code, command.error_description)))
    return f"{command.get_state_display()}: {said}"[:200] if said else f"{command.get_state_display()}."


@commands.follows("ChangeConfiguration", "SetVariables")
def delivered(command):
    """Take what became of a delivery; a change that somebody else has made is read again."""
    charger = command.charger
    if charger.deleted_at is not None:
        return
    words = v16_variables if command.action == "ChangeConfiguration" else v201_variables
    is_answered = command.state == Command.State.COMPLETED
    told = words.outcomes(command.payload, command.result) if is_answered else []
    said = {facts.place_of(where): (where, status, reason) for where, status, reason in told}
    with transaction.atomic():
        rows = facts.locked(charger, [where["name"] for where, *_ in told], command=command)
        touched = []
        for key, row in rows.items():
            if row.command_id == command.pk and row.desired_state == Desired.SENT:
                _end_delivery(charger, row, command, said.get(key))
                touched.append(row)
            elif (
                row.command_id != command.pk
                and key in said
                and said[key][1] in ("Accepted", "RebootRequired")
            ):
                wishes.replaced_by_hand(row, said[key][0].get("value"), said[key][1], command)
                touched.append(row)
        _write(touched)
    advance(charger)


def _end_delivery(charger, row, command, said):
    now = batch.now()
    if said is not None:
        settling.answer(row, said[1], said[2], now)
        if row.is_secret and row.desired_state == Desired.ACCEPTED and row.reported_at is not None:
            facts.tell_change(charger, row, row.value, facts.Source.CSMS)
    elif command.error_code in ("NotSupported", "NotImplemented"):
        settling.end(row, Desired.NOT_SUPPORTED, why(command))
    else:
        # What never left us was no attempt.
        settling.miss(row, why(command), now, counts=command.error_code != "NotConnected")


@commands.follows("Reset")
def reset(command):
    """Take what became of a restart that was wanted; its success shows in the next boot."""
    restarting = {"desired_state": Desired.REBOOT_REQUIRED, "reread": ""}
    answered = command.state == Command.State.COMPLETED
    if answered and not _is_refused(command):
        # Whoever asked for it.
        now = batch.now()
        Variable.objects.filter(charger=command.charger_id, **restarting).update(
            command=command, next_attempt_at=now + settling.LOST_AFTER
        )
        return
    with transaction.atomic():
        rows = list(_of(command).filter(**restarting))
        reason = f"Reset was answered {_status(command)!r}." if answered else why(command)
        for row in rows:
            settling.miss(row, reason, batch.now())
        _write(rows)


def _is_refused(command):
    return command.state == Command.State.COMPLETED and _status(command) not in ("Accepted", "Scheduled")


def _status(command):
    return command.result.get("status") if isinstance(command.result, dict) else None


def _of(command):
    rows = Variable.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
    return rows.filter(command=command)


@commands.follows("GetConfiguration", "GetVariables")
def read(command):
    """Take in what was read, and what could not be."""
    charger = command.charger
    if charger.deleted_at is not None:
        return
    words = v16_variables if command.action == "GetConfiguration" else v201_variables
    result = command.result if command.state == Command.State.COMPLETED else None
    told = list(words.told(result))
    facts.report(charger, told, is_answer=True)
    with transaction.atomic():
        unknown = {facts.place_of(where): reason for where, reason in words.unknown(result)} if result else {}
        rows = [row for row in _of(command) if row.reread]
        for row in rows:
            if reason := unknown.get(facts.key_of(vars(row))):
                settling.give_up_reading(row, reason)
            else:
                settling.miss(row, why(command), batch.now(), counts=command.error_code != "NotConnected")
        _write(rows)
        learning.learn(command, told)
    advance(charger)


@commands.follows("GetBaseReport", "GetReport")
def report_begun(command):
    """Take what was answered to the asking for a report."""
    if command.charger.deleted_at is None:
        learning.answered_report(command)
        advance(command.charger)


def booted(charger):
    """The charger has booted, and was accepted: once quiet, see what became of the wishes."""
    batch.collect(_booted, charger)


def _booted(chargers):
    by_id = {charger.pk: charger for charger in chargers}
    found = Variable.objects.wanted().filter(charger__id__among=list(by_id))
    rows = list(found.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    if not rows:
        return
    now = batch.now()
    asked = {
        row.command_id for row in rows if row.desired_state == Desired.REBOOT_REQUIRED and row.command_id
    }
    resets = Command.objects.filter(pk__in=asked, action="Reset", sent_at__isnull=False)
    was_reset = {command.pk for command in resets if not _is_refused(command)}
    places = {pk: place for place, pk in enumerate(sorted({row.charger_id for row in rows}), 1)}
    for row in rows:
        # Who crashes at what we send and boots again is not to be sent it again at once.
        if not (row.desired_state == Desired.FAILED and now - _touched_at(row) < settling.LONGEST_PAUSE):
            at = now + learning.turn(places[row.charger_id])
            settling.boot(row, at, was_reset=row.command_id in was_reset)
    _write(rows)


def _touched_at(row):
    return (row.command and row.command.finished_at) or row.desired_at
