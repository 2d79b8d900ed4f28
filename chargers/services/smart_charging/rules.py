"""What a charging profile of a caller's own must be before it is sent; every refusal names the member."""

import math

from chargers.models import ChargingProfile, Protocol
from chargers.services import commands
from chargers.wire import clock, validation

Purpose = ChargingProfile.Purpose
MOST = 1e7
# Chargers have 32 bits for whole numbers, and so have our columns.
LARGEST = 2**31 - 1
_SANE = "Must be between 0 and 10,000,000."


class Invalid(commands.Refused):
    """The wish cannot be carried out as it stands; `field` names the member at fault."""

    def __init__(self, field, message):
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}" if field else message)


class Unsupported(commands.Refused):
    """The charger said that it knows no smart charging."""


def check_supported(charger, capabilities):
    if capabilities.is_supported is False:
        raise Unsupported(f"{charger.identifier} says that it does not support smart charging.")


def check_place(charger, row):
    """Raise Invalid for a place of the other OCPP version: it would be taken for the whole charger."""
    if row.evse_id if charger.protocol == Protocol.OCPP16 else row.connector_id:
        raise Invalid("", f"In {charger.protocol}, which the charger speaks, it has no such connector.")


def check_profile(profile, *, charger, place, capabilities):
    """Raise Invalid unless `profile` (a chargingProfile of 2.0.1, with its id) may be sent to `place`."""
    _check_schema(profile)
    _check_purpose(profile, place)
    _check_kind(profile)
    _check_values(profile, capabilities)
    schedules = profile["chargingSchedule"]
    if len(schedules) > 1 and charger.protocol == Protocol.OCPP16:
        raise Invalid("profile.chargingSchedule", "OCPP 1.6 knows one schedule a profile.")
    for number, schedule in enumerate(schedules):
        _check_schedule(schedule, f"profile.chargingSchedule.{number}", capabilities)


def _check_schema(profile):
    if not isinstance(profile, dict):
        raise Invalid("profile", "Must be an object.")
    if cause := commands.unwritable(profile):
        raise Invalid("profile", cause)
    payload = {"evseId": 0, "chargingProfile": profile}
    problems = validation.problems(validation.V201, "SetChargingProfile", payload)
    if problems:
        member = ".".join(["profile", *(str(part) for part in problems[0].path[1:])])
        raise Invalid(member, problems[0].cause)


def _check_purpose(profile, place):
    purpose, whole = profile["chargingProfilePurpose"], place == (0, 0)
    if purpose == Purpose.EXTERNAL:
        raise Invalid("profile.chargingProfilePurpose", "Only the station itself sets limits from outside.")
    if purpose == Purpose.STATION_MAX and not whole:
        raise Invalid("profile.chargingProfilePurpose", "A maximum of the station is for the whole charger.")
    if purpose == Purpose.TX and whole:
        raise Invalid("profile.chargingProfilePurpose", "A TxProfile needs a connector.")
    if purpose != Purpose.TX and profile.get("transactionId") is not None:
        raise Invalid("profile.transactionId", "Only a TxProfile belongs to a transaction.")


def _check_kind(profile):
    kind = profile["chargingProfileKind"]
    if kind == "Recurring" and not profile.get("recurrencyKind"):
        raise Invalid("profile.recurrencyKind", "A Recurring profile says Daily or Weekly.")
    if kind == "Relative":
        if profile["chargingProfilePurpose"] == Purpose.STATION_MAX:
            raise Invalid("profile.chargingProfileKind", "A maximum of the station is not Relative.")
        return
    for number, schedule in enumerate(profile["chargingSchedule"]):
        if not schedule.get("startSchedule"):
            field = f"profile.chargingSchedule.{number}.startSchedule"
            raise Invalid(field, f"A profile of kind {kind} needs it.")


def _check_values(profile, capabilities):
    if not is_number(profile["id"]):
        raise Invalid("profile.id", "Must be a whole number of 32 bits.")
    most = LARGEST if capabilities.max_stack_level is None else capabilities.max_stack_level
    if not 0 <= profile["stackLevel"] <= most:
        raise Invalid("profile.stackLevel", f"Must be between 0 and {most}.")
    begin, end = (_moment(profile, member, f"profile.{member}") for member in ("validFrom", "validTo"))
    if begin and end and end <= begin:
        raise Invalid("profile.validTo", "Must be after validFrom.")


def _moment(content, member, field):
    """Return the moment that a member tells, or None where it is left out."""
    text = content.get(member)
    moment = text and clock.moment(text)
    if text is not None and moment is None:
        raise Invalid(field, "There is no such moment.")
    return moment


def _check_schedule(schedule, path, capabilities):
    _check_members(schedule, path)
    unit, periods = schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"]
    if not capabilities.allows(unit):
        raise Invalid(
            f"{path}.chargingRateUnit", f"The charger takes {' or '.join(sorted(capabilities.units))}."
        )
    if capabilities.max_periods is not None and len(periods) > capabilities.max_periods:
        raise Invalid(f"{path}.chargingSchedulePeriod", f"At most {capabilities.max_periods} periods.")
    last = -1
    for number, period in enumerate(periods):
        field = f"{path}.chargingSchedulePeriod.{number}"
        if not last < period["startPeriod"] <= LARGEST or (number == 0 and period["startPeriod"]):
            raise Invalid(f"{field}.startPeriod", "Periods begin at 0 and ascend.")
        last = period["startPeriod"]
        if not is_sane(period["limit"]):
            raise Invalid(f"{field}.limit", _SANE)
        phases = period.get("numberPhases")
        if phases is not None and not 1 <= phases <= 3:
            raise Invalid(f"{field}.numberPhases", "Must be between 1 and 3.")


def _check_members(schedule, path):
    if not is_number(schedule["id"]):
        raise Invalid(f"{path}.id", "Must be a whole number of 32 bits.")
    duration, least = schedule.get("duration"), schedule.get("minChargingRate")
    if duration is not None and not 0 < duration <= LARGEST:
        raise Invalid(f"{path}.duration", f"Must be between 1 and {LARGEST}.")
    if least is not None and not is_sane(least):
        raise Invalid(f"{path}.minChargingRate", _SANE)
    _moment(schedule, "startSchedule", f"{path}.startSchedule")


def is_number(number):
    """Say whether `number` can be the number of a profile, a whole one of 32 bits."""
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    return is_whole and -LARGEST - 1 <= number <= LARGEST


def is_sane(value):
    """Say whether `value` can be a limit in amps or watts."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= MOST
