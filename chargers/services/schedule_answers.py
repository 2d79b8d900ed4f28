"""What chargers answer about their composite schedules, and what makes them worth asking for again."""

import random
from datetime import timedelta

from django.conf import settings

from chargers import batch
from chargers.models import Command, CompositeSchedule
from chargers.services import commands, schedule_places, schedules
from chargers.wire import composite, v16, v201
from csms import events

State = CompositeSchedule.State

# Who asks for one second has the charger asked no more often than this.
SHORTEST_PAUSE_SECONDS = 60
_NOT_THERE = {"NotImplemented", "NotSupported"}
_RESULT = ("unit", "starts_at", "duration", "periods", "min_rate")


@commands.follows("SetChargingProfile", "ClearChargingProfile")
def follow_profiles(command):
    """What limits the charger may have changed."""
    if _status(command) == "Accepted":
        schedules.refresh(command.charger)


@commands.follows("GetCompositeSchedule")
def take(command):
    """Take in what became of a question for a composite schedule, whoever asked.

    A schedule counts from anyone's question, a failure only from ours: others may ask for what there is not.
    """
    if command.error_code in _NOT_THERE:
        _take_absence(command)
    elif _status(command) == "Accepted":
        _take_schedule(command)
    elif row := _asked_by(command):
        _take_failure(row, command)
    if command.state == Command.State.COMPLETED:
        schedules.ask_next(command.charger)


def _status(command):
    """Return the status that the charger answered, or ""."""
    is_answer = command.state == Command.State.COMPLETED and isinstance(command.result, dict)
    return command.result.get("status") if is_answer else ""


def _asked_by(command):
    """Return the row whose question the command is, locked, or None."""
    rows = CompositeSchedule.objects.select_for_update(of=("self",))
    return rows.filter(command=command).first()


def _take_absence(command):
    """It has no such request; where some of it is known, that is meant for the place alone."""
    rows = CompositeSchedule.objects.filter(charger=command.charger)
    if rows.filter(state=State.KNOWN).exists():
        rows = rows.filter(command=command)
    schedules.leave_alone(rows, command.charger, f"It answered {command.error_code}.")


def _take_schedule(command):
    charger, asked = command.charger, command.payload
    place = asked.get("evseId") or 0, asked.get("connectorId") or 0
    if place not in schedule_places.of(charger):  # some chargers say yes to anything
        return
    row = schedules.locked(charger, *place)
    row.charger = charger
    try:
        _keep(row, _read(row, command), asked)
    except composite.Unusable as fault:
        if row.command_id == command.pk:
            schedules.fail(row, State.FAILED, f"Accepted, but {fault}.")


def _read(row, command):
    """Return the Composite in an answer; raises composite.Unusable."""
    asked = command.payload
    told = (v201 if "evseId" in asked else v16).read_composite_schedule(command.result)
    answered = told.get("evseId", row.number)
    if str(answered) != str(row.number):
        raise composite.Unusable(f"for {answered!r:.50}")
    wanted = {"unit": asked.get("chargingRateUnit"), "duration": asked.get("duration")}
    return composite.read(told, now=batch.now(), **wanted)


def _oddity(fresh, asked):
    unit = asked.get("chargingRateUnit")
    return f"Asked in {unit}, it answered in {fresh.unit}." if unit and unit != fresh.unit else ""


def _keep(row, fresh, asked):
    is_news = not row.is_known or not of(row).tells_the_same(fresh)
    for name in _RESULT:
        setattr(row, name, getattr(fresh, name))
    row.state, row.reason, row.failures, row.fetched_at = State.KNOWN, _oddity(fresh, asked), 0, batch.now()
    if settings.CSMS_SCHEDULE_INTERVAL:
        schedules.plan(row, _until_next(asked))
    row.save()
    if is_news:
        events.record(
            "schedule.changed",
            charger=row.charger,
            object_id=row.pk,
            evse_id=row.evse_id,
            connector_id=row.connector_id,
            unit=row.unit,
            limit=row.periods[0]["limit"],
        )


def _until_next(asked):
    """Return how long a schedule is good for: one that was asked for less ends before the next is due."""
    seconds = settings.CSMS_SCHEDULE_INTERVAL * random.uniform(0.9, 1.0)
    return timedelta(seconds=min(seconds, max(asked.get("duration") or seconds, SHORTEST_PAUSE_SECONDS)))


def of(row):
    """Return the Composite that a row holds."""
    return composite.Composite(**{name: getattr(row, name) for name in _RESULT})


def _take_failure(row, command):
    """Note why there is no schedule; a unit that may have been refused is tried once in the other."""
    status = _status(command)
    if status == "Rejected" and not row.is_second_try and _try_other_unit(row, command):
        return
    if command.state == Command.State.COMPLETED:
        state, reason = State.REFUSED, f"It answered {_told(command.result)}."
    else:
        words = f"{command.error_code} {command.error_description}".strip()
        state, reason = State.FAILED, words or command.get_state_display()
    schedules.fail(row, state, reason)
    if command.state == Command.State.TIMED_OUT and row.due_at:
        schedules.wait_together(row)


def _told(result):
    """Return the words of a refusal: its status, and the reason that 2.0.1 may give."""
    result = result if isinstance(result, dict) else {}
    info = result.get("statusInfo")
    reason = info.get("reasonCode") if isinstance(info, dict) else None
    return " ".join(str(word)[:100] for word in (result.get("status") or "nothing", reason) if word)


def _try_other_unit(row, command):
    """Ask once more, in the other unit; say whether that went out."""
    unit = "W" if command.payload.get("chargingRateUnit", "A") == "A" else "A"
    options = {"origin": command.origin, "user": command.created_by, "is_second_try": True}
    try:
        schedules.send(row, command.charger, command.payload["duration"], unit, **options)
    except commands.Refused:  # it has just gone
        return False
    return True
