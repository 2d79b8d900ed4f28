"""Settings from the environment: a wrong one is named before anything begins."""

import runpy
import socket
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

SETTINGS = Path(__file__).resolve().parents[2] / "csms" / "settings.py"


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Return a function that reads csms/settings.py with these variables and the defaults."""
    for name in ("DATABASE_URL", "REDIS_URL", "CSMS_SECRET_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CSMS_DATA_DIR", str(tmp_path))

    def read(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(SETTINGS))

    return read


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DEBUG", "maybe", "1 or 0, not 'maybe'"),
        ("CSMS_LANES", "two", "a whole number of at least 1, not 'two'"),
        ("CSMS_LANES", "0", "at least 1, not '0'"),
        ("CSMS_RETAIN_EVENTS_DAYS", "-1", "at least 0"),
        ("CSMS_CALL_TIMEOUT", "nan", "a number of at least 1"),
        ("CSMS_UNKNOWN_CHARGERS", "foo", "one of reject, pending, accept, not 'foo'"),
        ("CSMS_LOG_LEVEL", "LOUD", "one of DEBUG"),
        ("CSMS_TRUSTED_PROXIES", "10.0.0.1,proxy", "addresses or networks such as 10.0.0.1,192.168.0.0/16"),
        ("DATABASE_URL", "nonsense", "a URL such as postgres://"),
        ("DATABASE_URL", "mysql://u:secret@h/db", "a URL such as postgres://"),
        ("DATABASE_URL", "postgres://u:secret@h/db", "CSMS_SECRET_KEYS must be set"),
        ("REDIS_URL", "localhost:6379", "a URL such as redis://"),
        ("MQTT_URL", "127.0.0.1:1883", "a URL such as mqtt://"),
        ("MQTT_URL", "mqtt://", "a URL such as mqtt://"),
        ("MQTT_URL", "mqtt://h:0", "a URL such as mqtt://"),
        ("MQTT_URL", "mqtt://h:99999", "a URL such as mqtt://"),
        ("MQTT_URL", "mqtt://u:secret@[h", "a URL such as mqtt://"),
        ("MQTT_URL", "mqtt://u:secret/@h", "percent-encoded"),
        ("MQTT_URL", "mqtt://u:secret#@h", "percent-encoded"),
        ("CSMS_DATA_DIR", "/dev/null/var", "cannot be made: Not a directory"),
    ],
)
def test_wrong_value_is_named(read, name, value, says):
    """Whoever typed it reads which variable it is and what would be right, and no password."""
    with pytest.raises(ImproperlyConfigured) as caught:
        read(**{name: value})

    assert name in str(caught.value)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_spaces_after_commas_do_no_harm(read):
    """Lists are typed by people."""
    found = read(CSMS_TRUSTED_PROXIES="10.0.0.1, ::1", ALLOWED_HOSTS="a.example, b.example")

    assert found["CSMS_TRUSTED_PROXIES"] == ["10.0.0.1", "::1"]
    assert found["ALLOWED_HOSTS"] == ["a.example", "b.example"]


@pytest.mark.parametrize("port", ["abc", "99999", "-1", ""])
def test_wrong_port_is_named(monkeypatch, port):
    """The environment's value is refused in the words of the command line."""
    monkeypatch.setenv("PORT", port)

    with pytest.raises(CommandError, match=f"PORT must be a number from 0 to 65535, not '{port}'"):
        call_command("serve")


def test_taken_port_is_named_before_anything_is_made(db, django_user_model):
    """The first password is not printed by a server that cannot start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"HOST 127.0.0.1, PORT {port}: Address already in use"):
            call_command("serve", host="127.0.0.1", port=port)

    assert not django_user_model.objects.exists()
