"""Learning what a charger is: asked once for each model, firmware and OCPP version, when quiet after a boot.

    waiting -> asked -> known
                     -> waiting (refused, no answer, nonsense: later) -> failed after some attempts

What failed is tried again after another boot, an hour later at the earliest: who crashes at the question
and boots again is not asked at once. OCPP 1.6 answers GetConfiguration, in pages where it has to; 2.0.1
sends a report. An answer costs far more than the boot before it, so a fleet that is new to us is asked in
turn: a few at once, the others at so many a second.
"""

from datetime import timedelta
from functools import reduce

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from chargers import batch
from chargers.models import Charger, Command, Learning, Protocol, Report
from chargers.services import commands, presence, reports
from chargers.services.device_model import settling
from chargers.wire import v16_variables, v201_variables
from csms import bulk

# What a charger is believed of itself.
MOST_CONNECTORS = 100
MOST_ATTEMPTS = 3
ORIGIN = "learning"
# From the most to the least that a station may tell.
BASES = ("FullInventory", "ConfigurationInventory", "SummaryInventory")
State = Learning.State
_DESCRIBED = ("vendor", "model", "firmware_version", "protocol")
_TRIED_AGAIN_AFTER = timedelta(hours=1)
# How many are asked at once, and how many a second after them.
AT_ONCE, A_SECOND = 10, 10


def waiting(chargers, now):
    """Return those of the chargers, which are connected, that are to be asked now, and those that are new.

    The former are ids, the latter {id: what it is}, for `take_turns`.
    """
    booted = Charger.objects.filter(pk__among=list(chargers), booted_at__isnull=False)
    # Most are known, and a fleet that returns asks about all of them: those stay in the database.
    unsettled = booted.annotate(described=_DESCRIPTION).exclude(
        learning__state=State.KNOWN,
        learning__next_attempt_at__isnull=True,
        learning__described_as=F("described"),
    )
    facts = unsettled.values_list("pk", "described", "booted_at", *(f"learning__{name}" for name in _MOVES))
    ready, fresh = set(), {}
    for pk, described, booted_at, was, state, changed_at, next_at in facts:
        if _is_fresh(described, booted_at, was, state, changed_at, now):
            fresh[pk] = described
        elif next_at is not None and next_at <= now and _may_ask(state):
            ready.add(pk)
    return ready, fresh


_DESCRIPTION = reduce(lambda text, name: Concat(text, Value("\n"), name), _DESCRIBED)
_MOVES = ("described_as", "state", "changed_at", "next_attempt_at")


def _is_fresh(described, booted_at, was, state, changed_at, now):
    if not settings.CSMS_LEARN:
        return False
    if state == State.FAILED and was == described:
        return booted_at > changed_at and now - changed_at > _TRIED_AGAIN_AFTER
    return state is None or was != described


def _may_ask(state):
    # Somebody asked, and got the first page.
    return settings.CSMS_LEARN or state == State.KNOWN


def take_turns(fresh, now):
    """Have chargers {id: what it is} asked from the beginning; return the ids of those whose turn is now.

    Who did not answer, or was gone, waits for another time, and is ahead of nobody.
    """
    online = presence.operating(now)
    ahead = Learning.objects.filter(next_attempt_at__gt=now, reason="", charger__in=online).count()
    rows = [
        {
            "charger_id": pk,
            "described_as": fresh[pk],
            "changed_at": now,
            "next_attempt_at": now + turn(place),
        }
        for place, pk in enumerate(fresh, ahead + 1)
    ]
    bulk.upsert_many(Learning, rows)
    return {row["charger_id"] for row in rows if row["next_attempt_at"] <= now}


def turn(place):
    """Return when it is the turn of the charger at this place, from 1, of a queue."""
    return timedelta(seconds=max(0, place - AT_ONCE) / A_SECOND)


def due(now, most):
    """Return ids of chargers that are online and to be asked because time has passed."""
    rows = Learning.objects.filter(next_attempt_at__lte=now, charger__in=presence.operating(now))
    rows = rows.order_by("next_attempt_at")
    return set(rows.values_list("charger_id", flat=True)[:most])


def asked(charger):
    """Return a query for the ids of the commands that learning waits for."""
    return Learning.objects.filter(charger=charger, command__isnull=False).values("command_id")


def advance(charger, now):
    """Ask the charger what it is, if that is due."""
    row = _locked(charger)
    if row is None or row.next_attempt_at is None or row.next_attempt_at > now or not _may_ask(row.state):
        return
    if row.attempts >= MOST_ATTEMPTS:
        _give_up(row, row.reason or "It did not answer.")
    else:
        _ask(charger, row, now)
    row.changed_at = now
    row.save()


def _ask(charger, row, now):
    try:
        row.command = _question(charger, row)
    except (commands.NotConnected, commands.MayNotOperate) as refusal:
        row.next_attempt_at, row.reason = now + settling.FIRST_PAUSE, str(refusal)[:255]
        return
    except commands.Refused as refusal:
        _give_up(row, str(refusal))
        return
    row.state = State.KNOWN if row.keys else State.ASKED
    row.attempts += 1
    row.next_attempt_at = now + settling.LOST_AFTER


def _question(charger, row):
    if charger.protocol == Protocol.OCPP201:
        return ask_for_report(charger, BASES[min(row.attempts, len(BASES) - 1)], origin=ORIGIN)
    payload = {"key": row.keys[: _page(charger)]} if row.keys else {}
    return commands.send(charger, "GetConfiguration", payload, origin=ORIGIN)


@transaction.atomic
def ask_for_report(charger, base, **options):
    """Ask a station for a base report and open it; return the command.

    One transaction, so that no part of the report comes before its row is there.
    """
    request_id = reports.new_request_id(charger)
    command = commands.send(charger, *v201_variables.base_report(request_id, base), **options)
    reports.open_report(charger, Report.Kind.VARIABLES, request_id, command)
    return command


def _page(charger):
    (row,) = charger.variables.filter(name__iexact="GetConfigurationMaxKeys")[:1] or (None,)
    most = row.value if row is not None else None
    return int(most) if most and most.isascii() and most.isdigit() and 0 < int(most[:6]) < 1000 else 20


def _description(charger):
    if unread := charger.get_deferred_fields() & set(_DESCRIBED):
        charger.refresh_from_db(fields=unread)
    return "\n".join(getattr(charger, name) for name in _DESCRIBED)


# Answers ---------------------------------------------------------------------------------------


def learn(command, told):
    """Take in what an answer of OCPP 1.6 tells of the charger as a whole; its variables are stored."""
    for variable in told:
        if variable["name"].casefold() == "numberofconnectors" and not variable.get("component"):
            _count_connectors(command.charger, variable["value"] or "")
    if command.action == "GetConfiguration":
        _answered(command, told)


def _count_connectors(charger, text):
    """Enter the connectors that an OCPP 1.6 charger says it has; it numbers them from 1."""
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 0 < count <= MOST_CONNECTORS:
        return
    if charger.connector_count != count:
        charger.connector_count = count
        batch.update(charger, "connector_count")
    for number in range(1, count + 1):
        batch.connector(charger, 0, number)


def _answered(command, told):
    """Go on with the keys that did not fit into the answer; an answer without any key teaches nothing."""
    charger, asked_for = command.charger, command.payload.get("key") or []
    row = _locked(charger)
    is_ours = row is not None and row.command_id == command.pk
    if told and not asked_for:
        # Whoever asked: this is all that it tells.
        row = row or Learning(charger=charger)
        row.described_as = _description(charger)
        row.state, row.reason, row.attempts = State.KNOWN, "", 0
        row.keys = _left_over(charger, told)
        row.next_attempt_at = batch.now() if row.keys else None
    elif not is_ours:
        return
    elif asked_for:
        _page_answered(row, command, asked_for)
    else:
        _miss(row, command)
    row.command, row.changed_at = None, batch.now()
    row.save()


def _page_answered(row, command, asked_for):
    if command.state == Command.State.COMPLETED:
        names = set(asked_for)
        row.keys = [key for key in row.keys if key not in names]
        row.attempts, row.next_attempt_at = 0, batch.now() if row.keys else None
    elif row.attempts >= MOST_ATTEMPTS:
        _give_up(row, "Some keys were not told.")
    else:
        row.next_attempt_at = batch.now() + settling.pause(row.attempts)


def _left_over(charger, told):
    """Return the keys to be asked for by name: those not told, where the answer is as long as it may be."""
    names = {variable["name"].casefold() for variable in told}
    most = next(
        (each["value"] for each in told if each["name"].casefold() == "getconfigurationmaxkeys"), None
    )
    if most is None or str(len(told)) != most.strip():
        return []
    known = charger.variables.filter(component="", reported_at__isnull=False)
    names_known = [*v16_variables.STANDARD_KEYS, *known.values_list("name", flat=True)]
    return [name for name in dict.fromkeys(names_known) if name.casefold() not in names]


def _miss(row, command):
    """The question brought nothing: another time, some times."""
    if command.state == Command.State.COMPLETED:
        said = command.result.get("status") if isinstance(command.result, dict) else None
        reason = f"It answered {said!r}." if said else "It answered nothing of use."
    else:
        said = " ".join(filter(None, (command.error_code, command.error_description)))
        reason = f"{command.get_state_display()}: {said}"
    if command.error_code == "NotConnected":
        row.attempts = max(0, row.attempts - 1)
    _later(row, reason[:255])


def _later(row, reason):
    if row.attempts >= MOST_ATTEMPTS:
        _give_up(row, reason)
    else:
        row.state, row.reason = State.WAITING, reason
        row.next_attempt_at = batch.now() + settling.pause(row.attempts)


def _give_up(row, reason):
    # What was told on the first page is known all the same.
    row.state = State.KNOWN if row.keys else State.FAILED
    row.reason, row.keys, row.next_attempt_at = reason[:255], [], None


def _locked(charger):
    rows = Learning.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(charger=charger).first()


# Reports ---------------------------------------------------------------------------------------


def answered_report(command):
    """Take what was answered to GetBaseReport or GetReport: the report is to come, or was refused."""
    request_id = command.payload.get("requestId")
    report = Report.objects.filter(command=command).first()
    status = command.result.get("status") if isinstance(command.result, dict) else None
    if command.state == Command.State.COMPLETED and status == "Accepted":
        if report is None and isinstance(request_id, int) and abs(request_id) < 2**31:
            reports.open_report(command.charger, Report.Kind.VARIABLES, request_id, command)
        return
    row = _locked(command.charger)
    if row is not None and row.command_id == command.pk:
        row.command = None
        _miss(row, command)
        row.changed_at = batch.now()
        row.save()
    if report is not None:
        silent = command.state == Command.State.TIMED_OUT
        reports.close(report, Report.State.TIMED_OUT if silent else Report.State.REFUSED)


@reports.follows(Report.Kind.VARIABLES)
def report_ended(report):
    """Take the end of a report; with parts missing it has still told what it is."""
    row = _locked(report.charger)
    if row is None or report.command_id is None or row.command_id != report.command_id:
        return
    row.command = None
    if not report.parts:
        _later(row, "Its report did not come.")
    elif not report.charger.variables.filter(reported_at__gte=report.opened_at).exists():
        _later(row, "Its report told of nothing.")
    else:
        is_whole = report.state == Report.State.COMPLETE
        row.state, row.reason = State.KNOWN, "" if is_whole else "Parts of its report are missing."
        row.attempts, row.next_attempt_at = 0, None
    row.changed_at = batch.now()
    row.save()
