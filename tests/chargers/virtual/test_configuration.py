"""The settings of the virtual charge point."""

import pytest

from chargers.virtual.configuration import HIDDEN, SETTINGS, Configuration, find, find_variable


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
        ("NumberOfConnectors", "5", "Rejected"),
        ("Nonsense", "5", "NotSupported"),
    ],
)
def test_change_is_judged(key, value, status):
    assert Configuration().change(find(key), value) == status


def test_refused_change_changes_nothing():
    configuration = Configuration()

    configuration.change(find("HeartbeatInterval"), "soon")

    assert configuration["HeartbeatInterval"] == "300"


def test_secret_reads_back_as_a_dummy():
    assert Configuration({"AuthorizationKey": "s3cret"}).shown(find("AuthorizationKey")) == HIDDEN


def test_both_versions_share_a_value():
    assert find_variable("ocppcommctrlr", "HEARTBEATINTERVAL") is find("HeartbeatInterval")


def test_unknown_initial_key_is_refused():
    with pytest.raises(ValueError, match="Nonsense"):
        Configuration({"Nonsense": 1})


def test_every_default_is_allowed():
    assert not [setting.key for setting in SETTINGS if not setting.allows(setting.default)]
