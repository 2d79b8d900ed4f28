"""Charging profiles of a charger: wanted, sent, cleared, and what became of that.

Everything about one charger's profiles and limits happens under the lock of its row (`lock`), so
that of two callers, a late answer and a job the newest wish wins. A silent charger is asked again a
few times, ever more seldom, and then no more.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Max

from chargers import batch
from chargers.models import Charger, ChargingProfile, Connector, Protocol
from chargers.services import commands, remote, transactions
from chargers.services.smart_charging import answers, rules
from chargers.services.smart_charging import capabilities as capabilities_of
from chargers.services.smart_charging.answers import Kind
from chargers.wire import clock
from csms import events

State, Purpose = ChargingProfile.State, ChargingProfile.Purpose
WHOLE = (0, 0)
# Ours begin above those that chargers come with, and below what some of them overflow at.
FIRST_ID, LAST_ID = 1001, 2**30
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
MOST_ATTEMPTS = 5


def lock(charger):
    """Have nobody else touch this charger's profiles and limits until the transaction ends."""
    list(Charger.objects.select_for_update(no_key=True).filter(pk=charger.pk).values_list("pk"))


def place_of(target):
    """Return (charger, (EVSE, connector)) of a Charger or Connector; 2.0.1 limits whole EVSEs."""
    if not isinstance(target, Connector):
        return target, WHOLE
    return target.charger, (target.evse_id, 0 if target.evse_id else target.connector_id)


def running_at(charger, place):
    """Return the transaction that runs at a place, or None; the whole charger has none."""
    return transactions.running_on(charger, *place)


def number_of(session):
    """Return how the charger calls a transaction."""
    return session.transaction_id or str(session.pk)


# Wishes ---------------------------------------------------------------------------------------


@transaction.atomic
def set_profile(target, profile, *, keep=False, user=None, origin="system"):
    """Have the charger keep to a profile of the caller's own; return its row.

    `target` is a Charger (all of it) or a Connector, `profile` a chargingProfile of OCPP 2.0.1 whose
    `id` may be left out. An `id` that we gave before replaces that profile. With `keep` it waits for a
    charger that is offline. Raises what `commands.send` raises, rules.Invalid and rules.Unsupported.
    """
    charger, place = place_of(target)
    lock(charger)
    known = capabilities_of.of(charger)
    rules.check_supported(charger, known)
    row, profile = _numbered(charger, profile, known)
    profile, session = _of_session(charger, place, profile)
    rules.check_profile(profile, charger=charger, place=place, capabilities=known)
    fill(row, profile, place=place, session=session)
    row.created_by, row.origin, row.is_desired = user, origin[:40], True
    row.attempts = 0
    return _sent_or_kept(row, keep)


def _numbered(charger, profile, known):
    """Return the row for a profile, and the profile with the row's number."""
    if not isinstance(profile, dict):
        raise rules.Invalid("profile", "Must be an object.")
    number = profile.get("id")
    if number is None:
        _check_room(charger, known)
        number = next_id(charger)
    row = (
        ChargingProfile.objects.filter(charger=charger, profile_id=number).first()
        if rules.is_number(number)
        else None
    )
    if row is None:
        return ChargingProfile(charger=charger, profile_id=number), profile | {"id": number}
    if row.source != ChargingProfile.Source.CSO or row.limits.filter(ended_at=None).exists():
        raise rules.Invalid("profile.id", "Another profile has this number.")
    return row, profile | {"id": number}


def _check_room(charger, known):
    installed = ChargingProfile.objects.filter(charger=charger, state=State.INSTALLED).count()
    if known.max_profiles is not None and installed >= known.max_profiles:
        raise rules.Invalid("profile", f"The charger holds {known.max_profiles} profiles and has them.")


def _of_session(charger, place, profile):
    """Return a profile with its transaction's number, and the transaction; None where it needs none."""
    if profile.get("chargingProfilePurpose") != Purpose.TX:
        return profile, None
    session = running_at(charger, place)
    told = profile.get("transactionId")
    if session is None or (told is not None and told != number_of(session)):
        raise rules.Invalid("profile.transactionId", "No such transaction runs there.")
    return profile | {"transactionId": number_of(session)}, session


def next_id(charger):
    """Return a number that no profile of the charger has, of ours or its own."""
    there = ChargingProfile.objects.filter(charger=charger, profile_id__range=(FIRST_ID, LAST_ID))
    most = there.aggregate(most=Max("profile_id"))["most"] or FIRST_ID - 1
    if most < LAST_ID:
        return most + 1
    taken = set(there.values_list("profile_id", flat=True))
    return next(number for number in range(FIRST_ID, LAST_ID) if number not in taken)


def renumber(row):
    """Give a row a number that is free, and have it sent under that."""
    row.profile_id, row.installed = next_id(row.charger), None
    wait(row, reason="its number was taken by another profile")


def fill(row, profile, *, place, session=None):
    """Write a chargingProfile into the columns of what is wanted."""
    row.evse_id, row.connector_id = place
    row.stack_level = profile["stackLevel"]
    row.purpose, row.kind = profile["chargingProfilePurpose"], profile["chargingProfileKind"]
    row.recurrency = profile.get("recurrencyKind") or ""
    row.valid_from = clock.moment(profile.get("validFrom"))
    row.valid_to = clock.moment(profile.get("validTo"))
    row.transaction = session
    row.schedules = profile["chargingSchedule"]


def words_of(row):
    """Return the chargingProfile that a row wants."""
    told = {
        "id": row.profile_id,
        "stackLevel": row.stack_level,
        "chargingProfilePurpose": row.purpose,
        "chargingProfileKind": row.kind,
        "recurrencyKind": row.recurrency or None,
        "validFrom": row.valid_from and clock.text(row.valid_from),
        "validTo": row.valid_to and clock.text(row.valid_to),
        "transactionId": number_of(row.transaction) if row.transaction else None,
        "chargingSchedule": row.schedules,
    }
    return {name: value for name, value in told.items() if value is not None}


# Sending and clearing -------------------------------------------------------------------------


def _sent_or_kept(row, keep):
    try:
        send(row)
    except commands.NotConnected:
        if not keep:
            raise
        wait(row)
    return row


def wait(row, *, pause=timedelta(0), reason="waits for the charger"):
    """Have a profile sent, or cleared, at the next opportunity after `pause`."""
    before = row.state, row.reason
    row.state = State.WAITING if row.is_desired else State.CLEARING
    row.reason, row.next_attempt_at = reason[:255], batch.now() + pause
    keep_row(row, is_news=before != (row.state, row.reason))


def send(row):
    """Send SetChargingProfile for a row; return the Command. Raises what `commands.send` raises."""
    charger = row.charger
    rules.check_place(charger, row)
    place = {"evse_id": row.evse_id, "connector_id": row.connector_id}
    asked = remote.words(charger).set_charging_profile(words_of(row), **place)
    row.command = commands.send(charger, *asked, origin=row.origin or "system", user=row.created_by)
    row.state, row.reason, row.next_attempt_at = State.SENT, "", None
    row.attempts += 1
    keep_row(row)
    return row.command


def clear(row):
    """Want a profile no more, and say so to the charger unless it never heard of it."""
    row.is_desired = False
    if row.state == State.REMOVED:
        return
    if row.command_id is None and row.installed is None:
        forget(row, "it was never sent")
        return
    row.state, row.attempts = State.CLEARING, 0
    send_clear(row)


def send_clear(row):
    """Send ClearChargingProfile for a row; it waits where the charger is offline."""
    asked = remote.words(row.charger).clear_charging_profile(profile_id=row.profile_id)
    try:
        row.command = commands.send(row.charger, *asked, origin=row.origin or "system", user=row.created_by)
    except commands.NotConnected:
        wait(row)
        return
    row.reason, row.next_attempt_at = "", None
    row.attempts += 1
    keep_row(row)


def forget(row, reason=""):
    """The charger does not have this profile, and need not."""
    row.state, row.reason = State.REMOVED, reason[:255]
    row.is_desired, row.installed, row.next_attempt_at = False, None, None
    keep_row(row)


def back_off(row, reason):
    """Try again later; say False when that was tried often enough and the row has failed."""
    if reason == answers.NEVER_LEFT:
        row.attempts = max(row.attempts - 1, 0)
    if row.attempts >= MOST_ATTEMPTS:
        fail(row, State.FAILED, f"{reason}; given up after {row.attempts} attempts")
        return False
    wait(row, pause=min(FIRST_PAUSE * 2 ** max(row.attempts - 1, 0), LONGEST_PAUSE), reason=reason)
    return True


def fail(row, state, reason):
    row.state, row.reason, row.next_attempt_at = state, reason[:255], None
    keep_row(row)


def refuse(row, outcome):
    """The charger will not have it, or answers nonsense."""
    is_no = outcome.kind in (Kind.REFUSED, Kind.UNSUPPORTED)
    fail(row, State.REJECTED if is_no else State.FAILED, outcome.text)


def accept(row):
    """The charger says that it has what we sent; what stood in its place is gone."""
    row.state, row.reason, row.attempts, row.next_attempt_at = State.INSTALLED, "", 0, None
    row.installed, row.installed_at = words_of(row), batch.now()
    keep_row(row)


def as_installed(row, place):
    """Return a row, unsaved, with what the charger has under its number; another may be wanted."""
    there = ChargingProfile(pk=row.pk, charger=row.charger, profile_id=row.profile_id)
    fill(there, row.installed, place=place)
    return there


def replaced_by(row):
    """Return the installed rows that `row` pushed out: same place, purpose and stack level (1.6, 5.16.4)."""
    if row.charger.protocol != Protocol.OCPP16:
        return []
    same = ChargingProfile.objects.filter(
        charger=row.charger,
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        purpose=row.purpose,
        stack_level=row.stack_level,
        state=State.INSTALLED,
    )
    return list(same.exclude(pk=row.pk).select_related("charger"))


def keep_row(row, *, is_news=True):
    """Write a row, and tell of it."""
    row.save()
    if not is_news:
        return
    events.record(
        "charging_profile.updated",
        charger=row.charger,
        object_id=row.pk,
        profile_id=row.profile_id,
        state=row.state,
        evse_id=row.evse_id,
        connector_id=row.connector_id,
    )
