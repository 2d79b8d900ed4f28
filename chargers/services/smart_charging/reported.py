"""What chargers tell of profiles and limits: reports, others' orders, limits from outside, vehicles."""

from datetime import timedelta

from django.db import transaction

from chargers import batch
from chargers.models import ChargingNeeds, ChargingProfile, ExternalLimit, Report
from chargers.services import commands, notices, remote, reports
from chargers.services import schedules as composites
from chargers.services.smart_charging import profiles, rules
from chargers.services.smart_charging.answers import Kind
from chargers.smart_charging.profiles import RECURRENCES
from chargers.wire import clock, tolerance

State, Source = ChargingProfile.State, ChargingProfile.Source
# Some stations end every part as if it were the last one: what is missing is judged a little later.
AFTER_THE_LAST_PART = timedelta(seconds=10)
JUDGED_FOR = timedelta(minutes=30)


@transaction.atomic
def ask_for_profiles(charger, *, evse_id=None, user=None, origin="system", **criteria):
    """Ask a 2.0.1 station for the profiles that it has; return the Report that fills.

    `criteria`: profile_ids, sources, purpose, stack_level. Raises what `commands.send` raises; OCPP 1.6 has
    no such request.
    """
    words = remote.words(charger)
    if not hasattr(words, "get_charging_profiles"):
        raise commands.UnknownAction("OCPP 1.6 has no request for the profiles of a charger")
    number = reports.new_request_id(charger)
    asked = words.get_charging_profiles(number, evse_id=evse_id, **criteria)
    command = commands.send(charger, *asked, origin=origin, user=user)
    return reports.open_report(charger, Report.Kind.CHARGING_PROFILES, number, command)


def promised(command, outcome):
    """Close the report at once where the station has nothing to report, or does not."""
    report = Report.objects.filter(command=command).first()
    if report is None or outcome.kind == Kind.ACCEPTED:
        return
    report.charger = command.charger
    if outcome.text.startswith("NoProfiles") and is_about_all(report):
        _drop_unreported(report)
    is_silent = outcome.kind == Kind.SILENT
    reports.close(report, Report.State.TIMED_OUT if is_silent else Report.State.REFUSED)


def take_part(charger, request_id, *, evse_id, source, told, more):
    """Store one part of a report of charging profiles."""
    profiles.lock(charger)
    reports.take_part(charger, Report.Kind.CHARGING_PROFILES, request_id, more=more)
    for profile in told:
        _store(charger, profile, place=(tolerance.index(evse_id), 0), source=source)


def ordered(command):
    """Note a profile that somebody had installed by an order of their own; return its row, or None."""
    payload = command.payload
    told = payload.get("csChargingProfiles") or payload.get("chargingProfile")
    if not isinstance(told, dict):
        return None
    words = remote.words(command.charger)
    profile, place = words.read_charging_profile(told), place_of(command)
    row = _store(command.charger, profile, place=place, source=Source.CSO)
    if row is not None and row.state != State.SENT:
        row.created_by, row.origin, row.command = command.created_by, command.origin, command
        row.save(update_fields=["created_by", "origin", "command"])
    return row


def place_of(command):
    """Return the place that an order is about."""
    return tuple(tolerance.index(command.payload.get(name)) for name in ("evseId", "connectorId"))


def _store(charger, profile, *, place, source):
    """Enter a profile that the charger has; return its row, or None where it is nonsense."""
    number = profile.get("id")
    if not rules.is_number(number) or not _is_readable(profile):
        return None
    row = ChargingProfile.objects.filter(charger=charger, profile_id=number).first()
    if row is not None and row.is_desired and source != row.source and not _is_ours(row, profile, place):
        # Somebody else's has the number that we gave ours.
        profiles.renumber(row)
        row = None
    if row is None:
        row = ChargingProfile(charger=charger, profile_id=number, is_desired=False, origin="charger")
    row.charger = charger
    row.installed, row.reported_at = profile, batch.now()
    if row.is_desired:
        _compare(row, profile, place)
    elif row.state != State.CLEARING:
        profiles.fill(row, profile, place=place, session=_session_of(row, profile, place))
        row.source = source
        row.state, row.reason, row.installed_at = State.INSTALLED, "", row.installed_at or batch.now()
    profiles.keep_row(row)
    return row


def _session_of(row, profile, place):
    """Return the running transaction that a profile names, else the one that its row was for; or None."""
    number = profile.get("transactionId")
    if profile["chargingProfilePurpose"] != ChargingProfile.Purpose.TX:
        return None
    if number is None:
        session = row.transaction if place == (row.evse_id, row.connector_id) else None
        return session if session and session.ended_at is None else None
    running = batch.running(row.charger)
    return next((each for each in running if profiles.number_of(each) == str(number)), None)


def _is_readable(profile):
    try:
        profiles.fill(ChargingProfile(), profile, place=profiles.WHOLE)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    level, schedules = profile["stackLevel"], profile["chargingSchedule"]
    words = ChargingProfile.Purpose.values, ChargingProfile.Kind.values
    return (
        profile["chargingProfilePurpose"] in words[0]
        and profile["chargingProfileKind"] in words[1]
        and profile.get("recurrencyKind") in (None, "", *RECURRENCES)
        and isinstance(level, int)
        and 0 <= level < 2**31
        and isinstance(schedules, list)
        and all(_is_schedule(schedule) for schedule in schedules)
    )


def _is_schedule(schedule):
    periods = schedule.get("chargingSchedulePeriod") if isinstance(schedule, dict) else None
    return isinstance(periods, list) and all(
        isinstance(period, dict) and rules.is_sane(period.get("limit")) for period in periods
    )


def _is_ours(row, profile, place):
    """Say whether it is what we installed: some stations do not know who set a profile."""
    there = row.evse_id, row.connector_id
    return row.installed is not None and essence(profile, place) == essence(row.installed, there)


def _compare(row, profile, place):
    """Say whether the charger has what we want it to have; something else under its number is replaced."""
    if row.state not in (State.INSTALLED, State.WAITING, State.FAILED):
        return
    if essence(profile, place) == essence(profiles.words_of(row), (row.evse_id, row.connector_id)):
        row.state, row.reason, row.next_attempt_at = State.INSTALLED, "", None
        row.installed_at = row.installed_at or batch.now()
    elif row.state == State.INSTALLED and row.attempts < profiles.MOST_ATTEMPTS:
        row.state, row.reason, row.next_attempt_at = State.WAITING, "the charger has another one", batch.now()


def essence(profile, place):
    """Return what makes two accounts of a profile the same; stations write times and numbers their way."""
    schedules = [
        (
            schedule.get("chargingRateUnit"),
            [
                (period.get("startPeriod"), float(period.get("limit") or 0))
                for period in schedule.get("chargingSchedulePeriod") or ()
            ],
        )
        for schedule in profile["chargingSchedule"]
    ]
    return place, profile["chargingProfilePurpose"], profile["stackLevel"], schedules


def is_about_all(report):
    """Say whether a report was to name every profile of the station."""
    payload = report.command.payload if report.command else {}
    return payload.get("chargingProfile") == {} and "evseId" not in payload


def settle(now):
    """After complete reports of everything: what was not among it is not installed."""
    closed = Report.objects.filter(
        kind=Report.Kind.CHARGING_PROFILES,
        state=Report.State.COMPLETE,
        heard_at__range=(now - JUDGED_FOR, now - AFTER_THE_LAST_PART),
        opened_at__gt=now - 2 * JUDGED_FOR,
    )
    for report in closed.select_related("charger", "command")[:500]:
        if is_about_all(report):
            with transaction.atomic():
                profiles.lock(report.charger)
                _drop_unreported(report)


def _drop_unreported(report):
    """What we want is sent again; what others had there is gone. Call under the lock."""
    rows = ChargingProfile.objects.filter(
        charger=report.charger, state=State.INSTALLED, installed_at__lt=report.opened_at
    ).exclude(reported_at__gte=report.opened_at)
    for row in rows:
        row.charger = report.charger
        if row.is_desired:
            row.installed = None
            profiles.wait(row, reason="the charger did not report it")
        else:
            profiles.forget(row, "the charger does not report it any more")


# Limits from outside, and vehicles -----------------------------------------------------------------


def limited(charger, *, evse_id, source, is_grid_critical, schedules, payload):
    """Keep a limit that somebody else put on the charger; where it is new, what limits it is asked for."""
    told = [schedule for schedule in schedules if isinstance(schedule, dict)]
    place = {"charger": charger, "evse_id": evse_id, "source": source}
    before = (
        ExternalLimit.objects.filter(**place, cleared_at=None).values_list("schedules", flat=True).first()
    )
    ExternalLimit.objects.update_or_create(
        **place,
        defaults={
            "is_grid_critical": is_grid_critical,
            "schedules": told,
            "told_at": batch.now(),
            "cleared_at": None,
        },
    )
    if told != before:
        composites.hasten(charger)
    notices.record(charger, "charger.NotifyChargingLimit", payload)


def unlimited(charger, *, evse_id, source, payload):
    """Note that a limit from outside is gone."""
    rows = ExternalLimit.objects.filter(charger=charger, evse_id=evse_id, source=source, cleared_at=None)
    if rows.update(cleared_at=batch.now()):
        composites.hasten(charger)
    notices.record(charger, "charger.ClearedChargingLimit", payload)


def needed(charger, *, evse_id, needs, max_schedule_tuples, payload):
    """Keep what a vehicle needs."""
    defaults = {"needs": needs, "needs_at": batch.now(), "max_schedule_tuples": max_schedule_tuples}
    ChargingNeeds.objects.update_or_create(charger=charger, evse_id=evse_id, defaults=defaults)
    notices.record(charger, "charger.NotifyEVChargingNeeds", payload)


def planned(charger, *, evse_id, schedule, time_base, payload):
    """Keep how a vehicle means to charge."""
    moment, oddity = clock.read(time_base, batch.now())
    ChargingNeeds.objects.update_or_create(
        charger=charger,
        evse_id=evse_id,
        defaults={
            "schedule": schedule,
            "time_base": None if oddity else moment,
            "schedule_at": batch.now(),
        },
    )
    notices.record(charger, "charger.NotifyEVChargingSchedule", payload)
