"""The settings of the virtual charge point."""

import pytest

from chargers.virtual.configuration import HIDDEN, Configuration
from chargers.virtual.settings import PROFILES, SETTINGS, custom

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "60", "Accepted"),
        ("heartbeatinterval", "60", "Accepted"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "soon", "Rejected"),
        ("LocalPreAuthorize", "TRUE", "Accepted"),
        ("LocalPreAuthorize", "1", "Rejected"),
        ("MeterValuesSampledData", "Voltage, SoC", "Accepted"),
        ("MeterValuesSampledData", "Colour", "Rejected"),
        ("LightIntensity", "100", "Accepted"),
        ("LightIntensity", "101", "Rejected"),
        ("SecurityProfile", "4", "Rejected"),
        ("ConnectorPhaseRotation", "0.RST, 1.Unknown", "Accepted"),
        ("ConnectorPhaseRotation", "1.TSRT", "Rejected"),
        ("CpoName", "x" * 501, "Rejected"),
        ("HeartbeatInterval", "99999999999", "Rejected"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("StopTransactionOnEVSideDisconnect", "false", "Rejected"),
        ("Nonsense", "5", "NotSupported"),
    ],
)
def test_change_is_judged(key, value, status):
    configuration = Configuration()

    assert configuration.change(configuration.find(key), value) == status


def test_refused_change_changes_nothing():
    configuration = Configuration()

    configuration.change(configuration.find("HeartbeatInterval"), "soon")

    assert configuration["HeartbeatInterval"] == "300"


def test_secret_reads_back_as_a_dummy():
    configuration = Configuration({"AuthorizationKey": "s3cret"})

    assert configuration.shown(configuration.find("AuthorizationKey")) == HIDDEN


def test_both_versions_share_a_value():
    configuration = Configuration()

    found = configuration.find_variable("ocppcommctrlr", "HEARTBEATINTERVAL")

    assert found is configuration.find("HeartbeatInterval")


def test_versions_may_differ_in_what_is_writable():
    configuration = Configuration(is_201=True)
    profile = configuration.find_variable("SecurityCtrlr", "SecurityProfile")
    cable = configuration.find_variable("TxCtrlr", "StopTxOnEVSideDisconnect")

    statuses = [configuration.change(profile, "1"), configuration.change(cable, "false")]

    assert statuses == ["Rejected", "Accepted"]


def test_variable_of_another_instance_is_another():
    configuration = Configuration()

    assert configuration.find_variable("DeviceDataCtrlr", "ItemsPerMessage", "GetReport")
    assert configuration.find_variable("DeviceDataCtrlr", "ItemsPerMessage") is None


def test_unknown_initial_key_is_refused():
    with pytest.raises(ValueError, match="Nonsense"):
        Configuration({"Nonsense": 1})


def test_initial_measurands_are_measured_by_what_the_meter_can():
    initial = {"MeterValuesSampledData": "SoC", "SupportedMeasurands": "Voltage"}

    with pytest.raises(ValueError, match="MeterValuesSampledData"):
        Configuration(initial)


def test_list_is_no_longer_than_its_key_says():
    configuration = Configuration({"MeterValuesSampledDataMaxLength": 1})
    setting = configuration.find("MeterValuesSampledData")

    statuses = [configuration.change(setting, "SoC"), configuration.change(setting, "SoC,Voltage")]

    assert statuses == ["Accepted", "Rejected"]


@pytest.mark.parametrize(
    ("key", "profile"),
    [
        ("LocalAuthListEnabled", "LocalAuthListManagement"),
        ("ReserveConnectorZeroSupported", "Reservation"),
        ("SupportedFileTransferProtocols", "FirmwareManagement"),
        ("MaxChargingProfilesInstalled", "SmartCharging"),
    ],
)
def test_keys_go_with_their_feature_profile(key, profile):
    others = [each for each in PROFILES if each != profile]
    without = Configuration({"SupportedFeatureProfiles": ",".join(others)})

    assert Configuration().find(key) in Configuration().keys
    assert without.find(key) is None
    assert key not in [each.key for each in without.keys]


def test_custom_key_is_one_like_the_others():
    configuration = Configuration(customs=[custom("Depth", "integer", "-3", least=-9, most=0)])
    depth = configuration.find("depth")

    statuses = [configuration.change(depth, value) for value in ("-10", "-9", "1")]

    assert statuses == ["Rejected", "Accepted", "Rejected"]
    assert configuration["Depth"] == "-9"
    assert configuration.find_variable("CustomizationCtrlr", "Depth") is depth


def test_read_only_custom_key_is_set_from_this_side_only():
    configuration = Configuration(customs=[custom("Colour", default="red", is_writable=False)])

    statuses = [configuration.change(configuration.find("Colour"), "blue")]
    statuses.append(configuration.set_custom("Colour", "green"))

    assert statuses == ["Rejected", "Accepted"]
    assert configuration["Colour"] == "green"


@pytest.mark.parametrize(("key", "value"), [("HeartbeatInterval", "5"), ("Nonsense", "5"), ("Depth", "x")])
def test_only_custom_keys_are_set_from_this_side(key, value):
    configuration = Configuration(customs=[custom("Depth", "integer", "3")])

    assert configuration.set_custom(key, value) == "Rejected"


def test_custom_key_cannot_hide_another():
    with pytest.raises(ValueError, match="called like another"):
        Configuration(customs=[custom("heartbeatinterval")])


def test_every_default_is_allowed():
    configuration = Configuration()

    assert [configuration.change(each, each.default) for each in SETTINGS if each.is_writable]
    assert not [
        each.name
        for each in SETTINGS
        if not each.allows(each.default, configuration.words(each.options_key) if each.options_key else ())
    ]


def test_no_two_settings_have_a_name_or_a_place():
    places = [each.place for each in SETTINGS if each.place]

    assert len({each.name.casefold() for each in SETTINGS}) == len(SETTINGS)
    assert len(set(places)) == len(places)


def test_what_was_taken_back_is_not_remembered():
    """As a security profile that did not connect."""
    configuration = Configuration()
    configuration.change(configuration.find("SecurityProfile"), "1")

    configuration.learn("SecurityProfile", "0")

    assert configuration.changes == {"SecurityProfile": "0"}
