"""The settings of the virtual charge point: one store, under the names of both versions.

A key of OCPP 1.6 is a variable of a component in 2.0.1. Keys that only one version has leave the
other name empty. Names are compared without regard to case, as the standard says.
"""

from dataclasses import dataclass

ACCEPTED, REJECTED, NOT_SUPPORTED = "Accepted", "Rejected", "NotSupported"
HIDDEN = "DummyAuthorizationKey"
# OCPP 1.6 allows fewer, but real keys of this length occur.
LONGEST_VALUE = 500

_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one key besides its value. `kind` is string, integer, boolean or MemberList."""

    key: str
    kind: str
    default: str
    component: str = ""
    variable: str = ""
    is_writable: bool = True
    is_secret: bool = False

    def allows(self, value):
        """Say whether `value`, a text, can be the value of this setting."""
        if len(value) > LONGEST_VALUE:
            return False
        if self.kind == "integer":
            return value.isascii() and value.isdigit()
        if self.kind == "boolean":
            return value.lower() in ("true", "false")
        if self.kind == "MemberList":
            return all(name.strip() in _MEASURANDS.split(",") for name in value.split(",") if name.strip())
        return True


SETTINGS = (
    Setting("HeartbeatInterval", "integer", "300", "OCPPCommCtrlr", "HeartbeatInterval"),
    Setting("MeterValueSampleInterval", "integer", "60", "SampledDataCtrlr", "TxUpdatedInterval"),
    Setting("MeterValuesSampledData", "MemberList", _MEASURANDS, "SampledDataCtrlr", "TxUpdatedMeasurands"),
    Setting("ConnectionTimeOut", "integer", "60", "TxCtrlr", "EVConnectionTimeOut"),
    Setting("StopTransactionOnInvalidId", "boolean", "true", "TxCtrlr", "StopTxOnInvalidId"),
    Setting(
        "StopTransactionOnEVSideDisconnect", "boolean", "true", "TxCtrlr", "StopTxOnEVSideDisconnect", False
    ),
    Setting("AuthorizationCacheEnabled", "boolean", "true", "AuthCacheCtrlr", "Enabled"),
    Setting("LocalAuthorizeOffline", "boolean", "true", "AuthCtrlr", "LocalAuthorizeOffline"),
    Setting("LocalPreAuthorize", "boolean", "false", "AuthCtrlr", "LocalPreAuthorize"),
    Setting("AllowOfflineTxForUnknownId", "boolean", "false", "AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    Setting("AuthorizeRemoteTxRequests", "boolean", "false", "AuthCtrlr", "AuthorizeRemoteStart"),
    Setting("TransactionMessageAttempts", "integer", "3", "OCPPCommCtrlr", "MessageAttempts"),
    Setting("TransactionMessageRetryInterval", "integer", "10", "OCPPCommCtrlr", "MessageAttemptInterval"),
    Setting("WebSocketPingInterval", "integer", "0", "OCPPCommCtrlr", "WebSocketPingInterval"),
    Setting("AuthorizationKey", "string", "", "SecurityCtrlr", "BasicAuthPassword", is_secret=True),
    Setting("ClockAlignedDataInterval", "integer", "0", "AlignedDataCtrlr", "Interval"),
    Setting("MeterValuesAlignedData", "MemberList", "", "AlignedDataCtrlr", "Measurands"),
    Setting("StopTxnSampledData", "MemberList", "", "SampledDataCtrlr", "TxEndedMeasurands"),
    Setting("StopTxnAlignedData", "MemberList", "", "AlignedDataCtrlr", "TxEndedMeasurands"),
    Setting("ConnectorPhaseRotation", "string", "0.RST,1.RST"),
    Setting("ResetRetries", "integer", "1", "OCPPCommCtrlr", "ResetRetries"),
    Setting(
        "UnlockConnectorOnEVSideDisconnect", "boolean", "true", "OCPPCommCtrlr", "UnlockOnEVSideDisconnect"
    ),
    Setting("GetConfigurationMaxKeys", "integer", "100", is_writable=False),
    Setting("NumberOfConnectors", "integer", "1", is_writable=False),
    Setting("SupportedFeatureProfiles", "string", "Core,RemoteTrigger", is_writable=False),
    Setting("SecurityProfile", "integer", "0", "SecurityCtrlr", "SecurityProfile", is_writable=False),
    Setting("ChargePointVendor", "string", "", "ChargingStation", "VendorName", is_writable=False),
    Setting("ChargePointModel", "string", "", "ChargingStation", "Model", is_writable=False),
    Setting("ChargeBoxSerialNumber", "string", "", "ChargingStation", "SerialNumber", is_writable=False),
)


class Configuration:
    """The values. Reads are by key; `initial` may set any of them, read-only ones too."""

    def __init__(self, initial=None):
        self._values = {setting.key: setting.default for setting in SETTINGS}
        for key, value in (initial or {}).items():
            setting = find(key)
            if setting is None:
                raise ValueError(f"there is no configuration key {key}: there are {', '.join(_KEYS)}")
            if not setting.allows(str(value)):
                raise ValueError(f"{key} cannot be {value!r}: it is of kind {setting.kind}")
            self._values[setting.key] = str(value)

    def __getitem__(self, key):
        return self._values[key]

    def number(self, key):
        return int(self._values[key])

    def is_true(self, key):
        return self._values[key].lower() == "true"

    def words(self, key):
        """Return the members of a comma-separated value."""
        return [word.strip() for word in self._values[key].split(",") if word.strip()]

    def shown(self, setting):
        """Return the value as it may leave the house: a secret reads back as a dummy."""
        return HIDDEN if setting.is_secret else self._values[setting.key]

    def change(self, setting, value):
        """Set a value as the CSMS may: (status in OCPP 1.6's words)."""
        if setting is None:
            return NOT_SUPPORTED
        if not setting.is_writable or not setting.allows(value):
            return REJECTED
        self._values[setting.key] = value
        return ACCEPTED

    def learn(self, key, value):
        """Take over what the charge point itself came to know."""
        self._values[key] = str(value)


def find(key):
    """Return the setting that OCPP 1.6 calls `key`, or None."""
    return _BY_KEY.get(key.casefold())


def find_variable(component, variable):
    """Return the setting of a 2.0.1 variable, or None."""
    return _BY_VARIABLE.get((component.casefold(), variable.casefold()))


def is_component(name):
    return name.casefold() in {component for component, _ in _BY_VARIABLE}


_KEYS = [setting.key for setting in SETTINGS]
_BY_KEY = {setting.key.casefold(): setting for setting in SETTINGS}
_BY_VARIABLE = {
    (setting.component.casefold(), setting.variable.casefold()): setting
    for setting in SETTINGS
    if setting.component
}
