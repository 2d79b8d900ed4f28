"""Recording facts. Services call `record`; takers read the rows by id and look at the objects.

Inside a batch the rows wait for its bulk insert (`collected`); anywhere else they are written
at once. Either way they belong to the transaction that made the fact true.
"""

import threading
from contextlib import contextmanager

from csms.models import Event

_sink = threading.local()


def record(kind, *, charger=None, owner_id=None, about=None, object_id=None, **data):
    """Record that `kind` happened. `data` must be JSON; it holds ids and words, never secrets.

    `about` is the row it happened to; inside a batch it may get its id only with the bulk write.
    """
    event = Event(
        kind=kind,
        owner_id=owner_id if charger is None else charger.owner_id,
        charger_id=charger and charger.pk,
        object_id=object_id,
        data=data,
    )
    event.about = about
    waiting = getattr(_sink, "events", None)
    if waiting is None:
        name(event)
        event.save(force_insert=True)
    else:
        waiting.append(event)


def name(event):
    """Give the event the id of the row that it is about."""
    if event.about is not None:
        event.object_id = event.about.pk


@contextmanager
def collected():
    """Gather the events recorded in this thread; the caller inserts them."""
    outer = getattr(_sink, "events", None)
    _sink.events = []
    try:
        yield _sink.events
    finally:
        _sink.events = outer
