"""Reaching the process that holds a charger's socket, and the thread that waits for an answer.

Everything here is a hint: what is to be done stands in rows, which the owner of a socket also
looks at on connect and now and then. A lost wake-up costs seconds, never a command.
"""

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


@dataclass
class Home:
    """The loop that runs this process's sockets, once there is one, and its channel."""

    loop: asyncio.AbstractEventLoop | None = None
    channel: str = ""


# The sockets of this process by charger; the switchboard keeps it. An entry's `offer(command)`
# takes a command that is claimed for it already, `look()` has it look for waiting rows, `tend(within)`
# has its charger reconciled once that is quiet, `dismiss(code, reason)` closes it.
links = {}
home = Home()
# Channels of processes that asked a charger something lately: {charger: {channel: when}}.
_askers = {}
ASKERS_KEPT_SECONDS = 120
# Threads that wait for the end of a command, in this process.
_waiters = {}


def wake(charger_id, process_channel):
    """Have the owner of the charger's socket look for waiting commands."""
    link = links.get(charger_id)
    if link is not None:
        link.look()
    elif process_channel:
        tell(process_channel, {"type": "commands.look", "charger": charger_id, "reply": home.channel})


def tend(charger_id, process_channel, *, within=0.0):
    """Have the owner of the charger's socket bring the charger to what is wanted, once it is quiet.

    `within`: begin at some moment of so many seconds, so that many do not at the same one.
    """
    link = links.get(charger_id)
    if link is not None:
        link.tend(within)
    elif process_channel:
        tell(process_channel, {"type": "charger.tend", "charger": charger_id, "within": within})


def hang_up(charger_id, process_channel, code, reason):
    """Have the socket of a charger closed; one that is not told is at its next beat."""
    link = links.get(charger_id)
    if link is not None:
        link.dismiss(code, reason)
    elif process_channel:
        order = {"type": "charger.dismissed", "charger": charger_id, "code": code, "reason": reason}
        tell(process_channel, order)


def tell(channel, message):
    """Send a message to another process, as well as it goes."""
    layer = get_channel_layer()
    with suppress(Exception):  # the layer may be away: rows are the truth
        if home.loop is not None and home.loop.is_running():
            asyncio.run_coroutine_threadsafe(layer.send(channel, message), home.loop)
        else:
            async_to_sync(layer.send)(channel, message)


class Waiter:
    """Waits in a thread for one command; hears of its end if that happens in this process."""

    def __init__(self, command_id):
        self._id = command_id
        self._event = threading.Event()

    def __enter__(self):
        _waiters.setdefault(self._id, []).append(self)
        return self

    def __exit__(self, *_):
        waiting = _waiters.get(self._id, [])
        waiting.remove(self)
        if not waiting:
            _waiters.pop(self._id, None)

    def wait(self, seconds):
        """Return True as soon as the end was heard of, False when `seconds` are over."""
        return self._event.wait(seconds)

    def set(self):
        self._event.set()


def asked_by(charger_id, channel):
    """Remember that a process waits for the end of a command to the charger."""
    if channel:
        _askers.setdefault(charger_id, {})[channel] = time.monotonic()


def finished(command_id, charger_id):
    """Wake whoever waits for the command, here and in the processes that asked."""
    for waiter in list(_waiters.get(command_id, ())):
        waiter.set()
    askers = _askers.get(charger_id, {})
    for channel, asked_at in list(askers.items()):
        if time.monotonic() - asked_at > ASKERS_KEPT_SECONDS:
            askers.pop(channel, None)
        else:
            tell(channel, {"type": "command.finished", "command": command_id, "charger": charger_id})
