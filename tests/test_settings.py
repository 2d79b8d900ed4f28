"""docs/settings.md holds every variable that is read, with its default, and none that is not."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
APPS = [name for name in ("csms", "tokens", "chargers", "oscp", "ocpi") if (ROOT / name).is_dir()]
# What is told to others by the environment and set by nobody.
NOT_OURS = {"DJANGO_SETTINGS_MODULE"}
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`|\*empty\*) \| (.+) \|$", re.MULTILINE)


@cache
def documented():
    """Return {name: (default, meaning)} of the tables."""
    found = ROW.findall((ROOT / "docs" / "settings.md").read_text())
    assert len(found) == len({name for name, *_ in found}), "a name stands there twice"
    return {name: (default, meaning) for name, default, meaning in found}


@cache
def read():
    """Return {name: its default, as an AST node, or None} of all the source."""
    files = [ROOT / "manage.py", *(path for app in APPS for path in (ROOT / app).rglob("*.py"))]
    calls = [
        node for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    ]
    named = {}
    for call in calls:
        if _reads_environment(call.func) and call.args and isinstance(call.args[0], ast.Constant):
            # The first one that has a default: a name may be looked at again to be checked.
            named[call.args[0].value] = named.get(call.args[0].value) or _default(call)
    return {name: default for name, default in named.items() if name not in NOT_OURS}


def _reads_environment(function):
    """Whether it is `env.kind(...)`, `env(...)`, `os.environ.get(...)` or `os.getenv(...)`."""
    return re.match(r"(os\.)?(environ|env|getenv)\b(?!\.set)", ast.unparse(function)) is not None


def _default(call):
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    return (given or call.args[1:2] or [None])[0]


def _as_typed(value):
    """Return a default as one would write it into the environment."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_what_is_read_is_documented():
    """Nobody has to read the source to find a switch."""
    assert read().keys() - documented().keys() == set()


def test_what_is_documented_is_read():
    """A switch that does nothing is worse than none."""
    assert documented().keys() - read().keys() == set()


def test_defaults_are_as_documented():
    """Where the source has a plain value; what depends on other settings is said in words."""
    plain = {
        name: ast.literal_eval(node)
        for name, node in read().items()
        if isinstance(node, ast.Constant | ast.List) and name != "DATABASE_URL"
    }
    assert len(plain) > 25
    assert {name: documented()[name][0] for name in plain} == {
        name: _as_typed(value) for name, value in plain.items()
    }


@pytest.mark.parametrize("service", ["migrate", "web", "worker"])
def test_containers_set_only_what_is_read(service):
    """A variable that nobody reads only looks like a setting."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert services[service]["environment"].keys() - read().keys() == set()
