"""What happens to chargers because time passed."""

from datetime import timedelta

from django.conf import settings

from chargers.models import (
    ChargingLimit,
    ChargingProfile,
    Command,
    Datum,
    FailedHandshake,
    Instruction,
    Message,
    Reading,
    Report,
)
from chargers.services import (
    commands,
    device_model,
    presence,
    reconciling,
    reports,
    rollups,
    smart_charging,
    solarflux,
)
from csms import jobs, partitions
from csms.jobs import job
from csms.retention import delete_older


@job(every=timedelta(seconds=5))
def end_dead_leases(now):
    """Set the chargers of dead processes offline."""
    presence.clean_up(now)


@job(every=timedelta(seconds=5))
def expire_commands(now):
    """End commands that waited too long."""
    commands.expire(now)


@job(every=timedelta(seconds=10))
def reconcile_due(now):
    """Wake the owners of chargers for which something wanted is due."""
    reconciling.wake_due(now)


@job(every=timedelta(seconds=30))
def time_out_reports(now):
    """Close the reports of which no further part came."""
    reports.time_out(now)


@job(every=timedelta(seconds=30))
def check_monitored(now):
    """Have watched variables read again."""
    device_model.check_monitored(now)


@job(every=timedelta(seconds=5))
def keep_limits(now):
    """End limits whose time is over, and see whether chargers obey the others."""
    smart_charging.keep(now)


@job(every=timedelta(seconds=15))
def publish_datum(now):
    """Publish datum for as long as the worker runs; without a broker, see that none are kept for it."""
    if settings.MQTT_URL:
        solarflux.publish(jobs.ending())
    else:
        solarflux.forget()


@job(every=timedelta(hours=1))
def retain(now):
    """Drop what is older than the settings keep."""
    partitions.retain(Message, now, settings.CSMS_RETAIN_MESSAGES_DAYS)
    partitions.retain(Reading, now, settings.CSMS_RETAIN_READINGS_DAYS)
    partitions.retain(Datum, now, settings.CSMS_RETAIN_DATUM_DAYS)
    solarflux.drop_unstored(now)
    ended = Command.objects.filter(state__in=Command.FINAL)
    delete_older(ended, "created_at", days=settings.CSMS_RETAIN_COMMANDS_DAYS, now=now)
    answered = Report.objects.exclude(state=Report.State.OPEN)
    delete_older(answered, "opened_at", days=settings.CSMS_RETAIN_COMMANDS_DAYS, now=now)
    # Those that became a command go with it.
    declined = Instruction.objects.filter(command=None)
    delete_older(declined, "created_at", days=settings.CSMS_RETAIN_COMMANDS_DAYS, now=now)
    over = ChargingLimit.objects.exclude(ended_at=None)
    delete_older(over, "created_at", days=settings.CSMS_RETAIN_COMMANDS_DAYS, now=now)
    gone = ChargingProfile.objects.filter(state=ChargingProfile.State.REMOVED, limits=None)
    delete_older(gone, "created_at", days=settings.CSMS_RETAIN_COMMANDS_DAYS, now=now)
    delete_older(FailedHandshake.objects.all(), "last_at", days=settings.CSMS_RETAIN_HANDSHAKES_DAYS, now=now)


@job(every=timedelta(seconds=10))
def keep_hours_of_datum(now):
    """Sum up the hours in which datum came."""
    rollups.keep(now)
