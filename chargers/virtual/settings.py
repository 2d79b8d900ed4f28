"""Every setting of the virtual charge point, as tables: its names, what it may be, who may change it.

A key of OCPP 1.6 is a variable of a component in 2.0.1; what only one version has leaves the other name
empty. The read-only flags are EVerest's. A key belongs to a feature profile, or to a group that is always
there: Security, PnC (Plug and Charge), Internal (shown, but not standard) or Custom.
"""

import re
from dataclasses import dataclass

# OCPP 1.6 allows fewer, but real values of this length occur.
LONGEST_VALUE = 500
CORE, LOCAL_LIST, RESERVATION = "Core", "LocalAuthListManagement", "Reservation"
FIRMWARE, SMART_CHARGING, TRIGGER = "FirmwareManagement", "SmartCharging", "RemoteTrigger"
PROFILES = (CORE, FIRMWARE, TRIGGER, RESERVATION, LOCAL_LIST, SMART_CHARGING)
SECURITY, PNC, INTERNAL, CUSTOM = "Security", "PnC", "Internal", "Custom"

_ENERGY = "Energy.Active.Import.Register"
_MEASURANDS = f"{_ENERGY},Power.Active.Import,Current.Import,Voltage,SoC"
_PHASES = r"\d+\.(NotApplicable|Unknown|RST|RTS|SRT|STR|TRS|TSR)"
_DECIMAL = re.compile(r"-?\d{1,10}(\.\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,10}", re.ASCII)


# What belongs to a feature profile, in both versions; without the profile it is NotSupported.
PROFILE_ACTIONS = {
    LOCAL_LIST: ("GetLocalListVersion", "SendLocalList"),
    RESERVATION: ("CancelReservation", "ReserveNow"),
    FIRMWARE: (
        "GetDiagnostics",
        "PublishFirmware",
        "SignedUpdateFirmware",
        "UnpublishFirmware",
        "UpdateFirmware",
    ),
    TRIGGER: ("ExtendedTriggerMessage", "TriggerMessage"),
    SMART_CHARGING: (
        "ClearChargingProfile",
        "GetChargingProfiles",
        "GetCompositeSchedule",
        "SetChargingProfile",
    ),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one setting besides its value.

    `kind` is string, integer, decimal, boolean or MemberList; numbers lie between `least` and `most`,
    both included, None being open. Members must be among `options`, else among the words of the setting
    named `options_key`; `pattern` is for each member, or for the whole of a string. Where
    `is_variable_writable` is not None, it says for 2.0.1 what `is_writable` says for 1.6.
    """

    key: str
    kind: str
    default: str
    component: str = ""
    variable: str = ""
    is_writable: bool = True
    is_secret: bool = False
    instance: str = ""
    group: str = CORE
    least: int | None = 0
    most: int | None = 2_147_483_647
    longest: int = LONGEST_VALUE
    options: tuple[str, ...] = ()
    options_key: str = ""
    pattern: str = ""
    is_variable_writable: bool | None = None

    @property
    def place(self):
        """Where it is in 2.0.1: Component.Variable[Instance], "" for nowhere."""
        instance = f"[{self.instance}]" if self.instance else ""
        return f"{self.component}.{self.variable}{instance}" if self.component else ""

    @property
    def name(self):
        """What our own code calls it: the key of 1.6, else the place in 2.0.1."""
        return self.key or self.place

    def is_writable_in(self, *, is_201):
        """Say whether the CSMS may change it."""
        if is_201 and self.is_variable_writable is not None:
            return self.is_variable_writable
        return self.is_writable

    def allows(self, value, options=()):
        """Say whether `value`, a text, can be its value; `options` are the words of its `options_key`."""
        if len(value) > self.longest:
            return False
        if self.kind in ("integer", "decimal"):
            form = _INTEGER if self.kind == "integer" else _DECIMAL
            return bool(form.fullmatch(value)) and self._is_within(float(value))
        if self.kind == "boolean":
            return value.lower() in ("true", "false")
        parts = members(value) if self.kind == "MemberList" else [value]
        return all(self._allows_word(part, self.options or options) for part in parts)

    def _is_within(self, number):
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)

    def _allows_word(self, word, options):
        if options and word not in options:
            return False
        return not self.pattern or re.fullmatch(self.pattern, word) is not None


def members(value):
    """Return the members of a comma-separated value."""
    return [word.strip() for word in value.split(",") if word.strip()]


def custom(key, kind="string", default="", *, is_writable=True, **limits):
    """Return a Setting of the owner's own; limits are least, most, options, pattern and longest.

    In 2.0.1 it is a variable of CustomizationCtrlr.
    """
    limits = {"least": None, "most": None} | limits
    return Setting(key, kind, default, "CustomizationCtrlr", key, is_writable, group=CUSTOM, **limits)


def _of(group, is_writable):
    """Return a function that makes the settings of a group, all writable or all read-only."""

    def make(key, kind, default, component="", variable="", **more):
        return Setting(key, kind, default, component, variable, is_writable, group=group, **more)

    return make


def _measured(key, default, component, variable):
    return Setting(key, "MemberList", default, component, variable, options_key="SupportedMeasurands")


_core, _fixed = _of(CORE, True), _of(CORE, False)
_internal, _charging = _of(INTERNAL, False), _of(SMART_CHARGING, False)
_security, _pnc = _of(SECURITY, True), _of(PNC, True)

_CORE = (
    _core("HeartbeatInterval", "integer", "300", "OCPPCommCtrlr", "HeartbeatInterval"),
    _core("MeterValueSampleInterval", "integer", "60", "SampledDataCtrlr", "TxUpdatedInterval"),
    _measured("MeterValuesSampledData", _MEASURANDS, "SampledDataCtrlr", "TxUpdatedMeasurands"),
    _core("ConnectionTimeOut", "integer", "60", "TxCtrlr", "EVConnectionTimeOut"),
    _core("StopTransactionOnInvalidId", "boolean", "true", "TxCtrlr", "StopTxOnInvalidId"),
    _fixed(
        "StopTransactionOnEVSideDisconnect",
        "boolean",
        "true",
        "TxCtrlr",
        "StopTxOnEVSideDisconnect",
        is_variable_writable=True,
    ),
    _core("MaxEnergyOnInvalidId", "integer", "0", "TxCtrlr", "MaxEnergyOnInvalidId"),
    _core("AuthorizationCacheEnabled", "boolean", "true", "AuthCacheCtrlr", "Enabled"),
    _core("LocalAuthorizeOffline", "boolean", "true", "AuthCtrlr", "LocalAuthorizeOffline"),
    _core("LocalPreAuthorize", "boolean", "false", "AuthCtrlr", "LocalPreAuthorize"),
    _core("AllowOfflineTxForUnknownId", "boolean", "false", "AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    _core("AuthorizeRemoteTxRequests", "boolean", "false", "AuthCtrlr", "AuthorizeRemoteStart"),
    _core(
        "TransactionMessageAttempts",
        "integer",
        "3",
        "OCPPCommCtrlr",
        "MessageAttempts",
        instance="TransactionEvent",
    ),
    _core(
        "TransactionMessageRetryInterval",
        "integer",
        "10",
        "OCPPCommCtrlr",
        "MessageAttemptInterval",
        instance="TransactionEvent",
    ),
    _core("WebSocketPingInterval", "integer", "10", "OCPPCommCtrlr", "WebSocketPingInterval"),
    _core("ClockAlignedDataInterval", "integer", "0", "AlignedDataCtrlr", "Interval"),
    _measured("MeterValuesAlignedData", _ENERGY, "AlignedDataCtrlr", "Measurands"),
    _measured("StopTxnSampledData", "", "SampledDataCtrlr", "TxEndedMeasurands"),
    _measured("StopTxnAlignedData", "", "AlignedDataCtrlr", "TxEndedMeasurands"),
    _core("ConnectorPhaseRotation", "MemberList", "0.RST,1.RST", pattern=_PHASES),
    _core("ResetRetries", "integer", "1", "OCPPCommCtrlr", "ResetRetries"),
    _core(
        "UnlockConnectorOnEVSideDisconnect", "boolean", "true", "OCPPCommCtrlr", "UnlockOnEVSideDisconnect"
    ),
    _core("MinimumStatusDuration", "integer", "0"),
    _core("BlinkRepeat", "integer", "0"),
    _core("LightIntensity", "integer", "100", most=100),
    _fixed("GetConfigurationMaxKeys", "integer", "100"),
    _fixed("NumberOfConnectors", "integer", "1"),
    _fixed("SupportedFeatureProfiles", "MemberList", ",".join(PROFILES), options=PROFILES),
    _fixed("SupportedFeatureProfilesMaxLength", "integer", "6"),
    _fixed("ConnectorPhaseRotationMaxLength", "integer", "1001"),
    _fixed("MeterValuesSampledDataMaxLength", "integer", "5"),
    _fixed("MeterValuesAlignedDataMaxLength", "integer", "5"),
    _fixed("StopTxnSampledDataMaxLength", "integer", "5"),
    _fixed("StopTxnAlignedDataMaxLength", "integer", "5"),
)
_PROFILES = (
    Setting("LocalAuthListEnabled", "boolean", "true", "LocalAuthListCtrlr", "Enabled", group=LOCAL_LIST),
    _of(LOCAL_LIST, False)("LocalAuthListMaxLength", "integer", "1000", "LocalAuthListCtrlr", "Entries"),
    _of(LOCAL_LIST, False)(
        "SendLocalListMaxLength", "integer", "200", "LocalAuthListCtrlr", "ItemsPerMessage"
    ),
    _of(RESERVATION, False)(
        "ReserveConnectorZeroSupported", "boolean", "true", "ReservationCtrlr", "NonEvseSpecific"
    ),
    _of(FIRMWARE, False)(
        "SupportedFileTransferProtocols",
        "MemberList",
        "HTTP,HTTPS",
        "OCPPCommCtrlr",
        "FileTransferProtocols",
        options=("FTP", "FTPS", "HTTP", "HTTPS", "SFTP"),
    ),
    _charging("ChargeProfileMaxStackLevel", "integer", "10", "SmartChargingCtrlr", "ProfileStackLevel"),
    _charging(
        "ChargingScheduleAllowedChargingRateUnit",
        "MemberList",
        "Current,Power",
        options=("Current", "Power"),
    ),
    _charging("ChargingScheduleMaxPeriods", "integer", "24", "SmartChargingCtrlr", "PeriodsPerSchedule"),
    _charging("ConnectorSwitch3to1PhaseSupported", "boolean", "false", "SmartChargingCtrlr", "Phases3to1"),
    _charging(
        "MaxChargingProfilesInstalled",
        "integer",
        "20",
        "SmartChargingCtrlr",
        "Entries",
        instance="ChargingProfiles",
    ),
)
_SECURITY = (
    _security(
        "AuthorizationKey", "string", "", "SecurityCtrlr", "BasicAuthPassword", is_secret=True, longest=64
    ),
    _security(
        "SecurityProfile",
        "integer",
        "0",
        "SecurityCtrlr",
        "SecurityProfile",
        most=3,
        is_variable_writable=False,
    ),
    _security("CpoName", "string", "", "SecurityCtrlr", "OrganizationName"),
    _security("DisableSecurityEventNotifications", "boolean", "false"),
    _of(SECURITY, False)(
        "AdditionalRootCertificateCheck",
        "boolean",
        "false",
        "SecurityCtrlr",
        "AdditionalRootCertificateCheck",
    ),
    _of(SECURITY, False)(
        "CertificateSignedMaxChainSize", "integer", "10000", "SecurityCtrlr", "MaxCertificateChainSize"
    ),
    _of(SECURITY, False)("CertificateStoreMaxLength", "integer", "50", "SecurityCtrlr", "CertificateEntries"),
    _pnc("ISO15118PnCEnabled", "boolean", "false", "ISO15118Ctrlr", "PnCEnabled"),
    _pnc(
        "ISO15118CertificateManagementEnabled",
        "boolean",
        "false",
        "ISO15118Ctrlr",
        "V2GCertificateInstallationEnabled",
    ),
    _pnc(
        "CentralContractValidationAllowed",
        "boolean",
        "false",
        "ISO15118Ctrlr",
        "CentralContractValidationAllowed",
    ),
    _pnc("ContractValidationOffline", "boolean", "false", "ISO15118Ctrlr", "ContractValidationOffline"),
    _pnc("CertSigningWaitMinimum", "integer", "30", "SecurityCtrlr", "CertSigningWaitMinimum"),
    _pnc("CertSigningRepeatTimes", "integer", "3", "SecurityCtrlr", "CertSigningRepeatTimes"),
)
_INTERNAL = (
    _internal("ChargePointId", "string", "", "SecurityCtrlr", "Identity"),
    _internal("ChargePointVendor", "string", "", "ChargingStation", "VendorName"),
    _internal("ChargePointModel", "string", "", "ChargingStation", "Model"),
    _internal("ChargeBoxSerialNumber", "string", "", "ChargingStation", "SerialNumber"),
    _internal("FirmwareVersion", "string", "", "ChargingStation", "FirmwareVersion"),
    _internal("SupportedMeasurands", "MemberList", _MEASURANDS, options=tuple(_MEASURANDS.split(","))),
    _internal(
        "QueueAllMessages", "boolean", "false", "OCPPCommCtrlr", "QueueAllMessages", is_variable_writable=True
    ),
    _internal("MessageQueueSizeThreshold", "integer", "200000"),
    _internal("WaitForStopTransactionsOnResetTimeout", "integer", "60"),
    _internal(
        "RetryBackoffWaitMinimum",
        "integer",
        "3",
        "OCPPCommCtrlr",
        "RetryBackOffWaitMinimum",
        is_variable_writable=True,
    ),
    _internal(
        "RetryBackoffRandomRange",
        "integer",
        "10",
        "OCPPCommCtrlr",
        "RetryBackOffRandomRange",
        is_variable_writable=True,
    ),
    _internal(
        "RetryBackoffRepeatTimes",
        "integer",
        "3",
        "OCPPCommCtrlr",
        "RetryBackOffRepeatTimes",
        most=20,
        is_variable_writable=True,
    ),
    _internal("MaxCompositeScheduleDuration", "integer", "31536000"),
    _internal("AllowChargingProfileWithoutStartSchedule", "boolean", "false"),
    _internal("CompositeScheduleDefaultLimitAmps", "integer", "48"),
    _internal("CompositeScheduleDefaultLimitWatts", "integer", "33120"),
    _internal("CompositeScheduleDefaultNumberPhases", "integer", "3", least=1, most=3),
    _internal("SupplyVoltage", "integer", "230", least=1),
)


def _only_201(component, *rows, group=CORE, is_writable=False):
    """Return settings that 1.6 has no key for: rows of (variable, kind, default) or with an instance too."""
    return tuple(
        Setting("", kind, default, component, variable, is_writable, instance=(*instance, "")[0], group=group)
        for variable, kind, default, *instance in rows
    )


_201 = (
    *_only_201(
        "DeviceDataCtrlr",
        ("ItemsPerMessage", "integer", "20", "GetReport"),
        ("ItemsPerMessage", "integer", "20", "GetVariables"),
        ("ItemsPerMessage", "integer", "20", "SetVariables"),
        ("BytesPerMessage", "integer", "65536", "GetReport"),
        ("BytesPerMessage", "integer", "65536", "GetVariables"),
        ("BytesPerMessage", "integer", "65536", "SetVariables"),
        ("ConfigurationValueSize", "integer", "500"),
        ("ReportingValueSize", "integer", "2500"),
    ),
    *_only_201(
        "OCPPCommCtrlr",
        ("MessageTimeout", "integer", "30", "Default"),
        ("ActiveNetworkProfile", "integer", "1"),
    ),
    *_only_201(
        "OCPPCommCtrlr",
        ("OfflineThreshold", "integer", "60"),
        ("NetworkConfigurationPriority", "MemberList", "1"),
        ("NetworkProfileConnectionAttempts", "integer", "3"),
        is_writable=True,
    ),
    *_only_201("ClockCtrlr", ("TimeSource", "MemberList", "Heartbeat"), is_writable=True),
    *_only_201(
        "AuthCtrlr", ("Enabled", "boolean", "true"), ("MasterPassGroupId", "string", ""), is_writable=True
    ),
    *_only_201("AuthCacheCtrlr", ("Available", "boolean", "true")),
    *_only_201("LocalAuthListCtrlr", ("Available", "boolean", "true"), group=LOCAL_LIST),
    *_only_201("ReservationCtrlr", ("Available", "boolean", "true"), group=RESERVATION),
    *_only_201("ReservationCtrlr", ("Enabled", "boolean", "true"), group=RESERVATION, is_writable=True),
    *_only_201("TxCtrlr", ("TxStartPoint", "MemberList", "PowerPathClosed")),
    *_only_201("TxCtrlr", ("TxStopPoint", "MemberList", "EVConnected,Authorized")),
    *_only_201("SampledDataCtrlr", ("Available", "boolean", "true")),
    *_only_201("SampledDataCtrlr", ("Enabled", "boolean", "true"), is_writable=True),
    *_only_201("AlignedDataCtrlr", ("Available", "boolean", "true")),
    *_only_201("AlignedDataCtrlr", ("Enabled", "boolean", "true"), is_writable=True),
    *_only_201("AlignedDataCtrlr", ("SendDuringIdle", "boolean", "false"), is_writable=True),
    Setting(
        "",
        "MemberList",
        _ENERGY,
        "SampledDataCtrlr",
        "TxStartedMeasurands",
        options_key="SupportedMeasurands",
    ),
    Setting("", "integer", "0", "SampledDataCtrlr", "TxEndedInterval"),
    Setting("", "integer", "0", "AlignedDataCtrlr", "TxEndedInterval"),
    *_only_201("MonitoringCtrlr", ("Available", "boolean", "true")),
    *_only_201("MonitoringCtrlr", ("Enabled", "boolean", "true"), is_writable=True),
    *_only_201(
        "MonitoringCtrlr",
        ("ItemsPerMessage", "integer", "100", "SetVariableMonitoring"),
        ("ItemsPerMessage", "integer", "100", "ClearVariableMonitoring"),
        ("ActiveMonitoringBase", "string", "All"),
        ("ActiveMonitoringLevel", "integer", "9"),
    ),
    *_only_201("DisplayMessageCtrlr", ("Available", "boolean", "true")),
    *_only_201("DisplayMessageCtrlr", ("Enabled", "boolean", "true"), is_writable=True),
    *_only_201(
        "DisplayMessageCtrlr",
        ("SupportedFormats", "MemberList", "ASCII,UTF8"),
        ("SupportedPriorities", "MemberList", "AlwaysFront,InFront,NormalCycle"),
    ),
    *_only_201("SmartChargingCtrlr", ("Available", "boolean", "true"), group=SMART_CHARGING),
    *_only_201("SmartChargingCtrlr", ("Enabled", "boolean", "true"), group=SMART_CHARGING, is_writable=True),
    *_only_201("SmartChargingCtrlr", ("RateUnit", "MemberList", "A,W"), group=SMART_CHARGING),
)

SETTINGS = (*_CORE, *_PROFILES, *_SECURITY, *_INTERNAL, *_201)
