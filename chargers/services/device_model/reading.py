"""Asking chargers for their variables, when somebody wants to know them."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from chargers.models import Presence, Protocol, Report, Variable
from chargers.services import commands, reports
from chargers.services.device_model import learning
from chargers.services.device_model.capabilities import limits
from chargers.wire import v16_variables, v201_variables

# How many variables one look marks at most.
MOST_CHECKED = 2000


@transaction.atomic
def read(charger, variables=(), *, base="", criteria=(), **options):
    """Ask a charger for variables, unsaved or stored rows, or for all of them; return the last Command.

    OCPP 1.6: all its keys, in pages where it has to. OCPP 2.0.1: a report as `base` says (else
    FullInventory), or of the components that meet `criteria`. Raises what `commands.send` raises.
    """
    if charger.protocol != Protocol.OCPP201:
        return _read(charger, v16_variables, list(variables), options)
    if variables:
        return _read(charger, v201_variables, list(variables), options)
    if not criteria:
        return learning.ask_for_report(charger, base or learning.BASES[0], **options)
    request_id = reports.new_request_id(charger)
    command = commands.send(charger, *v201_variables.report(request_id, criteria=criteria), **options)
    reports.open_report(charger, Report.Kind.VARIABLES, request_id, command)
    return command


def _read(charger, words, rows, options):
    bound = limits(charger) if rows else None
    action, payload, taken = words.read(rows, bound)
    command = commands.send(charger, action, payload, **options)
    while rows := rows[len(taken) :]:
        action, payload, taken = words.read(rows, bound)
        command = commands.send(charger, action, payload, **options)
    return command


def check_monitored(now):
    """Have the watched variables of chargers that are online read again, when it is time; return how many."""
    seconds = settings.CSMS_MONITOR_INTERVAL
    if not seconds:
        return 0
    online = Presence.objects.online(now).values("charger_id")
    stale = Variable.objects.filter(
        is_monitored=True,
        reported_at__lte=now - timedelta(seconds=seconds),
        next_attempt_at=None,
        charger__in=online,
    ).exclude(command__finished_at__gt=now - timedelta(seconds=seconds))  # it was asked, and did not tell
    marked = list(stale.order_by("reported_at").values_list("pk", flat=True)[:MOST_CHECKED])
    free = Variable.objects.filter(pk__in=marked, next_attempt_at=None)
    return free.update(reread=Variable.Reread.CHECKED, attempts=0, next_attempt_at=now)
