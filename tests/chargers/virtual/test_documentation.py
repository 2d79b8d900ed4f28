"""docs/virtual-charge-point.md lists what there is: no more and no less."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from chargers.management.commands.virtualchargepoint import VERSIONS, Command
from chargers.virtual import answers
from chargers.virtual.charge_point import EVENTS, ChargePoint
from chargers.virtual.commands import PLAY
from chargers.virtual.configuration import SETTINGS
from chargers.wire import validation

pytestmark = pytest.mark.once

MISSING = "CALLERROR NotSupported"
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "virtual-charge-point.md").read_text()


def rows(title):
    """Return the cells of the table below a heading, without the head of the table."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_every_option_is_described():
    """In the order of the command's own help."""
    added = inspect.getsource(Command.add_arguments)

    assert [words(name)[0] for name, _ in rows("Options")] == re.findall(r'"(--[a-z]+)"', added)


def test_every_command_is_described():
    assert [words(name)[0] for name, *_ in rows("Commands")] == list(PLAY)


@pytest.mark.parametrize("command", PLAY)
def test_arguments_of_commands_are_described(command):
    """By name, in the order of the method."""
    cells = {words(name)[0]: arguments for name, arguments, _ in rows("Commands")}
    takes = inspect.signature(getattr(ChargePoint, command)).parameters

    assert words(cells[command]) == [name for name in takes if name != "self"]


def test_every_event_is_described():
    assert [words(name)[0] for name, _ in rows("Events")] == list(EVENTS)


@pytest.mark.parametrize("event", EVENTS)
def test_members_of_events_are_described(event):
    """Each word that the code promises about the value stands on the page."""
    cells = {words(name)[0]: value for name, value in rows("Events")}
    promised = re.match(r"{([^}]*)}", EVENTS[event])
    members = promised[1].split(", ") if promised else []

    assert [member for member in members if member not in words(cells[event])] == []


def requests():
    """Return (action, version, answer, test) of each request that is described."""
    named = rows("What the CSMS can ask of it")
    return [(words(action)[0], version, answer, words(test)[0]) for action, version, answer, test in named]


def test_every_request_is_described():
    """Each action that a CSMS may ask for, in each version, once."""
    askable = {(action, name) for name in VERSIONS for action in validation.to_charger(VERSIONS[name])}

    assert [(action, version) for action, version, *_ in requests()] == sorted(askable)


@pytest.mark.parametrize("version", VERSIONS)
def test_only_what_is_missing_is_called_so(version):
    missing = {action for action, its, answer, _ in requests() if its == version and answer == MISSING}

    assert missing == validation.to_charger(VERSIONS[version]) - set(answers.HANDLERS[VERSIONS[version]])


@pytest.mark.parametrize(
    ("action", "test"), [(action, test) for action, _, answer, test in requests() if answer != MISSING]
)
def test_every_answer_is_proved(action, test):
    """By a test of that name which asks for the action."""
    file, name = test.split("::")
    tests = ast.parse((Path(__file__).parent / file).read_text()).body
    (function,) = [each for each in tests if getattr(each, "name", "") == name]

    assert action in {each.value for each in ast.walk(function) if isinstance(each, ast.Constant)}


def test_every_configuration_key_is_named():
    listed = [(words(key)[0], place, change) for key, _, place, change in rows("Configuration")]

    assert listed == [(each.key, each.place, _who_may(each)) for each in SETTINGS if each.key]


def test_every_variable_without_a_key_is_named():
    listed = [(words(place)[0], change) for place, _, change in rows("Variables of 2.0.1 only")]

    assert listed == [(each.place, "yes" if each.is_writable else "no") for each in SETTINGS if not each.key]


def _who_may(setting):
    may = [setting.is_writable, setting.is_writable_in(is_201=True)]
    return {(True, True): "yes", (False, False): "no", (True, False): "in 1.6"}.get(tuple(may), "in 2.0.1")
