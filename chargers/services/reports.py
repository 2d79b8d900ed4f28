"""Reports that stations send in parts: opened by a command of ours, closed by the last part or by time."""

import secrets
from collections import defaultdict
from datetime import timedelta

from django.db import transaction

from chargers import batch
from chargers.models import Report
from csms import events

State = Report.State
# How long the next part may take.
SILENCE = timedelta(minutes=2)


_followers = defaultdict(list)


def follows(kind):
    """Have the decorated function called with each Report of this kind that closes, in its transaction."""

    def enter(function):
        _followers[kind].append(function)
        return function

    return enter


def new_request_id(charger):
    """Return a request id that no report of the charger has; by chance, so that none is soon used again."""
    while True:
        request_id = secrets.randbelow(2**31 - 1) + 1
        if not Report.objects.filter(charger=charger, request_id=request_id).exists():
            return request_id


def open_report(charger, kind, request_id, command=None):
    """Write down that a report was asked for, and return it."""
    return Report.objects.create(
        charger=charger, kind=kind, request_id=request_id, command=command, opened_at=batch.now()
    )


def take_part(charger, kind, request_id, *, seq_no=None, more=False):
    """Count a part in; return its report, or None when nobody asked for it.

    The last part (`more` is false) closes the report, whatever is missing; a part that comes
    after that is counted and changes nothing else. One that is repeated at once counts once; `seq_no` is None
    where this kind of report does not number its parts.
    """
    asked = Report.objects.filter(charger=charger, kind=kind, request_id=request_id)
    report = asked.order_by("-id").first()
    if report is None:
        return None
    # A station repeats what it got no answer for.
    report.parts += seq_no is None or not report.parts or seq_no != report.highest_seq_no
    report.highest_seq_no = max(report.highest_seq_no, seq_no or 0)
    report.heard_at = batch.now()
    report.save(update_fields=["parts", "highest_seq_no", "heard_at"])
    if not more:
        finish(report)
    return report


def finish(report):
    """Close a report after its last part: with or without holes."""
    close(report, State.COMPLETE if report.parts > report.highest_seq_no else State.HOLED)


def close(report, state):
    """Close a report that is open; say whether it was."""
    there = Report.objects.filter(pk=report.pk, state=State.OPEN)
    if not there.update(state=state, closed_at=batch.now()):
        return False
    report.state, report.closed_at = state, batch.now()
    for follower in _followers[report.kind]:
        follower(report)
    events.record(
        "report.closed", charger=report.charger, object_id=report.pk, report=report.kind, state=state
    )
    return True


def time_out(now):
    """Close what has been silent for too long; return how many."""
    open_ones = Report.objects.filter(state=State.OPEN, opened_at__lte=now - SILENCE).select_related(
        "charger"
    )
    silent = [row for row in open_ones[:500] if (row.heard_at or row.opened_at) <= now - SILENCE]
    return sum(_time_out(report) for report in silent)


@transaction.atomic
def _time_out(report):
    return close(report, State.TIMED_OUT)
