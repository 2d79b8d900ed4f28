"""What becomes of a wish: pure moves of a Variable row that is locked; the caller writes it.

See Variable for the states. Every attempt is counted and each is later than the one before, so that nothing
is repeated for ever, whatever a charger does.
"""

from datetime import timedelta
from decimal import Decimal, InvalidOperation

from chargers.models import Variable

Desired, Reread = Variable.Desired, Variable.Reread

# What the moves here change.
FIELDS = (
    "desired_state",
    "desired_reason",
    "verified_at",
    "losses",
    "lost_at",
    "reread",
    "command_id",
    "attempts",
    "next_attempt_at",
)
MOST_ATTEMPTS, MOST_READINGS, MOST_RESETS = 8, 3, 3
# So often a value is set again that does not stay, when it is lost within a day each time.
MOST_LOSSES, KEPT = 8, timedelta(days=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
# Longer than any command takes to end: what was sent before that was lost.
LOST_AFTER = timedelta(minutes=15)
_UNKNOWN = {
    "NotSupported",
    "NotImplemented",
    "NotSupportedAttributeType",
    "UnknownComponent",
    "UnknownKey",
    "UnknownVariable",
}


def pause(attempts):
    """Return how long to wait after so many attempts."""
    return min(FIRST_PAUSE * 2 ** (max(1, attempts) - 1), LONGEST_PAUSE)


def send(row, command, now):
    """It is on its way: delivered, read or reset, by `command`."""
    row.command_id, row.attempts = command.pk, row.attempts + 1
    row.next_attempt_at = now + LOST_AFTER
    if row.desired_state == Desired.WAITING:
        row.desired_state = Desired.SENT


def answer(row, status, reason, now):
    """Take what the charger answered to the delivery: a status of either version."""
    # The state says these by itself.
    words = reason if status in ("Rejected", "NotSupported") else f"{status} {reason}".strip()
    if status == "Accepted":
        accept(row, now)
    elif status == "RebootRequired":
        row.desired_state, row.desired_reason = Desired.REBOOT_REQUIRED, "It restarts once it is idle."
        row.attempts, row.next_attempt_at = 0, now
    elif status == "Rejected":
        end(row, Desired.REJECTED, words)
    elif status in _UNKNOWN:
        end(row, Desired.NOT_SUPPORTED, words)
    else:
        miss(row, f"It answered {words[:200]!r}.", now)


def accept(row, now):
    """The charger has taken the value: it is to be read back, where it can be read."""
    row.desired_state, row.desired_reason, row.attempts = Desired.ACCEPTED, "", 0
    if row.is_secret or row.mutability == Variable.Mutability.WRITE_ONLY:
        row.desired_reason, row.reread = "It cannot be read back.", ""
        row.next_attempt_at = None
    else:
        row.reread, row.next_attempt_at = Reread.CHANGED, now


def end(row, state, reason):
    """The wish has come to this, until it is changed."""
    row.desired_state, row.desired_reason = state, reason[:255]
    row.reread, row.next_attempt_at = "", None


def miss(row, reason, now, *, counts=True):
    """An attempt brought no answer that could be used; there is another one later, some times."""
    if not counts:
        row.attempts = max(0, row.attempts - 1)
    if row.reread:
        _miss_reading(row, reason, now)
    elif row.desired_state == Desired.REBOOT_REQUIRED:
        _miss_reset(row, reason, now)
    elif row.attempts >= MOST_ATTEMPTS:
        end(row, Desired.FAILED, f"{reason} {row.attempts} attempts were made.")
    else:
        row.desired_state, row.desired_reason = Desired.WAITING, reason[:255]
        row.next_attempt_at = now + pause(row.attempts)


def _miss_reading(row, reason, now):
    if row.attempts < MOST_READINGS:
        row.next_attempt_at = now + pause(row.attempts)
        return
    give_up_reading(row, reason)


def give_up_reading(row, reason):
    """The value cannot be read; what is wanted stays as far as it has come."""
    row.reread, row.next_attempt_at = "", None
    if row.desired_state == Desired.ACCEPTED:
        row.desired_reason = f"It could not be read back: {reason}"[:255]


def _miss_reset(row, reason, now):
    row.desired_reason = f"It is to restart: {reason}"[:255]
    row.next_attempt_at = now + LOST_AFTER * row.attempts if row.attempts < MOST_RESETS else None


def boot(row, at, *, was_reset):
    """The charger has booted: from `at`, read again what was accepted, try again what failed a while ago."""
    if row.desired_state == Desired.REBOOT_REQUIRED:
        if was_reset:
            row.desired_state, row.reread = Desired.ACCEPTED, Reread.CHANGED
        else:
            # Some boot without a restart: then it is still to be made.
            row.reread = Reread.CHECKED
    elif row.desired_state == Desired.ACCEPTED and not row.is_secret:
        row.reread = row.reread or Reread.CHECKED
    elif row.desired_state == Desired.FAILED:
        row.desired_state, row.desired_reason = Desired.WAITING, ""
    else:
        return
    row.attempts, row.next_attempt_at = 0, at


def settle(row, now, *, is_answer):
    """Compare what a row reads now with what is wanted of it."""
    reread = row.reread
    if is_answer and row.reread:
        row.reread, row.attempts, row.next_attempt_at = "", 0, None
    if row.desired_value is None or row.is_secret or row.desired_state == Desired.SENT:
        return
    if row.reread or (row.desired_state == Desired.REBOOT_REQUIRED and not reread):
        return  # what was on its way before the change says nothing
    if is_same(row.value, row.wish):
        row.desired_state, row.desired_reason, row.verified_at = Desired.ACCEPTED, "", now
        row.attempts, row.next_attempt_at = 0, None
    elif row.desired_state == Desired.REBOOT_REQUIRED:
        row.next_attempt_at = now
    elif row.desired_state == Desired.ACCEPTED:
        _differ(row, reread, now)


def _differ(row, reread, now):
    shown = "nothing" if row.value is None else repr(row.value[:100])
    if reread == Reread.CHANGED:
        row.desired_state, row.desired_reason = Desired.IGNORED, f"It reads back as {shown}."
        row.next_attempt_at = None
    else:
        _lose(row, shown, now)


def _lose(row, shown, now):
    """Somebody else changed it, or it was lost in a restart: nobody fights every second, nor for ever."""
    row.losses = row.losses + 1 if row.lost_at and now - row.lost_at < KEPT else 1
    row.lost_at = now
    if row.losses > MOST_LOSSES:
        end(row, Desired.IGNORED, f"It does not stay: it read {shown} again, {row.losses} times.")
        return
    row.desired_state, row.desired_reason, row.attempts = Desired.WAITING, f"It read {shown} again.", 0
    row.next_attempt_at = max(now, (row.verified_at or row.desired_at or now) + pause(row.losses))


def is_same(told, wanted):
    """Say whether two texts mean the same value: chargers have their own way to write numbers and lists."""
    if told is None:
        return False
    return told == wanted or _canonical(told) == _canonical(wanted)


def _canonical(text):
    text = text.strip()
    try:
        number = Decimal(text)
        return number if number.is_finite() else text
    except InvalidOperation:
        pass
    if text.casefold() in ("true", "false"):
        return text.casefold()
    return tuple(part.strip() for part in text.split(","))
