"""What only OCPP 2.0.1 lets a station tell: of limits, profiles, and cars that speak ISO 15118 (block K).

Each function returns (action, payload), or the payload that it says.
"""

from itertools import groupby

from chargers.smart_charging.profiles import EXTERNAL
from chargers.wire import clock

# So many profiles go into one ReportChargingProfiles.
REPORT_PART = 4
_TRANSFERS = {0: "DC", 1: "AC_single_phase", 2: "AC_two_phase", 3: "AC_three_phase"}
_LEAST_AMPS = 6


def constraint(profile_id, watts, at):
    """Return the profile that a limit of others is."""
    period = {"startPeriod": 0, "limit": float(watts)}
    schedule = {"id": profile_id, "startSchedule": clock.text(at), "chargingRateUnit": "W"}
    return {
        "id": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": EXTERNAL,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule | {"chargingSchedulePeriod": [period]}],
    }


def charging_limit(source, profile):
    return "NotifyChargingLimit", {
        "chargingLimit": {"chargingLimitSource": source},
        "chargingSchedule": profile["chargingSchedule"],
    }


def cleared_limit(source):
    return "ClearedChargingLimit", {"chargingLimitSource": source}


def charging_needs(connector):
    """Return what the car at a connector asks for."""
    outlet = connector.outlet
    kind, parameters = _direct(connector) if outlet.is_dc else _alternating(connector)
    needs = {"requestedEnergyTransfer": _TRANSFERS[outlet.phases], kind: parameters}
    return "NotifyEVChargingNeeds", {"evseId": connector.connector_id, "chargingNeeds": needs}


def _alternating(connector):
    outlet, car = connector.outlet, connector.car
    amps = min(outlet.max_w, car.max_w) / outlet.volts / outlet.phases
    return "acChargingParameters", {
        "energyAmount": round(car.needs_wh),
        "evMinCurrent": _LEAST_AMPS,
        "evMaxCurrent": round(amps),
        "evMaxVoltage": round(outlet.volts),
    }


def _direct(connector):
    outlet, car = connector.outlet, connector.car
    return "dcChargingParameters", {
        "energyAmount": round(car.needs_wh),
        "evMaxCurrent": round(car.max_w / outlet.volts),
        "evMaxVoltage": round(outlet.volts),
        "evMaxPower": round(car.max_w),
        "evEnergyCapacity": round(car.battery_wh),
        "stateOfCharge": round(car.soc),
    }


def charging_schedule(profile, plan):
    """Return what a car makes of a profile: it follows the composite schedule."""
    schedule = {
        "id": profile.told["chargingSchedule"][0]["id"],
        "startSchedule": clock.text(plan.start),
        "duration": plan.duration,
        "chargingRateUnit": plan.unit,
        "chargingSchedulePeriod": [period.payload() for period in plan.periods],
    }
    return "NotifyEVChargingSchedule", {
        "timeBase": clock.text(plan.start),
        "evseId": profile.evse,
        "chargingSchedule": schedule,
    }


def reports(request_id, profiles, external_source):
    """Return the ReportChargingProfiles for these profiles: by source and EVSE, in parts."""
    parts = [
        {"chargingLimitSource": source, "evseId": evse, "chargingProfile": group[start : start + REPORT_PART]}
        for (source, evse), group in _grouped(profiles, external_source)
        for start in range(0, len(group), REPORT_PART)
    ]
    return [
        ("ReportChargingProfiles", {"requestId": request_id, "tbc": number < len(parts)} | part)
        for number, part in enumerate(parts, 1)
    ]


def _grouped(profiles, external_source):
    """Yield ((source, EVSE), profiles as they were told)."""

    def place(profile):
        return source(profile, external_source), profile.evse

    for key, group in groupby(sorted(profiles, key=place), key=place):
        yield key, [each.told for each in group]


def source(profile, external_source):
    """Return who laid down a profile: the operator of the charging station, or somebody else."""
    return external_source if profile.purpose == EXTERNAL else "CSO"
