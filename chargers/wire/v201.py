"""OCPP 2.0.1 requests to a charging station: (action, payload) for each thing one can ask of it.

And which connector a message from one is about.
"""

from chargers.wire import tolerance
from chargers.wire.v16 import one_decimal


def start(id_token, *, evse_id=None, connector_id=None, remote_start_id):
    payload = {"idToken": {"idToken": id_token, "type": "Central"}, "remoteStartId": remote_start_id}
    return "RequestStartTransaction", payload | ({"evseId": evse_id} if evse_id else {})


def stop(transaction_id):
    return "RequestStopTransaction", {"transactionId": transaction_id}


def unlock(*, evse_id, connector_id):
    return "UnlockConnector", {"evseId": evse_id, "connectorId": connector_id}


def reset(*, hard):
    return "Reset", {"type": "Immediate" if hard else "OnIdle"}


def data_transfer(vendor_id, message_id="", data=None):
    payload = {"vendorId": vendor_id} | ({"messageId": message_id} if message_id else {})
    return "DataTransfer", payload | ({} if data is None else {"data": data})


def trigger(message, *, evse_id=None, connector_id=None):
    payload = {"requestedMessage": message}
    return "TriggerMessage", payload | _evse(evse_id, connector_id)


def availability(operative, *, evse_id=None, connector_id=None):
    payload = {"operationalStatus": "Operative" if operative else "Inoperative"}
    return "ChangeAvailability", payload | _evse(evse_id, connector_id)


def set_charging_profile(profile, *, evse_id=0, connector_id=None):
    return "SetChargingProfile", {"evseId": evse_id or 0, "chargingProfile": charging_profile(profile)}


def clear_charging_profile(
    *, profile_id=None, evse_id=None, connector_id=None, purpose=None, stack_level=None
):
    criteria = {"evseId": evse_id, "chargingProfilePurpose": purpose, "stackLevel": stack_level}
    criteria = {name: value for name, value in criteria.items() if value is not None}
    payload = {} if profile_id is None else {"chargingProfileId": profile_id}
    return "ClearChargingProfile", payload | ({"chargingProfileCriteria": criteria} if criteria else {})


def get_charging_profiles(
    request_id, *, evse_id=None, profile_ids=None, sources=None, purpose=None, stack_level=None
):
    criterion = {
        "chargingProfilePurpose": purpose,
        "stackLevel": stack_level,
        "chargingProfileId": profile_ids,
        "chargingLimitSource": sources,
    }
    criterion = {name: value for name, value in criterion.items() if value is not None}
    payload = {"requestId": request_id, "chargingProfile": criterion}
    return "GetChargingProfiles", payload | ({} if evse_id is None else {"evseId": evse_id})


def get_composite_schedule(duration, *, unit=None, evse_id=0, connector_id=None):
    payload = {"evseId": evse_id or 0, "duration": duration}
    return "GetCompositeSchedule", payload | ({"chargingRateUnit": unit} if unit else {})


def charging_profile(profile):
    """Return a profile as it is sent: every limit with one decimal, rounded down."""
    return profile | {"chargingSchedule": [_schedule(each) for each in profile["chargingSchedule"]]}


def read_charging_profile(told):
    """Return a profile as rows hold it; these are our words already."""
    return told


def read_composite_schedule(answer):
    """Return the CompositeSchedule in an answer to GetCompositeSchedule; {} for nothing."""
    schedule = answer.get("schedule")
    return schedule if isinstance(schedule, dict) else {}


def purpose(told):
    """Return a purpose as rows hold it; it is our word already."""
    return told


def _schedule(schedule):
    periods = [
        period | {"limit": one_decimal(period["limit"])} for period in schedule["chargingSchedulePeriod"]
    ]
    told = schedule | {"chargingSchedulePeriod": periods}
    if schedule.get("minChargingRate") is not None:
        told["minChargingRate"] = one_decimal(schedule["minChargingRate"])
    return told


def _evse(evse_id, connector_id):
    if not evse_id:
        return {}
    return {"evse": {"id": evse_id} | ({"connectorId": connector_id} if connector_id else {})}


def place(payload):
    """Return (EVSE, connector) that a message is about; (0, 0) where it is about the whole station."""
    evse = payload.get("evse")
    if isinstance(evse, dict):
        return tolerance.index(evse.get("id")), tolerance.index(evse.get("connectorId"))
    return tolerance.index(payload.get("evseId")), tolerance.index(payload.get("connectorId"))


TRIGGERS = (
    "BootNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "PublishFirmwareStatusNotification",
    "SignChargingStationCertificate",
    "SignCombinedCertificate",
    "SignV2GCertificate",
    "StatusNotification",
    "TransactionEvent",
)
