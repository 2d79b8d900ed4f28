"""EVerest's interface `ocpp_1_6_charge_point` on a virtual charge point: its commands, variables and types.

A driver written for EVerest finds the same names, arguments and snake_case results here; the later
members of the interface are there too. It is made for OCPP 1.6. On a 2.0.1 point everything works as
well: configuration keys go by their 1.6 names, and connectors are EVSEs.
"""

import orjson

from chargers.virtual.charging import NotPossible
from chargers.virtual.schedules import Schedules, Settings
from chargers.virtual.subscribers import Subscribers
from chargers.wire.validation import V16, V201

# What the interface publishes, and what the value of each is.
VARIABLES = {
    "charging_schedules": 'the composite schedule of each connector and, as "0", of the whole station',
    "is_connected": "true or false, at every change",
    "configuration_key": "{key, read_only, value}: a monitored key was changed",
    "security_event": "{type, info, critical, timestamp}: it was told to the CSMS, or waits for that",
    "boot_notification_response": "{status, current_time, interval, status_info}",
    "ocpp_transaction_event": "{transaction_event, session_id, transaction_id, evse}; transaction_event is "
    "Started, Updated or Ended",
    "ocpp_message": "{message, direction, version}: every frame",
}
COMMANDS = (
    "stop",
    "restart",
    "data_transfer",
    "get_configuration_key",
    "set_custom_configuration_key",
    "monitor_configuration_keys",
    "security_event",
    "set_configuration_key",
)
LONGEST_KEY, LONGEST_VALUE = 50, 500
_CAMEL = {"vendor_id": "vendorId", "message_id": "messageId", "data": "data"}
_DIRECTIONS = {"in": "CSMSToChargingStation", "out": "ChargingStationToCSMS"}
# In 1.6 a transaction has no number before it is confirmed, and EVerest tells of it by an update.
_STATES_16 = {"started": "Started", "confirmed": "Updated", "ended": "Ended"}
_STATES_201 = {"started": "Started", "updated": "Updated", "ended": "Ended"}


class OcppChargePoint:
    """The interface `ocpp_1_6_charge_point` of the ChargePoint `point`.

    Build it before the point starts; `subscribe` to the VARIABLES. Names, arguments and results are
    EVerest's (everest-core: interfaces/ocpp_1_6_charge_point.yaml, types/ocpp.yaml). `schedules` says
    how charging_schedules are published, as schedules.Settings.
    """

    def __init__(self, point, *, schedules=None):
        self.point = point
        self._schedules = Schedules(
            point, lambda value: self.publish("charging_schedules", value), schedules or Settings()
        )
        self._subscribers = Subscribers(VARIABLES)
        self._monitored, self._has_run = set(), False
        for event, hear in (
            ("is_running", self._hear_running),
            ("is_connected", lambda value: self.publish("is_connected", value)),
            ("configuration_key", self._hear_key),
            ("boot_notification_response", self._hear_boot),
            ("security_event", lambda value: self.publish("security_event", value)),
            ("transaction", self._hear_transaction),
            ("ocpp_message", self._hear_message),
        ):
            point.subscribe(event, hear)

    # Variables --------------------------------------------------------------------------------

    def subscribe(self, variable, callback):
        """Have `callback(value)` called at each change of `variable`, one of VARIABLES; it must not wait."""
        self._subscribers.add(variable, callback)

    def publish(self, variable, value):
        self._subscribers.tell(variable, value)

    def _hear_running(self, is_running):
        self._has_run = True

    def _hear_key(self, value):
        if value["key"].casefold() in self._monitored:
            self.publish("configuration_key", {name: value[name] for name in ("key", "read_only", "value")})

    def _hear_boot(self, answer):
        told = {"status": answer["status"], "current_time": answer["currentTime"]}
        told["interval"] = answer["interval"]
        if info := answer.get("statusInfo"):
            told["status_info"] = {"reason_code": info["reasonCode"]}
            if "additionalInfo" in info:
                told["status_info"]["additional_info"] = info["additionalInfo"]
        self.publish("boot_notification_response", told)

    def _hear_transaction(self, value):
        states = _STATES_16 if self.point.version == V16 else _STATES_201
        if value["state"] not in states:
            return
        told = {"transaction_event": states[value["state"]], "session_id": value["session_id"]}
        number = value["transaction_id"]
        if not (isinstance(number, int) and number < 0):  # not given by the CSMS yet
            told["transaction_id"] = str(number)
        evse = {"id": value["connector"], "connector_id": 1}
        self.publish("ocpp_transaction_event", told | {"evse": evse})

    def _hear_message(self, value):
        told = {"message": value["message"], "direction": _DIRECTIONS[value["direction"]]}
        self.publish("ocpp_message", told | {"version": self.point.version.removeprefix("ocpp")})

    # Commands ---------------------------------------------------------------------------------

    async def stop(self) -> bool:
        """Disconnect and stop OCPP; True if it was running.

        What charges has ended by then. Nothing that happens before `restart` is kept for the CSMS.
        """
        return await self.point.stop()

    async def restart(self) -> bool:
        """Connect again after `stop`, and boot; True only if it had been stopped."""
        return self._has_run and await self.point.start()

    async def data_transfer(
        self,
        vendor_id: str | None = None,
        message_id: str | None = None,
        data: str | None = None,
        request: dict | None = None,
    ) -> dict:
        """Send a DataTransfer and return {status, data, custom_data}; the last two where there are any.

        Give the three texts, or `request` with members of their names and perhaps `custom_data`, as
        the later interface `ocpp_data_transfer` has it. Besides the CSMS's words the status may be
        Offline (not connected, or no answer in time) or Rejected (an answer that cannot be read).
        """
        texts = {"vendor_id": vendor_id, "message_id": message_id, "data": data}
        asked = _transfer({**texts, **(request or {})}, is_201=self.point.version == V201)
        return _transferred(await self.point.vendors.send(asked))

    async def get_configuration_key(self, keys: list[str] | None = None) -> dict:
        """Return {configuration_keys: [{key, read_only, value}], unknown_keys}; all keys without `keys`."""
        settings = self.point.configuration
        found = {key: settings.find(key) for key in keys or []}
        known = [setting for setting in found.values() if setting] if keys else settings.keys
        return {
            "configuration_keys": [self._key_value(setting) for setting in known],
            "unknown_keys": [key for key, setting in found.items() if setting is None],
        }

    async def set_custom_configuration_key(self, key: str, value: str) -> str:
        """Set a custom key, also one that the CSMS may only read: Accepted, else Rejected."""
        if len(value) > LONGEST_VALUE:
            return "Rejected"
        status = self.point.configuration.set_custom(key, value)
        if status == "Accepted":
            self._hear_key(self._key_value(self.point.configuration.find(key)))
        return status

    async def set_configuration_key(self, key: str, value: str) -> str:
        """Set any key that the CSMS may change, with the same effects: Accepted, Rejected or NotSupported."""
        if len(value) > LONGEST_VALUE:
            return "Rejected"
        return self.point.operations.configure(self.point.configuration.find(key), value)

    async def monitor_configuration_keys(self, keys: list[str]) -> None:
        """Publish `configuration_key` from now on when one of `keys` is changed, besides those monitored."""
        if any(len(key) > LONGEST_KEY for key in keys):
            raise NotPossible(f"a key has at most {LONGEST_KEY} characters")
        known = [key.casefold() for key in keys if self.point.configuration.find(key)]
        self._monitored.update(known)

    async def security_event(self, type: str, info: str = "") -> None:  # noqa: A002  (EVerest's name)
        """Tell the CSMS of a security event; it is delivered for certain."""
        self.point.security_event(type, info)

    def _key_value(self, setting):
        settings = self.point.configuration
        read_only = not settings.is_writable(setting)
        return {"key": setting.key, "read_only": read_only, "value": settings.shown(setting)}


def _transfer(request, *, is_201):
    """Return the payload of a DataTransfer; raises NotPossible."""
    if not request["vendor_id"]:
        raise NotPossible("vendor_id is missing")
    given = {name: value for name, value in request.items() if value not in (None, "")}
    if unknown := set(given) - {"vendor_id", "message_id", "data", "custom_data"}:
        raise NotPossible(f"a request has no member {min(unknown)!r}")
    if not all(isinstance(given.get(name, ""), str) for name in ("vendor_id", "message_id", "data")):
        raise NotPossible("vendor_id, message_id and data are texts")
    payload = {_CAMEL[name]: value for name, value in given.items() if name != "custom_data"}
    custom = given.get("custom_data")
    return payload | (_custom(custom) if custom and is_201 else {})  # 1.6 has no place for it


def _custom(custom_data):
    """Return the member customData: what EVerest carries as {vendor_id, data}, data being its JSON."""
    try:
        members = orjson.loads(custom_data["data"])
        return {"customData": members | {"vendorId": custom_data["vendor_id"]}}
    except (TypeError, KeyError, orjson.JSONDecodeError):
        raise NotPossible("custom_data is {vendor_id, data}, data being the text of an object") from None


def _transferred(answer):
    """Return EVerest's words for the answer to a DataTransfer."""
    response = {"status": answer["status"]}
    if (data := answer.get("data")) is not None:
        response["data"] = data if isinstance(data, str) else orjson.dumps(data).decode()
    if custom := answer.get("customData"):
        text = orjson.dumps(custom).decode()
        response["custom_data"] = {"vendor_id": custom.get("vendorId", ""), "data": text}
    return response
