"""What chargers add to /metrics and /readyz: counts of what is alive, and the state of the lanes."""

from django.utils import timezone

from chargers import switchboard
from chargers.models import Command, Presence, Transaction
from chargers.services import solarflux
from csms import health, metrics


def online_chargers():
    return Presence.objects.online(timezone.now()).count()


def open_transactions():
    return Transaction.objects.open().count()


def waiting_commands():
    return Command.objects.waiting(timezone.now()).count()


def datum_lag():
    return solarflux.lag_seconds(timezone.now())


def waiting_works():
    return sum(committer.waiting for committer in _committers())


def lanes_trouble():
    """Return why sockets should go to another process, or None."""
    if any(board.is_draining for board in switchboard.boards()):
        return "draining"
    if any(committer.is_down for committer in _committers()):
        return "a lane has lost the database"
    if any(committer.is_full for committer in _committers()):
        return "the lanes are full"
    return None


def _committers():
    return [board.committer for board in switchboard.boards() if board.committer]


def register():
    metrics.gauge("csms_online_chargers", "Chargers that are connected.", online_chargers)
    metrics.gauge("csms_open_transactions", "Transactions that have not ended.", open_transactions)
    metrics.gauge("csms_waiting_commands", "Commands that wait for their charger.", waiting_commands)
    metrics.gauge(
        "csms_datum_lag_seconds", "How long the oldest datum has waited to be published.", datum_lag
    )
    metrics.lane_queue.set_function(waiting_works)
    health.checks.append(lanes_trouble)
