"""OCPP 2.0.1 functional block K, Smart Charging: what stations tell of profiles, limits and vehicles."""

from chargers.models import ChargingProfile
from chargers.services import notices
from chargers.services.smart_charging import reported
from chargers.wire import tolerance

_SOURCES = set(ChargingProfile.Source.values)


def report_charging_profiles(charger, payload):
    """Store one part of a report; parts may be missing, come in any order, or unasked."""
    told = payload.get("chargingProfile")
    reported.take_part(
        charger,
        tolerance.index(payload.get("requestId")),
        evse_id=payload.get("evseId"),
        source=_source(payload.get("chargingLimitSource")),
        told=[profile for profile in told if isinstance(profile, dict)] if isinstance(told, list) else [],
        more=payload.get("tbc") is True,
    )
    notices.record(charger, "charger.ReportChargingProfiles", payload)
    return {}


def notify_charging_limit(charger, payload):
    limit = payload.get("chargingLimit")
    limit = limit if isinstance(limit, dict) else {}
    critical = limit.get("isGridCritical")
    schedules = payload.get("chargingSchedule")
    reported.limited(
        charger,
        evse_id=tolerance.index(payload.get("evseId")),
        source=_source(limit.get("chargingLimitSource")),
        is_grid_critical=critical if isinstance(critical, bool) else None,
        schedules=schedules if isinstance(schedules, list) else [],
        payload=payload,
    )
    return {}


def cleared_charging_limit(charger, payload):
    reported.unlimited(
        charger,
        evse_id=tolerance.index(payload.get("evseId")),
        source=_source(payload.get("chargingLimitSource")),
        payload=payload,
    )
    return {}


def notify_ev_charging_needs(charger, payload):
    """Keep what the vehicle needs; no schedule is made from it, and that is said (K15.FR.05)."""
    evse_id, needs = tolerance.index(payload.get("evseId")), payload.get("chargingNeeds")
    if not evse_id or not isinstance(needs, dict):
        return _refused("InvalidValue", "no EVSE, or no needs")
    tuples = payload.get("maxScheduleTuples")
    reported.needed(
        charger,
        evse_id=evse_id,
        needs=needs,
        max_schedule_tuples=tolerance.index(tuples) or None,
        payload=payload,
    )
    return _refused("NoSchedule", "the profiles that are set apply")


def notify_ev_charging_schedule(charger, payload):
    """Keep how the vehicle means to charge; Accepted says that it was read, not that it is allowed (K17)."""
    evse_id, schedule = tolerance.index(payload.get("evseId")), payload.get("chargingSchedule")
    if not evse_id or not isinstance(schedule, dict):
        return _refused("InvalidValue", "no EVSE, or no schedule")
    reported.planned(
        charger, evse_id=evse_id, schedule=schedule, time_base=payload.get("timeBase"), payload=payload
    )
    return {"status": "Accepted"}


def _source(word):
    return word if word in _SOURCES else ChargingProfile.Source.OTHER


def _refused(code, words):
    return {"status": "Rejected", "statusInfo": {"reasonCode": code, "additionalInfo": words}}


HANDLERS = {
    "ClearedChargingLimit": cleared_charging_limit,
    "NotifyChargingLimit": notify_charging_limit,
    "NotifyEVChargingNeeds": notify_ev_charging_needs,
    "NotifyEVChargingSchedule": notify_ev_charging_schedule,
    "ReportChargingProfiles": report_charging_profiles,
}
