"""The rows by which server processes know of each other."""

import logging
import os
import socket
import threading

from django.db import Error, connection
from django.utils import timezone

from csms.models import ServerProcess

logger = logging.getLogger(__name__)


def register(kind: str) -> ServerProcess:
    """Enter this process, of `kind` web or worker, as alive."""
    return ServerProcess.objects.create(name=f"{socket.gethostname()}:{os.getpid()}"[:100], kind=kind)


def beat(process: ServerProcess) -> bool:
    """Say that `process` lives; return False if its row was cleaned away and had to be entered again."""
    process.beat_at = timezone.now()
    if ServerProcess.objects.filter(pk=process.pk).update(beat_at=process.beat_at):
        return True
    # Two lanes of the process may find it missing at once.
    ServerProcess.objects.bulk_create([process], ignore_conflicts=True)
    return False


def beat_until(stop: threading.Event, process: ServerProcess) -> None:
    """Beat every 5 s until `stop` is set, through any loss of the database; then sign off.

    Made to be the target of a thread, which closes its connection at the end.
    """
    while not stop.wait(ServerProcess.BEAT_SECONDS):
        _outliving_the_database(beat, process)
    _outliving_the_database(ServerProcess.delete, process)
    connection.close()


def _outliving_the_database(act, process):
    try:
        act(process)
    except Error as error:
        logger.warning("%s could not reach the database: %s", process, error)
        connection.close()
