"""OCPP 1.6 requests to a charge point: (action, payload) for each thing one can ask of it.

And which connector a message from one is about. Charging profiles are told in OCPP 2.0.1's words
(`chargingProfile`) everywhere else; here they are put into those of 1.6 and back.
"""

from decimal import ROUND_FLOOR, Decimal

from chargers.wire import tolerance


def start(id_token, *, evse_id=0, connector_id=None, remote_start_id=None):
    payload = {"idTag": id_token}
    return "RemoteStartTransaction", payload | ({"connectorId": connector_id} if connector_id else {})


def stop(transaction_id):
    return "RemoteStopTransaction", {"transactionId": int(transaction_id)}


def unlock(*, evse_id=0, connector_id):
    return "UnlockConnector", {"connectorId": connector_id}


def reset(*, hard):
    return "Reset", {"type": "Hard" if hard else "Soft"}


def data_transfer(vendor_id, message_id="", data=None):
    payload = {"vendorId": vendor_id} | ({"messageId": message_id} if message_id else {})
    return "DataTransfer", payload | ({} if data is None else {"data": data})


def trigger(message, *, evse_id=0, connector_id=None):
    payload = {"requestedMessage": message}
    return "TriggerMessage", payload | ({"connectorId": connector_id} if connector_id else {})


def availability(operative, *, evse_id=0, connector_id=0):
    return "ChangeAvailability", {
        "connectorId": connector_id or 0,
        "type": "Operative" if operative else "Inoperative",
    }


def set_charging_profile(profile, *, evse_id=0, connector_id=0):
    return "SetChargingProfile", {
        "connectorId": connector_id or 0,
        "csChargingProfiles": charging_profile(profile),
    }


def clear_charging_profile(
    *, profile_id=None, evse_id=None, connector_id=None, purpose=None, stack_level=None
):
    asked = {
        "id": profile_id,
        "connectorId": connector_id,
        "chargingProfilePurpose": purpose and _PURPOSES.get(purpose, purpose),
        "stackLevel": stack_level,
    }
    return "ClearChargingProfile", {name: value for name, value in asked.items() if value is not None}


def get_composite_schedule(duration, *, unit=None, evse_id=0, connector_id=0):
    payload = {"connectorId": connector_id or 0, "duration": duration}
    return "GetCompositeSchedule", payload | ({"chargingRateUnit": unit} if unit else {})


def charging_profile(profile):
    """Return a profile of 2.0.1 as `csChargingProfiles`; of several schedules 1.6 knows the first.

    Raises ValueError for a transaction that is no number.
    """
    told = {name: profile[name] for name in _PROFILE_MEMBERS if profile.get(name) is not None}
    told["chargingProfileId"] = profile["id"]
    told["chargingProfilePurpose"] = _PURPOSES.get(
        profile["chargingProfilePurpose"], profile["chargingProfilePurpose"]
    )
    if profile.get("transactionId") is not None:
        told["transactionId"] = int(profile["transactionId"])
    return told | {"chargingSchedule": _schedule(profile["chargingSchedule"][0])}


def read_charging_profile(told):
    """Return `csChargingProfiles` in the words of 2.0.1; the schedule gets the profile's id."""
    profile = {name: told[name] for name in _PROFILE_MEMBERS if told.get(name) is not None}
    profile["id"] = told["chargingProfileId"]
    purpose = told["chargingProfilePurpose"]
    profile["chargingProfilePurpose"] = _PURPOSES_OF_16.get(purpose, purpose)
    if told.get("transactionId") is not None:
        profile["transactionId"] = str(told["transactionId"])
    return profile | {"chargingSchedule": [{"id": profile["id"]} | told["chargingSchedule"]]}


_COMPOSITE_MEMBERS = ("duration", "chargingRateUnit", "minChargingRate", "chargingSchedulePeriod")


def read_composite_schedule(answer):
    """Return what an answer to GetCompositeSchedule says, as 2.0.1's CompositeSchedule; {} for nothing.

    The members are those that the charger gave.
    """
    schedule = answer.get("chargingSchedule")
    if not isinstance(schedule, dict):
        return {}
    start = answer.get("scheduleStart") or schedule.get("startSchedule")
    told = {"evseId": answer.get("connectorId"), "scheduleStart": start}
    told |= {name: schedule.get(name) for name in _COMPOSITE_MEMBERS}
    return {name: value for name, value in told.items() if value is not None}


_PURPOSES = {"ChargingStationMaxProfile": "ChargePointMaxProfile"}
_PURPOSES_OF_16 = {theirs: ours for ours, theirs in _PURPOSES.items()}
_PROFILE_MEMBERS = ("stackLevel", "chargingProfileKind", "recurrencyKind", "validFrom", "validTo")
_SCHEDULE_MEMBERS = ("duration", "startSchedule", "chargingRateUnit")
_PERIOD_MEMBERS = ("startPeriod", "numberPhases")


def purpose(told):
    """Return a purpose of 1.6 in the words of 2.0.1."""
    return _PURPOSES_OF_16.get(told, told)


def _schedule(schedule):
    told = {name: schedule[name] for name in _SCHEDULE_MEMBERS if schedule.get(name) is not None}
    told["chargingSchedulePeriod"] = [_period(period) for period in schedule["chargingSchedulePeriod"]]
    if schedule.get("minChargingRate") is not None:
        told["minChargingRate"] = one_decimal(schedule["minChargingRate"])
    return told


def _period(period):
    told = {name: period[name] for name in _PERIOD_MEMBERS if period.get(name) is not None}
    return told | {"limit": one_decimal(period["limit"])}


def one_decimal(limit):
    """Return `limit` as OCPP takes it: with one decimal, rounded down so that nothing more is allowed."""
    return float(Decimal(str(limit)).quantize(Decimal("0.1"), ROUND_FLOOR))


def place(payload):
    """Return (EVSE, connector) that a message is about; (0, 0) where it is about the whole charger."""
    return 0, tolerance.index(payload.get("connectorId"))


TRIGGERS = (
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
)
