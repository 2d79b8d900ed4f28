"""A charge point on a terminal: commands as JSON lines in, answers and events as JSON lines out.

Commands are carried out one after the other, in the order of their lines; only `send` and `state`
do not wait for their turn. A line that cannot be carried out is answered with what is wrong with it.
"""

import asyncio
import inspect
import os
import threading

import orjson

from chargers.virtual.charge_point import EVENTS
from chargers.virtual.charging import NotPossible
from chargers.virtual.client import CallFailed

COMMANDS = (
    "plug_in",
    "unplug",
    "present_tag",
    "set_power",
    "raise_fault",
    "clear_fault",
    "go_offline",
    "go_online",
    "power_cycle",
    "start",
    "stop",
    "send",
    "state",
)
_ASIDE = frozenset(["send", "state"])
LONGEST_LINE = 1024 * 1024
_NAMES = {int: "a whole number", float: "a number", str: "a text", dict: "an object"}


class BadLine(Exception):
    """A line that is no command; the text says why."""


class Console:
    """Reads commands for one charge point and writes what becomes of them through `write(text)`."""

    def __init__(self, point, write, *, trace=False):
        self._point, self._write = point, write
        self._tasks, self._turn = set(), asyncio.Lock()
        for event in EVENTS:
            if event != "ocpp_message" or trace:
                point.subscribe(event, lambda value, event=event: self.say(event=event, value=value))

    def say(self, **line):
        self._write(orjson.dumps(line).decode())

    async def run(self, lines):
        """Carry out the commands of `lines`, an asyncio.Queue of bytes, until a None; then finish them."""
        while (line := await lines.get()) is not None:
            if line.strip():
                self._take(line)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _take(self, line):
        identifier = None
        try:
            command = _parsed(line)
            identifier = command.get("id")
            name, args = _checked(self._point, command)
        except BadLine as problem:
            self.say(id=identifier, error=str(problem))
            return
        task = asyncio.ensure_future(self._in_turn(identifier, name, args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _in_turn(self, identifier, name, args):
        if name in _ASIDE:
            await self._carry_out(identifier, name, args)
            return
        async with self._turn:
            await self._carry_out(identifier, name, args)

    async def _carry_out(self, identifier, name, args):
        try:
            result = await getattr(self._point, name)(**args)
        except (NotPossible, CallFailed) as failure:
            self.say(id=identifier, error=str(failure))
        except Exception as error:  # noqa: BLE001  (whoever typed it hears of it; the others go on)
            self.say(id=identifier, error=f"{name} failed: {error!r}")
        else:
            self.say(id=identifier, result=result)


def _parsed(line):
    try:
        command = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error}") from None
    if not isinstance(command, dict):
        raise BadLine('a command is an object: {"id": "a", "command": "plug_in", "args": {}}')
    return command


def _checked(point, command):
    """Return (name, args) of a command; raises BadLine."""
    name, args = command.get("command"), command.get("args")
    if unknown := set(command) - {"id", "command", "args"}:
        raise BadLine(f"unknown member {min(unknown)!r}: a command has id, command and args")
    if name not in COMMANDS:
        raise BadLine(f"unknown command {name!r}: there are {', '.join(COMMANDS)}")
    args = {} if args is None else args
    if not isinstance(args, dict):
        raise BadLine("args is an object of named arguments")
    return name, _fitting(name, args, inspect.signature(getattr(point, name)).parameters)


def _fitting(name, args, parameters):
    for missing in (each.name for each in parameters.values() if each.default is each.empty):
        if missing not in args:
            raise BadLine(f"{name} needs {missing!r}")
    for given, value in args.items():
        if given not in parameters:
            known = ", ".join(parameters) or "none"
            raise BadLine(f"{name} has no argument {given!r}: it takes {known}")
        if problem := _misfit(value, parameters[given]):
            raise BadLine(f"{given!r} must be {problem}")
    return args


def _misfit(value, parameter):
    """Return what `value` should have been, or "" when it fits."""
    wanted = float if parameter.annotation == float | None else parameter.annotation
    if value is None and parameter.default is None:
        return ""
    allowed = (int, float) if wanted is float else (wanted,)
    return "" if isinstance(value, allowed) and not isinstance(value, bool) else _NAMES[wanted]


def read_lines(descriptor, loop, lines):
    """Put the lines of a file descriptor into the queue `lines`, and a None at its end.

    A thread with bare reads, since an event loop cannot wait for regular files, and a daemon
    that holds the lock of a buffered stdin would keep the interpreter from ending.
    """

    def work():
        rest = b""
        while chunk := os.read(descriptor, 65536):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            rest = rest if len(rest) <= LONGEST_LINE else b"x"  # answered as not JSON
        loop.call_soon_threadsafe(lines.put_nowait, rest)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    def work_until_closed():
        try:
            work()
        except (OSError, RuntimeError):  # the descriptor or the loop is closed: nobody listens any more
            return

    threading.Thread(target=work_until_closed, name="stdin", daemon=True).start()
