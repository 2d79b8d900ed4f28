"""Timestamps as chargers write them, and as we do."""

import re
from datetime import UTC, datetime, timedelta

EARLIEST_SANE = datetime(2010, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)
_LEAP_SECOND = re.compile(r"(?<=:\d\d):60")


def text(moment):
    """Return `moment` as OCPP writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def read(text, now):
    """Return (time, flag) for a timestamp as chargers write it; `now` stands in where it is useless.

    A missing zone means UTC, `+02` is `+02:00`, a leap second is the one before it. The flag is "" for a
    sane time; "clock" for one before 2010 or more than a day ahead, which is replaced by `now`;
    "unreadable" likewise.
    """
    moment = _parsed(text)
    if moment is None:
        return now, "unreadable"
    if moment < EARLIEST_SANE or moment > now + CLOCK_SKEW:
        return now, "clock"
    return moment, ""


def moment(text):
    """Return the time that a text means, or None where it means none."""
    return _parsed(text)


def _parsed(text):
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        moment = datetime.fromisoformat(_LEAP_SECOND.sub(":59", text.strip().upper()))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
