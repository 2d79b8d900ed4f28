"""Charging profiles, read from the words of OCPP 2.0.1 (`chargingProfile`) and checked for sense.

In OCPP 1.6 a connector plays the role of the EVSE. Time is in whole seconds, as everywhere in
OCPP's smart charging: fractions are cut off.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

AMPS, WATTS = "A", "W"
STATION_MAX, TX_DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
EXTERNAL = "ChargingStationExternalConstraints"
PURPOSES = (STATION_MAX, TX_DEFAULT, TX, EXTERNAL)
ABSOLUTE, RECURRING, RELATIVE = "Absolute", "Recurring", "Relative"
# What recurs, and after how many seconds.
RECURRENCES = {"Daily": 86_400, "Weekly": 604_800}
# No grid, no station: a figure beyond this is a mistake.
HIGHEST_LIMIT = 1e9


class BadProfile(Exception):
    """A profile that makes no sense, or may not be set here.

    `member` names what is wrong with a path of OCPP 2.0.1's names, `cause` says why, and `reason` is
    the standard's reasonCode (2.0.1 part 2 appendix 5).
    """

    def __init__(self, member, cause, reason="InvalidProfile"):
        super().__init__(f"{member} {cause}")
        self.member, self.cause, self.reason = member, cause, reason


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` seconds on at most `limit`, in the schedule's unit; phases may not be told."""

    start: int
    limit: float
    phases: int | None = None

    def payload(self):
        told = {"startPeriod": self.start, "limit": self.limit}
        return told | ({"numberPhases": self.phases} if self.phases else {})


@dataclass(frozen=True, slots=True)
class Schedule:
    """Periods in ascending order, the first at 0; without a duration the last one goes on for ever."""

    unit: str
    periods: tuple[Period, ...]
    start: datetime | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile at an EVSE, or at the whole station where `evse` is 0.

    `told` is the profile as it was given, for whoever asks for it again. Of several schedules
    (2.0.1 lets a car choose among three) the first counts.
    """

    profile_id: int
    evse: int
    stack_level: int
    purpose: str
    kind: str
    schedule: Schedule
    recurrency: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str = ""
    told: Mapping = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def read(cls, payload, *, evse):
        """Return the Profile that a `chargingProfile` of the schema tells; raises BadProfile."""
        schedules = payload["chargingSchedule"]
        if not schedules:
            raise BadProfile("chargingSchedule", "is empty", "InvalidSchedule")
        return cls(
            profile_id=payload["id"],
            evse=evse,
            stack_level=payload["stackLevel"],
            purpose=_known(payload, "chargingProfilePurpose", PURPOSES),
            kind=_known(payload, "chargingProfileKind", (ABSOLUTE, RECURRING, RELATIVE)),
            schedule=_schedule(schedules[0]),
            recurrency=_recurrency(payload),
            **_validity(payload),
            transaction_id=str(payload.get("transactionId") or ""),
            told=payload,
        )


def _known(payload, member, words):
    if payload[member] not in words:
        raise BadProfile(member, f"is not one of {', '.join(words)}")
    return payload[member]


def _recurrency(payload):
    if payload["chargingProfileKind"] != RECURRING:
        return ""
    if payload.get("recurrencyKind") is None:
        raise BadProfile("recurrencyKind", "is needed where the kind is Recurring")
    return _known(payload, "recurrencyKind", tuple(RECURRENCES))


def _validity(payload):
    valid_from, valid_to = moment(payload, "validFrom"), moment(payload, "validTo")
    if valid_from and valid_to and valid_to <= valid_from:
        raise BadProfile("validTo", "is not after validFrom")
    return {"valid_from": valid_from, "valid_to": valid_to}


def _schedule(told):
    duration = told.get("duration")
    if duration is not None and duration <= 0:
        raise BadProfile("chargingSchedule.duration", "must be above 0", "InvalidSchedule")
    return Schedule(
        unit=_known(told, "chargingRateUnit", (AMPS, WATTS)),
        periods=_periods(told["chargingSchedulePeriod"]),
        start=moment(told, "startSchedule"),
        duration=duration,
    )


def _periods(told):
    periods = tuple(_period(each) for each in told)
    starts = [each.start for each in periods]
    if not starts or starts[0] != 0 or starts != sorted(set(starts)):
        raise BadProfile(
            "chargingSchedulePeriod.startPeriod", "must be 0 first and ascend then", "InvalidSchedule"
        )
    return periods


def _period(told):
    limit, phases = told["limit"], told.get("numberPhases")
    if not 0 <= limit <= HIGHEST_LIMIT:  # false of NaN, too
        raise BadProfile("chargingSchedulePeriod.limit", f"must be 0 to {HIGHEST_LIMIT:g}", "InvalidSchedule")
    if phases is not None and not 1 <= phases <= 3:
        raise BadProfile("chargingSchedulePeriod.numberPhases", "must be 1 to 3", "InvalidSchedule")
    return Period(told["startPeriod"], float(limit), phases)


def moment(payload, member):
    """Return the time that a member tells, in whole seconds, or None without it; raises BadProfile."""
    text = payload.get(member)
    if text is None:
        return None
    try:
        told = datetime.fromisoformat(text.strip().upper())
        told = told if told.tzinfo else told.replace(tzinfo=UTC)
        return told.astimezone(UTC).replace(microsecond=0)
    except (AttributeError, ValueError, OverflowError):
        raise BadProfile(member, "is no time", "InvalidValue") from None


def tenths(limit):
    """Return `limit` with the one decimal that OCPP carries, rounded down so that nothing more is allowed."""
    return math.floor(round(limit * 10, 6)) / 10
