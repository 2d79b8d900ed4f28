"""What a charging profile of a caller's own must be before it is sent; every refusal names the member."""

import math
from datetime import datetime

from chargers.models import ChargingProfile, Protocol
from chargers.services import commands
from chargers.wire import validation

Purpose = ChargingProfile.Purpose
MOST = 1e7
# Chargers have 32 bits for whole numbers, and so have our columns.
MOST_WHOLE = 2**31 - 1


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
    _check_validity(profile)
    most = MOST_WHOLE if capabilities.max_stack_level is None else capabilities.max_stack_level
    if not 0 <= profile["stackLevel"] <= most:
        raise Invalid("profile.stackLevel", f"Must be between 0 and {most}.")
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


def _check_validity(profile):
    if not -MOST_WHOLE <= profile["id"] <= MOST_WHOLE:
        raise Invalid("profile.id", f"Must be between -{MOST_WHOLE} and {MOST_WHOLE}.")
    begin, end = (_moment(profile, name) for name in ("validFrom", "validTo"))
    if begin and end and end <= begin:
        raise Invalid("profile.validTo", "Must be after validFrom.")


def _moment(profile, name):
    try:
        return profile.get(name) and datetime.fromisoformat(profile[name].upper())
    except ValueError as error:  # a leap second
        raise Invalid(f"profile.{name}", "Is no moment.") from error


def _check_schedule(schedule, path, capabilities):
    unit, periods = schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"]
    if not capabilities.allows(unit):
        raise Invalid(
            f"{path}.chargingRateUnit", f"The charger takes {' or '.join(sorted(capabilities.units))}."
        )
    if capabilities.max_periods is not None and len(periods) > capabilities.max_periods:
        raise Invalid(f"{path}.chargingSchedulePeriod", f"At most {capabilities.max_periods} periods.")
    if not 0 < schedule.get("duration", 1) <= MOST_WHOLE:
        raise Invalid(f"{path}.duration", f"Must be between 1 and {MOST_WHOLE}.")
    if not is_sane(schedule.get("minChargingRate", 0)):
        raise Invalid(f"{path}.minChargingRate", "Must be between 0 and 10,000,000.")
    last = -1
    for number, period in enumerate(periods):
        field = f"{path}.chargingSchedulePeriod.{number}"
        if not last < period["startPeriod"] <= MOST_WHOLE or (number == 0 and period["startPeriod"]):
            raise Invalid(f"{field}.startPeriod", "Periods begin at 0 and ascend.")
        last = period["startPeriod"]
        if not is_sane(period["limit"]):
            raise Invalid(f"{field}.limit", "Must be between 0 and 10,000,000.")
        if not 1 <= period.get("numberPhases", 1) <= 3:
            raise Invalid(f"{field}.numberPhases", "Must be 1, 2 or 3.")


def is_sane(value):
    """Say whether `value` can be a limit in amps or watts."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= MOST
