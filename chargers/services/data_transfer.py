"""DataTransfer both ways: what vendors say to each other beside OCPP.

Inbound, a handler is registered for a vendor's message:

    @data_transfer.vendor("com.example", "Ping")
    def ping(charger, data):
        return "Accepted", data

It runs where messages are stored: many in one transaction, perhaps more than once. So it touches nothing but
the database. Modules with handlers are named in CSMS_DATA_TRANSFER_HANDLERS.
"""

import logging
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import TextChoices

from chargers.models import Command
from chargers.services import commands, remote
from chargers.wire import masking
from csms import events

logger = logging.getLogger(__name__)

# What answers no sooner counts as offline (EVerest's ocpp_1_6_charge_point).
PATIENCE_SECONDS = 60
OURS = "chargers.services.stationmaster_messages"
_handlers = {}


class Status(TextChoices):
    """What becomes of a DataTransfer; OFFLINE is nobody's answer."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_MESSAGE_ID = "UnknownMessageId"
    UNKNOWN_VENDOR_ID = "UnknownVendorId"
    OFFLINE = "Offline"


_ANSWERS = frozenset(Status) - {Status.OFFLINE}


# From chargers --------------------------------------------------------------------------------


def vendor(vendor_id, message_id=None):
    """Have the decorated `(charger, data) -> (status, data)` answer a vendor's message.

    Without `message_id` it answers every message of the vendor that has no handler of its own. `data` is
    as it came: text in OCPP 1.6, any JSON in 2.0.1, None where there was none; likewise what is returned.
    Ids are compared whatever their case.
    """

    def enter(function):
        _handlers.setdefault(_folded(vendor_id), {})[_folded(message_id)] = function
        return function

    return enter


def load():
    """Import the modules that register handlers: ours, and those that the setting names."""
    for name in [OURS, *settings.CSMS_DATA_TRANSFER_HANDLERS]:
        try:
            import_module(name)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"CSMS_DATA_TRANSFER_HANDLERS: {name} cannot be imported: {error}"
            ) from error


def receive(charger, payload):
    """Have a charger's DataTransfer answered by its handler, and keep it; return (status, data)."""
    status, data = _answer(charger, payload)
    events.record(
        "charger.data_transfer", charger=charger, payload=masking.masked(payload), status=str(status)
    )
    return str(status), data


def _answer(charger, payload):
    of_vendor = _handlers.get(_folded(payload.get("vendorId")))
    if of_vendor is None:
        return Status.UNKNOWN_VENDOR_ID, None
    handler = of_vendor.get(_folded(payload.get("messageId"))) or of_vendor.get(None)
    if handler is None:
        return Status.UNKNOWN_MESSAGE_ID, None
    try:
        with transaction.atomic():
            return _checked(handler(charger, payload.get("data")))
    except (OperationalError, InterfaceError):
        raise  # the database is away or busy: the message is taken once more
    except Exception:
        logger.exception("the handler of %r %r failed", payload.get("vendorId"), payload.get("messageId"))
        return Status.REJECTED, None


def _checked(answer):
    """Return (status, data) of what a handler returned; raise where that cannot be sent."""
    status, data = answer
    if status not in _ANSWERS:
        raise ValueError(f"{status!r} is no status of a DataTransfer")
    if cause := commands.unwritable(data):
        raise ValueError(cause)
    return Status(status), data


def _folded(name):
    return str(name).casefold() if name else None


# To chargers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a charger made of a DataTransfer. `data` is as it came; None where there was none."""

    status: str
    data: object = None


def send(charger, vendor_id, message_id="", data=None, **options):
    """Send a DataTransfer and return its Command; see `outcome` for what became of it.

    `data` goes as it is: text for OCPP 1.6, any JSON for 2.0.1. Raises what `commands.send` raises.
    """
    asked = remote.words(charger).data_transfer(vendor_id, message_id, data)
    return commands.send(charger, *asked, **options)


def exchange(charger, vendor_id, message_id="", data=None, *, patience=PATIENCE_SECONDS, **options):
    """Send a DataTransfer, wait for its answer and return (Outcome, Command).

    The outcome is Offline, without a Command, where the charger is not connected, and Offline too when a
    minute (PATIENCE_SECONDS) brought no answer; then nothing is sent later either. It is None when a
    shorter `patience` brought none, and the answer may still come. Call outside a transaction.
    """
    try:
        command = send(charger, vendor_id, message_id, data, **options)
    except commands.NotConnected:
        return Outcome(str(Status.OFFLINE)), None
    command = commands.wait(command, patience)
    found = outcome(command)
    if found is None and patience >= PATIENCE_SECONDS:
        commands.cancel(command)
        found = Outcome(str(Status.OFFLINE))
    return found, command


def outcome(command):
    """Return what became of a DataTransfer command; None while its answer may still come."""
    if not command.is_finished:
        return None
    if command.state == Command.State.COMPLETED:
        return _read(command.result)
    is_refusal = command.state == Command.State.FAILED and command.error_code not in _NOT_THERE
    return Outcome(str(Status.REJECTED if is_refusal else Status.OFFLINE))


_NOT_THERE = {"NotConnected", "ConnectionLost"}


def _read(result):
    """Read a charger's answer; one that cannot be understood is a refusal."""
    status = result.get("status") if isinstance(result, dict) else None
    if not isinstance(status, str) or status not in _ANSWERS:
        return Outcome(str(Status.REJECTED))
    return Outcome(status, result.get("data"))
