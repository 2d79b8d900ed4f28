"""What people ask of chargers, whatever version they speak. Each returns the Command.

Raises what `commands.send` raises; keyword arguments beyond those named go there.
"""

import secrets
from contextlib import suppress
from datetime import timedelta

from chargers import batch
from chargers.models import Command, Protocol
from chargers.services import commands
from chargers.wire import v16, v201

BOOT_ORIGIN, BOOT_PAUSE = "registration", timedelta(hours=1)
_WORDS = {Protocol.OCPP16: v16, Protocol.OCPP201: v201}


def words(charger):
    """Return the module that knows how to ask in the charger's version."""
    return _WORDS[Protocol(charger.protocol)]


def start(charger, id_token, *, evse_id=0, connector_id=None, **options):
    """Ask for a transaction to begin for `id_token`, on a connector or wherever the charger likes."""
    asked = words(charger).start(
        id_token, evse_id=evse_id, connector_id=connector_id, remote_start_id=secrets.randbelow(2**31 - 1) + 1
    )
    return commands.send(charger, *asked, **options)


def stop(transaction, **options):
    """Ask for a running transaction to end."""
    charger = transaction.charger
    number = transaction.transaction_id or transaction.pk
    return commands.send(charger, *words(charger).stop(number), **options)


def unlock(connector, **options):
    """Ask for the cable to be released."""
    asked = words(connector.charger).unlock(evse_id=connector.evse_id, connector_id=connector.connector_id)
    return commands.send(connector.charger, *asked, **options)


def reset(charger, *, hard=False, **options):
    """Ask for a restart: hard at once, soft when transactions have been ended properly."""
    return commands.send(charger, *words(charger).reset(hard=hard), **options)


def trigger(charger, message, *, connector=None, **options):
    """Ask for a message to be sent now; see the version's TRIGGERS for which there are."""
    return commands.send(charger, *words(charger).trigger(message, **_place(connector)), **options)


def ask_for_boot(charger):
    """Have a charger that never booted here tell who it is; return the Command, or None.

    Some never do after a reconnect. At most once an hour: triggers upset some chargers.
    """
    now = batch.now()
    asked = Command.objects.filter(charger=charger, origin=BOOT_ORIGIN, created_at__gt=now - BOOT_PAUSE)
    if charger.booted_at is not None or asked.exists():
        return None
    with suppress(commands.Refused):  # it has just gone
        return trigger(charger, "BootNotification", origin=BOOT_ORIGIN)
    return None


def availability(charger, operative, *, connector=None, **options):
    """Take a connector, or the whole charger, into or out of service."""
    return commands.send(charger, *words(charger).availability(operative, **_place(connector)), **options)


def _place(connector):
    if connector is None:
        return {}
    return {"evse_id": connector.evse_id, "connector_id": connector.connector_id}
