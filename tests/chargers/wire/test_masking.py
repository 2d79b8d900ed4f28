"""Masking: no secret reaches the log."""

import pytest

from chargers.wire import masking

HIDDEN = "s3cret"


@pytest.mark.parametrize(
    "value",
    [
        {"key": "AuthorizationKey", "value": HIDDEN},
        {"configurationKey": [{"key": "authorizationkey", "value": HIDDEN, "readonly": False}]},
        {"setVariableData": [{"attributeValue": HIDDEN, "variable": {"name": "BasicAuthPassword"}}]},
        {
            "reportData": [
                {"variable": {"name": "BasicAuthPassword"}, "variableAttribute": [{"value": HIDDEN}]}
            ]
        },
        {"password": HIDDEN},
        {"key": "Cellular_PIN", "value": HIDDEN},
        {"location": f"ftp://user:{HIDDEN}@host/path"},
        {"vpn": {"server": "host", "user": "me", "password": HIDDEN, "key": HIDDEN, "type": "L2TP"}},
        {"vendorId": "V", "data": f'{{"wifiPassword": "{HIDDEN}"}}'},
    ],
)
def test_secrets_are_masked(value):
    """Values of keys and variables that name a secret are replaced."""
    assert HIDDEN not in masking.text(value)


@pytest.mark.parametrize(
    "frame",
    [
        f'[3,"late",{{"configurationKey":[{{"key":"AuthorizationKey","readonly":false,"value":"{HIDDEN}"}}]}}]',
        f'[3,"cut",{{"configurationKey":[{{"key":"AuthorizationKey","readonly":false,"value":"{HIDDEN}"}},{{',
        f'[3,"cut",{{"configurationKey":[{{"value":"{HIDDEN}","readonly":false,"key":"AuthorizationKey"',
        f'[2,"1","NotifyReport",{{"variable":{{"name":"BasicAuthPassword"}},"attributeValue": "{HIDDEN}',
        f'[2,"1","X",{{"password":{HIDDEN}}}]',
        f'[2,"1","X",{{"location":"ftp://user:{HIDDEN}@host/"]',
    ],
)
def test_secrets_in_frames_that_were_not_used_are_masked(frame):
    """An answer that comes late or is cut off is logged, and holds what it holds."""
    assert HIDDEN not in masking.raw(frame)


@pytest.mark.parametrize("frame", ['[2,"1","Heartbeat",{}]', '[3, "1", {"key": 1}]', '{"pin', "token"])
def test_frames_without_secrets_are_logged_as_they_came(frame):
    """Byte for byte: they are evidence."""
    assert masking.raw(frame) == frame


def test_everything_else_is_kept():
    """Masking changes nothing that is no secret."""
    value = {
        "key": "HeartbeatInterval",
        "value": "300",
        "list": [{"a": 1}],
        "pinned": True,
        "idToken": {"idToken": "A"},
        "data": '[1, "two"]',
    }
    assert masking.masked(value) == value


@pytest.mark.parametrize(
    "name",
    [
        "AuthorizationKey", "authorizationkey", "BasicAuthPassword", "apnPassword", "SimPIN", "PIN",
        "WifiPassword", "WiFiKey", "WPA_PSK", "ApiToken", "PrivateKey", "OcppAuthKey", "AdminPasswd",
    ],
)  # fmt: skip
def test_names_of_secrets_are_known(name):
    assert masking.is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "HeartbeatInterval", "WebSocketPingInterval", "TokenCacheLifetime", "MasterPassGroupId", "SpinUp",
        "AuthorizeRemoteTxRequests", "AuthorizationCacheEnabled", "MeterValuesSampledData", "Keypad",
    ],
)  # fmt: skip
def test_other_names_are_no_secrets(name):
    assert not masking.is_secret_name(name)


def test_mask_shows_only_whether_there_is_something():
    assert (masking.mask("s3cret"), masking.mask("")) == (masking.MASK, "")
