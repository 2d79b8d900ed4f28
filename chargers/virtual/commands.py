"""What can be asked of a charge point by name, with arguments that came as JSON: the same at every door.

A command is a method: of the charge point for those of PLAY, of EVerest's interface for the others.
What it takes and of which kind is read from its signature, so a new command is a name in PLAY, a
method with annotations and a row in docs/virtual-charge-point.md.
"""

import asyncio
import inspect
import types
from typing import get_args

from chargers.virtual import everest
from chargers.virtual.charging import NotPossible
from chargers.virtual.client import CallFailed

PLAY = (
    "plug_in",
    "unplug",
    "present_tag",
    "set_power",
    "external_limit",
    "raise_fault",
    "clear_fault",
    "raise_error",
    "set_lock",
    "go_offline",
    "go_online",
    "power_cycle",
    "set_outcome",
    "start",
    "stop",
    "send",
    "state",
)
COMMANDS = (*PLAY, *(name for name in everest.COMMANDS if name not in PLAY))
# These wait for the CSMS or for nothing at all; the others are carried out one after the other.
ASIDE = frozenset(["send", "state", "data_transfer"])
_MEMBERS = {"id", "command", "args"}


class BadCommand(Exception):
    """What was asked for is no command; the text says why."""


class Commands:
    """The commands of one charge point; its doors share their turns."""

    def __init__(self, interface):
        self.interface, self.point = interface, interface.point
        self._turn = asyncio.Lock()

    def checked(self, command):
        """Return (name, args) of {"command": …, "args": …}; raises BadCommand."""
        name, args = command.get("command"), command.get("args")
        if unknown := set(command) - _MEMBERS:
            raise BadCommand(f"unknown member {min(unknown)!r}: a command has id, command and args")
        if name not in COMMANDS:
            raise BadCommand(f"unknown command {name!r}: there are {', '.join(COMMANDS)}")
        args = {} if args is None else args
        if not isinstance(args, dict):
            raise BadCommand("args is an object of named arguments")
        return name, _fitting(name, args, inspect.signature(self._method(name)).parameters)

    async def carry_out(self, name, args):
        """Do it in its turn; return {"result": …}, or {"error": why not}."""
        if name in ASIDE:
            return await self._carry_out(name, args)
        async with self._turn:
            return await self._carry_out(name, args)

    async def _carry_out(self, name, args):
        try:
            return {"result": await self._method(name)(**args)}
        except (NotPossible, CallFailed) as failure:
            return {"error": str(failure)}
        except Exception as error:  # noqa: BLE001  (whoever asked hears of it; the others go on)
            return {"error": f"{name} failed: {error!r}"}

    def _method(self, name):
        return getattr(self.point if name in PLAY else self.interface, name)


def _fitting(name, args, parameters):
    for missing in (each.name for each in parameters.values() if each.default is each.empty):
        if missing not in args:
            raise BadCommand(f"{name} needs {missing!r}")
    for given, value in args.items():
        if given not in parameters:
            known = ", ".join(parameters) or "none"
            raise BadCommand(f"{name} has no argument {given!r}: it takes {known}")
        if problem := _misfit(value, parameters[given]):
            raise BadCommand(f"{given!r} must be {problem}")
    return args


def _misfit(value, parameter):
    """Return what `value` should have been, or "" when it fits."""
    wanted = parameter.annotation
    if isinstance(wanted, types.UnionType):
        wanted = next(each for each in get_args(wanted) if each is not types.NoneType)
    if value is None and parameter.default is None:
        return ""
    words, fits = _KINDS[wanted]
    return "" if fits(value) else words


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


# What an annotation says, in words, and whether a value from JSON is that.
_KINDS = {
    int: ("a whole number", lambda value: _is_number(value) and isinstance(value, int)),
    float: ("a number", _is_number),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str: ("a text", lambda value: isinstance(value, str)),
    dict: ("an object", lambda value: isinstance(value, dict)),
    list[str]: (
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    ),
}
