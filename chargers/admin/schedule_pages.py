"""What is mirrored of a charger: the tab with its composite schedules, and stopping its connections."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone

from chargers.services import commands, registration, schedules

# What a chart shows where a schedule has no end.
ENDLESS_SECONDS = 600
MOST_PERIODS_SHOWN = 100
MOST_ROWS_SHOWN = 25


class SchedulePages:
    """Mixed into ChargerPages."""

    def get_urls(self):
        wrap = self.admin_site.admin_view
        own = [
            path(
                "<int:pk>/schedules/ask/",
                wrap(self.ask_schedules_view),
                name="chargers_charger_ask_schedules",
            ),
            path("<int:pk>/stop/", wrap(self.stop_view), {"stops": True}, name="chargers_charger_stop"),
            path(
                "<int:pk>/restart/", wrap(self.stop_view), {"stops": False}, name="chargers_charger_restart"
            ),
        ]
        return own + super().get_urls()

    def _schedules(self, request, charger):
        rows = charger.composite_schedules.all()
        outside = charger.external_limits.filter(cleared_at=None)[:MOST_ROWS_SHOWN]
        return {
            "places": [shown(row) for row in rows],
            "window": schedules.window() // 60,
            "outside": [(row, first_limit(row.schedules)) for row in outside],
            "vehicles": charger.charging_needs.all()[:MOST_ROWS_SHOWN],
        }

    def ask_schedules_view(self, request, pk):
        """Ask for all schedules now; the tab follows what becomes of it."""
        charger = self.found(request, pk)
        if not self._may_order(request, charger):
            raise Http404("There is no such order.")
        if request.method == "POST":
            try:
                schedules.ask_all(charger, origin="admin", user=request.user)
            except commands.Refused as refusal:
                messages.error(request, f"Not asked: {refusal}.")
        return HttpResponseRedirect(reverse("admin:chargers_charger_schedules", args=[pk]))

    def stop_view(self, request, pk, stops):
        """Close the charger's connection and refuse new ones, or let it connect again."""
        charger = self.found(request, pk, permission="change")
        if request.method == "POST" and (registration.stop if stops else registration.restart)(charger):
            self.log_change(request, charger, "Stopped." if stops else "Restarted.")
            words = "is stopped: its connections are refused." if stops else "may connect again."
            messages.success(request, f"{charger} {words}")
        return HttpResponseRedirect(reverse("admin:chargers_charger_change", args=[pk]))


def shown(row):
    """Return what a page shows of a place: its row, its name, its periods and the points of its chart."""
    periods = [
        {"at": row.starts_at + timedelta(seconds=each["start"]), **each}
        for each in row.periods[:MOST_PERIODS_SHOWN]
    ]
    return {
        "row": row,
        "name": named(row),
        "id": f"schedule-{row.evse_id}-{row.connector_id}",
        "periods": periods,
        "summary": in_words(row, periods),
        "next": when_next(row),
        "points": points(row, periods),
    }


def named(row):
    """Return the name of a row's place."""
    if not row.number:
        return "Whole charger"
    return f"EVSE {row.evse_id}" if row.evse_id else f"Connector {row.connector_id}"


def when_next(row):
    """Return when the place is asked for again, in words; "" while an answer is awaited."""
    if row.state == row.State.ASKED:
        return ""
    if row.due_at is None:
        return "Not asked for again before it boots or a charging profile changes"
    minutes = int((row.due_at - timezone.now()).total_seconds() // 60)
    return f"Next question in {minutes} min" if minutes > 0 else "Next question in a moment"


def points(row, periods):
    """Return what the chart draws: times as seconds since 1970, and the limit that holds from each on."""
    if not periods:
        return {"unit": "", "time": [], "limit": []}
    end = row.starts_at + timedelta(seconds=row.duration or periods[-1]["start"] + ENDLESS_SECONDS)
    inside = [each for each in periods if each["at"] < end] or periods[:1]
    return {
        "unit": row.unit,
        "time": [each["at"].timestamp() for each in inside] + [end.timestamp()],
        "limit": [each["limit"] for each in inside] + [inside[-1]["limit"]],
    }


def first_limit(told):
    """Return what somebody else's schedules begin with, such as "2000 W"; stations tell none, or nonsense."""
    try:
        periods = told[0]["chargingSchedulePeriod"]
        limit = f"{figure(float(periods[0]['limit']))} {told[0]['chargingRateUnit']}"
    except (LookupError, TypeError, ValueError):
        return "not told"
    return f"{limit}, then others" if len(periods) > 1 else limit


def figure(limit):
    """Return a limit as people write it, megawatts too."""
    return f"{limit:.10g}"


def in_words(row, periods):
    """Return one sentence that says what the chart shows."""
    if not periods:
        return "No schedule has been told yet."
    limits = [each["limit"] for each in periods]
    if min(limits) == max(limits):
        return f"{figure(limits[0])} {row.unit} all of the time."
    now = timezone.now()
    current = [each["limit"] for each in periods if each["at"] <= now][-1:] or limits[:1]
    least, most = figure(min(limits)), figure(max(limits))
    return f"{figure(current[0])} {row.unit} now; between {least} and {most} {row.unit} in all."
