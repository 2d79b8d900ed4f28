"""SolarFlux: datum published to an MQTT broker, by a cursor over their rows.

The cursor moves over what the broker has acknowledged and over nothing else, so whatever it misses is
sent when it is back: every row at least once, and those of a source in the order in which they were
written. A row that changes has a new id, and so is published again.
"""

import asyncio
import logging
import re
from contextlib import AsyncExitStack
from datetime import timedelta

import cbor2
import orjson
from django.conf import settings
from django.db import connection
from django.utils import timezone

from chargers.models import Datum
from csms import mqtt
from csms.models import Cursor
from csms.retention import delete_older

logger = logging.getLogger(__name__)

CURSOR = "solarflux"
# Rows that are read, sent and acknowledged at once; no more of them are in memory.
PAGE = 500
POLL_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# How long a datum is kept that was only to be published.
KEEP_UNSTORED_DAYS = 1
_COLUMNS = (
    "pk",
    "is_published",
    "measured_at",
    "properties",
    "stream__owner_id",
    "stream__node_id",
    "stream__source_id",
)
# Wildcards have a meaning in the names that subscribers ask for; a broker hangs up on who sends it control
# characters, or what Unicode calls no characters: the same page would be sent for ever.
_UNFIT = re.compile(
    "[+#\\x00-\\x1f\\x7f-\\x9f\\ufdd0-\\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)


def publish(stop=None):
    """Publish what is settled until `stop`, an event, is set; without one until nothing is left.

    A broker that cannot be reached is tried again. Returns early when another one is at it.
    """
    # Before the broker is reached: what comes while it is away from the beginning is not lost either.
    _position()
    pause = FIRST_PAUSE
    while True:
        sent = _Sent()
        try:
            return _publish(sent, stop)
        except mqtt.Error as error:
            if stop is None:
                raise
            # Not the URL, which holds the password.
            logger.warning("the MQTT broker is away: %s", error)
        connection.close_if_unusable_or_obsolete()
        pause = FIRST_PAUSE if sent.pages else min(pause * 2, LONGEST_PAUSE)
        if stop.wait(pause):
            return None


class _Sent:
    """How much was acknowledged since the broker was reached."""

    pages = 0


def _publish(sent, stop):
    # Django's connection belongs to this thread and is used between the turns of the loop.
    with asyncio.Runner() as runner:
        connection_to_broker = AsyncExitStack()
        link = runner.run(connection_to_broker.enter_async_context(mqtt.connected()))
        try:
            while stop is None or not stop.is_set():
                is_last = not _publish_page(runner, link, sent)
                if is_last and stop is None:
                    return
                if is_last:
                    connection.close_if_unusable_or_obsolete()
                    runner.run(link.rest(POLL_SECONDS))
        except _Superseded:
            logger.warning("another worker publishes datum")
        finally:
            runner.run(connection_to_broker.aclose())


class _Superseded(Exception):
    """Somebody else has moved the cursor."""


def _publish_page(runner, link, sent):
    """Publish the next rows and move the cursor over them; say whether there were any."""
    position = _position()
    rows = list(Datum.objects.settled().filter(pk__gt=position).order_by("pk").values_list(*_COLUMNS)[:PAGE])
    if not rows:
        return False
    if messages := [message(*row[2:]) for row in rows if row[1]]:
        runner.run(link.publish(messages))
    moved = Cursor.objects.filter(name=CURSOR, position=position)
    if not moved.update(position=rows[-1][0], moved_at=timezone.now()):
        raise _Superseded
    sent.pages += 1
    return True


def message(measured_at, properties, owner_id, node_id, source_id):
    """Return (topic, payload) of a datum."""
    topic = f"user/{owner_id}/node/{node_id}/datum/0/{source_id.lstrip('/')}"
    members = {
        "created": round(measured_at.timestamp() * 1000),
        "nodeId": node_id,
        "sourceId": source_id,
        **properties,
    }
    encode = orjson.dumps if settings.CSMS_MQTT_PAYLOAD == "json" else cbor2.dumps
    return _UNFIT.sub("_", topic), encode(members)


def _position():
    """Return the last id that was published; whoever begins begins with what comes next."""
    found = Cursor.objects.filter(name=CURSOR).values_list("position", flat=True).first()
    if found is None:
        row, _ = Cursor.objects.get_or_create(name=CURSOR, defaults={"position": _newest()})
        found = row.position
    return found


def _newest():
    return Datum.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def forget():
    """Note that nothing is published: a broker that is set later must not be sent years of datum."""
    if Cursor.objects.filter(name=CURSOR).exists():
        Cursor.objects.filter(name=CURSOR).delete()


def lag_seconds(now):
    """Return how long the oldest datum that is not published yet has waited; None where none are."""
    position = Cursor.objects.filter(name=CURSOR).values_list("position", flat=True).first()
    if position is None:
        return None
    waiting = Datum.objects.filter(pk__gt=position).order_by("pk")
    received_at = waiting.values_list("received_at", flat=True).first()
    return max(0.0, (now - received_at) / timedelta(seconds=1)) if received_at else 0.0


def drop_unstored(now):
    """Delete the datum that were only to be published, a day after; those that still wait are kept."""
    rows = Datum.objects.filter(is_stored=False)
    position = Cursor.objects.filter(name=CURSOR).values_list("position", flat=True).first()
    if position is not None:
        rows = rows.filter(pk__lte=position)
    delete_older(rows, "received_at", days=KEEP_UNSTORED_DAYS, now=now)
