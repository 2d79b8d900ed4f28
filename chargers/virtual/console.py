"""A charge point on a terminal: commands as JSON lines in; answers, events and variables as JSON lines out.

Commands are carried out one after the other, in the order of their lines; only those of commands.ASIDE
do not wait for their turn. A line that cannot be carried out is answered with what is wrong with it.
"""

import asyncio
import os
import threading
from functools import partial

import orjson

from chargers.virtual.charge_point import EVENTS
from chargers.virtual.commands import BadCommand
from chargers.virtual.everest import VARIABLES

LONGEST_LINE = 1024 * 1024
_TRACED = "ocpp_message"


class Console:
    """Reads Commands for one charge point and writes what becomes of them through `write(text)`."""

    def __init__(self, commands, write, *, trace=False):
        self._commands, self._write = commands, write
        self._tasks = set()
        for event in EVENTS:
            if event != _TRACED or trace:
                commands.point.subscribe(event, partial(self._tell, "event", event))
        for variable in VARIABLES:
            if variable != _TRACED or trace:
                commands.interface.subscribe(variable, partial(self._tell, "variable", variable))

    def _tell(self, kind, name, value):
        self.say(**{kind: name, "value": value})

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
            name, args = self._commands.checked(command)
        except BadCommand as problem:
            self.say(id=identifier, error=str(problem))
            return
        task = asyncio.ensure_future(self._carry_out(identifier, name, args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, identifier, name, args):
        self.say(id=identifier, **await self._commands.carry_out(name, args))


def _parsed(line):
    try:
        command = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadCommand(f"not JSON: {error}") from None
    if not isinstance(command, dict):
        raise BadCommand('a command is an object: {"id": "a", "command": "plug_in", "args": {}}')
    return command


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
