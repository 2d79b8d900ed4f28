"""Which chargers there are, and what they are told when they boot."""

import random

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from chargers import batch
from chargers.models import Charger, Learning, Presence, PublishSettings, RegistrationStatus
from chargers.services import device_model, wakeups
from csms import events, secrets

# How sockets are closed. A stopped charger is to come back: 1013 says later.
REMOVED = 1008, "charger removed"
STOPPED = 1013, "stopped by its operator"
_BOOT_DETAILS = (
    "vendor",
    "model",
    "serial_number",
    "charge_box_serial_number",
    "firmware_version",
    "iccid",
    "imsi",
    "meter_type",
    "meter_serial_number",
)


def boot(charger, **details):
    """Take in a BootNotification; return (registration status, interval in seconds).

    `details` are the charger's own words about itself; one it leaves out keeps its old value.
    """
    for name, value in batch.fitted(Charger, **details).items():
        setattr(charger, name, value)
    status = answer(charger)
    changed = _BOOT_DETAILS
    if status == RegistrationStatus.ACCEPTED:
        charger.booted_at = batch.now()
        charger.boot_count += 1
        changed += ("booted_at", "boot_count")
        device_model.booted(charger)
    batch.update(charger, *changed)
    seconds = interval(charger, status)
    events.record("charger.booted", charger=charger, status=status, interval=seconds)
    return status, seconds


def answer(charger):
    """Return what BootNotification is answered: Accepted, Pending or Rejected."""
    if not charger.enabled:
        return RegistrationStatus.REJECTED
    if charger.registration_status == RegistrationStatus.UNKNOWN:
        return RegistrationStatus.PENDING
    return RegistrationStatus(charger.registration_status)


def interval(charger, status):
    """Return the heartbeat interval, or the wait until the next boot of one not accepted.

    A tenth of jitter keeps a fleet that booted together from beating together.
    """
    seconds = charger.interval if status == RegistrationStatus.ACCEPTED else settings.CSMS_BOOT_RETRY_INTERVAL
    return max(1, round(seconds * random.uniform(0.9, 1.0)))


def default_owner():
    """Return who owns chargers that connect without a credential; None when there is no one."""
    users = get_user_model().objects.filter(is_active=True)
    if settings.CSMS_DEFAULT_OWNER:
        return users.filter(username=settings.CSMS_DEFAULT_OWNER).first()
    return users.filter(is_superuser=True).order_by("pk").first()


def enter_unknown(identifier, owner, protocol, *, address=""):
    """Enter a charger that came by itself: accepted in laboratories, else pending approval."""
    accept = settings.CSMS_UNKNOWN_CHARGERS == "accept"
    charger = Charger.objects.create(
        owner=owner,
        identifier=identifier,
        protocol=protocol,
        security_profile=0,
        first_address=address[:64],
        registration_status=RegistrationStatus.ACCEPTED if accept else RegistrationStatus.PENDING,
    )
    events.record("charger.pending" if not accept else "charger.entered", charger=charger)
    return charger


@transaction.atomic
def approve(charger):
    """Accept a pending charger; it learns so at its next BootNotification."""
    charger.registration_status = RegistrationStatus.ACCEPTED
    charger.save(update_fields=["registration_status"])
    events.record("charger.approved", charger=charger)


@transaction.atomic
def remove(charger):
    """Hide a charger: settings and connectors go, transactions and readings stay.

    Its identifier is free again; its socket, if any, is closed.
    """
    charger.deleted_at = timezone.now()
    charger.enabled = False
    charger.password_hash = charger.password_verifier = ""
    charger.save(update_fields=["deleted_at", "enabled", "password_hash", "password_verifier"])
    charger.connectors.all().delete()
    charger.variables.all().delete()
    charger.reports.all().delete()
    Learning.objects.filter(charger=charger).delete()
    charger.composite_schedules.all().delete()
    charger.action_statuses.all().delete()
    charger.charging_limits.all().delete()
    charger.charging_profiles.all().delete()
    charger.external_limits.all().delete()
    charger.charging_needs.all().delete()
    PublishSettings.objects.filter(charger=charger).delete()
    events.record("charger.removed", charger=charger)
    _hang_up(charger, *REMOVED)


@transaction.atomic
def stop(charger):
    """Close the charger's connection and refuse new ones until `restart`; say whether it was not stopped yet.

    It is otherwise as before: what it measures meanwhile it may report later, if it keeps it.
    """
    now = timezone.now()
    if not Charger.objects.filter(pk=charger.pk, stopped_at=None).update(stopped_at=now):
        return False
    charger.stopped_at = now
    events.record("charger.stopped", charger=charger)
    _hang_up(charger, *STOPPED)
    return True


@transaction.atomic
def restart(charger):
    """Let the charger connect again; say whether it was stopped."""
    changed = Charger.objects.filter(pk=charger.pk, stopped_at__isnull=False).update(stopped_at=None)
    charger.stopped_at = None
    if changed:
        events.record("charger.restarted", charger=charger)
    return bool(changed)


def _hang_up(charger, code, reason):
    """Have the charger's socket closed, if there is one, as soon as this transaction has ended."""
    held = Presence.objects.select_related("process").filter(charger=charger, process__isnull=False).first()
    channel = held.process.channel if held else ""
    transaction.on_commit(lambda: wakeups.hang_up(charger.pk, channel, code, reason), robust=True)


def set_password(charger, password=None, *, is_generated=False):
    """Give the charger a password of its own and return it; without one, a random one is made.

    `is_generated` says that a given password is a random one too, which a quick hash keeps safe.
    """
    is_generated = is_generated or password is None
    password = password or secrets.generate()
    charger.password_hash = (secrets.hash_generated if is_generated else secrets.hash_chosen)(password)
    charger.password_verifier = ""
    charger.security_profile = max(1, charger.security_profile)
    charger.save(update_fields=["password_hash", "password_verifier", "security_profile"])
    return password
