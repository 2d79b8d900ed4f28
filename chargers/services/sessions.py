"""Ending a charging session by hand: the row at once, the charger as soon as it obeys."""

from contextlib import suppress

from django.db import transaction
from django.utils import timezone

from chargers import batch
from chargers.services import commands, remote, transactions


def end(session, *, reason="", id_token="", **options):
    """End a transaction's row and ask its charger to stop; say whether it was still open.

    The row ends now, as an assumed end: the stop that the charger reports, if it ever does, replaces it.
    A charger that is offline is not asked, nor one that belongs to somebody else by now, and nothing waits
    for its answer. `options` go to the command.
    """
    whose = [session.charger_id]
    with transaction.atomic(), batch.open_batch(whose, serial_ids=whose) as opened:
        opened.now = timezone.now()
        charger = opened.chargers[session.charger_id]
        running = [row for row in batch.running(charger) if row.pk == session.pk]
        for row in running:
            transactions.assume_end(charger, row, at=opened.now, reason=reason, id_token=id_token)
    if running and charger.owner_id == session.owner_id:
        with suppress(commands.Refused):  # it is offline
            remote.stop(session, **options)
    return bool(running)
