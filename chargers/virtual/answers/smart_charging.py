"""Charging profiles and composite schedules (OCPP 1.6 sections 5.5, 5.7 and 5.16; 2.0.1 block K)."""

from chargers.smart_charging import store
from chargers.smart_charging.profiles import STATION_MAX, BadProfile
from chargers.virtual import smart_charging_201 as notices
from chargers.virtual.answers.answering import accepted
from chargers.wire import clock, v16

LONGEST_INFO = 512
_PURPOSES_16 = {"ChargePointMaxProfile": STATION_MAX}


def rejected(problem):
    """Return the refusal of a profile, in 2.0.1's words."""
    info = {"reasonCode": problem.reason, "additionalInfo": str(problem)[:LONGEST_INFO]}
    return {"status": "Rejected", "statusInfo": info}


# OCPP 1.6 -------------------------------------------------------------------------------------


def _set_16(point, payload):
    try:
        point.smart_charging.install(
            v16.read_charging_profile(payload["csChargingProfiles"]), payload["connectorId"]
        )
    except BadProfile:
        return accepted(False)
    return accepted(True)


def _clear_16(point, payload):
    purpose = payload.get("chargingProfilePurpose")
    is_any = point.smart_charging.clear(
        profile_id=payload.get("id"),
        evse=payload.get("connectorId"),
        purpose=_PURPOSES_16.get(purpose, purpose),
        stack_level=payload.get("stackLevel"),
    )
    return {"status": "Accepted" if is_any else "Unknown"}


def _composite_16(point, payload):
    try:
        plan = _composite(point, payload["connectorId"], payload)
    except BadProfile:
        return accepted(False)
    start = clock.text(plan.start)
    return accepted(True) | {
        "connectorId": payload["connectorId"],
        "scheduleStart": start,
        "chargingSchedule": _told(plan) | {"startSchedule": start},
    }


# OCPP 2.0.1 -----------------------------------------------------------------------------------


def _set_201(point, payload):
    try:
        point.smart_charging.install(payload["chargingProfile"], payload["evseId"])
    except BadProfile as problem:
        return rejected(problem)
    return accepted(True)


def _clear_201(point, payload):
    asked = payload.get("chargingProfileCriteria") or {}
    is_any = point.smart_charging.clear(
        profile_id=payload.get("chargingProfileId"),
        evse=asked.get("evseId"),
        purpose=asked.get("chargingProfilePurpose"),
        stack_level=asked.get("stackLevel"),
    )
    return {"status": "Accepted" if is_any else "Unknown"}


def _composite_201(point, payload):
    try:
        plan = _composite(point, payload["evseId"], payload)
    except BadProfile as problem:
        return rejected(problem)
    schedule = {"evseId": payload["evseId"], "scheduleStart": clock.text(plan.start)}
    return accepted(True) | {"schedule": schedule | _told(plan)}


def _profiles(point, payload):
    asked, holder = payload["chargingProfile"], point.smart_charging
    found = store.matching(
        holder.held,
        profile_ids=asked.get("chargingProfileId"),
        evse=payload.get("evseId"),
        purpose=asked.get("chargingProfilePurpose"),
        stack_level=asked.get("stackLevel"),
    )
    if sources := asked.get("chargingLimitSource"):
        found = [each for each in found if notices.source(each, holder.source) in sources]
    if not found:
        return {"status": "NoProfiles"}
    for action, report in notices.reports(payload["requestId"], found, holder.source):
        point.tell_soon(action, report, is_triggered=True)
    return accepted(True)


# Both -----------------------------------------------------------------------------------------


def _composite(point, number, payload):
    holder, unit = point.smart_charging, payload.get("chargingRateUnit")
    if number not in (0, *point.connectors):
        raise BadProfile("evseId", f"is not one of 0 to {len(point.connectors)}", "UnknownEvse")
    if unit is not None and unit not in holder.units:
        raise BadProfile("chargingRateUnit", "is not supported", "UnsupportedRateUnit")
    if payload["duration"] < 0:
        raise BadProfile("duration", "must be 0 or more", "ValuePositiveOnly")
    return holder.composite(number, payload["duration"], unit or holder.units[0])


def _told(plan):
    return {
        "duration": plan.duration,
        "chargingRateUnit": plan.unit,
        "chargingSchedulePeriod": [period.payload() for period in plan.periods],
    }


HANDLERS_16 = {
    "ClearChargingProfile": _clear_16,
    "GetCompositeSchedule": _composite_16,
    "SetChargingProfile": _set_16,
}
HANDLERS_201 = {
    "ClearChargingProfile": _clear_201,
    "GetChargingProfiles": _profiles,
    "GetCompositeSchedule": _composite_201,
    "SetChargingProfile": _set_201,
}
