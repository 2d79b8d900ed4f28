"""docs/everest.md lists what EVerest's interface has here: no more and no less."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from chargers.management.commands.virtualchargepoint import EVEREST
from chargers.virtual import mqtt
from chargers.virtual.everest import COMMANDS, VARIABLES, OcppChargePoint
from chargers.virtual.schedules import Settings
from tests.chargers.virtual.test_documentation import words

pytestmark = pytest.mark.once

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "everest.md").read_text()


def rows(title):
    """Return {name: the other cells} of the table below a heading."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {words(name)[0]: others for name, *others in cells}


def test_every_variable_is_described():
    assert list(rows("Variables")) == list(VARIABLES)


@pytest.mark.parametrize("variable", VARIABLES)
def test_members_of_variables_are_described(variable):
    promised = re.match(r"{([^}]*)}", VARIABLES[variable])
    members = promised[1].split(", ") if promised else []

    assert [member for member in members if member not in words(rows("Variables")[variable][0])] == []


def test_every_command_is_described():
    assert list(rows("Commands")) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_arguments_of_commands_are_described(command):
    """By name, in the order of the method."""
    takes = inspect.signature(getattr(OcppChargePoint, command)).parameters

    assert words(rows("Commands")[command][0]) == [name for name in takes if name != "self"]


def test_retained_variables_are_named():
    assert set(words(rows("On MQTT")["var/<variable>"][1])) == set(mqtt.RETAINED)


def test_settings_are_described():
    told = {key: (python, default) for key, (default, python, _) in rows("Charging schedules").items()}
    fields = {each.name: each.default for each in dataclasses.fields(Settings)}

    assert told == {
        key: (f"`{name}`", f"`{str(fields[name]).removesuffix('False') or 'false'}`")
        for key, (name, _) in EVEREST.items()
    }
