"""What the dashboard says: a fixed number of queries, whatever the size of the fleet."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from chargers.admin import states
from chargers.models import Charger, Connector, ConnectorStatus, FailedHandshake, StopReport, Transaction
from csms.models import Job, Outbox

RUNNING_SHOWN = ENDED_SHOWN = 8


def figures(user):
    """Return everything that the dashboard shows to `user`."""
    now = timezone.now()
    chargers = states.counts(Charger.objects.owned_by(user).alive(), now)
    running = Transaction.objects.owned_by(user).open()
    totals = running.aggregate(number=Count("pk"), power_w=Sum("power_w"))
    return {
        "chargers": chargers,
        "has_chargers": any(chargers.values()),
        "charging": totals["number"],
        "power_w": totals["power_w"] or 0,
        "today": _today(user, now),
        "running": running.select_related("charger").order_by("-started_at")[:RUNNING_SHOWN],
        "ended": _ended(user, now),
        "unknown": settings.CSMS_UNKNOWN_CHARGERS,
        "attention": [item for item in _attention(user, chargers, now) if item["number"]],
    }


def _today(user, now):
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    # The index is (owner, started_at); naming the owners lets superusers use it too.
    owners = get_user_model().objects.values("pk")
    sessions = Transaction.objects.owned_by(user).filter(owner__in=owners, started_at__gte=midnight)
    return sessions.aggregate(number=Count("pk"), energy_wh=Sum("energy_wh", default=0.0))


def _ended(user, now):
    """Return the newest sessions that are over."""
    ended = Transaction.objects.owned_by(user).filter(ended_at__isnull=False, is_refused=False)
    if not user.is_superuser:
        # Within the index of the owner; a superuser's are the newest of the table.
        ended = ended.filter(started_at__gte=now - timedelta(days=7))
    return ended.select_related("charger").order_by("-id")[:ENDED_SHOWN]


def _attention(user, chargers, now):
    """Yield what someone should look at, each with the list that shows it."""
    yesterday = now - timedelta(days=1)
    alive = Charger.objects.owned_by(user).alive()
    yield _item(chargers["pending"], "charger waits for approval", "chargers wait for approval",
                "clock", "chargers_charger", {"state": "pending"})  # fmt: skip
    faulted = Connector.objects.owned_by(user).filter(status=ConnectorStatus.FAULTED, charger__in=alive)
    yield _item(faulted.count(), "faulted connector", "faulted connectors",
                "alert", "chargers_charger", {"connectors": "Faulted"})  # fmt: skip
    refused = FailedHandshake.objects.owned_by(user).filter(last_at__gte=yesterday)
    yield _item(refused.count(), "refused connection in the last day", "refused connections in the last day",
                "block", "chargers_failedhandshake", {"within": "day"})  # fmt: skip
    # The index is (charger, received_at); naming the chargers lets superusers use it too.
    parked = StopReport.objects.filter(
        charger__in=Charger.objects.owned_by(user),
        cause=StopReport.Cause.UNKNOWN,
        received_at__gte=now - timedelta(days=7),
    )
    yield _item(parked.count(), "stop of an unknown transaction in the last week",
                "stops of unknown transactions in the last week", "alert", "chargers_stopreport",
                {"within": "week", "cause__exact": StopReport.Cause.UNKNOWN.value})  # fmt: skip
    if user.is_superuser:
        yield _item(Job.objects.exclude(last_error="").count(), "failed job", "failed jobs",
                    "alert", "csms_job", {"failed": "yes"})  # fmt: skip
    failed = Outbox.objects.owned_by(user).filter(created_at__gte=yesterday, state=Outbox.State.FAILED)
    yield _item(failed.count(), "failed delivery in the last day", "failed deliveries in the last day",
                "send", "csms_outbox", {"within": "day", "state__exact": "failed"})  # fmt: skip


def _item(number, one, many, icon, listing, lookups):
    url = f"{reverse(f'admin:{listing}_changelist')}?{urlencode(lookups)}"
    return {"number": number, "text": one if number == 1 else many, "icon": icon, "url": url}
