"""docs/virtual-charge-point.md lists what there is: no more and no less."""

import inspect
import re
from pathlib import Path

import pytest

from chargers.management.commands.virtualchargepoint import Command
from chargers.virtual import answers16, answers201
from chargers.virtual.charge_point import EVENTS, ChargePoint
from chargers.virtual.configuration import SETTINGS
from chargers.virtual.console import COMMANDS

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
    assert [words(name)[0] for name, *_ in rows("Commands")] == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
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


@pytest.mark.parametrize(("version", "answers"), [("1.6", answers16), ("2.0.1", answers201)])
def test_every_request_is_named(version, answers):
    cells = dict(rows("What the CSMS can ask of it"))

    assert words(cells[version]) == sorted(answers.HANDLERS)


def test_every_configuration_key_is_named():
    listed = [(words(key)[0], variable, change) for key, _, variable, change in rows("Configuration")]

    assert listed == [
        (
            each.key,
            f"{each.component}.{each.variable}".strip("."),
            "yes" if each.is_writable else "no",
        )
        for each in SETTINGS
    ]
